#include "runtime/cluster/node_registry.hpp"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runtime/queue/seeded_queue.hpp"

namespace millrace {
namespace {

using ::testing::HasSubstr;

TEST(node_registry, each_life_of_a_node_has_a_larger_incarnation_and_supersedes_the_one_before) {
  test_database db;
  node_registry a{db.pool(), {"a", "host-a:4700", {"committer", "document"}, 100, "1.0"}};
  node_registry b{db.pool(), {"b", "", {"all"}, 10, "1.0"}};
  const auto first = must(a.join());
  const auto other = must(b.join());
  EXPECT_GT(first, 0);
  EXPECT_GT(other, first) << "incarnations are the cluster's, not a node's";
  EXPECT_EQ(
      db.query("select (address, roles, capacity, state, version) from nodes where name = 'a'"),
      "(host-a:4700,\"{committer,document}\",100,running,1.0)");

  db.execute("update nodes set heartbeat_at = heartbeat_at - interval '1 hour'");
  EXPECT_EQ(code_of(a.heartbeat(first, node_state::draining)), ec::none);
  EXPECT_EQ(db.query("select name || ' ' || state from nodes where heartbeat_at > now() - interval "
                     "'30 minutes'"),
            "a draining");

  const auto second = must(a.join());
  EXPECT_GT(second, other);
  EXPECT_EQ(db.query("select state from nodes where name = 'a'"), "running");
  const auto superseded = a.heartbeat(first, node_state::stopped);
  ASSERT_EQ(code_of(superseded), ec::stale_token);
  EXPECT_THAT(superseded.error().message, HasSubstr("`a`"));
  EXPECT_TRUE(succeeded(a.leave(first, "[]"))) << "no harm, and no effect:";
  EXPECT_EQ(db.query("select state from nodes where name = 'a'"), "running");
  EXPECT_EQ(code_of(a.heartbeat(second, node_state::running)), ec::none);
  EXPECT_EQ(number(db, "select count(*) from nodes"), 2);
}

TEST(node_registry, a_node_that_left_keeps_what_its_actors_were) {
  test_database db;
  EXPECT_EQ(must(last_actors_json(db.pool())), "[]");
  EXPECT_EQ(must(nodes_json(db.pool())), "[]");
  node_registry a{db.pool(), {"a", "", {"all"}, 100, "1.0"}};
  node_registry b{db.pool(), {"b", "", {"all"}, 100, "1.0"}};
  const auto life_a = must(a.join());
  const auto life_b = must(b.join());
  EXPECT_TRUE(succeeded(a.leave(life_a, R"([{"id": 1, "role": "document"}])")));
  EXPECT_EQ(db.query("select state from nodes where name = 'a'"), "stopped");
  EXPECT_EQ(must(last_actors_json(db.pool())), R"([{"id": 1, "role": "document"}])");
  EXPECT_TRUE(succeeded(b.leave(life_b, R"([{"id": 2}])")));
  EXPECT_EQ(must(last_actors_json(db.pool())), R"([{"id": 2}])") << "of the one that left last";
  must(b.join());
  EXPECT_EQ(must(last_actors_json(db.pool())), R"([{"id": 1, "role": "document"}])");
}

TEST(node_registry, nodes_are_listed_with_what_they_carry_and_lead) {
  test_database db;
  node_registry a{db.pool(), {"a", "", {"all"}, 7, "1.0"}};
  const auto life = must(a.join());
  seed_dataset(db, "d", 3);
  queue q{db.pool(), {}, {"a", life}};
  claim_planner planner;
  must(q.claim(planner, 2));
  db.execute("insert into leaders (role, node, incarnation, epoch) values ('reaper', 'a', 1, 1)");
  const auto json = must(nodes_json(db.pool()));
  db.execute("create table listed as select '" + json + "'::jsonb -> 0 as n");
  EXPECT_EQ(
      db.query("select n ->> 'node' || ' ' || (n ->> 'documents') || ' ' || (n ->> 'leads') || "
               "' ' || (n ->> 'capacity') from listed"),
      "a 2 [\"reaper\"] 7");
}

TEST(node_registry, a_node_without_a_heartbeat_is_lost_and_one_that_stays_away_is_forgotten) {
  test_database db;
  for (const auto* name : {"a", "b", "c", "d"})
    must(node_registry{db.pool(), {name, "", {"all"}, 10, "1.0"}}.join());
  db.execute("update nodes set heartbeat_at = now() - interval '16 seconds' where name = 'b'");
  db.execute(
      "update nodes set state = 'stopped', heartbeat_at = now() - interval '8 days' where name in "
      "('c', 'd')");
  db.execute(
      "insert into queue_leases (token, document_id, dataset_id, priority, failures, losses, node, "
      "incarnation, deadline) select 1, 1, 1, 0, 0, 0, name, incarnation, now() from nodes where "
      "name = 'd'");
  const std::map<std::string, std::int64_t> states{{"running", 1}, {"lost", 1}, {"stopped", 2}};
  EXPECT_EQ(must(nodes_by_state(db.pool())), states);
  const auto shown = must(nodes_json(db.pool()));
  EXPECT_THAT(shown, HasSubstr(R"("node":"b","state":"lost")"));
  EXPECT_EQ(must(remove_gone_nodes(db.pool())), 1);
  EXPECT_EQ(db.query("select string_agg(name, ' ' order by name) from nodes"), "a b d");
}

TEST(node_registry, a_node_is_seen_to_beat_or_not) {
  test_database db;
  node_registry a{db.pool(), {"a", "", {"all"}, 10, "1.0"}};
  node_registry watcher{db.pool(), {"w", "", {"all"}, 10, "1.0"}};
  const node_row row{"a", must(a.join()), "", "1.0", 0};
  EXPECT_FALSE(must(watcher.beats(row, std::chrono::milliseconds{300})));
  const std::jthread heart{[&](const std::stop_token& stopped) {
    while (!stopped.stop_requested()) must(a.heartbeat(row.incarnation, node_state::running));
  }};
  EXPECT_TRUE(must(watcher.beats(row, std::chrono::minutes{1})));
}

TEST(node_registry, a_database_belongs_to_the_cluster_that_came_first) {
  test_database db;
  node_registry a{db.pool(), {"a", "", {"all"}, 10, "1.0"}};
  EXPECT_TRUE(succeeded(a.enter_cluster("north")));
  EXPECT_TRUE(succeeded(a.enter_cluster("north")));
  const auto other = a.enter_cluster("south");
  ASSERT_EQ(code_of(other), ec::invalid_config);
  EXPECT_THAT(other.error().message, HasSubstr("`north`"));
  EXPECT_THAT(other.error().message, HasSubstr("`south`"));
}

TEST(node_registry, a_heartbeat_tells_who_else_can_be_dialled) {
  test_database db;
  node_registry a{db.pool(), {"a", "host-a:1", {"all"}, 10, "1.0", 3, "id-a"}};
  node_registry b{db.pool(), {"b", "host-b:2", {"all"}, 10, "2.0", 4, "id-b"}};
  node_registry silent{db.pool(), {"silent", "", {"all"}, 10, "1.0"}};
  const auto life_a = must(a.join());
  const auto life_b = must(b.join());
  must(silent.join());
  const auto seen = must(a.heartbeat(life_a, node_state::running));
  ASSERT_EQ(seen.size(), 1U) << "not itself, and none without an address";
  EXPECT_EQ(seen[0].name, "b");
  EXPECT_EQ(seen[0].incarnation, life_b);
  EXPECT_EQ(seen[0].address, "host-b:2");
  EXPECT_EQ(seen[0].protocol, 4);
  db.execute("update nodes set heartbeat_at = heartbeat_at - interval '16 s' where name = 'b'");
  EXPECT_TRUE(must(a.heartbeat(life_a, node_state::running)).empty()) << "dead";
  EXPECT_EQ(code_of(b.heartbeat(life_b, node_state::draining)), ec::none);
  EXPECT_EQ(must(a.heartbeat(life_a, node_state::running)).size(), 1U);
  EXPECT_TRUE(succeeded(b.leave(life_b, "[]")));
  EXPECT_TRUE(must(a.heartbeat(life_a, node_state::running)).empty()) << "stopped";
}

TEST(node_registry, a_live_node_of_the_same_name_or_the_same_process_id_stands_in_the_way) {
  test_database db;
  node_registry a{db.pool(), {"a", "host:1", {"all"}, 10, "1.0", 1, "id-a"}};
  EXPECT_FALSE(must(a.rival()));
  must(a.join());
  EXPECT_FALSE(must(a.rival())) << "the same address: this node's former life";
  node_registry namesake{db.pool(), {"a", "host:2", {"all"}, 10, "1.0", 1, "id-b"}};
  ASSERT_TRUE(must(namesake.rival()));
  EXPECT_EQ(must(namesake.rival())->address, "host:1");
  node_registry twin{db.pool(), {"b", "host:3", {"all"}, 10, "1.0", 1, "id-a"}};
  ASSERT_TRUE(must(twin.rival()));
  EXPECT_EQ(must(twin.rival())->name, "a");
  db.execute("update nodes set heartbeat_at = heartbeat_at - interval '16 s'");
  EXPECT_FALSE(must(namesake.rival())) << "dead";
  EXPECT_FALSE(must(twin.rival()));
}

TEST(node_registry, a_live_node_of_another_machine_is_told_from_neighbours) {
  test_database db;
  node_registry near{db.pool(), {"near", "127.0.0.1:4700", {"all"}, 1, "1"}};
  node_registry six{db.pool(), {"six", "[::1]:4700", {"all"}, 1, "1"}};
  node_registry alone{db.pool(), {"alone", "", {"all"}, 1, "1"}};
  for (auto* n : {&near, &six, &alone}) must(n->join());
  EXPECT_FALSE(must(distant_node(db.pool())));
  node_registry far{db.pool(), {"far", "10.0.0.7:4700", {"all"}, 1, "1"}};
  const auto life = must(far.join());
  EXPECT_EQ(must(distant_node(db.pool())).value_or(""), "far");
  EXPECT_TRUE(succeeded(far.leave(life, "[]")));
  EXPECT_FALSE(must(distant_node(db.pool())));
}

}  // namespace
}  // namespace millrace
