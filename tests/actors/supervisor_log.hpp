// A supervisor that does nothing but note what it is told.
#pragma once

#include "tests/actors/engine_fixture.hpp"

namespace millrace {

struct supervisor_log {
  std::vector<leader_term> terms;  ///< Each change of a leadership.
  std::vector<std::string> superseded;
  std::vector<std::string> suspects;  ///< As last told.
  std::vector<node_offer> offers;     ///< As last told.

  /// The engine runs no longer than this lives.
  supervisor_actor spawn(virtual_engine& engine) {
    return engine.keep(
        engine.system.spawn([this](supervisor_actor::pointer) -> supervisor_actor::behavior_type {
          return {
              [](const restart_child&) {},
              [this](const leadership_changed& m) { terms.push_back(m.term); },
              [this](const node_superseded& m) { superseded.push_back(m.reason); },
              [](wake_atom) {},
              [](const nodes_seen&) {},
              [this](const suspects_changed& m) { suspects = m.nodes; },
              [this](const peers_changed& m) { offers = m.offers; },
              [](const node_hello& m) { return m; },
              [](const ask_nodes&) { return nodes_answered{}; },
              [](const deduct_credits&) { return ledger::receipt{}; },
              [](const refund_credits&) { return ledger::receipt{}; },
              [](const grant_credits&) { return ledger::receipt{}; },
              [](tick_atom) {},
              [](progress_atom) { return drain_progress{}; },
              [](drain_atom) { return drain_progress{}; },
              [](give_back_atom) {},
          };
        }));
  }
};

}  // namespace millrace
