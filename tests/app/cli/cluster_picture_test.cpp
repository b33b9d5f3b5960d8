// The answers of a node joined to what `millrace top` shows.
#include "app/cli/cluster_picture.hpp"

#include <gtest/gtest.h>

#include "runtime/http/json.hpp"

namespace millrace::cli {
namespace {

constexpr auto two_nodes = R"([
  {"node":"b","state":"running","roles":["all"],"leads":[],"documents":3,"capacity":100,"heartbeat_age_seconds":0.4},
  {"node":"a","state":"draining","roles":["document","image"],"leads":["ledger"],"documents":1,"capacity":8,
   "heartbeat_age_seconds":1}])";

std::string actor(const std::string& node, const std::string& role, const std::string& more = "") {
  return R"({"node":")" + node + R"(","role":")" + role +
         R"(","id":1,"state":"idle","document":null)" + (more.empty() ? "" : "," + more) + "}";
}

cluster_picture joined(const std::string& nodes, const std::string& actors) {
  auto p = join({R"({"cluster":"demo","documents_ended":40})",
                 R"({"ready":5,"delayed":1,"leased":4,"dead":2,"oldest_ready_seconds":0})", nodes,
                 actors});
  EXPECT_TRUE(p) << p.error().message;
  return p ? *p : cluster_picture{};
}

TEST(cluster_picture, takes_the_numbers_of_every_answer) {
  const auto p = joined(two_nodes, "[" + actor("a", "ledger") + "," + actor("b", "ledger") + "]");
  EXPECT_EQ(p.cluster, "demo");
  EXPECT_EQ(p.documents_ended, 40);
  EXPECT_EQ(p.ready, 5);
  EXPECT_EQ(p.delayed, 1);
  EXPECT_EQ(p.leased, 4);
  EXPECT_EQ(p.dead, 2);
  ASSERT_EQ(p.nodes.size(), 2U);
  EXPECT_EQ(p.nodes[0].name, "a");
  EXPECT_EQ(p.nodes[0].state, "draining");
  EXPECT_EQ(p.nodes[0].leads, std::vector<std::string>{"ledger"});
  EXPECT_EQ(p.nodes[0].capacity, 8);
  EXPECT_EQ(p.nodes[1].documents, 3);
  EXPECT_TRUE(p.nodes[0].answers);
}

TEST(cluster_picture, a_node_that_says_nothing_is_told_apart_from_one_that_is_lost_or_stopped) {
  const auto p = joined(
      R"([{"node":"a","state":"running","heartbeat_age_seconds":1},
          {"node":"b","state":"running","heartbeat_age_seconds":2},
          {"node":"c","state":"lost","heartbeat_age_seconds":15.1},
          {"node":"d","state":"stopped","heartbeat_age_seconds":99},
          {"node":"e","state":"running","heartbeat_age_seconds":0}])",
      "[" + actor("a", "ledger") + R"(,{"node":"b","state":"the node did not answer: timeout"}])");
  ASSERT_EQ(p.nodes.size(), 5U);
  EXPECT_TRUE(p.nodes[0].answers);
  EXPECT_FALSE(p.nodes[1].answers);
  EXPECT_EQ(p.nodes[1].problem, "the node did not answer: timeout");
  EXPECT_EQ(p.nodes[2].name, "e");
  EXPECT_FALSE(p.nodes[2].answers) << "not linked with the node that was asked";
  EXPECT_EQ(p.nodes[3].state, "lost");
  EXPECT_TRUE(p.nodes[3].answers) << "nothing is expected of it";
  EXPECT_EQ(p.nodes[4].state, "stopped");
  ASSERT_EQ(p.roles.size(), 1U) << "a node that does not answer has no roles";
}

TEST(cluster_picture, where_no_actors_were_asked_for_no_node_is_blamed) {
  EXPECT_TRUE(joined(two_nodes, "").nodes[0].answers);
}

TEST(cluster_picture, actors_of_a_role_become_one_line) {
  const auto p = joined(
      two_nodes,
      "[" +
          actor(
              "b", "embedder",
              R"("mailbox_depth":2,"mailbox_limit":100,"mailbox_peak":9,"mailbox_rejected":0,"handled":1,
                   "handling_p50_seconds":0.5,"handling_p99_seconds":0.6,"restarts":1,"demand_available":7)") +
          "," +
          actor(
              "b", "embedder",
              R"("mailbox_depth":1,"mailbox_limit":10,"mailbox_peak":3,"mailbox_rejected":4,"handled":9,
                   "handling_p50_seconds":0.1,"handling_p99_seconds":0.2,"restarts":0,"demand_available":5)") +
          "," + actor("b", "embedder") + "]");
  ASSERT_EQ(p.roles.size(), 1U);
  const auto& r = p.roles[0];
  EXPECT_EQ(r.actors, 3);
  EXPECT_EQ(r.busy, 2) << "a waiting request is work";
  EXPECT_EQ(r.mailbox_depth, 3);
  EXPECT_EQ(r.mailbox_limit, 110);
  EXPECT_EQ(r.fullest_depth, 1) << "1 of 10 is fuller than 2 of 100";
  EXPECT_EQ(r.fullest_limit, 10);
  EXPECT_EQ(r.mailbox_peak, 9);
  EXPECT_EQ(r.mailbox_rejected, 4);
  EXPECT_EQ(r.demand_available, 12);
  EXPECT_DOUBLE_EQ(r.handling_p50_seconds, 0.1) << "nine of ten messages took that";
  EXPECT_DOUBLE_EQ(r.handling_p99_seconds, 0.6);
  EXPECT_EQ(r.restarts, 1);
}

