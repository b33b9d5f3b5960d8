// A puller by itself on a real queue, with document actors that do what the test decides.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/queue_puller.hpp"
#include "tests/actors/database_fixture.hpp"
#include "tests/actors/engine_fixture.hpp"

namespace millrace {

class queue_puller_test : public ::testing::Test {
 protected:
  static constexpr int batch = 10;

  /// Stands in for a document actor; what it does the test decides.
  struct slot {
    document_actor actor;
    std::shared_ptr<std::vector<lease>> leases = std::make_shared<std::vector<lease>>();
    std::uint64_t demanded = 0;
  };

  engine_database db;
  virtual_engine engine;
  std::shared_ptr<lease_book> book = std::make_shared<lease_book>();
  std::shared_ptr<queue> source = db.source();
  std::optional<std::string> storage_problem;
  bool held = false;
  queue_puller_actor puller = spawn_puller();

  queue_puller_actor spawn_puller() {
    return engine.spawn<queue_puller_actor_impl>(
        "queue_puller", queue_puller_config{.source = source,
                                            .book = book,
                                            .batch_size = batch,
                                            .storage_problem = [this] { return storage_problem; },
                                            .counters = engine.counters,
                                            .held = [this] { return held; }});
  }

  slot new_slot(bool refuses = false) {
    slot s;
    s.actor = engine.keep(engine.system.spawn(
        [leases = s.leases, refuses](document_actor::pointer) -> document_actor::behavior_type {
          return {
              [leases, refuses](deliver_lease& m) -> caf::result<lease_accepted> {
                if (refuses) return caf::make_error(ec::mailbox_full, std::string{"busy"});
                leases->push_back(std::move(m.work));
                return lease_accepted{};
              },
              [](const document_extracted&) {},
              [](const pages_extracted&) {},
              [](const checkpoints_loaded&) {},
              [](const work_computed&) {},
              [](const use_roles&) {},
              [](tick_atom) {},
              [](drain_atom) {},
          };
        }));
    return s;
  }

  void demand_of(slot& s) {
    caf::send_as(s.actor, puller, grant_demand{++s.demanded, true, "node"});
  }
  /// A slot with a lease, and more that were claimed ahead of it.
  slot slot_with_more_ahead() {
    db.submit(50);
    auto s = new_slot();
    demand_of(s);
    settle();
    EXPECT_GT(book->count().buffered, 0U);
    return s;
  }
  /// Enough for the claim delay, far less than a poll.
  void settle() { engine.advance(std::chrono::milliseconds{20}, std::chrono::milliseconds{1}); }
  drain_progress progress() { return engine.ask<drain_progress>(puller, progress_atom_v).value(); }
  void tell(const auto& message) {
    caf::anon_send(puller, message);
    settle();
  }
};

}  // namespace millrace
