// A thread that commits one group at a time, so that the committer actor can go on accepting while
// the database works: the next group is what gathered meanwhile.
//
// Any thread may call write(); the callback runs on the writer's thread. A group that meets an
// error of kind `passing` (the database is away, busy, out of something, or chose this transaction
// as a deadlock's victim) is tried again with backoff until give_up_after has passed; then the
// error is reported. If one of its documents may be the reason, it is written in parts after
// tries_together, so that it does not hold up the others. The destructor lets the running
// transaction end.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "runtime/commit/group_commit.hpp"
#include "runtime/threads/awaited_answer.hpp"
#include "runtime/threads/runtime_thread.hpp"

namespace millrace {

struct group_writer_config {
  std::string node;
  std::size_t statement_bytes = default_statement_bytes;
  duration retry_min = std::chrono::milliseconds{100};
  duration retry_max = std::chrono::seconds{5};
  duration give_up_after = std::chrono::minutes{10};
  /// A group that met may_pass_without_one() errors so often is written in parts.
  int tries_together = 5;
};

class group_writer {
 public:
  using callback = std::function<void(result<group_report>)>;

  group_writer(connection_pool& pool, group_writer_config config);
  ~group_writer();
  group_writer(const group_writer&) = delete;
  group_writer& operator=(const group_writer&) = delete;

  /// A committer writes one group at a time; one that was restarted may come while its
  /// predecessor's is still being written, so at most restart.intensity groups wait.
  void write(std::vector<document_result> group, callback done);

 private:
  void run();
  result<group_report> commit_with_retries(std::vector<document_result>& group);

  connection_pool& pool_;
  group_writer_config config_;
  std::mutex mutex_;
  std::condition_variable changed_;
  struct write_order {
    std::vector<document_result> group;
    awaited_answer<result<group_report>> done;
  };
  std::deque<write_order> orders_;
  bool stopping_ = false;
  runtime_thread thread_;
};

}  // namespace millrace
