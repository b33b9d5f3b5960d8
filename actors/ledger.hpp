// The ledger actor: one a cluster, where the leader is. Runs each order as one transaction; what
// makes it exact lives in runtime/ledger and would hold wherever it ran. Detached: it runs SQL.
#pragma once

#include "actors/actors.hpp"
#include "actors/bounded_actor.hpp"
#include "runtime/database/pool.hpp"
#include "runtime/telemetry/metrics.hpp"

namespace millrace {

struct ledger_config {
  connection_pool* pool = nullptr;
  leader_term term;
  std::shared_ptr<metrics> counters;
};

class ledger_actor_impl : public bounded_actor<ledger_actor> {
 public:
  ledger_actor_impl(caf::actor_config& config, actor_place place, ledger_config s);
  behavior_type make_behavior() override;

 private:
  template <class Order>
  caf::result<ledger::receipt> run(const char* type, const Order& order,
                                   result<ledger::receipt> (*move)(sql::work&, const Order&));

  ledger_config config_;
};

}  // namespace millrace
