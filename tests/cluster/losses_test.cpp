// Nodes that are lost: killed, stopped, cut off.
#include <atomic>
#include <csignal>
#include <thread>

#include <gmock/gmock.h>

#include "tests/cluster/credit_watch.hpp"

namespace millrace {
namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// A suspect's work moves after 3 s and a look or two; without the lost link it would take 15 s.
constexpr seconds well_before_expiry{12};

const std::vector<std::string> names{"a", "b", "c"};

/// Three nodes at work for some ten seconds, whose credit is watched.
struct busy_cluster : cluster_bed {
  const int documents;
  credit_watch credit{*this};

  explicit busy_cluster(int n = 600)
      : cluster_bed{{.documents = n, .latency = milliseconds{200}}}, documents{n} {
    start_all();
    EXPECT_TRUE(linked(names));
    EXPECT_TRUE(settled());
    submit("a");
    for (const auto& name : names)
      EXPECT_TRUE(credit.until(names, [&] { return done_by(name) > 0; })) << name;
  }
  static std::vector<std::string> all_but(const std::string& name) {
    auto others = names;
    std::erase(others, name);
    return others;
  }
  /// Time until the database says that `name`, which is lost, has no document; nothing where that
  /// took too long.
  std::optional<milliseconds> taken_over(const std::string& name, clock::time_point since) {
    const auto free = credit.until(all_but(name), [&] { return leases_of(name) == 0; });
    if (!free) return std::nullopt;
    return std::chrono::duration_cast<milliseconds>(clock::now() - since);
  }
};

TEST(losses, what_a_killed_leader_had_is_elsewhere_before_it_would_expire) {
  busy_cluster bed;
  const auto victim = bed.leader("reaper");
  ASSERT_GT(bed.leases_of(victim), 0);
  const auto start = clock::now();
  bed.node(victim).process->signal(SIGKILL);
  bed.node(victim).process->wait();
  const auto took = bed.taken_over(victim, start);
  ASSERT_TRUE(took);
  RecordProperty("milliseconds", static_cast<int>(took->count()));
  EXPECT_LT(*took, well_before_expiry);
  for (const auto* role : {"ledger", "status_aggregator", "reaper"})
    EXPECT_TRUE(eventually([&] { return bed.leader(role) != victim; }, well_before_expiry)) << role;
  ASSERT_TRUE(bed.ended());
  bed.kill(victim);
  bed.stop_all();
  bed.expect_end({bed.documents});
}

TEST(losses, a_stopped_node_that_wakes_up_changes_nothing) {
  busy_cluster bed;
  const auto victim = bed.leader("status_aggregator");
  bed.node(victim).process->signal(SIGSTOP);
  const auto took = bed.taken_over(victim, clock::now());
  EXPECT_LT(took.value_or(seconds{60}), well_before_expiry);
  EXPECT_TRUE(
      eventually([&] { return bed.leader("status_aggregator") != victim; }, well_before_expiry));
  ASSERT_TRUE(bed.ended());
  bed.node(victim).process->signal(SIGCONT);
  for (const auto& name : busy_cluster::all_but(victim))
    EXPECT_TRUE(eventually([&] {
      const auto said = bed.node(name).process->err();
      return said.rfind("linked with node " + victim) >
             said.rfind("the link with node " + victim + " is lost");
    })) << name
        << " links again: " << bed.node(name).process->err();
  bed.stop_all();
  bed.expect_end({bed.documents});
}

TEST(losses, credits_that_are_ordered_while_the_ledgers_node_is_lost_move_once) {
  constexpr int grants = 60;
  for (const int how : {SIGKILL, SIGSTOP}) {
    cluster_bed bed{{}};
    bed.start_all();
    ASSERT_TRUE(bed.linked({"a", "b", "c"}));
    ASSERT_TRUE(eventually([&] { return bed.leader("ledger") != ""; }));
    const auto victim = bed.leader("ledger");
    const auto& through = bed.node(victim == "a" ? "b" : "a");
    std::atomic<int> moved{0};
    std::jthread customer{[&] {
      for (int i = 0; i < grants; ++i, ++moved)
        EXPECT_TRUE(eventually([&] {
          return through
                     .post("/v1/credits/grant", R"({"account":"x","amount":5,"idempotency_key":")" +
                                                    std::to_string(i) + R"("})")
                     .status == 200;
        })) << i;
    }};
    EXPECT_TRUE(eventually([&] { return moved > grants / 4; }));
    bed.node(victim).process->signal(how);
    EXPECT_LT(moved, grants) << "all was over before " << victim << " was lost";
    customer.join();
    EXPECT_NE(bed.leader("ledger"), victim);
    bed.node(victim).process->signal(SIGCONT);
    if (how == SIGKILL) bed.kill(victim);
    bed.stop_all();
    EXPECT_EQ(bed.number("select balance from credit_accounts where name = 'x'"), 5 * grants);
    EXPECT_EQ(bed.number("select count(*) from credit_transactions t join credit_accounts a on "
                         "a.id = t.account_id where a.name = 'x'"),
              grants);
  }
}

