// Work that one node does for all while it leads: vacuuming the queue's tables, sweeping what was
// left behind. Each job has an interval; a job that fails is logged and tried again after it. A
// leader that was replaced may finish one beside the next leader's: jobs must bear that.
//
// A thread, because a job may take longer than a heartbeat may wait. lead() may be called from any
// thread and does not block; the destructor waits for a running job, at most
// database.statement_timeout.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "runtime/core/error.hpp"
#include "runtime/threads/runtime_thread.hpp"

namespace millrace {

struct maintenance_job {
  std::string what;  ///< For the log: "vacuuming the queue".
  duration interval;
  std::function<result<void>()> run;
};

class maintenance {
 public:
  explicit maintenance(std::vector<maintenance_job> jobs);
  ~maintenance();
  maintenance(const maintenance&) = delete;
  maintenance& operator=(const maintenance&) = delete;

  void lead(bool leads);

 private:
  using clock = std::chrono::steady_clock;
  struct scheduled_job {
    maintenance_job job;
    clock::time_point due;
  };

  void run();
  scheduled_job& next();

  std::vector<scheduled_job> jobs_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool leads_ = false;
  bool stopping_ = false;
  runtime_thread thread_;
};

}  // namespace millrace
