#include "actors/membership.hpp"

#include <algorithm>

namespace millrace {

namespace {

/// No node is that silent and in the table.
constexpr duration longest_silence = std::chrono::hours{24 * 365};

}  // namespace

membership_actor_impl::membership_actor_impl(caf::actor_config& config, actor_place place,
                                             membership_config s)
    : bounded_actor{config, std::move(place)},
      config_{std::move(s)},
      last_reap_{clock::now()},
      last_beat_{last_reap_},
      database_up_since_{clock::now()} {}

membership_actor_impl::behavior_type membership_actor_impl::make_behavior() {
  send(caf::actor_cast<membership_actor>(this), tick_atom_v);
  return {
      [this](tick_atom) {
        delayed_send(this, interval(config_.heartbeat), tick_atom_v);
        on_tick();
      },
      [this](const suspects_changed& changed) { suspects_ = changed.nodes; },
      [this](drain_atom) {
        state_ = node_state::draining;
        if (beat() && !alone_) resign_all();
      },
  };
}

void membership_actor_impl::on_tick() {
  if (!beat()) return;
  if (state_ == node_state::running || alone_)
    campaign_for_all();
  else
    resign_all();
  if (clock::now() - last_reap_ >= interval(config_.reap_interval)) reap();
}

duration membership_actor_impl::interval(duration usual) const {
  return suspects_.empty() ? usual : std::min(usual, config_.suspect_interval);
}

bool membership_actor_impl::beat() {
  // Where this process was stopped, others may have been, and have not beaten yet.
  const auto now = clock::now();
  if (now - std::exchange(last_beat_, now) > config_.heartbeat + suspect_timeout)
    database_up_since_ = now;
  auto alive = config_.registry->heartbeat(config_.incarnation, state_);
  if (alive) {
    if (std::exchange(database_away_, false)) spdlog::info("the database answers again");
    alone_ = alive->empty();
    send(config_.supervisor, nodes_seen{std::move(*alive)});
    return true;
  }
  database_up_since_ = clock::now();
  if (alive.error().code == ec::stale_token)
    send(config_.supervisor, node_superseded{alive.error().message});
  else if (!std::exchange(database_away_, true))
    spdlog::warn("the database does not answer: {}", alive.error().message);
  return false;
}

void membership_actor_impl::campaign_for_all() {
  for (const auto& role : config_.singletons) {
    const auto& self = config_.registry->self();
    const auto term = campaign(*config_.pool, role, self.name, config_.incarnation,
                               config_.leader_lifetime, suspects_);
    if (!term) {
      spdlog::warn("campaigning for {} failed: {}", role, term.error().message);
      continue;
    }
    const auto epoch = *term ? (*term)->epoch : 0;
    // The first answer of a membership is told whatever it is: what its predecessor had said may
    // not hold any more.
    const auto [known, first] = leading_.try_emplace(role, epoch);
    if (!first && std::exchange(known->second, epoch) == epoch) continue;
    send(config_.supervisor,
         leadership_changed{*term ? **term : leader_term{role, self.name, config_.incarnation, 0}});
  }
}

/// What this node leads another one leads at its next heartbeat, or, if this membership does not
/// know of it, when the leadership's lifetime is over.
void membership_actor_impl::resign_all() {
  const auto& self = config_.registry->self().name;
  for (const auto& role : config_.singletons) {
    const auto [known, first] = leading_.try_emplace(role, 0);
    const auto epoch = std::exchange(known->second, 0);
    if (epoch == 0 && !first) continue;
    if (epoch != 0)
      if (const auto left = resign(*config_.pool, {role, self, config_.incarnation, epoch}); !left)
        spdlog::warn("resigning from {} failed: {}", role, left.error().message);
    send(config_.supervisor, leadership_changed{{role, self, config_.incarnation, 0}});
  }
}

void membership_actor_impl::reap() {
  last_reap_ = clock::now();
  // Who could not beat while the database was away gets the time to.
  const auto up = last_reap_ - database_up_since_;
  const auto leads = leading_.find("reaper");
  if (up < config_.suspects_grace || leads == leading_.end() || leads->second == 0) return;
  const auto silent = up < config_.node_timeout ? longest_silence : config_.node_timeout;
  const leader_term term{"reaper", config_.registry->self().name, config_.incarnation,
                         leads->second};
  const auto reaped = config_.source->reap({silent, suspects_, suspect_timeout},
                                           [&](sql::work& tx) { return check_term(tx, term); });
  if (!reaped)
    spdlog::warn("reaping failed: {}", reaped.error().message);
  else if (*reaped > 0)
    spdlog::info("{} leases of dead holders went back to the queue", *reaped);
}

}  // namespace millrace