TEST(losses, a_reaper_that_is_killed_in_the_middle_leaves_all_to_the_next_one) {
  busy_cluster bed;
  const auto reaper = bed.leader("reaper");
  const std::string victim = reaper == "a" ? "b" : "a";
  ASSERT_GT(bed.leases_of(victim), 0);
  {
    sql::connection connection{bed.database_url()};
    sql::work holds{connection};
    holds.exec("lock table queue_ready in exclusive mode")
        .no_rows();  // where its transaction writes
    bed.node(victim).process->signal(SIGKILL);
    EXPECT_TRUE(eventually([&] {
      return bed.number(
                 "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and "
                 "application_name = 'millrace/" +
                 reaper + "' and query like '%left join nodes n on n.name = l.node%'") > 0;
    })) << bed.node(reaper).process->err();
    bed.node(reaper).process->signal(SIGKILL);
    bed.node(reaper).process->wait();
  }
  ASSERT_TRUE(bed.ended());
  bed.kill(victim);
  bed.kill(reaper);
  bed.stop_all();
  bed.expect_end({bed.documents});
}

/// Where a leader's backend waits for this test's lock, it is in the middle of what it does.
bool waits_for_a_lock(const cluster_bed& bed, const std::string& node) {
  return bed.number(
             "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and "
             "application_name = 'millrace/" +
             node + "'") > 0;
}

class lost_in_the_middle : public ::testing::TestWithParam<int> {};

TEST_P(lost_in_the_middle, the_ledger_moves_nothing_twice_and_blocks_nobody) {
  cluster_bed bed{{}};
  bed.start_all();
  ASSERT_TRUE(bed.linked(names));
  ASSERT_TRUE(eventually([&] { return bed.leader("ledger") != ""; }));
  const auto victim = bed.leader("ledger");
  const auto grant_through = [&](const std::string& node, const std::string& key) {
    return eventually([&] {
      return bed.node(node)
                 .post("/v1/credits/grant",
                       R"({"account":"x","amount":5,"idempotency_key":")" + key + R"("})")
                 .status == 200;
    });
  };
  ASSERT_TRUE(grant_through(victim, "first"));
  const std::string other = victim == "a" ? "b" : "a";
  std::jthread customer;
  {
    sql::connection connection{bed.database_url()};
    sql::work holds{connection};
    holds.exec("select from credit_accounts where name = 'x' for update");
    customer = std::jthread{[&] { EXPECT_TRUE(grant_through(other, "second")); }};
    ASSERT_TRUE(eventually([&] { return waits_for_a_lock(bed, victim); }));
    bed.node(victim).process->signal(GetParam());
  }
  customer.join();
  EXPECT_NE(bed.leader("ledger"), victim);
  bed.node(victim).process->signal(SIGCONT);
  if (GetParam() == SIGKILL) bed.kill(victim);
  EXPECT_TRUE(grant_through(other, "third"));
  bed.stop_all();
  EXPECT_EQ(bed.number("select balance from credit_accounts where name = 'x'"), 15);
  EXPECT_EQ(bed.number("select count(*) from credit_transactions t join credit_accounts a on "
                       "a.id = t.account_id where a.name = 'x'"),
            3);
}

TEST_P(lost_in_the_middle, the_status_aggregator_leaves_the_dataset_to_the_next_one) {
  busy_cluster bed;
  const auto victim = bed.leader("status_aggregator");
  {
    sql::connection connection{bed.database_url()};
    sql::work holds{connection};
    holds.exec("select from datasets for no key update");  // results only share the key
    ASSERT_TRUE(eventually([&] { return waits_for_a_lock(bed, victim); }));
    bed.node(victim).process->signal(GetParam());
    ASSERT_EQ(bed.leader("status_aggregator"), victim);
  }
  ASSERT_TRUE(bed.ended());
  EXPECT_NE(bed.leader("status_aggregator"), victim);
  bed.node(victim).process->signal(SIGCONT);
  if (GetParam() == SIGKILL) bed.kill(victim);
  bed.stop_all();
  bed.expect_end({bed.documents});
}

INSTANTIATE_TEST_SUITE_P(losses, lost_in_the_middle, ::testing::Values(SIGKILL, SIGSTOP),
                         [](const auto& test) {
                           return std::string{test.param == SIGKILL ? "killed" : "stopped"};
                         });

TEST(losses, every_node_killed_in_turn_and_started_again) {
  busy_cluster bed{1200};
  for (const auto& name : names) {
    ASSERT_GT(bed.leases_of(name), 0);
    bed.node(name).process->signal(SIGKILL);
    bed.node(name).process->wait();
    bed.start(name);
    const auto done = bed.done_by(name);
    ASSERT_TRUE(bed.credit.until(names, [&] { return bed.done_by(name) > done; })) << name;
  }
  ASSERT_TRUE(bed.credit.until(names, [&] { return bed.is_ready(); }));
  bed.credit.expect_busy(names.size() + 1);
  bed.stop_all();
  bed.expect_end({bed.documents});
}

TEST(losses, every_node_stopped_in_turn_until_the_others_have_its_work) {
  busy_cluster bed{1600};
  for (const auto& name : names) {
    ASSERT_TRUE(bed.credit.until(names, [&] { return bed.leases_of(name) > 0; })) << name;
    std::map<std::string, std::int64_t> done;
    for (const auto& other : bed.all_but(name)) done[other] = bed.done_by(other);
    bed.node(name).process->signal(SIGSTOP);
    for (const auto& [other, before] : done)
      EXPECT_TRUE(bed.credit.until(bed.all_but(name), [&] { return bed.done_by(other) > before; }))
          << other << " does not wait for " << name;
    EXPECT_TRUE(bed.taken_over(name, clock::now())) << name;
    bed.node(name).process->signal(SIGCONT);
  }
  ASSERT_TRUE(bed.credit.until(names, [&] { return bed.is_ready(); }));
  bed.credit.expect_busy(names.size());
  bed.stop_all();
  bed.expect_end({bed.documents});
}

}  // namespace
}  // namespace millrace
