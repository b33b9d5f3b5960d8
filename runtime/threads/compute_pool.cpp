#include "runtime/threads/compute_pool.hpp"

#include <algorithm>
#include <thread>

namespace millrace {

compute_pool::compute_pool(std::size_t threads) {
  if (threads == 0) threads = std::max(1U, std::thread::hardware_concurrency());
  try {
    for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back("compute", [this] { work(); });
  } catch (...) {
    close();
    throw;
  }
}

compute_pool::~compute_pool() {
  close();
}

void compute_pool::close() {
  std::deque<waiting_job> dropped;  // destroyed without the lock: a job may answer then
  {
    const std::lock_guard lock{mutex_};
    closed_ = true;
    dropped.swap(waiting_);
  }
  changed_.notify_all();
  threads_.clear();
}

bool compute_pool::try_run(std::uint64_t bytes, job& run) {
  {
    const std::lock_guard lock{mutex_};
    const bool full = waiting_.size() >= max_waiting ||
                      (!waiting_.empty() && waiting_bytes_ + bytes > max_waiting_bytes);
    if (full || closed_) return false;
    waiting_.push_back({std::move(run), bytes});
    waiting_bytes_ += bytes;
  }
  changed_.notify_one();
  return true;
}

void compute_pool::run(std::uint64_t bytes, job run) {
  {
    const std::lock_guard lock{mutex_};
    if (closed_) return;
    waiting_.push_back({std::move(run), bytes});
    waiting_bytes_ += bytes;
  }
  changed_.notify_one();
}

void compute_pool::work() {
  std::unique_lock lock{mutex_};
  for (;;) {
    changed_.wait(lock, [this] { return closed_ || !waiting_.empty(); });
    if (closed_) return;
    auto next = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_bytes_ -= next.bytes;
    lock.unlock();
    static_cast<void>(guarded("compute pool", next.run));
    next.run = nullptr;  // what it holds is given back without the lock
    lock.lock();
  }
}

}  // namespace millrace
