// `millrace node`: its HTTP endpoint, the commands that talk to it, and how it ends.
#include <csignal>
#include <cstdlib>
#include <map>
#include <set>

#include <gmock/gmock.h>

#include "tests/integration/live_node.hpp"
#include "tests/support/embedding/fake_embedding_server.hpp"

namespace millrace {
namespace {

using ::testing::HasSubstr;

/// Fewer actors than by default, so that they are counted easily.
const std::string few_actors = "[documents]\nconcurrency = 7\n[images]\nconcurrency = 3\n";

std::string error_code(const reply& r) {
  const auto json = parse_json(r.body);
  return json.HasMember("error") ? json["error"]["code"].GetString() : "";
}

/// One node for the tests that do not end it; each uses an account and a dataset of its own.
class node_endpoint : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    corner = new workspace;
    corner->add_documents(8);
    corner->add_document("broken.bin", std::string("\x01\x02\x00\xff\xfe\x7f\x00\x03", 8));
    node = new live_node{*corner, "local", few_actors};
  }
  static void TearDownTestSuite() {
    delete node;
    delete corner;
  }

  static void grant(const std::string& account, int amount) {
    const auto order =
        R"({"account":")" + account + R"(","amount":)" + std::to_string(amount) + "}";
    EXPECT_EQ(node->post("/v1/credits/grant", order).status, 200);
  }
  static reply submit(const std::string& name, const std::string& uri) {
    return node->post("/v1/datasets", R"({"name":")" + name + R"(","account":")" + name +
                                          R"(","uris":["file://)" + uri + R"("]})");
  }
  static bool ends(const std::string& dataset) {
    return eventually([&] {
      return std::string{node->json("/v1/datasets/" + dataset)["status"].GetString()} !=
             "processing";
    });
  }

  static inline workspace* corner = nullptr;
  static inline live_node* node = nullptr;
};

TEST_F(node_endpoint, is_alive_and_ready_with_every_check) {
  EXPECT_EQ(node->get("/livez").status, 200);
  EXPECT_EQ(node->get("/readyz").status, 200);
  const auto ready = node->json("/readyz?verbose");
  EXPECT_TRUE(ready["ready"].GetBool());
  std::set<std::string> names;
  for (const auto& check : ready["checks"].GetArray()) {
    names.insert(check["name"].GetString());
    EXPECT_TRUE(check["ok"].GetBool()) << check["detail"].GetString();
  }
  EXPECT_TRUE(names.contains("database"));
  EXPECT_TRUE(names.contains("actors"));
}

TEST_F(node_endpoint, takes_a_dataset_to_its_end_and_answers_about_it) {
  EXPECT_EQ(error_code(submit("path", corner->documents())), "insufficient_credits");
  EXPECT_EQ(node->get("/v1/datasets/path").status, 404) << "nothing half done";
  grant("path", 500);
  const auto accepted = submit("path", corner->documents());
  ASSERT_EQ(accepted.status, 201) << accepted.body;
  EXPECT_EQ(number_at(parse_json(accepted.body), "charged"), 90);
  ASSERT_TRUE(ends("path"));
  const auto dataset = node->json("/v1/datasets/path");
  EXPECT_EQ(number_at(dataset, "ready"), 8);
  EXPECT_EQ(number_at(dataset, "failed"), 1);
  const auto failed = node->json("/v1/datasets/path/documents?status=failed");
  ASSERT_EQ(failed["documents"].Size(), 1U);
  EXPECT_STREQ(failed["documents"][0]["error_code"].GetString(), "unsupported_format");
  EXPECT_EQ(lines_of(node->get("/v1/datasets/path/chunks").body).size(), 8U);
  const auto hits = node->post("/v1/search", R"({"dataset":"path","query":"mills","limit":2})");
  EXPECT_EQ(parse_json(hits.body)["results"].Size(), 2U) << hits.body;
  EXPECT_EQ(number_at(node->json("/v1/credits/path"), "balance"), 500 - 80) << "one was refunded";
}

