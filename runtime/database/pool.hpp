// Connections to PostgreSQL: pool_size kept, max_overflow more under load, each configured with
// statement, lock and idle-in-transaction time-outs, TCP keep-alives and an application name.
//
// Thread-safe. acquire() blocks up to acquire_timeout, then fails with pool_exhausted; it must not
// be called on an actor scheduler's thread (debug builds abort, see runtime/core/blocking.hpp). A
// connection that broke is dropped, the next acquire() makes a new one: the pool survives a restart
// of the server. Waiters are served in the order they came. Above pool_size, a connection that
// nobody waits for is closed after use.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "config/settings.hpp"
#include "runtime/core/error.hpp"
#include "runtime/database/sql.hpp"

namespace millrace {

struct pool_stats {
  int idle = 0;
  int busy = 0;
  int peak = 0;              ///< Most connections open at one time.
  std::uint64_t opened = 0;  ///< Since start.
  std::uint64_t transactions = 0;
  int waiting = 0;  ///< Callers of acquire() without a connection.
};

class connection_pool;

/// A borrowed connection; goes back to the pool when destroyed, or is closed if it broke.
class pooled_connection {
 public:
  pooled_connection(pooled_connection&&) noexcept;
  pooled_connection& operator=(pooled_connection&&) noexcept;
  pooled_connection(const pooled_connection&) = delete;
  pooled_connection& operator=(const pooled_connection&) = delete;
  ~pooled_connection();
  sql::connection& operator*() const;
  sql::connection* operator->() const;
  /// Prepares `sql` under `name` once per connection.
  void prepare(const std::string& name, const std::string& sql);
  /// The OID of a type such as "chunk_in", looked up once per connection, in its open
  /// transaction `tx`; throws sql::statement_error if the type does not exist.
  std::uint32_t type_oid(sql::transaction& tx, const std::string& type);
  /// Closes instead of returning: for a connection whose state is in doubt.
  void discard();

 private:
  friend class connection_pool;
  struct state;
  explicit pooled_connection(std::unique_ptr<state> s);
  std::unique_ptr<state> state_;
};

class connection_pool {
 public:
  /// Connects only when asked to. `connection_string`: a URL or libpq's keywords; what it sets
  /// itself wins over `s`. `application_name` is what pg_stat_activity shows, e.g.
  /// "millrace/local".
  connection_pool(std::string connection_string, database_settings s, std::string application_name);
  ~connection_pool();
  connection_pool(const connection_pool&) = delete;
  connection_pool& operator=(const connection_pool&) = delete;

  result<pooled_connection> acquire();

  /// Runs `body` in one transaction on a pooled connection and commits; exceptions become
  /// errors (see to_error). `purpose` labels db_transactions_total: a string literal such as
  /// "claim". A body that returns an error rolls back. `pre_ping` replaces dead idle connections
  /// before the body runs.
  template <class F>
  auto transact(const char* purpose, F&& body)
      -> decltype(body(std::declval<sql::work&>(), std::declval<pooled_connection&>()));

  pool_stats stats() const;
  /// Called after each transaction with its purpose; for metrics. Set before first use.
  void on_transaction(std::function<void(const char* purpose)> observer);

 private:
  friend class pooled_connection;
  void count(const char* purpose);
  struct impl;
  std::shared_ptr<impl>
      impl_;  ///< Shared with the borrowed connections: they may outlive the pool.
};

/// Translates the exception that is being handled (call inside catch): lost connection →
/// database_unavailable, time-outs → database_timeout, deadlock and serialization failure →
/// database_conflict, disk full → disk_full, CHECK on the balance → insufficient_credits, bad data
/// → rejected_row, a missing table or column → database_outdated, else database_error. The message
/// has the server's first line, never SQL parameters. After database_unavailable from a commit the
/// outcome is in doubt: it may have happened.
error to_error(const char* while_doing);

template <class F>
auto connection_pool::transact(const char* purpose, F&& body)
    -> decltype(body(std::declval<sql::work&>(), std::declval<pooled_connection&>())) {
  auto connection = acquire();
  if (!connection) return tl::unexpected<error>(connection.error());
  try {
    sql::work tx{**connection};
    auto outcome = body(tx, *connection);
    if (!outcome) return outcome;  // ~work rolls back
    tx.commit();
    count(purpose);
    return outcome;
  } catch (...) {
    auto problem = to_error(purpose);
    if (problem.code == ec::database_unavailable || problem.code == ec::database_timeout)
      connection->discard();
    return tl::unexpected<error>(std::move(problem));
  }
}

}  // namespace millrace
