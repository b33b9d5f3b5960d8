// The PostgreSQL programs of this machine. Only looks, starts at most pg_config; thread-safe,
// blocks.
#pragma once

#include <filesystem>
#include <optional>

#include "runtime/core/error.hpp"

namespace millrace::postgres {

struct installation {
  std::filesystem::path programs;  ///< The folder of initdb and postgres.
  int version = 0;                 ///< Major.
};

/// If `version` is given, exactly this one (a data directory belongs to one major version), else
/// the newest that is tested. ec::data_directory if there is none, with what to install;
/// resource_exhausted if this process cannot look now.
result<installation> find_installation(std::optional<int> version);

struct client_version {
  int version = 0;  ///< Major, of the server; 0: the newest program does.
  /// pg_dump reads older servers; what a newer pg_restore says an older server does not understand.
  bool or_newer = true;
};

/// A client program (pg_dump, pg_restore, ...): that version's, else the next newer one's if that
/// does; where versions have no folders, the one of PATH's usual folders. database_error, with the
/// package to install, if there is none.
result<std::filesystem::path> find_client_program(const std::string& name, client_version wanted);

}  // namespace millrace::postgres
