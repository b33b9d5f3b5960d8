// A real PostgreSQL for tests: one embedded server per test executable, in a temporary directory,
// started by the first test that needs it and removed at exit (also when the executable is killed).
// Each test_database is a fresh database of it, copied from a migrated template in a fraction of a
// second.
//
//   test_database db;
//   db.pool().transact("test", ...);
//
// For GoogleTest's main thread; the pool is thread-safe. Works as root (the server runs as
// `postgres`) and as a user.
#pragma once

#include <memory>
#include <string>

#include "runtime/database/embedded/embedded_server.hpp"
#include "runtime/database/pool.hpp"

namespace millrace {

/// The server of this executable; aborts the test run with the reason where none can be started.
embedded_server& test_server();

enum class test_schema { migrated, empty };

class test_database {
 public:
  explicit test_database(test_schema schema = test_schema::migrated, database_settings s = {});
  ~test_database();
  test_database(const test_database&) = delete;
  test_database& operator=(const test_database&) = delete;

  connection_pool& pool() { return *pool_; }
  /// For pools of a test's own, and for other processes.
  const std::string& connection_string() const { return connection_string_; }
  /// A connection without the pool's time-outs.
  sql::connection connect() const { return sql::connection{connection_string_}; }
  /// One value of one row, read on a connection of its own.
  std::string query(const std::string& sql) const;
  /// Statements in one transaction, on a connection of its own.
  void execute(const std::string& sql) const;

 private:
  std::string name_;
  std::string connection_string_;
  std::unique_ptr<connection_pool> pool_;
};

}  // namespace millrace