TEST_F(node_endpoint, refuses_files_outside_of_what_sources_allow) {
  grant("outside", 500);
  for (const auto& uri : {std::string{"/etc/passwd"}, corner->documents() + "/../local.toml",
                          corner->documents() + "-too", std::string{"/"}}) {
    const auto refused = submit("outside", uri);
    EXPECT_EQ(refused.status, 403) << uri;
    EXPECT_EQ(error_code(refused), "permission_denied") << uri;
  }
  const auto link = std::filesystem::path{corner->documents()} / "link";
  std::filesystem::create_directory_symlink("/etc", link);
  EXPECT_EQ(submit("outside", (link / "passwd").native()).status, 403) << "by a link";
  std::filesystem::remove(link);
  EXPECT_EQ(node->get("/v1/datasets/outside").status, 404);
  EXPECT_EQ(number_at(node->json("/v1/credits/outside"), "balance"), 500);
}

TEST_F(node_endpoint, answers_wrong_requests_with_a_code_and_a_sentence) {
  for (const auto& [status, answer] : std::vector<std::pair<int, reply>>{
           {400, node->post("/v1/datasets", "not json")},
           {400, node->post("/v1/datasets", R"({"nam":"x"})")},
           {400, node->post("/v1/credits/grant", R"({"amount":"many"})")},
           {404, node->get("/v1/datasets/nope")},
           {404, node->get("/v2/things")},
           {405, node->post("/livez", "")}}) {
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_GT(std::string{parse_json(answer.body)["error"]["message"].GetString()}.size(), 10U);
  }
}

TEST_F(node_endpoint, moves_credits_once_for_one_idempotency_key) {
  const std::string grant_body = R"({"account":"key","amount":100,"idempotency_key":"g"})";
  const std::string deduct_body = R"({"account":"key","document_count":5,"idempotency_key":"d"})";
  for (const bool again : {false, true}) {
    const auto granted = parse_json(node->post("/v1/credits/grant", grant_body).body);
    EXPECT_EQ(granted["replayed"].GetBool(), again);
    const auto charged = parse_json(node->post("/v1/credits/deduct-batch", deduct_body).body);
    EXPECT_EQ(charged["replayed"].GetBool(), again);
    EXPECT_EQ(number_at(charged, "balance"), 50);
  }
  const auto other =
      node->post("/v1/credits/grant", R"({"account":"key","amount":101,"idempotency_key":"g"})");
  EXPECT_EQ(other.status, 409);
  EXPECT_EQ(error_code(other), "idempotency_conflict");
  const auto charge = number_at(
      parse_json(node->post("/v1/credits/deduct-batch", deduct_body).body), "transaction_id");
  const auto refund = [&](int failed) {
    return node->post("/v1/credits/refund", R"({"transaction_id":)" + std::to_string(charge) +
                                                R"(,"failed_count":)" + std::to_string(failed) +
                                                R"(,"idempotency_key":"r)" +
                                                std::to_string(failed) + R"("})");
  };
  EXPECT_EQ(refund(3).status, 200);
  EXPECT_EQ(error_code(refund(4)), "refund_exceeds_charge");
  EXPECT_EQ(refund(2).status, 200);
  EXPECT_EQ(error_code(refund(1)), "refund_exceeds_charge");
  EXPECT_EQ(number_at(node->json("/v1/credits/key"), "balance"), 100);
  EXPECT_EQ(error_code(
                node->post("/v1/credits/deduct-batch", R"({"account":"key","document_count":11})")),
            "insufficient_credits");
}

TEST_F(node_endpoint, shows_exactly_the_actors_that_the_config_asks_for) {
  std::map<std::string, int> roles;
  std::set<std::int64_t> ids;
  const auto actors = node->json("/v1/actors");
  for (const auto& a : actors.GetArray()) {
    ++roles[a["role"].GetString()];
    ids.insert(a["id"].GetInt64());
    for (const char* field :
         {"node", "state", "mailbox_depth", "mailbox_limit", "mailbox_peak", "mailbox_rejected",
          "handled", "handling_p50_seconds", "handling_p99_seconds", "restarts", "document"})
      EXPECT_TRUE(a.HasMember(field)) << field;
    EXPECT_EQ(a["mailbox_rejected"].GetInt64(), 0) << a["role"].GetString();
  }
  const std::map<std::string, int> expected{
      {"supervisor", 1},        {"membership", 1}, {"peers", 1},
      {"queue_puller", 1},      {"document", 7},   {"image", 3},
      {"embedder", 1},          {"committer", 1},  {"ledger", 1},
      {"status_aggregator", 1}, {"image_desk", 1}};
  EXPECT_EQ(roles, expected);
  EXPECT_EQ(ids.size(), actors.Size());
}

