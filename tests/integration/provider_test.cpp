// The whole program with a remote embedding server that has bad days.
#include <atomic>

#include "tests/integration/workspace.hpp"
#include "tests/support/embedding/fake_embedding_server.hpp"

namespace millrace {
namespace {

constexpr int document_count = 12;
constexpr auto quick_retries =
    "backoff_min = \"50ms\"\nbackoff_max = \"200ms\"\nprobe_interval = \"100ms\"\n";

class remote_embedding : public ::testing::Test {
 protected:
  void SetUp() override { w.add_documents(document_count); }

  void serve(std::function<fake_reply(const fake_request&)> script, std::string marker = {}) {
    fake_embedding_config c;
    c.script = std::move(script);
    c.reject_marker = std::move(marker);
    server = std::make_unique<fake_embedding_server>(std::move(c));
    config = w.add_config(remote_config(server->base_url(), 4, quick_retries));
  }
  std::vector<std::string> run_words(const std::string& pause_limit = "600") const {
    return {"run",  "--json",        "--dataset", "remote",     "--config",
            config, "--pause-limit", pause_limit, w.documents()};
  }

  workspace w;
  std::unique_ptr<fake_embedding_server> server;
  std::string config;
};

TEST_F(remote_embedding, sends_every_chunk_once_with_the_key_and_stores_what_comes_back) {
  serve({});
  const auto done = w.run(run_words());
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(server->count().inputs, static_cast<std::uint64_t>(document_count));
  EXPECT_EQ(server->requests().at(0).authorization, "Bearer key-of-the-integration-tests");
  const auto chunk = parse_json(lines_of(w.run({"export", "remote"}).out).at(0));
  const auto expected = fake_embedding(chunk["text"].GetString(), 8);
  ASSERT_EQ(chunk["embedding"].Size(), 8U);
  for (unsigned i = 0; i < 8; ++i)
    EXPECT_NEAR(chunk["embedding"][i].GetDouble(), expected[i], 1e-6);
  EXPECT_STREQ(chunk["model"].GetString(), "test-model");
}

TEST_F(remote_embedding, a_rate_limit_delays_and_fails_nothing) {
  serve([](const fake_request& r) {
    return r.number <= 3 || r.number % 5 == 0 ? fake_rate_limit({{"retry-after-ms", "60"}})
                                              : fake_ok();
  });
  const auto done = w.run(run_words());
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(number_at(parse_json(done.out), "documents.ready"), document_count);
  EXPECT_GT(server->count().requests, static_cast<std::uint64_t>(document_count));
  EXPECT_EQ(w.sql("select max(attempts) from documents_v1"), "1") << "waiting is not an attempt";
}

TEST_F(remote_embedding, a_used_up_quota_pauses_says_why_and_goes_on_when_it_is_raised) {
  std::atomic<bool> raised{false};
  serve([&raised](const fake_request& r) {
    return r.number > 3 && !raised ? fake_insufficient_quota() : fake_ok();
  });
  const auto running = w.start(run_words());
  EXPECT_TRUE(running->says("quota")) << running->err();
  EXPECT_TRUE(running->running());
  EXPECT_EQ(running->out(), "");
  raised = true;
  const auto done = running->wait();
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(number_at(parse_json(done.out), "documents.ready"), document_count);
  EXPECT_EQ(w.sql("select max(attempts) from documents_v1"), "1") << "a pause is not an attempt";
}

TEST_F(remote_embedding, a_refused_key_ends_the_run_after_pause_limit_and_fails_no_document) {
  serve([](const fake_request&) { return fake_unauthorized(); });
  const auto done = w.run(run_words("1"));
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_EQ(done.out, "") << "no report of a run that did not finish";
  EXPECT_NE(done.err.find("embedder.api_key_env"), std::string::npos) << done.err;
  EXPECT_NE(done.err.find("--pause-limit"), std::string::npos) << done.err;
  EXPECT_NE(done.err.find("millrace run --dataset remote"), std::string::npos) << done.err;
  EXPECT_EQ(done.err.find("key-of-the-integration-tests"), std::string::npos)
      << "a secret is shown";
  const auto status = w.json({"status", "remote"});
  EXPECT_EQ(number_at(status, "failed"), 0);
  EXPECT_EQ(number_at(status, "remaining"), document_count);
  EXPECT_EQ(number_at(w.json({"queue"}), "ready"), document_count);
  serve({});
  EXPECT_EQ(w.run(run_words()).exit_code, 0) << "the same command finishes when the key is right";
  EXPECT_EQ(w.sql("select count(*) from credit_transactions where type = 'batch_deduction'"), "1");
}

TEST_F(remote_embedding, an_input_that_the_server_refuses_fails_its_document_alone) {
  w.add_document("poison.txt", "This one holds the word xyzzy.\n");
  serve({}, "xyzzy");
  const auto done = w.run(run_words());
  EXPECT_EQ(done.exit_code, 3) << done.err;
  const auto json = parse_json(done.out);
  EXPECT_EQ(number_at(json, "documents.ready"), document_count);
  ASSERT_EQ(json["failures"].Size(), 1U);
  EXPECT_STREQ(json["failures"][0]["code"].GetString(), "embedding_rejected");
  EXPECT_EQ(number_at(json, "credits.refunded"), 10);
}

TEST_F(remote_embedding, a_server_that_drops_connections_and_answers_500_is_asked_again) {
  serve([](const fake_request& r) {
    if (r.number % 4 == 0) return fake_dropped_connection();
    return r.number % 4 == 1 ? fake_status(500) : fake_ok();
  });
  const auto done = w.run(run_words());
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(number_at(parse_json(done.out), "documents.ready"), document_count);
}

TEST_F(remote_embedding, a_missing_key_is_refused_before_anything_is_submitted) {
  serve({});
  write_text(config, read_text(config).replace(read_text(config).find("TEST_API_KEY"), 12,
                                               "UNSET_API_KEY"));
  const auto done = w.run(run_words());
  EXPECT_EQ(done.exit_code, 2);
  EXPECT_NE(done.err.find("UNSET_API_KEY"), std::string::npos) << done.err;
  EXPECT_EQ(server->count().requests, 0U);
}

}  // namespace
}  // namespace millrace
