// The status aggregator: one a cluster, where the leader is. Writes a dataset's row debounced, the
// last change always, and decides terminal states: after the commits, never inside one. Its
// successor recomputes everything from dataset_progress. Detached: it runs SQL.
#pragma once

#include <functional>
#include <unordered_map>

#include "actors/actors.hpp"
#include "actors/bounded_actor.hpp"
#include "runtime/datasets/progress.hpp"
#include "runtime/flow/debouncer.hpp"
#include "runtime/telemetry/metrics.hpp"

namespace millrace {

struct status_aggregator_config {
  connection_pool* pool = nullptr;
  leader_term term;
  duration debounce = std::chrono::seconds{10};
  duration sweep = std::chrono::seconds{1};
  std::shared_ptr<metrics> counters;
};

class status_aggregator_actor_impl : public bounded_actor<status_aggregator_actor> {
 public:
  status_aggregator_actor_impl(caf::actor_config& config, actor_place place,
                               status_aggregator_config s);
  behavior_type make_behavior() override;

 private:
  void on_progress(const progress_changed& message);
  void on_sweep();
  void write(const std::vector<std::int64_t>& datasets);
  void start_timer(std::int64_t dataset, std::uint64_t generation);

  status_aggregator_config config_;
  debouncer debounce_;
  /// Documents of an active dataset that had not ended at the last look; a guess that tells when a
  /// sweep pays.
  std::unordered_map<std::int64_t, std::int64_t> remaining_;
  std::uint64_t updates_ = 0;
};

}  // namespace millrace
