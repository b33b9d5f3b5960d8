#include "runtime/threads/runtime_thread.hpp"

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

#include <pthread.h>

#include "runtime/threads/guarded.hpp"

namespace millrace {

namespace {

std::mutex& watchers_mutex() {
  static std::mutex mutex;
  return mutex;
}

/// With the mutex.
std::vector<const thread_failures*>& watchers() {
  static std::vector<const thread_failures*> all;
  return all;
}

/// Of the name, what the system takes.
constexpr std::size_t shown_name_bytes = 15;

void name_this_thread(const char* name) {
  const std::string shown = std::string{name}.substr(0, shown_name_bytes);
  ::pthread_setname_np(::pthread_self(), shown.c_str());
}

void run_to_its_end(const char* name, const runtime_thread::body& run,
                    const std::stop_token& stop) noexcept {
  try {
    name_this_thread(name);
    run(stop);
  } catch (...) {
    const auto why = caught_in(name);
    const std::lock_guard lock{watchers_mutex()};
    for (const auto* w : watchers())
      static_cast<void>(guarded("thread_failures", [&] {
        w->failed(std::string{"the thread `"} + name + "` ended by an exception: " + why.message);
      }));
  }
}

}  // namespace

runtime_thread::runtime_thread(const char* name, body run)
    : thread_{[name, run = std::move(run)](const std::stop_token& stop) {
        run_to_its_end(name, run, stop);
      }} {}

thread_failures::thread_failures(told f) : failed{std::move(f)} {
  const std::lock_guard lock{watchers_mutex()};
  watchers().push_back(this);
}

thread_failures::~thread_failures() {
  const std::lock_guard lock{watchers_mutex()};
  std::erase(watchers(), this);
}

}  // namespace millrace
