// Hears that something was submitted: LISTEN millrace_queue on a connection of its own, so that an
// idle puller looks at once instead of at its next poll. Polling stays the ground: what is missed
// while the connection is lost (or behind a pooler that forbids LISTEN) is found poll_interval
// later.
//
// A thread. `heard` runs on it, at most once every coalesce_time however many submissions there
// were; it must not block. The destructor waits for the thread, at most await_slice.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string>

#include "config/settings.hpp"
#include "runtime/threads/runtime_thread.hpp"

namespace millrace {

class queue_listener {
 public:
  static constexpr auto channel = "millrace_queue";
  static constexpr std::chrono::milliseconds coalesce_time{20};
  static constexpr std::chrono::milliseconds await_slice{100};
  static constexpr std::chrono::milliseconds reconnect_min{500};
  static constexpr std::chrono::seconds reconnect_max{30};

  queue_listener(const std::string& connection_string, const database_settings& s,
                 const std::string& application_name, std::function<void()> heard);
  ~queue_listener();
  queue_listener(const queue_listener&) = delete;
  queue_listener& operator=(const queue_listener&) = delete;

  bool listening() const { return listening_; }

 private:
  void run();
  /// Until the connection is lost (an exception) or the listener ends.
  void listen();
  void wait(std::chrono::milliseconds time) const;

  std::string connection_string_;
  std::function<void()> heard_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> listening_{false};
  runtime_thread thread_;
};

}  // namespace millrace
