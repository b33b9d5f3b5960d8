// Threads for work that computes and is too long for an actor's handler: chunking, encoding and
// hashing of large documents. As many as there are cores; work that is small (is_large_work) stays
// with its caller, because handing it over costs more than doing it.
//
// Any thread may call. At most max_waiting jobs of max_waiting_bytes wait, first in, first out:
// try_run() refuses more, and the document waits, not the scheduler. A job that throws is logged;
// it tells its caller by an awaited_answer. The destructor drops the jobs that wait and waits for
// those that run.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "runtime/threads/awaited_answer.hpp"
#include "runtime/threads/runtime_thread.hpp"

namespace millrace {

/// Bytes of text from which on work goes to the pool: a millisecond of chunking or hashing.
inline constexpr std::uint64_t large_work_bytes = 64 << 10;

class compute_pool {
 public:
  using job = std::function<void()>;
  static constexpr std::size_t max_waiting = 1024;
  static constexpr std::uint64_t max_waiting_bytes = 1ULL
                                                     << 30;  ///< One larger job may wait alone.

  /// `threads`: 0 for one per core.
  explicit compute_pool(std::size_t threads = 0);
  ~compute_pool();
  compute_pool(const compute_pool&) = delete;
  compute_pool& operator=(const compute_pool&) = delete;

  /// `bytes`: what the job works on. False if too much waits; `run` is untouched then.
  bool try_run(std::uint64_t bytes, job& run);
  /// Never refused: for a caller that has a bounded number of jobs here.
  void run(std::uint64_t bytes, job run);

 private:
  struct waiting_job {
    job run;
    std::uint64_t bytes = 0;
  };
  void work();
  void close();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<waiting_job> waiting_;
  std::uint64_t waiting_bytes_ = 0;
  bool closed_ = false;
  std::vector<runtime_thread> threads_;
};

/// A job that answers `done` with what `work` returns, or with its exception, or, if it is dropped,
/// with ec::internal.
template <class Value, class Work>
compute_pool::job make_compute_job(Work work, std::function<void(result<Value>)> done) {
  auto answer = std::make_shared<awaited_answer<result<Value>>>(std::move(done));
  return [answer, work = std::move(work)]() mutable { (*answer)(guarded("compute", work)); };
}

}  // namespace millrace
