// Nodes that are lost: killed, stopped, cut off.
#include <atomic>
#include <csignal>
#include <thread>

#include <gmock/gmock.h>

#include "tests/cluster/cluster_bed.hpp"

namespace millrace {
namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// A suspect's work moves after 3 s and a look or two; without the lost link it would take 15 s.
constexpr seconds well_before_expiry{12};

/// Three nodes at work for some ten seconds.
struct busy_cluster : cluster_bed {
  static constexpr int documents = 600;

  busy_cluster() : cluster_bed{{.documents = documents, .latency = milliseconds{200}}} {
    start_all();
    EXPECT_TRUE(linked({"a", "b", "c"}));
    // A reaper trusts the heartbeats of suspects after it has seen the database for 5 s.
    EXPECT_TRUE(eventually([this] { return leader("reaper") != ""; }));
    EXPECT_TRUE(eventually([&] {
      return number(
                 "select extract(epoch from clock_timestamp() - max(started_at))::int from nodes") >
             6;
    }));
    submit("a");
    for (const auto* name : {"a", "b", "c"})
      EXPECT_TRUE(eventually([&] { return done_by(name) > 0; })) << name;
  }
  std::vector<std::string> leases_of(const std::string& name) const {
    return lines_of(
        sql("select coalesce(string_agg(document_id::text, E'\\n'), '') from queue_leases "
            "where node = '" +
            name + "'"));
  }
  /// Time until none of these documents is with `name` or waits, or nothing where that took too
  /// long.
  std::optional<milliseconds> taken_over(const std::string& name, clock::time_point since) const {
    const auto free = eventually([&] {
      return number("select count(*) from queue_leases where node = '" + name + "'") == 0;
    });
    if (!free) return std::nullopt;
    return std::chrono::duration_cast<milliseconds>(clock::now() - since);
  }
};

TEST(losses, what_a_killed_leader_had_is_elsewhere_before_it_would_expire) {
  busy_cluster bed;
  const auto victim = bed.leader("reaper");
  ASSERT_FALSE(bed.leases_of(victim).empty());
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
  bed.expect_end({busy_cluster::documents});
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
  for (const auto* name : {"a", "b", "c"}) {
    if (name == victim) continue;
    EXPECT_TRUE(eventually([&] {
      const auto said = bed.node(name).process->err();
      return said.rfind("linked with node " + victim) >
             said.rfind("the link with node " + victim + " is lost");
    })) << name
        << " links again: " << bed.node(name).process->err();
  }
  bed.stop_all();
  bed.expect_end({busy_cluster::documents});
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
  ASSERT_FALSE(bed.leases_of(victim).empty());
  {
    pqxx::connection connection{bed.database_url()};
    pqxx::work holds{connection};
    holds.exec0("lock table queue_ready in exclusive mode");  // where its transaction writes
    bed.node(victim).process->signal(SIGKILL);
    EXPECT_TRUE(eventually([&] {
      return bed.number(
                 "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and "
                 "application_name = 'millrace/" +
                 reaper + "' and query like '%delete from queue_leases l using held%'") > 0;
    })) << bed.node(reaper).process->err();
    bed.node(reaper).process->signal(SIGKILL);
    bed.node(reaper).process->wait();
  }
  ASSERT_TRUE(bed.ended());
  bed.kill(victim);
  bed.kill(reaper);
  bed.stop_all();
  bed.expect_end({busy_cluster::documents});
}

TEST(losses, every_node_killed_in_turn_and_started_again) {
  busy_cluster bed;
  for (const auto* name : {"a", "b", "c"}) {
    bed.node(name).process->signal(SIGKILL);
    bed.node(name).process->wait();
    bed.start(name);
  }
  ASSERT_TRUE(bed.ended());
  bed.stop_all();
  bed.expect_end({busy_cluster::documents});
}

TEST(losses, every_node_stopped_in_turn_until_the_others_have_its_work) {
  busy_cluster bed;
  for (const auto* name : {"a", "b", "c"}) {
    bed.node(name).process->signal(SIGSTOP);
    EXPECT_TRUE(bed.taken_over(name, clock::now())) << name;
    bed.node(name).process->signal(SIGCONT);
  }
  ASSERT_TRUE(bed.ended());
  bed.stop_all();
  bed.expect_end({busy_cluster::documents});
}

}  // namespace
}  // namespace millrace
