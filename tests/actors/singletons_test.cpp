// Membership and ledger against a real database.
#include "actors/ledger.hpp"
#include "actors/membership.hpp"
#include "tests/actors/database_fixture.hpp"
#include "tests/actors/supervisor_log.hpp"

namespace millrace {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

class membership_test : public ::testing::Test {
 protected:
  engine_database db;
  virtual_engine engine;
  supervisor_log supervisor;
  membership_config config;
  membership_actor membership;

  void start() {
    config.pool = &db.pool();
    config.registry = db.registry;
    config.source = db.source();
    config.incarnation = db.incarnation;
    config.singletons = {"ledger", "reaper"};
    config.supervisor = supervisor.spawn(engine);
    config.leader_lifetime = hours{1};
    membership = engine.spawn<membership_actor_impl>("membership", config);
    engine.run();
  }
  void beat() { engine.advance(seconds{1}, seconds{1}); }
};

TEST_F(membership_test, renews_the_nodes_row_at_each_heartbeat) {
  start();
  const auto before = db.query("select heartbeat_at from nodes");
  beat();
  EXPECT_EQ(db.query("select heartbeat_at > '" + before + "' from nodes"), "t");
}

TEST_F(membership_test, tells_once_what_this_node_leads_and_when_it_no_longer_does) {
  start();
  for (int i = 0; i < 3; ++i) beat();
  ASSERT_EQ(supervisor.terms.size(), 2U);
  EXPECT_EQ(supervisor.terms[0].role, "ledger");
  EXPECT_EQ(supervisor.terms[0].node, "node");
  EXPECT_EQ(supervisor.terms[0].epoch, 1);
  // Another node takes over.
  db.execute(
      "insert into nodes (name, incarnation, address, roles, state, version, pid, capacity) "
      "values ('other', 99, '', '{all}', 'running', 'test', 1, 1)");
  db.execute(
      "update leaders set node = 'other', incarnation = 99, epoch = 2, renewed_at = "
      "clock_timestamp() where role = 'ledger'");
  beat();
  ASSERT_EQ(supervisor.terms.size(), 3U);
  EXPECT_EQ(supervisor.terms[2].role, "ledger");
  EXPECT_EQ(supervisor.terms[2].epoch, 0);
  // And stops.
  db.execute("update nodes set state = 'stopped' where name = 'other'");
  beat();
  ASSERT_EQ(supervisor.terms.size(), 4U);
  EXPECT_EQ(supervisor.terms[3].epoch, 3);
}

TEST_F(membership_test, a_node_under_the_same_name_supersedes_this_one) {
  start();
  EXPECT_TRUE(supervisor.superseded.empty());
  ASSERT_TRUE(db.registry->join());
  beat();
  ASSERT_FALSE(supervisor.superseded.empty());
  EXPECT_FALSE(supervisor.superseded[0].empty());
}

TEST_F(membership_test, a_drain_is_seen_by_others_at_once_and_stays) {
  start();
  EXPECT_EQ(db.query("select state from nodes"), "running");
  caf::anon_send(membership, drain_atom_v);
  engine.run();
  EXPECT_EQ(db.query("select state from nodes"), "draining");
  beat();
  EXPECT_EQ(db.query("select state from nodes"), "draining");
}

TEST_F(membership_test, the_reaper_frees_the_leases_of_a_holder_that_is_gone) {
  db.submit(3);
  queue gone{db.pool(), {}, {"vanished", 77}};
  claim_planner planner;
  ASSERT_EQ(gone.claim(planner, 3).value().size(), 3U);
  config.reap_interval = duration{0};
  config.node_timeout = duration{0};
  config.suspects_grace = duration{0};
  // With a time-out of nothing every node counts as dead, this one too: it holds no lease.
  start();
  beat();
  EXPECT_EQ(db.leased(), 0);
  EXPECT_EQ(db.number("select min(losses) from queue_ready"), 1);
}

class ledger_test : public ::testing::Test {
 protected:
  engine_database db;
  virtual_engine engine;
  leader_term term = **campaign(db.pool(), "ledger", "node", db.incarnation, hours{1});
  ledger_actor books =
      engine.spawn<ledger_actor_impl>("ledger", ledger_config{&db.pool(), term, engine.counters});

  std::int64_t balance() { return db.number("select balance from credit_accounts"); }
  double counted(const char* type) {
    return engine.counters->ledger_transactions_total(type).Value();
  }
};

TEST_F(ledger_test, each_order_is_one_transaction_and_is_answered) {
  const auto credit = engine.ask<ledger::receipt>(books, grant_credits{{"team", 100, "start", ""}});
  ASSERT_TRUE(credit) << credit.error().message;
  const auto charge =
      engine.ask<ledger::receipt>(books, deduct_credits{{"team", 6, 10, "batch", 0, "", 0}});
  ASSERT_TRUE(charge) << charge.error().message;
  EXPECT_EQ(charge->amount, -60);
  EXPECT_EQ(charge->balance, 40);
  const auto refund =
      engine.ask<ledger::receipt>(books, refund_credits{{charge->transaction_id, 2, ""}});
  ASSERT_TRUE(refund) << refund.error().message;
  EXPECT_EQ(refund->balance, 60);
  EXPECT_EQ(balance(), 60);
  EXPECT_EQ(counted("grant"), 1);
  EXPECT_EQ(counted("batch_deduction"), 1);
  EXPECT_EQ(counted("refund"), 1);
}

TEST_F(ledger_test, what_cannot_be_paid_is_refused_whole) {
  ASSERT_TRUE(engine.ask<ledger::receipt>(books, grant_credits{{"team", 50, "start", ""}}));
  const auto charge =
      engine.ask<ledger::receipt>(books, deduct_credits{{"team", 6, 10, "batch", 0, "", 0}});
  ASSERT_FALSE(charge);
  EXPECT_EQ(charge.error().code, ec::insufficient_credits);
  EXPECT_FALSE(charge.error().message.empty());
  EXPECT_EQ(balance(), 50);
  EXPECT_EQ(counted("batch_deduction"), 0);
}

TEST_F(ledger_test, a_repeated_order_is_answered_and_not_counted_again) {
  const grant_credits order{{"team", 50, "start", "key"}};
  const auto first = engine.ask<ledger::receipt>(books, order);
  const auto again = engine.ask<ledger::receipt>(books, order);
  ASSERT_TRUE(first && again);
  EXPECT_FALSE(first->replayed);
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->transaction_id, first->transaction_id);
  EXPECT_EQ(balance(), 50);
  EXPECT_EQ(counted("grant"), 1);
}

TEST_F(ledger_test, a_ledger_that_leads_no_more_moves_nothing) {
  ASSERT_TRUE(engine.ask<ledger::receipt>(books, grant_credits{{"team", 50, "start", ""}}));
  db.execute("update leaders set epoch = epoch + 1");
  const auto late = engine.ask<ledger::receipt>(books, grant_credits{{"team", 50, "more", ""}});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ec::stale_token);
  EXPECT_EQ(balance(), 50);
}

}  // namespace
}  // namespace millrace
