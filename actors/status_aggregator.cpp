#include "actors/status_aggregator.hpp"

namespace millrace {

status_aggregator_actor_impl::status_aggregator_actor_impl(caf::actor_config& config,
                                                           actor_place place,
                                                           status_aggregator_config s)
    : bounded_actor{config, std::move(place)}, config_{std::move(s)} {}

status_aggregator_actor_impl::behavior_type status_aggregator_actor_impl::make_behavior() {
  delayed_send(this, config_.sweep, tick_atom_v);
  return {
      [this](const progress_changed& message) { on_progress(message); },
      [this](flush_atom, std::int64_t dataset, std::uint64_t generation) {
        if (debounce_.fired(dataset, generation)) write({dataset});
      },
      [this](tick_atom) {
        delayed_send(this, config_.sweep, tick_atom_v);
        on_sweep();
      },
      [this](progress_atom) {
        return status_counters{debounce_.changes(), updates_, remaining_.size()};
      },
  };
}

void status_aggregator_actor_impl::on_progress(const progress_changed& message) {
  std::vector<std::int64_t> perhaps_complete;
  bool unknown = false;
  for (const auto& change : message.datasets) {
    config_.counters->status_changes_total.Increment();
    if (const auto generation = debounce_.changed(change.dataset_id))
      start_timer(change.dataset_id, generation);
    const auto known = remaining_.find(change.dataset_id);
    if (known == remaining_.end()) {
      unknown = true;
      continue;
    }
    known->second -= static_cast<std::int64_t>(change.documents);
    if (known->second <= 0) perhaps_complete.push_back(change.dataset_id);
  }
  if (!perhaps_complete.empty()) write(perhaps_complete);
  if (unknown) on_sweep();  // submitted since the last look: perhaps it has ended already
}

/// Two nodes that commit the last two documents each see one missing; this looks after both.
void status_aggregator_actor_impl::on_sweep() {
  const auto active = read_active_progress(*config_.pool);
  if (!active) {
    spdlog::warn("reading progress failed: {}", active.error().message);
    return;
  }
  remaining_.clear();
  std::vector<std::int64_t> complete;
  for (const auto& p : *active) {
    remaining_[p.dataset_id] = p.total - p.ready - p.failed - p.cancelled;
    if (p.complete()) complete.push_back(p.dataset_id);
  }
  if (!complete.empty()) write(complete);
}

void status_aggregator_actor_impl::write(const std::vector<std::int64_t>& datasets) {
  const auto written = write_status(*config_.pool, config_.term, datasets);
  if (!written) {
    spdlog::warn("writing the status of {} datasets failed: {}", datasets.size(),
                 written.error().message);
    for (const auto dataset : datasets)
      start_timer(dataset, debounce_.again(dataset));  // the last change is never lost
    return;
  }
  for (const auto& w : *written) {
    ++updates_;
    config_.counters->status_updates_total.Increment();
    debounce_.written(w.dataset_id);
    if (w.status != "processing") remaining_.erase(w.dataset_id);
  }
}

void status_aggregator_actor_impl::start_timer(std::int64_t dataset, std::uint64_t generation) {
  delayed_send(this, config_.debounce, flush_atom_v, dataset, generation);
}

}  // namespace millrace
