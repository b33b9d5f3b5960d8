// Brings a database to this binary's schema: sql/migrations/NNNN_name.sql, compiled in, each
// applied once in its own transaction, under one advisory lock, recorded in
// schema_migrations(version, name, checksum, applied_at).
#pragma once

#include <string>
#include <vector>

#include "runtime/core/error.hpp"
#include "runtime/database/sql.hpp"

namespace millrace {

struct migration {
  int version = 0;
  std::string name;
  std::string sql;
};

/// The migrations compiled into this binary, in order.
const std::vector<migration>& known_migrations();

struct migration_status {
  int database_version = 0;  ///< 0: empty database.
  int binary_version = 0;
  std::vector<std::string> pending;
};

result<migration_status> read_migration_status(sql::connection& connection);
/// Applies what is missing and returns the names applied. database_newer where the database has a
/// version that this binary does not know; database_error where an applied migration's text has
/// changed since.
result<std::vector<std::string>> migrate(sql::connection& connection);

}  // namespace millrace
