// The seam to libpqxx: sessions, transactions, statements with parameters, rows, COPY and
// notifications. No other file names pqxx, and only this one and sql.cpp know its version.
//
//   sql::work tx{session};
//   const auto row = tx.exec("select ... where id = $1", sql::params{id}).one_row();
//   tx.exec(sql::prepared{"keep"}, sql::params{id, sql::bytes{content}}).no_rows();
//   tx.commit();
//
// The terms are those of libpqxx 7.10 (Debian 13); it is also built on 6.4 (Debian 12). What fails
// throws: to_error() of pool.hpp makes errors of it. Nothing here is thread-safe; all of it blocks.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>

#include <pqxx/pqxx>
#include <pqxx/stream_to>
#include <pqxx/version>

namespace millrace::sql {

using row = pqxx::row;
using field = pqxx::field;

/// What the server said no to; sqlstate() says why.
using statement_error = pqxx::sql_error;
using check_violation = pqxx::check_violation;
using broken_connection = pqxx::broken_connection;
using too_many_connections = pqxx::too_many_connections;
/// A deadlock, or a conflict with another transaction. A statement_error too since libpqxx 7.
using transaction_rollback = pqxx::transaction_rollback;
/// The connection was lost: the COMMIT, the statement may have happened or not.
using in_doubt_error = pqxx::in_doubt_error;
using statement_completion_unknown = pqxx::statement_completion_unknown;
using failure = pqxx::failure;

/// A bytea, or a parameter in PostgreSQL's binary format (binary_rows.hpp).
class bytes {
 public:
  explicit bytes(std::string_view content);
  std::string_view view() const;

 private:
  friend struct parameter;
#if PQXX_VERSION_MAJOR >= 7
  std::string content_;
#else
  pqxx::binarystring content_;
#endif
};

/// The content of a bytea column.
std::string content_of(const field& f);

/// Refers to its values: for the statement in which it stands. A std::optional without a value is
/// NULL.
template <class... Values>
struct params {
  explicit params(const Values&... v) : values{v...} {}
  std::tuple<const Values&...> values;
};

/// A statement that the connection has prepared under this name.
struct prepared {
  const char* name;
};

#if PQXX_VERSION_MAJOR >= 7
using rows = pqxx::result;
#else
class rows : public pqxx::result {
 public:
  rows() = default;
  explicit rows(pqxx::result r) : pqxx::result{std::move(r)} {}
  /// Both throw pqxx::unexpected_rows.
  rows no_rows() const;
  row one_row() const;
};
#endif

/// A session with the server. One that was lost stays lost.
class connection : public pqxx::connection {
 public:
  explicit connection(const std::string& connection_string);
};

class transaction {
 public:
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;

  rows exec(const std::string& statement);
  template <class... Values>
  rows exec(const std::string& statement, const params<Values...>& p);
  rows exec(prepared statement) { return exec(statement, params{}); }
  template <class... Values>
  rows exec(prepared statement, const params<Values...>& p);
  void commit() { tx_.commit(); }

 protected:
  explicit transaction(pqxx::transaction_base& tx) : tx_{tx} {}
  ~transaction() = default;

 private:
  friend class copy_in;
  pqxx::transaction_base& tx_;
};

namespace detail {

/// Made before `transaction`, which refers to it.
template <class Kind>
struct holds {
  explicit holds(pqxx::connection& session) : held{session} {}
  Kind held;
};

template <class Kind>
class transaction_of : holds<Kind>, public transaction {
 public:
  explicit transaction_of(connection& session)
      : holds<Kind>{session}, transaction{holds<Kind>::held} {}
};

}  // namespace detail

/// Rolled back when it goes without commit().
using work = detail::transaction_of<pqxx::work>;
using read_transaction = detail::transaction_of<pqxx::read_transaction>;
/// All of its statements see the database as the first one does.
using repeatable_read = detail::transaction_of<pqxx::transaction<pqxx::repeatable_read>>;
/// Each statement is its own transaction.
using nontransaction = detail::transaction_of<pqxx::nontransaction>;

/// COPY ... FROM STDIN in the table's order of columns. Nothing else may be done with the
/// transaction until complete(). One that goes without it ends COPY, too: only the transaction's
/// rollback takes the rows back.
class copy_in {
 public:
  copy_in(transaction& tx, const std::string& table);
  template <class... Values>
  void row(const Values&... values);
  void complete() { stream_.complete(); }

 private:
  pqxx::stream_to stream_;
};

/// Hears NOTIFY on one channel from when it is made.
class notification_listener {
 public:
  notification_listener(connection& session, const std::string& channel);
  ~notification_listener();
  notification_listener(const notification_listener&) = delete;
  notification_listener& operator=(const notification_listener&) = delete;

  /// Waits up to `limit`, 0 for what has come already; whether anything was heard since the last
  /// call. Throws broken_connection if the session was lost.
  bool wait(std::chrono::microseconds limit);

 private:
  connection& session_;
  bool heard_ = false;
#if PQXX_VERSION_MAJOR >= 7
  std::string channel_;
#else
  class receiver;
  std::unique_ptr<receiver> receiver_;
#endif
};

// ------------------------------------------------------------------------------------------------

/// What a value is to libpqxx.
struct parameter {
  template <class Value>
  static const Value& of(const Value& v) {
    return v;
  }
#if PQXX_VERSION_MAJOR >= 7
  // As views: without them the library copies.
  static pqxx::zview of(const std::string& v) {
    return v;
  }
  static pqxx::zview of(const char* v) {
    return pqxx::zview{v};
  }
  static pqxx::bytes_view of(const bytes& v) {
    return pqxx::binary_cast(v.content_);
  }
#else
  static const pqxx::binarystring& of(const bytes& v) {
    return v.content_;
  }
#endif
};

template <class... Values>
rows transaction::exec(const std::string& statement, const params<Values...>& p) {
  return std::apply(
      [&](const auto&... v) {
#if PQXX_VERSION_MAJOR >= 7
        return tx_.exec(statement, pqxx::params{parameter::of(v)...});
#else
        return rows{tx_.exec_params(statement, parameter::of(v)...)};
#endif
      },
      p.values);
}

template <class... Values>
rows transaction::exec(prepared statement, const params<Values...>& p) {
  return std::apply(
      [&](const auto&... v) {
#if PQXX_VERSION_MAJOR >= 7
        return tx_.exec(pqxx::prepped{statement.name}, pqxx::params{parameter::of(v)...});
#else
        return rows{tx_.exec_prepared(statement.name, parameter::of(v)...)};
#endif
      },
      p.values);
}

template <class... Values>
void copy_in::row(const Values&... values) {
#if PQXX_VERSION_MAJOR >= 7
  stream_.write_values(values...);
#else
  stream_ << std::tie(values...);
#endif
}

}  // namespace millrace::sql
