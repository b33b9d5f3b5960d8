// Threads that run the server's handlers. At most `max_waiting` new jobs wait; try_submit() refuses
// more. Jobs that continue what was accepted (the next piece of a stream) are never refused: the
// server has at most one a connection.
//
// submit and close may be called from any thread. close() drops the jobs that wait and returns at
// once; the destructor waits for those that run, which their own time-outs bound. A job that
// throws is logged.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <vector>

#include "runtime/threads/runtime_thread.hpp"

namespace millrace::http {

class worker_pool {
 public:
  using job = std::function<void()>;

  /// std::system_error where the threads cannot be made.
  worker_pool(int threads, std::size_t max_waiting);
  ~worker_pool();
  worker_pool(const worker_pool&) = delete;
  worker_pool& operator=(const worker_pool&) = delete;

  /// False where max_waiting jobs wait already, or after close().
  bool try_submit(job j);
  /// After close() the job is dropped.
  void submit(job j);
  void close();

 private:
  void run();
  void join();

  const std::size_t max_waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<job> waiting_;
  bool closed_ = false;
  std::vector<runtime_thread> threads_;
};

}  // namespace millrace::http
