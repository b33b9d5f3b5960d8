#include "runtime/cluster/leadership.hpp"

#include <optional>
#include <thread>

#include <gtest/gtest.h>

#include "tests/runtime/queue/seeded_queue.hpp"
#include "tests/support/lock_waits.hpp"

namespace millrace {
namespace {

constexpr auto lifetime = std::chrono::minutes{10};
constexpr auto role = "status_aggregator";

result<void> check(test_database& db, const leader_term& term) {
  return db.pool().transact(
      "test", [&](sql::work& tx, pooled_connection&) { return check_term(tx, term); });
}

std::optional<leader_term> run_for(test_database& db, const holder& h, const char* r = role) {
  return must(campaign(db.pool(), r, h.node, h.incarnation, lifetime));
}

/// Makes the leader's last renewal older than its lifetime, by the database's clock.
void let_the_lifetime_pass(const test_database& db) {
  db.execute("update leaders set renewed_at = renewed_at - interval '11 minutes'");
}

TEST(leadership, is_taken_over_only_after_its_lifetime_and_the_epoch_grows) {
  test_database db;
  const auto a = seed_node(db, "a");
  const auto b = seed_node(db, "b");
  const auto first = run_for(db, a);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->epoch, 1);
  EXPECT_FALSE(run_for(db, b));
  EXPECT_EQ(run_for(db, a)->epoch, 1) << "a renewal is the same term";
  EXPECT_TRUE(run_for(db, b, "reaper")) << "each role has its own leader";
  EXPECT_TRUE(succeeded(check(db, *first)));

  let_the_lifetime_pass(db);
  EXPECT_EQ(run_for(db, a)->epoch, 1) << "nobody came: the term goes on";
  EXPECT_FALSE(run_for(db, b)) << "renewed just now";
  let_the_lifetime_pass(db);
  EXPECT_TRUE(succeeded(check(db, *first))) << "a late leader leads until it is replaced";
  const auto second = run_for(db, b);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->epoch, 2);
  EXPECT_EQ(code_of(check(db, *first)), ec::stale_token);
  EXPECT_TRUE(succeeded(check(db, *second)));
  EXPECT_FALSE(run_for(db, a));

  let_the_lifetime_pass(db);
  const auto third = run_for(db, a);
  ASSERT_TRUE(third);
  EXPECT_EQ(third->epoch, 3);
  EXPECT_EQ(code_of(check(db, *first)), ec::stale_token) << "the same node, but an older term";
  EXPECT_EQ(code_of(check(db, *second)), ec::stale_token);
}

TEST(leadership, a_leader_that_stopped_vanished_or_restarted_is_replaced_at_once) {
  test_database db;
  const auto a = seed_node(db, "a");
  const auto b = seed_node(db, "b");
  const auto first = run_for(db, a);
  ASSERT_TRUE(first);
  const auto a2 = seed_node(db, "a");
  const auto second = run_for(db, a2);
  ASSERT_TRUE(second) << "its own former life";
  EXPECT_EQ(second->epoch, 2);
  EXPECT_EQ(code_of(check(db, *first)), ec::stale_token);

  db.execute("update nodes set state = 'draining' where name = 'a'");
  EXPECT_FALSE(run_for(db, b)) << "a draining node still leads";
  db.execute("update nodes set state = 'stopped' where name = 'a'");
  const auto third = run_for(db, b);
  ASSERT_TRUE(third);
  EXPECT_EQ(third->epoch, 3);
  db.execute("delete from nodes where name = 'b'");
  EXPECT_EQ(run_for(db, seed_node(db, "c"))->epoch, 4);
  EXPECT_EQ(code_of(check(db, *third)), ec::stale_token);
}

TEST(leadership, a_superseded_life_of_a_node_cannot_take_the_lead_back) {
  test_database db;
  const auto old_life = seed_node(db, "a");
  ASSERT_TRUE(run_for(db, old_life));
  const auto new_life = seed_node(db, "a");
  const auto term = run_for(db, new_life);
  ASSERT_TRUE(term);
  EXPECT_FALSE(run_for(db, old_life));
  EXPECT_TRUE(succeeded(check(db, *term)));
}

TEST(leadership, one_of_many_that_run_at_once_is_elected) {
  test_database db;
  std::vector<holder> nodes;
  for (int n = 0; n < 4; ++n) nodes.push_back(seed_node(db, "n" + std::to_string(n)));
  std::vector<int> wins(nodes.size());
  {
    std::vector<std::jthread> threads;
    for (std::size_t n = 0; n < nodes.size(); ++n)
      threads.emplace_back([&, n] {
        for (int i = 0; i < 20; ++i) wins[n] += run_for(db, nodes[n]).has_value();
      });
  }
  int leaders = 0;
  for (const auto w : wins) {
    EXPECT_TRUE(w == 0 || w == 20) << w;
    leaders += w > 0;
  }
  EXPECT_EQ(leaders, 1);
  EXPECT_EQ(number(db, "select epoch from leaders"), 1);
}

TEST(leadership, a_takeover_waits_for_a_transaction_that_showed_its_term) {
  test_database db;
  const auto a = seed_node(db, "a");
  const auto b = seed_node(db, "b");
  const auto term = run_for(db, a);
  ASSERT_TRUE(term);
  let_the_lifetime_pass(db);
  auto connection = db.connect();
  sql::work tx{connection};
  ASSERT_TRUE(succeeded(check_term(tx, *term)));
  database_settings impatient;
  impatient.lock_timeout = std::chrono::milliseconds{100};
  connection_pool pool{db.connection_string(), impatient, "test"};
  EXPECT_EQ(code_of(campaign(pool, role, b.node, b.incarnation, lifetime)), ec::database_timeout);
  tx.commit();
  EXPECT_TRUE(must(campaign(pool, role, b.node, b.incarnation, lifetime)));
}

