// What the reaper takes from holders that are dead, suspects or over their time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/queue/queue.hpp"
#include "tests/runtime/queue/seeded_queue.hpp"

namespace millrace {
namespace {

using ::testing::SizeIs;

TEST(queue_reaper, a_restarted_node_frees_what_its_former_life_held_and_nothing_else) {
  test_database db;
  seed_dataset(db, "d", 30);
  claim_planner planner;
  queue other{db.pool(), {}, seed_node(db, "b")};
  must(other.claim(planner, 10));
  queue before{db.pool(), {}, seed_node(db, "a")};
  must(before.claim(planner, 10));
  queue after{db.pool(), {}, seed_node(db, "a")};
  must(after.claim(planner, 10));
  EXPECT_EQ(must(after.free_former_incarnations()), 10);
  EXPECT_EQ(must(after.free_former_incarnations()), 0);
  EXPECT_EQ(number(db, "select count(*) from queue_leases where node = 'b'"), 10);
  EXPECT_EQ(number(db, "select count(*) from queue_leases where node = 'a' and incarnation = " +
                           std::to_string(after.self().incarnation)),
            10);
  EXPECT_EQ(db.query("select (min(losses), max(losses), max(failures)) from queue_ready"),
            "(1,1,0)");
}

TEST(queue_reaper, the_reaper_frees_dead_nodes_and_passed_deadlines_but_not_the_living) {
  test_database db;
  seed_dataset(db, "d", 60);
  claim_planner planner;
  const auto claim = [&](const char* node) {
    queue q{db.pool(), {}, seed_node(db, node)};
    return must(q.claim(planner, 10));
  };
  const auto live = claim("live");
  claim("silent");
  claim("stopped");
  claim("unknown");
  claim("reborn");
  seed_node(db, "reborn");
  db.execute(
      "update nodes set heartbeat_at = heartbeat_at - interval '1 hour' where name = 'silent'");
  db.execute("update nodes set state = 'stopped' where name = 'stopped'");
  db.execute("delete from nodes where name = 'unknown'");
  queue reaper{db.pool(), {}, seed_node(db, "reaper")};
  const auto timeout = std::chrono::minutes{10};
  EXPECT_EQ(must(reaper.reap({timeout})), 40);
  EXPECT_EQ(db.query("select string_agg(distinct node, ' ') from queue_leases"), "live");
  EXPECT_EQ(number(db, "select count(*) from queue_ready where losses = 1 and failures = 0"), 40);
  EXPECT_EQ(must(reaper.reap({timeout})), 0);

  db.execute("update queue_leases set deadline = now() - interval '1 second' where token = " +
             std::to_string(live.at(3).token));
  EXPECT_EQ(must(reaper.reap({timeout})), 1) << "a deadline counts on a living node too";
  EXPECT_EQ(number(db, "select count(*) from queue_leases"), 9);
}

TEST(queue_reaper, a_suspect_is_reaped_once_its_heartbeat_is_late_and_nobody_else) {
  test_database db;
  seed_dataset(db, "d", 20);
  claim_planner planner;
  for (const auto* node : {"suspect", "trusted"}) {
    queue q{db.pool(), {}, seed_node(db, node)};
    must(q.claim(planner, 10));
  }
  queue reaper{db.pool(), {}, seed_node(db, "reaper")};
  const auto hour = std::chrono::hours{1};
  const auto minute = std::chrono::minutes{1};
  EXPECT_EQ(must(reaper.reap({hour, {"suspect"}, minute})), 0) << "only its link is lost";
  db.execute("update nodes set heartbeat_at = heartbeat_at - interval '2 minutes'");
  EXPECT_EQ(must(reaper.reap({hour, {}, minute})), 0) << "silent for less than the time-out";
  EXPECT_EQ(must(reaper.reap({hour, {"suspect"}, minute})), 10);
  EXPECT_EQ(db.query("select string_agg(distinct node, ' ') from queue_leases"), "trusted");
}

TEST(queue_reaper, reaped_leases_of_a_cancelled_dataset_end) {
  test_database db;
  seed_dataset(db, "d", 2);
  queue q{db.pool(), {}, seed_node(db, "a")};
  claim_planner planner;
  ASSERT_THAT(must(q.claim(planner, 2)), SizeIs(2));
  db.execute("update datasets set status = 'cancelled'");
  db.execute("update queue_leases set deadline = now() - interval '1 s'");
  must(q.reap({std::chrono::seconds{15}}));
  EXPECT_EQ(db.query("select count(*) from queue_ready"), "0");
  EXPECT_EQ(db.query("select count(*) from queue_leases"), "0");
}

TEST(queue_reaper, a_suspect_is_charged_only_for_holders_that_vanish_while_it_runs) {
  test_database db;
  seed_dataset(db, "d", 3);
  db.execute("update queue_ready set losses = case when document_id % 3 = 0 then 1 else 2 end");
  claim_planner planner;
  queue before{db.pool(), {}, seed_node(db, "a")};
  const auto leases = must(before.claim(planner, 3));
  ASSERT_THAT(leases, SizeIs(3));
  const auto suspect =
      std::find_if(leases.begin(), leases.end(), [](const lease& l) { return l.is_suspect(); });
  ASSERT_NE(suspect, leases.end());
  EXPECT_TRUE(must(before.begin(suspect->token)));
  queue after{db.pool(), {}, seed_node(db, "a")};
  EXPECT_EQ(must(after.free_former_incarnations()), 3);
  EXPECT_EQ(db.query("select string_agg(losses || ' ' || attempts, ', ' order by losses, attempts) "
                     "from queue_ready r join documents d on d.id = r.document_id"),
            "2 0, 2 1, 3 1")
      << "waited as a suspect, held without suspicion, ran as a suspect";
  EXPECT_FALSE(must(before.begin(suspect->token))) << "it is somebody else's";

  planner.expire();
  must(after.claim(planner, 3));
  db.execute("update queue_leases set deadline = now() - interval '1 s'");
  EXPECT_EQ(must(after.reap({std::chrono::hours{1}})), 3) << "the reaper judges alike";
  EXPECT_EQ(db.query("select string_agg(losses::text, ' ' order by losses) from queue_ready"),
            "2 2 3");
}

TEST(queue_reaper, what_a_dead_holder_had_is_claimed_before_the_rest_of_its_dataset) {
  test_database db;
  seed_dataset(db, "d", 100);
  // As a submission leaves it.
  db.execute("update queue_ready set run_at = (select created_at from datasets) - interval '5 ms'");
  queue dead{db.pool(), {}, seed_node(db, "dead")};
  claim_planner its;
  std::set<std::int64_t> lost;
  for (const auto& l : must(dead.claim(its, 10))) lost.insert(l.document_id);
  queue q{db.pool(), {}, seed_node(db, "alive")};
  claim_planner planner;
  ASSERT_THAT(must(q.claim(planner, 20)), SizeIs(20));
  db.execute(
      "update nodes set heartbeat_at = heartbeat_at - interval '1 hour' where name = 'dead'");
  ASSERT_EQ(must(q.reap({std::chrono::minutes{1}})), 10);
  planner.expire();  // as the notification does
  std::set<std::int64_t> next;
  for (const auto& l : must(q.claim(planner, 10))) next.insert(l.document_id);
  EXPECT_EQ(next, lost);
}

}  // namespace
}  // namespace millrace
