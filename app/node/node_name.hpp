// A node's name is held for its life by a file lock in the data directory: two processes of one
// name would take each other's leases, and whoever holds the lock knows that its former life is
// over.
//
// The lock is released by the kernel when the process ends, however it ends.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "runtime/core/error.hpp"
#include "runtime/database/file_lock.hpp"

namespace millrace {

struct node_name {
  std::string text;
  std::optional<postgres::file_lock>
      lock;  ///< None where the database is a server's: there is no data directory.
};

/// Holds exactly this name. data_directory where another process has it.
result<node_name> hold_name(const std::filesystem::path& data_directory, const std::string& name);

/// For `run`: the first free of "local", "local-2", …, so that several runs share a data directory.
/// Beside a server of its own database a run is called after its machine and process.
result<node_name> hold_any_name(const std::filesystem::path& data_directory);

}  // namespace millrace
