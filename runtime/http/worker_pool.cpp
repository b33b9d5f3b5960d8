#include "runtime/http/worker_pool.hpp"

#include <utility>

#include "runtime/threads/guarded.hpp"

namespace millrace::http {

worker_pool::worker_pool(int threads, std::size_t max_waiting) : max_waiting_(max_waiting) {
  try {
    for (int i = 0; i < threads; ++i) threads_.emplace_back("http worker", [this] { run(); });
  } catch (...) {
    join();
    throw;
  }
}

worker_pool::~worker_pool() {
  join();
}

bool worker_pool::try_submit(job j) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_ || waiting_.size() >= max_waiting_) return false;
    waiting_.push_back(std::move(j));
  }
  changed_.notify_one();
  return true;
}

void worker_pool::submit(job j) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    waiting_.push_back(std::move(j));
  }
  changed_.notify_one();
}

void worker_pool::close() {
  std::deque<job> dropped;  // Destroyed without the lock: what a job owns may do anything.
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    dropped.swap(waiting_);
  }
  changed_.notify_all();
}

void worker_pool::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return closed_ || !waiting_.empty(); });
    if (closed_) return;
    {
      const auto next = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      static_cast<void>(guarded("http worker", next));
    }
    lock.lock();
  }
}

void worker_pool::join() {
  close();
  for (auto& t : threads_) t.join();
  threads_.clear();
}

}  // namespace millrace::http
