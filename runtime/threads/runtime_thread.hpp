// The one way to make a thread in runtime/ and app/ (checked by .ci/check_layers). An exception
// never ends the process by std::terminate:
//
//   inside a job     becomes an error for whoever waits for the job: see guarded.hpp and
//                    awaited_answer.hpp; the thread continues.
//   outside of jobs  ends this thread, is logged and told to every thread_failures of the process:
//                    a node then drains and exits with 1.
//
// The destructor asks the body to stop and waits for it.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <thread>

namespace millrace {

class runtime_thread {
 public:
  using body = std::function<void(const std::stop_token&)>;

  runtime_thread() = default;
  /// `name`: what the system shows (15 bytes of it). std::system_error if there are too many
  /// threads.
  runtime_thread(const char* name, body run);
  /// For a body that is told to end in another way.
  runtime_thread(const char* name, std::function<void()> run)
      : runtime_thread{name, body{[r = std::move(run)](const std::stop_token&) { r(); }}} {}

  bool joinable() const { return thread_.joinable(); }
  bool is_current() const { return thread_.get_id() == std::this_thread::get_id(); }
  void request_stop() { thread_.request_stop(); }
  void join() { thread_.join(); }
  void detach() { thread_.detach(); }

 private:
  std::jthread thread_;
};

/// Is told of each thread that an exception ended, from that thread, while this lives. `failed`
/// must not block and must not throw.
class thread_failures {
 public:
  using told = std::function<void(const std::string& why)>;

  explicit thread_failures(told failed);
  ~thread_failures();
  thread_failures(const thread_failures&) = delete;
  thread_failures& operator=(const thread_failures&) = delete;

  const told failed;
};

}  // namespace millrace
