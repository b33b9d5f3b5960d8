#include "actors/queue_puller.hpp"

#include <algorithm>

#include "runtime/queue/attempt_policy.hpp"
#include "runtime/sources/file_uri.hpp"

namespace millrace {

queue_puller_actor_impl::queue_puller_actor_impl(caf::actor_config& config, actor_place place,
                                                 queue_puller_config s)
    : bounded_actor{config, std::move(place)}, config_{std::move(s)} {
  set_down_handler([this](const caf::down_msg& down) { on_down(down); });
}

queue_puller_actor_impl::behavior_type queue_puller_actor_impl::make_behavior() {
  delayed_send(this, config_.poll_interval, tick_atom_v);
  return {
      [this](const grant_demand& message) { on_demand(message); },
      [this](const return_lease& message) { on_return(message); },
      [this](const extend_lease& message) { on_extend(message); },
      [this](const sources_here& message) { on_sources_here(message); },
      [this](const leases_ended& message) { config_.book->ended(message.tokens); },
      [this](const leases_abandoned& message) {
        config_.book->ended(message.tokens);
        give_back(message.tokens, message.reason, std::chrono::milliseconds{message.delay_ms});
      },
      [this](const holder_died& died) {
        if (died.committer)
          give_back(config_.book->take_handed_over(died.node), release_reason::lost);
        else
          forget({{}, died.actor_id});
        schedule_flush(claim_delay);  // the supervisor may have given them back already
      },
      [this](const pause_claims& pause) {
        if (!paused()) spdlog::warn("claims pause: {}", pause.reason);
        pause_reason_ = pause.reason;
        paused_until_ = clock::now() + std::chrono::milliseconds{pause.milliseconds};
        config_.book->close();
        give_back(config_.book->take_buffered(), release_reason::drained);
        delayed_send(this, std::chrono::milliseconds{pause.milliseconds}, wake_atom_v);
      },
      [this](resume_atom) {
        if (paused_until_) spdlog::info("claims resume");
        paused_until_.reset();
        pause_reason_.clear();
        claim_or_wait();
      },
      [this](wake_atom) {
        queue_empty_ = false;
        planner_.expire();
        claim_or_wait();
      },
      [this](flush_atom) { on_flush(); },
      [this](tick_atom) { on_tick(); },
      [this](drain_atom) {
        draining_ = true;
        config_.book->close();
        give_back(config_.book->take_buffered(), release_reason::drained);
        release_returned();
        return progress();
      },
      [this](give_back_atom) { give_back_elsewhere(); },
      [this](progress_atom) { return progress(); },
  };
}

void queue_puller_actor_impl::on_demand(const grant_demand& message) {
  const bool of_this_node = current_sender()->node() == node();
  const consumer_id id{of_this_node ? std::string{} : message.node, current_sender()->id()};
  auto& from = consumers_[id];
  if (!from.handle) {
    from.handle = caf::actor_cast<document_actor>(current_sender());
    if (!of_this_node) monitor(from.handle);  // the supervisor looks after this node's
  }
  const bool is_new = message.lease > from.last_lease;
  from.last_lease = std::max(from.last_lease, message.lease);
  if (!message.idle) {
    from.waits = false;
    return;
  }
  config_.book->hand_over(id);
  if (is_new && !std::exchange(from.waits, true)) waiting_.push_back(id);
  deliver();
  claim_or_wait();
}

void queue_puller_actor_impl::on_down(const caf::down_msg& down) {
  const auto lost = std::find_if(consumers_.begin(), consumers_.end(), [&](const auto& c) {
    return c.second.handle.address() == down.source;
  });
  if (lost != consumers_.end()) forget(consumer_id{lost->first});
}

void queue_puller_actor_impl::forget(const consumer_id& id) {
  consumers_.erase(id);
  give_back(config_.book->take_from(id), release_reason::lost);
}

/// Leases with other nodes: of some the news that they ended was lost, of some the holder.
void queue_puller_actor_impl::look_after_elsewhere() {
  std::vector<std::int64_t> tokens;
  for (const auto& [holder, token] : config_.book->elsewhere()) {
    if (consumers_.contains(holder) || clock::now() - started_ < greeting_limit)
      tokens.push_back(token);
    else
      forget(holder);
  }
  const auto ended = config_.source->ended(tokens);
  if (ended)
    config_.book->ended(*ended);
  else
    spdlog::warn("leases of other nodes could not be looked up: {}", ended.error().message);
}

/// This node's drain waits no longer for document actors of other nodes. One of them that has begun
/// another document meanwhile gives that one back too: it costs nothing but the time.
void queue_puller_actor_impl::give_back_elsewhere() {
  look_after_elsewhere();
  for (const auto& [holder, token] : config_.book->elsewhere()) {
    if (const auto found = consumers_.find(holder); found != consumers_.end())
      send(found->second.handle, drain_atom_v);
    give_back(config_.book->take_from(holder), release_reason::drained);
  }
  release_returned();
}

void queue_puller_actor_impl::on_return(const return_lease& message) {
  config_.book->ended({message.token});
  duration delay = std::chrono::milliseconds{message.delay_ms};
  if (!message.waits_for.empty()) {
    back_.erase(message.waits_for);  // or it would be made due at each poll, and put off again
    // One that is here and did not answer will not be told to be back: it is only slow.
    delay = here_.contains(message.waits_for)
                ? away_delay
                : away_.pause(message.waits_for, system().clock().now());
  }
  give_back({message.token}, message.reason, delay);
}

void queue_puller_actor_impl::on_sources_here(const sources_here& message) {
  const auto before = std::exchange(here_, {message.nodes.begin(), message.nodes.end()});
  for (const auto& node : here_)
    if (!before.contains(node) && away_.back(node)) back_.insert(node);
  std::erase_if(back_, [&](const auto& node) { return !here_.contains(node); });
  wake_those_that_waited();
}

/// Those that are more than the queue makes due at a time wait for the next poll. After an error
/// they become due by themselves.
void queue_puller_actor_impl::wake_those_that_waited() {
  if (back_.empty()) return;
  release_returned();  // or it would put off some of them afterwards
  std::int64_t woken = 0;
  std::erase_if(back_, [&](const auto& node) {
    const auto made = config_.source->make_due(file_uri("/", node));
    if (!made)
      spdlog::warn("documents of node {} wait longer: {}", node, made.error().message);
    else
      woken += *made;
    return !made || *made < queue::max_made_due;
  });
  if (woken == 0) return;
  queue_empty_ = false;
  planner_.expire();
  claim_or_wait();
}

void queue_puller_actor_impl::on_extend(const extend_lease& message) {
  to_extend_.push_back(message.token);
  schedule_flush(claim_delay);
}

void queue_puller_actor_impl::extend_leases() {
  const auto tokens = std::exchange(to_extend_, {});
  if (const auto extended = config_.source->extend(tokens); !extended)
    spdlog::warn("{} leases could not be extended: {}", tokens.size(), extended.error().message);
}

void queue_puller_actor_impl::deliver() {
  if (draining_ || paused()) return;
  config_.book->open(enough_ahead());
  while (!waiting_.empty()) {
    const auto found = consumers_.find(waiting_.front());
    if (found == consumers_.end() || !found->second.waits) {  // died, or wants none any more
      waiting_.pop_front();
      continue;
    }
    auto work = config_.book->deliver(found->first);
    if (!work) return;
    if (work->is_suspect() && !may_begin(*work)) return;
    waiting_.pop_front();
    deliver_to(found->second, std::move(*work));
  }
}

/// Written before a suspect runs, or its death could not be told from that of one that only waited.
bool queue_puller_actor_impl::may_begin(const lease& work) {
  const auto begun = config_.source->begin(work.token);
  if (begun && *begun) return true;
  config_.book->ended({work.token});
  if (!begun) {
    spdlog::warn("document {} could not begin: {}", work.uri, begun.error().message);
    give_back({work.token}, release_reason::drained);
  }
  schedule_flush(claim_delay);  // delivers what is behind it
  return false;
}

void queue_puller_actor_impl::deliver_to(consumer& to, lease work) {
  to.waits = false;
  const auto token = work.token;
  request(to.handle, limit_beyond_node(*this, to.handle, delivery_limit),
          deliver_lease{std::move(work)})
      .then(
          [](const lease_accepted&) {},
          [this, token](const caf::error&) {  // it died or refused: nothing was done with the lease
            config_.book->ended({token});
            give_back({token}, release_reason::drained);
          });
}

bool queue_puller_actor_impl::paused() const {
  return paused_until_ && clock::now() < *paused_until_;
}

bool queue_puller_actor_impl::should_claim() const {
  if (draining_ || queue_empty_ || paused() || config_.held()) return false;
  return config_.book->count().buffered < enough_ahead();
}

/// A claim costs a transaction: it waits until enough document actors wait, or a moment has passed.
void queue_puller_actor_impl::claim_or_wait() {
  probe().demand_available = static_cast<std::int64_t>(waiting_.size());
  if (!should_claim()) return;
  if (waiting_.size() >= claim_at)
    claim();
  else
    schedule_flush(claim_delay);
}

/// Then claims pause, and the polls look again.
bool queue_puller_actor_impl::storage_is_short() {
  const auto problem = config_.storage_problem();
  if (!problem) return false;
  if (!paused()) spdlog::warn("claims pause: {}", *problem);
  pause_reason_ = *problem;
  paused_until_ = clock::now() + 2 * config_.poll_interval;
  config_.book->close();
  return true;
}

void queue_puller_actor_impl::claim() {
  if (storage_is_short()) return;
  const auto want = std::min<std::size_t>(static_cast<std::size_t>(config_.batch_size),
                                          waiting_.size() + enough_ahead());
  auto claimed = config_.source->claim(planner_, static_cast<int>(want));
  if (!claimed) {
    spdlog::warn("claiming work failed: {}", claimed.error().message);
    queue_empty_ = true;  // until the next poll
    return;
  }
  queue_empty_ = claimed->empty() && planner_.needs_rescan();
  if (claimed->empty()) {
    if (!queue_empty_) schedule_flush(claim_delay);
    return;
  }
  config_.counters->queue_claims_total.Increment(static_cast<double>(claimed->size()));
  config_.book->add(std::move(*claimed));
  deliver();
  if (should_claim()) schedule_flush(claim_delay);
}

void queue_puller_actor_impl::give_back(const std::vector<std::int64_t>& tokens,
                                        release_reason reason, duration delay) {
  if (tokens.empty()) return;
  config_.book->give_back(tokens, reason, delay);
  schedule_flush(claim_delay);
}

void queue_puller_actor_impl::release_returned() {
  for (const auto reason :
       {release_reason::drained, release_reason::lost, release_reason::failed}) {
    const auto leases = config_.book->returning(reason);
    if (leases.empty()) continue;
    const auto count = config_.source->release(leases, reason);
    if (!count) {
      spdlog::warn("giving back {} leases failed and is tried again: {}", leases.size(),
                   count.error().message);
      continue;
    }
    released_ += static_cast<std::uint64_t>(*count);
    std::vector<std::int64_t> tokens;
    duration latest{0};
    for (const auto& l : leases) {
      tokens.push_back(l.token);
      latest = std::max(latest, l.delay);
    }
    config_.book->ended(tokens);
    if (!draining_) delayed_send(this, latest + claim_delay, wake_atom_v);
  }
}

void queue_puller_actor_impl::schedule_flush(duration delay) {
  if (flush_scheduled_) return;
  flush_scheduled_ = true;
  delayed_send(this, delay, flush_atom_v);
}

void queue_puller_actor_impl::on_flush() {
  flush_scheduled_ = false;
  extend_leases();
  release_returned();
  deliver();  // what had to run alone may have ended
  if (should_claim()) claim();
}

void queue_puller_actor_impl::on_tick() {
  delayed_send(this, config_.poll_interval, tick_atom_v);
  look_after_elsewhere();
  release_returned();
  wake_those_that_waited();
  if (storage_is_short()) return;
  if (paused_until_ && !paused()) {
    paused_until_.reset();
    pause_reason_.clear();
  }
  queue_empty_ = false;
  planner_.expire();  // rescan: late commits of submits, retries that became due
  claim_or_wait();
}

drain_progress queue_puller_actor_impl::progress() const {
  const auto held = config_.book->count();
  return {held.delivered + held.handed_over, released_, paused(),
          paused() ? pause_reason_ : std::string{}};
}

}  // namespace millrace
