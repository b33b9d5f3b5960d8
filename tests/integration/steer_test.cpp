// The commands that steer a dataset, as a user runs them: after a run has ended, and while one is
// at work and answers them itself.
#include <gmock/gmock.h>

#include "tests/integration/workspace.hpp"
#include "tests/support/embedding/fake_embedding_server.hpp"

namespace millrace {
namespace {

using ::testing::HasSubstr;

/// Three documents are ready and one failed; nothing runs any more.
class steered_dataset : public ::testing::Test {
 protected:
  void SetUp() override {
    w.add_documents(3);
    w.add_document("broken.bin", std::string("\x01\x02\x00\xff\xfe\x7f\x00\x03", 8));
    ASSERT_EQ(w.run({"run", "--dataset", "d", w.documents()}).exit_code, 3);
  }
  void expect_says(const std::vector<std::string>& command, const std::string& line) const {
    const auto done = w.run(command);
    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_EQ(done.out, line + "\n");
  }
  void expect_refused(const std::vector<std::string>& command, int exit_code,
                      const std::string& reason) const {
    const auto done = w.run(command);
    EXPECT_EQ(done.exit_code, exit_code);
    EXPECT_EQ(done.out, "");
    EXPECT_THAT(done.err, HasSubstr(reason));
  }
  std::string movements() const {
    return w.sql("select string_agg(type || amount, ' ' order by id) from credit_transactions");
  }

  workspace w;
};

TEST_F(steered_dataset, each_command_says_in_a_line_what_it_did) {
  expect_says({"retry", "d"}, "dataset d: 1 document queued again, 10 credits charged");
  expect_says({"pause", "d"}, "dataset d: paused; documents in work end");
  EXPECT_TRUE(w.json({"status", "d"})["paused"].GetBool());
  expect_says({"resume", "d"}, "dataset d: resumed");
  expect_says({"cancel", "d"}, "dataset d: 1 document cancelled, 10 credits refunded");
  EXPECT_STREQ(w.json({"status", "d"})["status"].GetString(), "cancelled");
  EXPECT_EQ(movements(), "grant1000000 batch_deduction-40 refund10 batch_deduction-10 refund10");
  expect_says({"delete", "d"},
              "dataset d: deleted, with 4 documents; its credit transactions stay");
  EXPECT_EQ(w.sql("select (select count(*) from documents) + (select count(*) from chunks)"), "0");
  EXPECT_EQ(w.sql("select count(*) from credit_transactions"), "5");
}

TEST_F(steered_dataset, json_and_keys_make_a_retry_safe_to_repeat) {
  const auto first = w.json({"retry", "d", "--idempotency-key", "k"});
  EXPECT_EQ(number_at(first, "retried"), 1);
  EXPECT_EQ(number_at(first, "charged"), 10);
  const auto again = w.json({"retry", "d", "--idempotency-key", "k"});
  EXPECT_TRUE(again["replayed"].GetBool());
  EXPECT_EQ(number_at(again, "transaction_id"), number_at(first, "transaction_id"));
  EXPECT_EQ(number_at(w.json({"cancel", "d"}), "cancelled"), 1);
  const auto run = w.json({"run", "--dataset", "d", w.documents()});
  EXPECT_EQ(number_at(run, "documents.failed"), 1) << "a run queues what was cancelled";
  EXPECT_EQ(movements(),
            "grant1000000 batch_deduction-40 refund10 batch_deduction-10 refund10 "
            "batch_deduction-10 refund10");
  EXPECT_EQ(number_at(w.json({"delete", "d"}), "deleted"), 4);
}

TEST_F(steered_dataset, what_cannot_be_done_is_refused_with_the_reason) {
  for (const auto* command : {"cancel", "retry", "pause", "resume", "delete"}) {
    expect_refused({command, "nowhere"}, 1, "there is no dataset `nowhere`; there are: `d`");
    expect_refused({command}, 2, "");
  }
  expect_refused({"run", "--priority", "101", w.documents()}, 2, "--priority");
  expect_refused({"cancel", "d"}, 1, "dataset `d` has ended already (ready)");
  expect_refused({"pause", "d"}, 1, "dataset `d` has ended already (ready)");
  ASSERT_EQ(w.run({"retry", "d"}).exit_code, 0);
  expect_refused({"retry", "d"}, 1, "`millrace cancel d` it first");
  expect_refused({"delete", "d"}, 1, "`millrace cancel d` it first");
  ASSERT_EQ(w.run({"pause", "d"}).exit_code, 0);
  EXPECT_EQ(w.run({"run", "--dataset", "d", w.documents()}).exit_code, 3)
      << "a run resumes what was paused";
}

TEST_F(steered_dataset, a_run_at_work_obeys_and_ends_when_its_dataset_is_cancelled) {
  fake_embedding_config never;
  never.latency = std::chrono::hours{1};
  fake_embedding_server server{std::move(never)};
  const auto config =
      w.add_config(remote_config(server.base_url(), 2, "", "[drain]\ntimeout = \"1s\"\n"));
  const auto running =
      w.start({"run", "--dataset", "slow", "--priority", "-5", "--config", config, w.documents()});
  ASSERT_TRUE(eventually([&] { return server.count().requests >= 1; })) << running->err();
  expect_says({"delete", "d"},
              "dataset d: deleted, with 4 documents; its credit transactions stay");
  expect_refused({"delete", "slow"}, 1, "dataset `slow` is processing");
  expect_says({"pause", "slow"}, "dataset slow: paused; documents in work end");
  expect_says({"resume", "slow"}, "dataset slow: resumed");
  EXPECT_EQ(w.sql("select string_agg(distinct priority::text, ' ') from (select priority from "
                  "queue_ready union all select priority from queue_leases) q"),
            "5");
  const auto cancelled = w.json({"cancel", "slow"});
  const auto done = running->wait();
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_THAT(done.err, HasSubstr("the dataset was cancelled"));
  const auto left = number_at(w.json({"status", "slow"}), "cancelled");
  EXPECT_GE(left, 3) << "all but the broken one, which may have failed before";
  EXPECT_EQ(number_at(cancelled, "cancelled"), left);
  EXPECT_EQ(number_at(cancelled, "refunded"), 10 * left);
  EXPECT_EQ(w.sql("select (select count(*) from queue_ready) + (select count(*) from "
                  "queue_leases)"),
            "0");
  EXPECT_EQ(w.sql("select balance - 1000000 from credit_accounts"), "-30")
      << "only what the first run made ready";
}

}  // namespace
}  // namespace millrace
