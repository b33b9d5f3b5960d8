// Finds the database of a command or a node: an embedded server in the data directory, or a URL;
// migrated. Blocks.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "config/settings.hpp"
#include "runtime/core/error.hpp"
#include "runtime/database/embedded_server.hpp"
#include "runtime/database/pool.hpp"

namespace millrace {

enum class database_use : std::uint8_t {
  write,  ///< Made and migrated where it is missing or old.
  read,   ///< Must exist; migrated only by those who write.
};

struct database_access {
  std::unique_ptr<embedded_server> server;  ///< Null for a URL.
  std::string connection_string;
  std::filesystem::path data_directory;  ///< Empty for a URL.
};

/// The data directory of an "embedded:" URL; empty where `url` is a server's.
std::filesystem::path data_directory_of(const std::string& url);

/// database_unavailable, database_newer, data_directory, …
result<database_access> open_database(const settings& s, database_use use);

}  // namespace millrace
