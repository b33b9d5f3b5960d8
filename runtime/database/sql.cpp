#include "runtime/database/sql.hpp"

#include <utility>

namespace millrace::sql {

#if PQXX_VERSION_MAJOR >= 7

bytes::bytes(std::string_view content) : content_{content} {}

std::string_view bytes::view() const {
  return content_;
}

std::string content_of(const field& f) {
  const auto raw = f.as<pqxx::bytes>();
  return {reinterpret_cast<const char*>(raw.data()), raw.size()};
}

connection::connection(const std::string& connection_string)
    : pqxx::connection{connection_string} {}

rows transaction::exec(const std::string& statement) {
  return tx_.exec(statement);
}

copy_in::copy_in(transaction& tx, const std::string& table)
    : stream_{pqxx::stream_to::table(tx.tx_, {table})} {}

notification_listener::notification_listener(connection& session, const std::string& channel)
    : session_{session}, channel_{channel} {
  session.listen(channel_, [this](const pqxx::notification&) { heard_ = true; });
}

/// The session would call the handler for as long as it lives.
notification_listener::~notification_listener() {
  try {
    session_.listen(channel_);
  } catch (const std::exception&) {  // a broken session calls nobody
  }
}

#else

bytes::bytes(std::string_view content) : content_{content.data(), content.size()} {}

std::string_view bytes::view() const {
  return {content_.get(), content_.size()};
}

std::string content_of(const field& f) {
  if (f.is_null()) throw pqxx::conversion_error{"null where bytes were expected"};
  return pqxx::binarystring{f}.str();
}

rows rows::no_rows() const {
  if (!empty()) throw pqxx::unexpected_rows{"expected no row, got " + std::to_string(size())};
  return *this;
}

row rows::one_row() const {
  if (size() != 1) throw pqxx::unexpected_rows{"expected one row, got " + std::to_string(size())};
  return front();
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
/// 6.4 would silently connect again, without the session's locks, settings and LISTEN.
connection::connection(const std::string& connection_string) : pqxx::connection{connection_string} {
  inhibit_reactivation(true);
}
#pragma GCC diagnostic pop

rows transaction::exec(const std::string& statement) {
  return rows{tx_.exec(statement)};
}

copy_in::copy_in(transaction& tx, const std::string& table) : stream_{tx.tx_, table} {}

class notification_listener::receiver : public pqxx::notification_receiver {
 public:
  receiver(pqxx::connection& session, const std::string& channel, bool& heard)
      : notification_receiver{session, channel}, heard_{heard} {}
  void operator()(const std::string&, int) override { heard_ = true; }

 private:
  bool& heard_;
};

notification_listener::notification_listener(connection& session, const std::string& channel)
    : session_{session}, receiver_{std::make_unique<receiver>(session, channel, heard_)} {}

notification_listener::~notification_listener() = default;

#endif

bool notification_listener::wait(std::chrono::microseconds limit) {
  constexpr std::int64_t micros = std::chrono::microseconds{std::chrono::seconds{1}}.count();
  if (limit.count() > 0)
    session_.await_notification(static_cast<std::time_t>(limit.count() / micros),
                                static_cast<long>(limit.count() % micros));
  else
    session_.get_notifs();
  if (!session_.is_open()) throw pqxx::broken_connection{"the server closed the connection"};
  return std::exchange(heard_, false);
}

}  // namespace millrace::sql
