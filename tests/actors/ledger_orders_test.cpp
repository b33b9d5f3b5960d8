// Orders to the ledger, and the singletons behind them, as leaderships come and go.
#include "actors/ledger_orders.hpp"

#include "tests/actors/supervisor_fixture.hpp"

namespace millrace {
namespace {

using std::chrono::seconds;

/// Takes orders and answers none; counts them.
ledger_actor spawn_silent_ledger(virtual_engine& engine, int& orders) {
  return engine.keep(
      engine.system.spawn([&orders](ledger_actor::pointer self) -> ledger_actor::behavior_type {
        const auto keep = [self, &orders]() -> caf::result<ledger::receipt> {
          ++orders;
          return self->make_response_promise<ledger::receipt>();
        };
        return {[keep](const deduct_credits&) { return keep(); },
                [keep](const refund_credits&) { return keep(); },
                [keep](const grant_credits&) { return keep(); }};
      }));
}

peers_changed other_node_with(const ledger_actor& ledger, std::int64_t epoch) {
  node_offer offer;
  offer.node = "b";
  offer.ledger = ledger;
  offer.ledger_epoch = epoch;
  return {{offer}};
}

class ledger_orders_test : public supervisor_test {
 protected:
  std::vector<result<ledger::receipt>> answers;

  void order(const grant_credits& what) {
    engine.keep(engine.system.spawn([this, what](caf::event_based_actor* asker) {
      asker->request(supervisor, caf::infinite, what)
          .then([this](const ledger::receipt& r) { answers.emplace_back(r); },
                [this](const caf::error& e) {
                  answers.emplace_back(tl::unexpected<error>(from_caf(e)));
                });
    }));
    engine.run();
  }
  void expect_one_answer(ec code, const std::string& said) {
    ASSERT_EQ(answers.size(), 1U);
    ASSERT_FALSE(answers[0]);
    EXPECT_EQ(answers[0].error().code, code);
    EXPECT_NE(answers[0].error().message.find(said), std::string::npos)
        << answers[0].error().message;
  }
  /// Until membership hears that another node leads.
  void let_other_node_lead() {
    db.execute(
        "insert into nodes (name, incarnation, address, roles, state, version, pid, capacity) "
        "values ('other', 99, '', '{all}', 'running', 'test', 1, 1);"
        "update leaders set node = 'other', incarnation = 99, epoch = epoch + 1, "
        "renewed_at = clock_timestamp() + interval '1 hour'");
  }
};

TEST_F(ledger_orders_test, an_order_waits_for_a_ledger_that_leads) {
  start();
  engine.run();
  let_other_node_lead();
  engine.advance(seconds{2});
  order({{"default", 50, "a gift", "key"}});
  engine.advance(seconds{5});
  EXPECT_TRUE(answers.empty());
  db.execute("update nodes set state = 'stopped' where name = 'other'");
  engine.advance(seconds{2});
  ASSERT_EQ(answers.size(), 1U);
  ASSERT_TRUE(answers[0]) << answers[0].error().message;
  EXPECT_EQ(answers[0]->balance, 50);
}

TEST_F(ledger_orders_test, no_ledger_within_the_limit_is_a_timeout_that_says_nothing_was_booked) {
  start();
  engine.run();
  let_other_node_lead();
  engine.advance(seconds{2});
  order({{"default", 50, "a gift", "key"}});
  engine.advance(ledger_orders::default_limit - seconds{1});
  EXPECT_TRUE(answers.empty());
  engine.advance(seconds{2});
  expect_one_answer(ec::timeout, "nothing was booked; repeat the order with the same idempotency");
}

TEST_F(ledger_orders_test, a_silent_ledger_is_a_timeout_whichever_node_has_it) {
  start();
  engine.advance(seconds{2});
  int orders = 0;
  caf::anon_send(supervisor, other_node_with(spawn_silent_ledger(engine, orders), 99));
  engine.run();
  order({{"default", 50, "a gift", "key"}});
  engine.advance(ledger_orders::default_limit - seconds{1});
  EXPECT_EQ(orders, 1);
  EXPECT_TRUE(answers.empty());
  engine.advance(seconds{2});
  expect_one_answer(ec::timeout, "did not answer within 10 s; repeat the order with the same");
}

TEST_F(ledger_orders_test, an_order_to_a_ledger_that_is_lost_is_answered_at_once) {
  start();
  engine.advance(seconds{2});
  int orders = 0;
  caf::anon_send(supervisor, other_node_with(spawn_silent_ledger(engine, orders), 99));
  engine.run();
  order({{"default", 50, "a gift", "key"}});
  caf::anon_send(supervisor, peers_changed{});
  engine.run();
  expect_one_answer(ec::timeout, "repeat the order with the same idempotency key");
}

TEST_F(ledger_orders_test, what_a_deposed_ledger_refuses_its_successor_does) {
  start();
  engine.advance(seconds{2});
  db.execute("update leaders set epoch = epoch + 1 where role = 'ledger'");  // a stale term
  order({{"default", 50, "a gift", "key"}});
  EXPECT_TRUE(answers.empty());
  engine.advance(seconds{2});  // the next campaign finds its new term
  ASSERT_EQ(answers.size(), 1U);
  ASSERT_TRUE(answers[0]) << answers[0].error().message;
  EXPECT_EQ(answers[0]->balance, 50);
}

TEST_F(ledger_orders_test, a_locked_account_is_a_timeout_and_the_order_can_be_repeated) {
  start();
  engine.advance(seconds{2});
  order({{"default", 50, "a gift", "first"}});
  ASSERT_TRUE(answers.at(0));
  answers.clear();
  {
    sql::connection other{db.connection_string()};
    sql::work holds{other};
    holds.exec("update credit_accounts set balance = balance");
    order({{"default", 50, "a gift", "key"}});
    expect_one_answer(ec::timeout, "repeat the order with the same idempotency key");
  }
  answers.clear();
  order({{"default", 50, "a gift", "key"}});
  ASSERT_TRUE(answers.at(0)) << answers[0].error().message;
  EXPECT_EQ(answers[0]->balance, 100);
}

TEST_F(ledger_orders_test, a_death_and_a_change_of_leadership_in_one_backoff_start_one_successor) {
  start();
  engine.advance(seconds{2});
  for (const std::string role : {"ledger", "status_aggregator"}) {
    if (role == "ledger") caf::anon_send(supervisor, grant_credits{{"default", 50, "", ""}});
    const auto running = engine.system.registry().running();
    kill_next(role);
    EXPECT_EQ(engine.system.registry().running(), running - 1);
    caf::anon_send(supervisor, leadership_changed{{role, "node", db.incarnation, 1}});
    engine.run();
    EXPECT_EQ(engine.system.registry().running(), running);
    engine.advance(seconds{6});  // the longest backoff is over
    EXPECT_EQ(engine.system.registry().running(), running) << role;
    EXPECT_EQ(count(role), 1U) << role;
  }
  engine.kill(supervisor);
  supervisor = supervisor_actor{};
  EXPECT_EQ(engine.system.registry().running(), 1U) << "an orphan would outlive it";
}

TEST_F(ledger_orders_test, a_new_membership_leaves_what_still_leads_alone) {
  start();
  engine.advance(seconds{2});
  const auto id_of = [&](const std::string& role) {
    const auto probe = engine.probe(role);
    return probe ? probe->actor_id : 0;
  };
  const auto ledger = id_of("ledger");
  const auto aggregator = id_of("status_aggregator");
  ASSERT_NE(ledger, 0U);
  kill_next("membership");
  engine.advance(seconds{3});
  EXPECT_EQ(engine.probe("membership")->restarts, 1U);
  EXPECT_EQ(id_of("ledger"), ledger);
  EXPECT_EQ(id_of("status_aggregator"), aggregator);
}

TEST_F(ledger_orders_test, a_leadership_lost_while_membership_was_dead_ends_the_singleton) {
  start();
  engine.advance(seconds{2});
  ASSERT_EQ(count("ledger"), 1U);
  kill_next("membership");
  let_other_node_lead();
  engine.advance(seconds{3});
  EXPECT_EQ(count("ledger"), 0U);
  EXPECT_EQ(count("status_aggregator"), 0U);
}

}  // namespace
}  // namespace millrace
