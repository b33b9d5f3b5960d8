// Membership: keeps the node's row alive by the database's clock, campaigns for the singleton roles
// and tells the supervisor what this node leads and who else is there, reaps the leases of dead
// holders where it leads.
// Detached: it runs SQL.
#pragma once

#include <map>
#include <memory>

#include "actors/actors.hpp"
#include "actors/bounded_actor.hpp"
#include "runtime/cluster/node_registry.hpp"

namespace millrace {

struct membership_config {
  connection_pool* pool = nullptr;
  std::shared_ptr<node_registry> registry;
  std::shared_ptr<queue> source;
  std::int64_t incarnation = 0;
  std::vector<std::string> singletons;  ///< Roles this node may lead.
  supervisor_actor supervisor;
  duration heartbeat = std::chrono::seconds{1};
  duration leader_lifetime = std::chrono::seconds{5};
  duration reap_interval = std::chrono::seconds{1};
  /// While somebody is suspect, heartbeats, campaigns and reaping come so often: what it had waits.
  duration suspect_interval = std::chrono::milliseconds{250};
  /// A node without a heartbeat for so long is dead, counted only while this reaper saw the
  /// database all that time.
  duration node_timeout = heartbeat_timeout;
  /// …and this one for suspects: their timeout and a heartbeat or two.
  duration suspects_grace = suspect_timeout + std::chrono::seconds{2};
};

class membership_actor_impl : public bounded_actor<membership_actor> {
 public:
  membership_actor_impl(caf::actor_config& config, actor_place place, membership_config s);
  behavior_type make_behavior() override;
  /// Handles of other actors go with it, or two ended actors would keep each other alive.
  void on_exit() override { config_.supervisor = supervisor_actor{}; }

 private:
  void on_tick();
  duration interval(duration usual) const;
  bool beat();
  void campaign_for_all();
  void resign_all();
  void reap();

  membership_config config_;
  std::map<std::string, std::int64_t> leading_;  ///< Role → epoch, 0: not led; once known.
  std::vector<std::string> suspects_;
  bool database_away_ = false;
  bool alone_ = true;  ///< No other node could lead.
  node_state state_ = node_state::running;
  clock::time_point last_reap_;
  clock::time_point last_beat_;
  clock::time_point database_up_since_;
};

}  // namespace millrace
