#include "runtime/queue/queue_listener.hpp"

#include <algorithm>

#include <pqxx/pqxx>
#include <spdlog/spdlog.h>

#include "runtime/database/session_options.hpp"

namespace millrace {

namespace {

class submission_receiver : public pqxx::notification_receiver {
 public:
  explicit submission_receiver(pqxx::connection_base& connection)
      : notification_receiver{connection, queue_listener::channel} {}
  void operator()(const std::string&, int) override { heard_ = true; }
  bool take() { return std::exchange(heard_, false); }

 private:
  bool heard_ = false;
};

}  // namespace

queue_listener::queue_listener(const std::string& connection_string, const database_settings& s,
                               const std::string& application_name, std::function<void()> heard)
    : connection_string_{session_connection_string(connection_string, s, application_name)
                             .value_or(connection_string)},
      heard_{std::move(heard)},
      thread_{"queue listener", [this] { run(); }} {}

queue_listener::~queue_listener() {
  stopping_ = true;
  thread_.join();
}

void queue_listener::run() {
  auto pause = reconnect_min;
  while (!stopping_) {
    std::string why = "an exception of an unknown type";
    try {  // not guarded(): a lost connection is expected, not an error of the job
      listen();
      return;
    } catch (const std::exception& e) {
      why = e.what();
    } catch (...) {
    }
    // A connection that had worked starts the backoff anew.
    if (listening_.exchange(false)) pause = reconnect_min;
    spdlog::debug("listening for submissions failed, polling continues: {}", why);
    wait(pause);
    pause = std::min<std::chrono::milliseconds>(pause * 2, reconnect_max);
  }
}

void queue_listener::listen() {
  pqxx::connection connection{connection_string_};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  connection.inhibit_reactivation(true);  // a session that was lost does not listen any more
#pragma GCC diagnostic pop
  submission_receiver submissions{connection};
  connection.await_notification(0, 1);  // sends the LISTEN
  // What was submitted while nobody listened is found now.
  if (!listening_.exchange(true)) heard_();
  constexpr auto slice = std::chrono::duration_cast<std::chrono::microseconds>(await_slice).count();
  while (!stopping_) {
    connection.await_notification(0, slice);
    if (!connection.is_open()) throw pqxx::broken_connection{"the server closed the connection"};
    if (!submissions.take()) continue;
    wait(coalesce_time);
    connection.get_notifs();
    submissions.take();
    heard_();
  }
}

void queue_listener::wait(std::chrono::milliseconds time) const {
  const auto end = std::chrono::steady_clock::now() + time;
  while (!stopping_ && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::min<std::chrono::milliseconds>(time, coalesce_time));
}

}  // namespace millrace
