// Databases as versions left them that could end a dataset while it had work.
#include "runtime/datasets/reopen.hpp"

#include <gtest/gtest.h>

#include "runtime/database/migrations.hpp"
#include "tests/runtime/datasets/submitting.hpp"

namespace millrace {
namespace {

class reopen : public ::testing::Test {
 protected:
  void end_too_early(const char* status = "ready") {
    db.execute(std::string{"update datasets set status = '"} + status + "', finished_at = now()");
  }
  std::string status() { return db.query("select (status, finished_at) from datasets"); }
  /// Applies the migration that puts old databases right as if it had not been.
  void migrate_again() {
    db.execute("delete from schema_migrations where version = 14");
    auto connection = db.connect();
    EXPECT_EQ(must(migrate(connection)).size(), 1U);
  }
  void expect_all_is_read() {
    work_off(db, files);
    EXPECT_EQ(db.query("select (remaining, ready) from datasets_v1"), "(0,3)");
    EXPECT_EQ(number(db,
                     "select (select count(*) from queue_ready) + (select count(*) from "
                     "queue_leases)"),
              0);
  }

  test_database db;
  std::vector<submitted_file> files{{"file:///a", "1"}, {"file:///b", "2"}, {"file:///c", "3"}};
  std::int64_t id = must(submit(db, order(), files)).dataset_id;
};

TEST_F(reopen, a_dataset_that_ended_with_documents_in_the_queue_goes_on) {
  EXPECT_EQ(must(reopen_datasets(db.pool())), 0) << "it is processing";
  end_too_early();
  EXPECT_EQ(must(reopen_datasets(db.pool())), 1);
  EXPECT_EQ(status(), "(processing,)");
  expect_all_is_read();
  end_too_early();
  EXPECT_EQ(must(reopen_datasets(db.pool())), 0) << "now it has ended";
  EXPECT_NE(status(), "(processing,)");
}

TEST_F(reopen, documents_in_work_count_and_come_back_from_a_dataset_that_has_ended) {
  queue q{db.pool(), {}, seed_node(db, "a")};
  claim_planner planner;
  const auto leases = must(q.claim(planner, 3));
  ASSERT_EQ(leases.size(), 3U);
  end_too_early("failed");
  EXPECT_EQ(must(reopen_datasets(db.pool())), 1);
  end_too_early();
  EXPECT_EQ(must(q.release({{leases[0].token}, {leases[1].token}}, release_reason::drained)), 2)
      << "given back, though the dataset says that it has ended";
  db.execute("update queue_leases set deadline = now() - interval '1 second'");
  EXPECT_EQ(must(q.reap({std::chrono::hours{1}})), 1);
  EXPECT_EQ(must(reopen_datasets(db.pool())), 1);
  expect_all_is_read();
}

TEST_F(reopen, a_cancelled_dataset_stays_cancelled) {
  end_too_early("cancelled");
  EXPECT_EQ(must(reopen_datasets(db.pool())), 0);
}

TEST_F(reopen, the_migration_brings_back_documents_that_no_queue_knows_any_more) {
  queue q{db.pool(), {}, seed_node(db, "a")};
  claim_planner planner;
  const auto leases = must(q.claim(planner, 2));
  ASSERT_EQ(leases.size(), 2U);
  db.execute("delete from queue_leases where token = " + std::to_string(leases[0].token));
  end_too_early();
  migrate_again();
  EXPECT_EQ(status(), "(processing,)");
  EXPECT_EQ(number(db, "select count(*) from queue_ready"), 2);
  EXPECT_EQ(number(db, "select count(*) from queue_leases"), 1) << "in work, and left so";
  must(q.release({{leases[1].token}}, release_reason::drained));
  expect_all_is_read();
  const auto before = all_rows(db);
  migrate_again();
  EXPECT_EQ(all_rows(db), before) << "nothing is left to put right";
}

TEST_F(reopen, the_migration_brings_back_documents_of_a_dataset_that_was_opened_since) {
  db.execute("delete from queue_ready where document_id = (select min(id) from documents)");
  migrate_again();
  expect_all_is_read();
}

TEST_F(reopen, the_migration_removes_rows_of_documents_that_do_not_wait_or_exist) {
  work_off(db, files, {"file:///c"});
  end_too_early("cancelled");
  const auto before = all_rows(db);
  db.execute("insert into queue_ready select dataset_id, 0, now(), id from documents");
  db.execute("insert into queue_ready select dataset_id, 0, now(), 4711 from documents limit 1");
  db.execute(
      "insert into queue_leases (token, document_id, dataset_id, priority, failures, losses, "
      "node, incarnation, deadline) select id, id, dataset_id, 0, 0, 0, 'a', 1, now() from "
      "documents union all select 4711, 4711, 4711, 0, 0, 0, 'a', 1, now()");
  db.execute("insert into queue_dead values (4711, 4711, 'x', 'x', 1, 0)");
  migrate_again();
  EXPECT_EQ(all_rows(db), before);
}

TEST_F(reopen, the_migration_opens_a_cancelled_dataset_only_if_a_document_was_queued_since) {
  end_too_early("cancelled");  // a cancel leaves no queued document behind
  migrate_again();
  EXPECT_EQ(status(), "(processing,)");
  expect_all_is_read();
}

}  // namespace
}  // namespace millrace
