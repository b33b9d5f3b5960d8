#include "runtime/queue/queue_listener.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "runtime/database/session_options.hpp"
#include "runtime/database/sql.hpp"

namespace millrace {

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
  sql::connection connection{connection_string_};
  sql::notification_listener submissions{connection, channel};
  // What was submitted while nobody listened is found now.
  if (!listening_.exchange(true)) heard_();
  while (!stopping_) {
    if (!submissions.wait(await_slice)) continue;
    wait(coalesce_time);
    submissions.wait(std::chrono::microseconds{0});  // what came meanwhile is one with the first
    heard_();
  }
}

void queue_listener::wait(std::chrono::milliseconds time) const {
  const auto end = std::chrono::steady_clock::now() + time;
  while (!stopping_ && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::min<std::chrono::milliseconds>(time, coalesce_time));
}

}  // namespace millrace