// What lets a takeover go on while a stopped leader holds its row: the server ends its session,
// well within the lock time-out of whoever campaigns.
TEST(leadership, a_leader_that_stops_in_the_middle_of_a_transaction_is_ended_by_the_server) {
  test_database db;
  const auto a = seed_node(db, "a");
  const auto b = seed_node(db, "b");
  const auto term = run_for(db, a);
  ASSERT_TRUE(term);
  let_the_lifetime_pass(db);
  auto stopped = db.pool().acquire();
  ASSERT_TRUE(stopped);
  sql::work tx{**stopped};
  ASSERT_TRUE(succeeded(check_term(tx, *term)));
  const auto successor = run_for(db, b);  // waits
  ASSERT_TRUE(successor);
  EXPECT_EQ(successor->epoch, 2);
  EXPECT_ANY_THROW(tx.commit()) << "it wakes up, and nothing of it is written";
  stopped->discard();
  EXPECT_TRUE(succeeded(check(db, *successor)));
}

TEST(leadership, a_leader_waits_for_no_lock_for_long) {
  test_database db;
  const auto term = run_for(db, seed_node(db, "a"));
  ASSERT_TRUE(term);
  for (const auto& [usual, then] :
       {std::pair{"10s", "2s"}, {"0", "2s"}, {"1h", "2s"}, {"300ms", "300ms"}}) {
    const auto limits = must(
        db.pool().transact("test", [&](sql::work& tx, pooled_connection&) -> result<std::string> {
          tx.exec(std::string{"set local lock_timeout = '"} + usual + "'").no_rows();
          EXPECT_TRUE(succeeded(check_term(tx, *term)));
          return tx.exec("show lock_timeout").one_row()[0].as<std::string>();
        }));
    EXPECT_EQ(limits, then) << usual;
  }
}

TEST(leadership, of_a_suspect_passes_on_once_it_has_not_beaten_for_three_seconds) {
  test_database db;
  const auto a = seed_node(db, "a");
  const auto b = seed_node(db, "b");
  ASSERT_TRUE(run_for(db, a));
  const auto suspecting = [&](const std::vector<std::string>& suspects) {
    return must(campaign(db.pool(), role, b.node, b.incarnation, lifetime, suspects));
  };
  EXPECT_FALSE(suspecting({"a"})) << "a link that is lost is no death";
  db.execute("update nodes set heartbeat_at = heartbeat_at - interval '4 seconds'");
  EXPECT_FALSE(suspecting({}));
  EXPECT_FALSE(suspecting({"c"}));
  const auto taken = suspecting({"a"});
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->epoch, 2);
}

TEST(leadership, of_the_reaper_that_is_over_frees_nothing) {
  test_database db;
  seed_dataset(db, "d", 10);
  claim_planner planner;
  queue gone{db.pool(), {}, seed_node(db, "gone")};
  must(gone.claim(planner, 10));
  db.execute("delete from nodes");
  const auto term_of = [&](const char* node) {
    const auto self = seed_node(db, node);
    const auto term =
        must(campaign(db.pool(), "reaper", self.node, self.incarnation, std::chrono::minutes{10}));
    EXPECT_TRUE(term);
    return term.value_or(leader_term{});
  };
  const auto old = term_of("old");
  must(resign(db.pool(), old).map([] { return true; }));
  const auto now = term_of("new");
  queue any{db.pool(), {}, seed_node(db, "any")};
  const auto reap_in = [&](const leader_term& term) {
    return any.reap({std::chrono::hours{1}}, [&](sql::work& tx) { return check_term(tx, term); });
  };
  const auto refused = reap_in(old);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ec::stale_token);
  EXPECT_EQ(number(db, "select count(*) from queue_leases"), 10);
  EXPECT_EQ(must(reap_in(now)), 10);
}

TEST(leadership, that_is_resigned_is_free_at_once_and_only_by_its_holder) {
  test_database db;
  const auto a = seed_node(db, "a");
  const auto b = seed_node(db, "b");
  const auto first = run_for(db, a);
  ASSERT_TRUE(first);
  EXPECT_TRUE(succeeded(resign(db.pool(), *first)));
  EXPECT_EQ(code_of(check(db, *first)), ec::stale_token);
  const auto second = run_for(db, b);
  ASSERT_TRUE(second);
  EXPECT_GT(second->epoch, first->epoch);
  EXPECT_TRUE(succeeded(resign(db.pool(), *first))) << "no harm, and no effect:";
  EXPECT_TRUE(succeeded(check(db, *second)));
}

/// The campaign begins before the rival's node has joined, and waits for the rival's own.
TEST(leadership, a_rival_that_joined_and_won_meanwhile_is_not_replaced) {
  test_database db;
  const auto a = seed_node(db, "a");
  ASSERT_TRUE(run_for(db, seed_node(db, "former")));
  db.execute("update nodes set state = 'stopped' where name = 'former'");
  auto rival = db.connect();
  std::optional<sql::work> winning{rival};
  winning->exec(
      "insert into nodes (name, incarnation, address, roles, state, version, pid, capacity) "
      "values ('rival', 77, '', '{all}', 'running', 'test', 1, 1); "
      "update leaders set node = 'rival', incarnation = 77, epoch = epoch + 1, "
      "renewed_at = clock_timestamp()");
  std::jthread campaigning{[&] { EXPECT_FALSE(run_for(db, a)); }};
  ASSERT_TRUE(somebody_waits_for_a_lock(db));
  winning->commit();
  campaigning.join();
  EXPECT_EQ(db.query("select (node, epoch) from leaders"), "(rival,2)");
}

}  // namespace
}  // namespace millrace