TEST(cluster_picture, roles_come_in_the_order_of_a_documents_way_and_a_missing_credit_is_none) {
  const auto p = joined(two_nodes, "[" + actor("a", "ledger") + "," + actor("b", "committer") +
                                       "," + actor("a", "document") + "," +
                                       actor("b", "document", R"("demand_available":null)") + "]");
  std::string order;
  for (const auto& r : p.roles) order += r.role + "/" + r.node + " ";
  EXPECT_EQ(order, "document/a document/b committer/b ledger/a ");
  EXPECT_EQ(p.roles[1].demand_available, std::nullopt);
}

TEST(cluster_picture, the_documents_in_work_are_those_of_document_actors_the_oldest_first) {
  const auto carries = [](const std::string& node, const std::string& role, const std::string& uri,
                          double seconds) {
    return R"({"node":")" + node + R"(","role":")" + role +
           R"(","state":"embedding","document":")" + uri + R"(","seconds_in_state":)" +
           std::to_string(seconds) + "}";
  };
  std::string actors = "[" + carries("b", "image", "file:///i.png", 99) + "," +
                       carries("b", "document", "file:///old.pdf", 70.5);
  for (std::size_t i = 0; i < max_documents + 5; ++i)
    actors += "," + carries("a", "document", "file:///" + std::to_string(i), 1);
  const auto p = joined(two_nodes, actors + "]");
  ASSERT_EQ(p.documents.size(), max_documents);
  EXPECT_EQ(p.documents[0].uri, "file:///old.pdf");
  EXPECT_EQ(p.documents[0].stage, "embedding");
  EXPECT_EQ(p.documents[0].node, "b");
  EXPECT_DOUBLE_EQ(p.documents[0].seconds, 70.5);
}

TEST(cluster_picture, answers_of_an_older_node_leave_fields_empty) {
  const auto p =
      join({"", "", R"([{"node":"a","state":"running"}])", R"([{"node":"a","role":"ledger"}])"});
  ASSERT_TRUE(p);
  EXPECT_EQ(p->cluster, std::nullopt);
  EXPECT_EQ(p->documents_ended, std::nullopt);
  EXPECT_EQ(p->roles.size(), 1U);
}

TEST(cluster_picture, what_is_not_the_api_is_an_error) {
  EXPECT_FALSE(join({"", "", "{}", "[]"}));
  EXPECT_FALSE(join({"", "", "<html>", "[]"}));
  EXPECT_FALSE(join({"", "", R"([{"state":"running"}])", "[]"}));
  EXPECT_FALSE(join({"[]", "", "[]", "[]"}));
}

TEST(cluster_picture, the_rate_is_of_the_time_between_two_pictures) {
  cluster_picture before, now;
  now.documents_ended = 50;
  measure_rate(now, before, 2);
  EXPECT_EQ(now.documents_per_second, std::nullopt) << "nothing to compare with";
  before.documents_ended = 40;
  measure_rate(now, before, 4);
  EXPECT_EQ(now.documents_per_second, 2.5);
  before.documents_ended = 60;
  measure_rate(now, before, 2);
  EXPECT_EQ(now.documents_per_second, 0.0) << "a retry took some away";
  measure_rate(now, before, 0);
  EXPECT_EQ(now.documents_per_second, std::nullopt);
}

TEST(cluster_picture, becomes_one_json_object) {
  const auto p = joined(two_nodes, "[" + actor("b", "document") + "]");
  const auto parsed = json::parse(to_json(p));
  ASSERT_TRUE(parsed);
  EXPECT_STREQ((*parsed)["cluster"].GetString(), "demo");
  EXPECT_TRUE((*parsed)["documents_per_second"].IsNull());
  EXPECT_EQ((*parsed)["queue"]["dead"].GetInt64(), 2);
  EXPECT_EQ((*parsed)["nodes"].Size(), 2U);
  EXPECT_FALSE((*parsed)["nodes"][0]["answers"].GetBool());
  EXPECT_EQ((*parsed)["roles"][0]["actors"].GetInt64(), 1);
  EXPECT_TRUE((*parsed)["roles"][0]["demand_available"].IsNull());
  EXPECT_TRUE((*parsed)["documents"].Empty());
}

}  // namespace
}  // namespace millrace::cli
