// What commits between the snapshot of a statement and its locks. The statement sees a locked row
// as it is by then and all others as they were; that window is opened by a view in front of a
// table, which waits for an advisory lock.
#include <optional>
#include <thread>

#include <gtest/gtest.h>

#include "runtime/checkpoints/checkpoint_store.hpp"
#include "tests/runtime/datasets/submitting.hpp"
#include "tests/support/lock_waits.hpp"

namespace millrace::interleaving {
namespace {

class snapshot_window : public ::testing::Test {
 protected:
  /// Statements of `slow_pool_` wait when they come to `table`.
  void slow_down(const std::string& table) {
    db_.execute("create view slow." + table + " as select * from public." + table +
                " where pg_advisory_xact_lock_shared(1) is not null");
  }

  /// Runs `statement`, and `meanwhile` when its snapshot is taken.
  template <class Statement, class Meanwhile>
  void run(Statement statement, Meanwhile meanwhile) {
    auto holder = db_.connect();
    std::optional<sql::work> holding{holder};
    holding->exec("select pg_advisory_xact_lock(1)");
    std::jthread running{statement};
    EXPECT_TRUE(somebody_waits_for_a_lock(db_));
    meanwhile();
    holding.reset();
  }

  test_database db_;
  const bool schema_ = (db_.execute("create schema slow"), true);
  connection_pool slow_pool_{
      db_.connection_string() + " options='-c search_path=slow,public'", {}, "millrace/slow"};
  holder self_ = seed_node(db_, "a");
  queue fast_{db_.pool(), {}, self_};
  queue slow_{slow_pool_, {}, self_};
  claim_planner planner_;
};

TEST_F(snapshot_window, a_document_that_was_made_due_meanwhile_is_not_leased_and_ready_at_once) {
  seed_dataset(db_, "d", 2);
  slow_down("datasets");
  ASSERT_TRUE(succeeded(fast_.rescan(planner_)));
  run([&] { EXPECT_EQ(must(slow_.claim(planner_, 2)).size(), 1U); },
      [&] {
        db_.execute(
            "update queue_ready set run_at = run_at - interval '1 hour' where document_id "
            "= (select min(document_id) from queue_ready)");
      });
  EXPECT_EQ(db_.query("select (select count(*) from queue_ready) || ' ' || (select count(*) from "
                      "queue_leases)"),
            "1 1");
  planner_.expire();
  EXPECT_EQ(must(fast_.claim(planner_, 2)).size(), 1U) << "the other one, now";
}

TEST_F(snapshot_window, a_lease_that_was_extended_meanwhile_is_not_reaped) {
  seed_dataset(db_, "d", 1);
  const auto leases = must(fast_.claim(planner_, 1));
  ASSERT_EQ(leases.size(), 1U);
  db_.execute("update queue_leases set deadline = now() - interval '1 second'");
  slow_down("datasets");
  run([&] { EXPECT_EQ(must(slow_.reap({std::chrono::hours{1}})), 0); },
      [&] { EXPECT_EQ(must(fast_.extend({leases[0].token})), 1); });
  EXPECT_EQ(number(db_, "select count(*) from queue_leases"), 1);
}

TEST_F(snapshot_window, a_piece_that_was_saved_anew_meanwhile_is_not_swept) {
  const std::vector<submitted_file> files{{"file:///a", "1"}, {"file:///b", "2"}};
  must(submit(db_, order(), {files[0]}));
  work_off(db_, files, {"file:///a"});
  must(submit(db_, order("other"), {files[1]}));
  db_.execute(
      "insert into checkpoints select id, 'embeddings', 0, '', 0, '' from documents where "
      "status = 'failed'");
  slow_down("documents");
  checkpoint_store slow{slow_pool_, {}, std::chrono::hours{2}};
  checkpoint_store fast{db_.pool(), {}, std::chrono::hours{2}};
  self_ = seed_node(db_, "a");
  run([&] { EXPECT_EQ(must(slow.sweep()), 0); },
      [&] {
        must(submit(db_, order(), {files[0]}));
        const std::vector<embedding_bytes> embeddings{"e"};
        for (const auto& l : must(queue{db_.pool(), {}, self_}.claim(planner_, 2)))
          must(fast.save({l.token, l.document_id, "key", piece_kind::embeddings, 0,
                          encode_embeddings(embeddings)}));
      });
  EXPECT_EQ(number(db_, "select count(*) from checkpoints"), 2);
}

}  // namespace
}  // namespace millrace::interleaving
