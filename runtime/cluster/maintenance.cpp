#include "runtime/cluster/maintenance.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "runtime/threads/guarded.hpp"

namespace millrace {

maintenance::maintenance(std::vector<maintenance_job> jobs) {
  for (auto& job : jobs) jobs_.push_back({std::move(job), clock::now()});
  thread_ = runtime_thread{"maintenance", [this] { run(); }};
}

maintenance::~maintenance() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void maintenance::lead(bool leads) {
  {
    const std::lock_guard lock{mutex_};
    leads_ = leads;
  }
  changed_.notify_all();
}

maintenance::scheduled_job& maintenance::next() {
  return *std::min_element(jobs_.begin(), jobs_.end(),
                           [](const auto& a, const auto& b) { return a.due < b.due; });
}

void maintenance::run() {
  std::unique_lock lock{mutex_};
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || (leads_ && !jobs_.empty()); });
    if (stopping_) return;
    auto& due = next();
    if (changed_.wait_until(lock, due.due, [this] { return stopping_ || !leads_; })) continue;
    lock.unlock();
    if (const auto done = guarded("maintenance", due.job.run); !done)
      spdlog::warn("{} failed and is tried again: {}", due.job.what, done.error().message);
    lock.lock();
    due.due = clock::now() + due.job.interval;
  }
}

}  // namespace millrace