TEST_F(node_endpoint, offers_the_metrics_that_operators_rely_on) {
  grant("metrics", 500);
  ASSERT_EQ(submit("metrics", corner->documents()).status, 201);
  ASSERT_TRUE(ends("metrics"));
  const auto text = node->get("/metrics").body;
  for (const char* family : {"mailbox_depth",
                             "mailbox_limit",
                             "mailbox_rejected_total",
                             "mailbox_wait_seconds",
                             "message_handling_seconds",
                             "actor_restarts_total",
                             "slots",
                             "backpressure_seconds_total",
                             "documents_total",
                             "document_seconds",
                             "queue_depth",
                             "queue_oldest_ready_seconds",
                             "queue_claims_total",
                             "stale_tokens_total",
                             "db_connections",
                             "db_transactions_total",
                             "embed_requests_total",
                             "embed_tokens_total",
                             "embed_throttled_seconds_total",
                             "extractor_processes",
                             "extractor_memory_bytes",
                             "extractor_kills_total",
                             "extractor_escalations_total",
                             "checkpoint_bytes_total",
                             "checkpoints_skipped_total",
                             "checkpoint_document_bytes",
                             "status_updates_total",
                             "status_changes_total",
                             "build_info",
                             "demand_available",
                             "ledger_transactions_total"})
    EXPECT_NE(text.find(std::string{"# TYPE millrace_"} + family + " "), std::string::npos)
        << family;
}

TEST_F(node_endpoint, is_what_commands_talk_to_by_its_url) {
  const auto ask = [&](std::vector<std::string> words) {
    words.insert(words.end(), {"--endpoint", node->url});
    return corner->run(words);
  };
  EXPECT_EQ(ask({"credits", "grant", "url", "500"}).exit_code, 0);
  write_text(std::filesystem::path{corner->documents()} / ".hidden", "never read");
  const auto submit = [&] {
    return ask({"submit", "--dataset", "url", "--account", "url", corner->documents()});
  };
  const auto submitted = submit();
  EXPECT_EQ(submitted.exit_code, 0) << submitted.err;
  EXPECT_THAT(submitted.out,
              HasSubstr("9 documents submitted, 1 dotfiles skipped; 90 credits charged"));
  ASSERT_TRUE(ends("url"));
  EXPECT_THAT(submit().out, HasSubstr("1 documents submitted, 8 unchanged, 1 dotfiles skipped; "))
      << "the one that failed again";
  ASSERT_TRUE(ends("url"));
  EXPECT_EQ(lines_of(ask({"export", "url"}).out).size(), 8U);
  EXPECT_EQ(ask({"search", "url", "mills"}).exit_code, 0);
  EXPECT_EQ(parse_json(ask({"actors", "--json"}).out).Size(), 19U);
  const auto outside = ask({"submit", "--dataset", "url", "--account", "url", "/etc/passwd"});
  EXPECT_EQ(outside.exit_code, 1);
  EXPECT_NE(outside.err.find("sources.allow"), std::string::npos) << outside.err;
  EXPECT_NE(ask({"nodes"}).out.find("running"), std::string::npos);
}

TEST_F(node_endpoint, is_what_commands_talk_to_by_its_data_directory) {
  EXPECT_EQ(corner->run({"credits", "grant", "socket", "500"}).exit_code, 0);
  const auto submitted =
      corner->run({"submit", "--dataset", "socket", "--account", "socket", corner->documents()});
  ASSERT_EQ(submitted.exit_code, 0) << submitted.err;
  ASSERT_TRUE(ends("socket"));
  EXPECT_EQ(lines_of(corner->run({"export", "socket"}).out).size(), 8U);
  EXPECT_EQ(corner->json({"actors"}).Size(), 19U) << "those of the node that runs";
}

