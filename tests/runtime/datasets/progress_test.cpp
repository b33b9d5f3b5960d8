#include "runtime/datasets/progress.hpp"

#include <atomic>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runtime/datasets/submitting.hpp"
#include "tests/support/lock_waits.hpp"

namespace millrace {
namespace {

using ::testing::SizeIs;

class progress : public ::testing::Test {
 protected:
  leader_term lead(const std::string& node) {
    db.execute("update leaders set renewed_at = renewed_at - interval '1 hour'");
    const auto h = seed_node(db, node);
    return must(campaign(db.pool(), "status_aggregator", h.node, h.incarnation,
                         std::chrono::minutes{1}))
        .value();
  }
  std::string row() const {
    return db.query("select (status, ready, failed, finished_at is not null) from datasets");
  }
  void count(int ready, int failed, const char* node = "a") {
    db.execute("insert into dataset_progress as p (dataset_id, node, ready, failed) values (" +
               std::to_string(dataset) + ", '" + node + "', " + std::to_string(ready) + ", " +
               std::to_string(failed) +
               ") on conflict (dataset_id, node) do update set ready = p.ready + excluded.ready, "
               "failed = p.failed + excluded.failed");
  }
  std::string write(const leader_term& term) {
    const auto written = must(write_status(db.pool(), term, {dataset}));
    return written.size() == 1 ? written[0].status : "nothing";
  }

  test_database db;
  std::int64_t dataset = seed_dataset(db, "d", 4);
};

TEST_F(progress, the_status_ends_when_all_documents_have_ended_and_not_before) {
  const auto term = lead("leader");
  count(1, 0);
  count(1, 1, "b");
  EXPECT_EQ(write(term), "processing");
  EXPECT_EQ(row(), "(processing,2,1,f)");
  const auto sums = must(read_progress(db.pool(), dataset));
  EXPECT_EQ(sums.ready, 2);
  EXPECT_EQ(sums.failed, 1);
  EXPECT_EQ(sums.total, 4);
  EXPECT_FALSE(sums.complete());
  EXPECT_THAT(must(read_active_progress(db.pool())), SizeIs(1));
  count(0, 1, "b");
  EXPECT_TRUE(must(read_progress(db.pool(), dataset)).complete());
  EXPECT_EQ(write(term), "ready") << "some failures do not fail a dataset";
  EXPECT_EQ(row(), "(ready,2,2,t)");
  EXPECT_THAT(must(read_active_progress(db.pool())), SizeIs(0));
  const auto finished = db.query("select finished_at from datasets");
  EXPECT_EQ(write(term), "ready");
  EXPECT_EQ(db.query("select finished_at from datasets"), finished) << "ended once";
  EXPECT_EQ(code_of(read_progress(db.pool(), 999)), ec::unknown_dataset);
}

TEST_F(progress, a_dataset_without_one_ready_document_is_failed_and_a_cancelled_one_stays_so) {
  const auto term = lead("leader");
  count(0, 4);
  EXPECT_EQ(write(term), "failed");
  db.execute("update datasets set status = 'cancelled'");
  EXPECT_EQ(write(term), "cancelled");
  EXPECT_THAT(must(write_status(db.pool(), term, {999})), SizeIs(0));
}

TEST_F(progress, a_leader_that_was_replaced_writes_nothing) {
  const auto old = lead("old");
  const auto fresh = lead("new");
  EXPECT_GT(fresh.epoch, old.epoch);
  count(4, 0);
  EXPECT_EQ(code_of(write_status(db.pool(), old, {dataset})), ec::stale_token);
  EXPECT_EQ(row(), "(processing,0,0,f)");
  auto forged = old;
  forged.epoch = fresh.epoch;
  EXPECT_EQ(code_of(write_status(db.pool(), forged, {dataset})), ec::stale_token);
  auto late = lead("old");  // leads again: only the new term counts
  late.epoch = old.epoch;
  EXPECT_EQ(code_of(write_status(db.pool(), late, {dataset})), ec::stale_token);
  EXPECT_EQ(row(), "(processing,0,0,f)");
}

/// The write begins while what queues the document again holds the dataset's row, and waits for it.
TEST_F(progress, a_dataset_that_has_work_again_by_the_time_its_status_is_written_does_not_end) {
  db.execute("delete from queue_ready; delete from documents; delete from datasets");
  const auto term = lead("leader");
  std::vector<submitted_file> files{{"file:///a", "1"}};
  dataset = must(submit(db, order(), files)).dataset_id;
  work_off(db, files);
  EXPECT_EQ(write(term), "ready");

  auto changed = must(submission::begin(db.pool(), order()));
  ASSERT_TRUE(changed->add("file:///a", 1, sha256_hex("2")));
  std::string written;
  {
    std::jthread writing{[&] { written = write(term); }};
    ASSERT_TRUE(somebody_waits_for_a_lock(db));
    EXPECT_EQ(must(changed->finish()).submitted, 1);
  }
  EXPECT_EQ(written, "processing");
  EXPECT_EQ(db.query("select (status, ready, finished_at is null) from datasets"),
            "(processing,0,t)");
  work_off(db, files);
  EXPECT_EQ(write(term), "ready");
}

TEST_F(progress, rows_of_nodes_that_are_gone_become_one_and_sums_stay) {
  seed_node(db, "alive");
  seed_node(db, "silent");
  db.execute("update nodes set heartbeat_at = now() - interval '61 minutes' where name = 'silent'");
  for (const auto* node : {"alive", "silent", "never seen", "submit"}) count(3, 1, node);
  count(0, -2, "never seen");
  const auto before = db.query("select (sum(ready), sum(failed)) from dataset_progress");
  EXPECT_EQ(must(fold_progress(db.pool())), 2);
  EXPECT_EQ(db.query("select (sum(ready), sum(failed)) from dataset_progress"), before);
  EXPECT_EQ(db.query("select string_agg(node || ' ' || ready || ' ' || failed, ', ' order by node) "
                     "from dataset_progress"),
            "alive 3 1, submit 9 1");
  EXPECT_EQ(must(fold_progress(db.pool())), 0);
}

TEST_F(progress, folding_beside_commits_changes_no_sum) {
  std::atomic<bool> done{false};
  std::string torn;
  {
    std::jthread folding{[&] {
      while (!done) must(fold_progress(db.pool()));
    }};
    for (int i = 0; i < 300; ++i) {
      count(1, 0, i % 2 == 0 ? "gone" : "lost");
      const auto sum = db.query("select sum(ready) from dataset_progress");
      if (sum != std::to_string(i + 1)) torn = sum;
    }
    done = true;
  }
  EXPECT_EQ(torn, "");
}

}  // namespace
}  // namespace millrace
