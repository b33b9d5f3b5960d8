#include "runtime/commit/group_writer.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

namespace millrace {

group_writer::group_writer(connection_pool& pool, group_writer_config config)
    : pool_{pool}, config_{std::move(config)}, thread_{"group writer", [this] { run(); }} {}

group_writer::~group_writer() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void group_writer::write(std::vector<document_result> group, callback done) {
  {
    const std::lock_guard lock{mutex_};
    orders_.push_back({std::move(group), std::move(done)});
  }
  changed_.notify_all();
}

void group_writer::run() {
  std::unique_lock lock{mutex_};
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !orders_.empty(); });
    if (orders_.empty()) return;  // stopping, and nothing is left to write
    auto next = std::move(orders_.front());
    orders_.pop_front();
    lock.unlock();
    next.done(guarded("commit", [&] { return commit_with_retries(next.group); }));
    lock.lock();
  }
}

result<group_report> group_writer::commit_with_retries(std::vector<document_result>& group) {
  const auto give_up = std::chrono::steady_clock::now() + config_.give_up_after;
  auto pause = config_.retry_min;
  int together = 0;  // tries that one document may have spoilt
  for (;;) {
    auto report = together < config_.tries_together
                      ? commit_group(pool_, config_.node, group, config_.statement_bytes)
                      : commit_apart(pool_, config_.node, group, config_.statement_bytes);
    if (report || !passes(report.error())) return report;
    together += may_pass_without_one(report.error().code);
    std::unique_lock lock{mutex_};
    if (stopping_ || std::chrono::steady_clock::now() + pause > give_up) return report;
    spdlog::warn("commit of {} documents waits {} ms: {}", group.size(), pause.count(),
                 report.error().message);
    changed_.wait_for(lock, pause, [this] { return stopping_; });
    pause = std::min(pause * 2, config_.retry_max);
  }
}

}  // namespace millrace