TEST_F(node_endpoint, keeps_its_port_from_a_second_node) {
  const workspace other;
  const auto config = other.add_config("[api]\nlisten = \"" + node->address + "\"\n");
  const auto refused = other.run({"node", "--config", config});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_NE(refused.err.find("cannot listen on " + node->address), std::string::npos)
      << refused.err;
  EXPECT_FALSE(server_runs(other.data()));
  EXPECT_EQ(node->get("/livez").status, 200);
}

TEST(node_command, sigterm_drains_gives_work_back_and_ends_with_0) {
  fake_embedding_config slow;
  slow.latency = std::chrono::milliseconds{100};
  const fake_embedding_server server{slow};
  const workspace w;
  w.add_documents(120);
  const live_node node{
      w, "local",
      "[embedder]\nprovider = \"openai\"\nmodel = \"m\"\ndimensions = 8\nmax_inputs = 1\n"
      "api_key_env = \"\"\nbase_url = \"" +
          server.base_url() + "\"\n[credits]\ninitial_grant = 5000\n"};
  ASSERT_EQ(node.post("/v1/datasets", R"({"name":"d","uris":["file://)" + w.documents() + R"("]})")
                .status,
            201);
  ASSERT_TRUE(eventually([&] { return server.count().requests >= 10; }));
  node.process->signal(SIGTERM);
  EXPECT_TRUE(eventually([&] { return node.get("/readyz").status != 200; }))
      << "a node that drains is not ready";
  const auto ended = node.process->wait();
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  const auto status = w.json({"status", "d"});
  EXPECT_GT(number_at(status, "ready"), 0);
  EXPECT_GT(number_at(status, "remaining"), 0) << "it was over before it was stopped";
  const auto queue = w.json({"queue"});
  EXPECT_EQ(number_at(queue, "leased"), 0);
  EXPECT_EQ(number_at(queue, "ready"), number_at(status, "remaining"));
  EXPECT_FALSE(server_runs(w.data()));
}

// MILLRACE_STARTS: how many, default 4.
TEST(node_command, a_grant_right_after_it_is_ready_is_carried_out) {
  const workspace w;
  const char* more = std::getenv("MILLRACE_STARTS");
  const int starts = more == nullptr ? 4 : std::atoi(more);
  for (int i = 1; i <= starts; ++i) {
    const live_node node{w, "local"};
    EXPECT_TRUE(eventually([&] { return node.get("/readyz").status == 200; }));
    const auto granted = node.post("/v1/credits/grant", R"({"account":"team","amount":1})");
    EXPECT_EQ(granted.status, 200) << granted.body;
    EXPECT_EQ(number_at(parse_json(granted.body), "balance"), i);
    bool listed = false;
    const auto ready = node.json("/readyz?verbose");
    for (const auto& check : ready["checks"].GetArray())
      listed |= check["name"].GetString() == std::string{"ledger"} && check["ok"].GetBool();
    EXPECT_TRUE(listed);
    node.process->signal(SIGTERM);
    EXPECT_EQ(node.process->wait().exit_code, 0);
  }
}

TEST(node_command, a_second_node_on_the_same_data_leaves_the_first_alone) {
  const workspace w;
  const live_node node{w, "local"};
  const auto second = w.start({"node", "--config", (w.path() / "local.toml").native()});
  EXPECT_TRUE(eventually([&] { return !second->running() || !node.process->running(); }))
      << "neither refused nor harmful";
  EXPECT_TRUE(node.process->running()) << node.process->err();
  EXPECT_EQ(node.get("/readyz").status, 200);
}

TEST(node_command, needs_a_token_to_listen_beyond_loopback) {
  const workspace w;
  const auto config = w.add_config("[api]\nlisten = \"0.0.0.0:0\"\n");
  const auto refused = w.run({"node", "--config", config});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_NE(refused.err.find("MILLRACE_TOKEN"), std::string::npos) << refused.err;
}

}  // namespace
}  // namespace millrace
