// The committer: accepts finished documents and commits them in groups. It accepts while a group is
// being written by the writer thread, and the next group is what gathered meanwhile, for at least
// `gather`: large under load, small when idle.
//
// Scheduled; never blocks. Holds at most `limit` (items and bytes), granted to document actors
// beforehand; a result larger than the whole byte limit travels alone.
#pragma once

#include <functional>
#include <vector>

#include "actors/actors.hpp"
#include "actors/bounded_actor.hpp"
#include "actors/grant_desk.hpp"
#include "runtime/commit/group_writer.hpp"
#include "runtime/queue/lease_book.hpp"
#include "runtime/telemetry/metrics.hpp"

namespace millrace {

/// The part of the engine that a committer does not own: writes a group, then calls back from any
/// thread.
using write_group = std::function<void(std::vector<document_result>, group_writer::callback)>;

struct committer_config {
  write_group write;
  demand limit{1024, 16ULL << 20};
  std::size_t max_documents = 256;  ///< In one group.
  duration gather{0};               ///< After a group, for so long only a full one is written.
  std::shared_ptr<metrics> counters;
  std::shared_ptr<lease_book> book = nullptr;  ///< Where leases end, puller or not.
  queue_settings queue = {};                   ///< The pause before the next attempt.
};

class committer_actor_impl : public bounded_actor<committer_actor> {
 public:
  committer_actor_impl(caf::actor_config& config, actor_place place, committer_config s);
  behavior_type make_behavior() override;
  /// What refers to an actor, this one too, goes with it, or it would stay for ever.
  void on_exit() override {
    roles_ = {};
    grants_.close();
    config_.write = nullptr;
  }

 private:
  caf::result<document_accepted> on_commit(commit_document& request);
  void on_written(group_written& written);
  void flush();
  bool is_full() const;
  void count_held();
  void report(const group_report& written);
  void abandon(std::vector<std::int64_t> tokens, release_reason reason, duration delay);
  void abandon_unwritten(const group_report& written, std::vector<std::int64_t>& tokens);

  committer_config config_;
  grant_desk grants_;
  use_roles roles_;
  std::vector<document_result> gathered_;
  demand gathered_demand_;
  std::vector<std::int64_t> writing_;  ///< Tokens of the group being written.
  demand writing_demand_;
  bool flush_requested_ = false;
  bool gathers_ = false;  ///< Until config.gather after the last group has passed.
};

}  // namespace millrace
