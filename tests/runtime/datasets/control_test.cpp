#include "runtime/datasets/control.hpp"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/datasets/dataset_reader.hpp"
#include "runtime/ledger/ledger.hpp"
#include "tests/runtime/datasets/submitting.hpp"

namespace millrace {
namespace {

using ::testing::HasSubstr;

class control : public ::testing::Test {
 protected:
  /// Three documents; `c` fails where it is worked off.
  std::int64_t submitted() { return must(submit(db, order(), files)).dataset_id; }
  std::int64_t ended() {
    const auto id = submitted();
    work_off(db, files, {"file:///c"});
    db.execute("update datasets set status = 'ready', finished_at = now()");
    return id;
  }
  std::int64_t balance() {
    return number(db, "select balance from credit_accounts where name = 'default'");
  }
  /// Balances are the sums of their transactions, and nothing is refunded above its charge.
  void expect_sound_ledger() {
    EXPECT_EQ(number(db,
                     "select count(*) from credit_accounts a where balance <> (select "
                     "coalesce(sum(amount), 0) from credit_transactions t where "
                     "t.account_id = a.id)"),
              0);
    EXPECT_EQ(number(db,
                     "select count(*) from credit_charges c where refunded <> (select "
                     "coalesce(sum(amount), 0) from credit_refunds r where r.charge_id = "
                     "c.transaction_id) or refunded > documents * cost"),
              0);
  }
  std::string statuses() {
    return db.query("select string_agg(status, ' ' order by uri) from documents_v1");
  }
  std::string counts() {
    return db.query("select (total, ready, failed, cancelled, remaining) from datasets_v1");
  }
  template <class Change>
  void expect_nothing_changed(ec code, Change change) {
    const auto before = all_rows(db);
    EXPECT_EQ(code_of(change()), code);
    EXPECT_EQ(all_rows(db), before);
  }

  test_database db;
  std::vector<submitted_file> files{{"file:///a", "1"}, {"file:///b", "2"}, {"file:///c", "3"}};
};

TEST_F(control, a_file_is_not_replaced_while_its_document_waits_or_is_in_work) {
  const auto id = submitted();
  int replaced = 0;
  const auto replace = [&](const std::string& uri) {
    const std::vector<std::string> uris{"file:///elsewhere", uri};
    return must(replace_file(db.pool(), id, uris, [&]() -> result<void> {
      ++replaced;
      return {};
    }));
  };
  EXPECT_FALSE(replace("file:///a"));
  queue q{db.pool(), {}, seed_node(db, "b")};
  claim_planner planner;
  const auto leases = must(q.claim(planner, 100));
  ASSERT_EQ(leases.size(), 3U);
  EXPECT_FALSE(replace("file:///a"));
  EXPECT_EQ(replaced, 0);
  std::vector group{ready(leases[0], 1)};
  must(commit_group(db.pool(), "b", group));
  EXPECT_TRUE(replace(leases[0].uri));
  EXPECT_TRUE(replace("file:///unknown"));
  EXPECT_EQ(replaced, 2);
}

TEST_F(control, a_cancel_ends_what_waits_and_what_is_in_work_and_refunds_it) {
  const auto id = submitted();
  queue q{db.pool(), {}, seed_node(db, "a")};
  claim_planner planner;
  auto leases = must(q.claim(planner, 2));
  std::vector<document_result> first{ready(leases[0], 1)};
  must(commit_group(db.pool(), "a", first));
  EXPECT_EQ(balance(), 970);

  const auto cancelled = must(cancel_dataset(db.pool(), id));
  EXPECT_EQ(cancelled.documents, 2);
  EXPECT_EQ(cancelled.refunded, 20);
  EXPECT_EQ(balance(), 990) << "the document that was ready is paid for";
  EXPECT_EQ(statuses(), "ready cancelled cancelled");
  EXPECT_EQ(counts(), "(3,1,0,2,0)");
  EXPECT_EQ(db.query("select (status, ready, cancelled, finished_at is not null) from datasets"),
            "(cancelled,1,2,t)");
  EXPECT_EQ(number(db,
                   "select (select count(*) from queue_ready) + (select count(*) from "
                   "queue_leases)"),
            0);
  expect_sound_ledger();

  std::vector<document_result> late{ready(leases[1], 1)};
  const auto report = must(commit_group(db.pool(), "a", late));
  EXPECT_EQ(report.documents[0].outcome, commit_outcome::stale);
  EXPECT_EQ(must(q.release({{leases[1].token}}, release_reason::drained)), 0);
  EXPECT_EQ(statuses(), "ready cancelled cancelled") << "a late holder changes nothing";
  expect_nothing_changed(ec::dataset_finished, [&] { return cancel_dataset(db.pool(), id); });
}

TEST_F(control, a_retry_queues_what_failed_under_a_charge_of_its_own) {
  const auto id = ended();
  EXPECT_EQ(balance(), 980);
  const auto retried = must(retry_dataset(db.pool(), {id, true, 10, ""}));
  EXPECT_EQ(retried.documents, 1);
  EXPECT_EQ(retried.charged, 10);
  EXPECT_EQ(balance(), 970);
  EXPECT_EQ(statuses(), "ready ready queued");
  EXPECT_EQ(counts(), "(3,2,0,0,1)");
  EXPECT_EQ(db.query("select (status, finished_at is null, credit_transaction_id) from datasets"),
            "(processing,t," + std::to_string(retried.transaction_id) + ")");
  EXPECT_EQ(number(db, "select count(*) from queue_dead"), 0) << "alive again";
  expect_nothing_changed(ec::dataset_running, [&] {
    return retry_dataset(db.pool(), {id, true, 10, ""});
  });

  work_off(db, files, {"file:///c"});
  EXPECT_EQ(balance(), 980) << "refunded again: of the second charge";
  EXPECT_EQ(number(db, "select count(*) from credit_refunds"), 2);
  expect_sound_ledger();
}

TEST_F(control, a_retry_with_a_key_happens_once) {
  const auto id = ended();
  const auto first = must(retry_dataset(db.pool(), {id, true, 10, "k"}));
  EXPECT_FALSE(first.replayed);
  work_off(db, files, {"file:///c"});
  db.execute("update datasets set status = 'ready'");
  const auto before = all_rows(db);
  const auto second = must(retry_dataset(db.pool(), {id, true, 10, "k"}));
  EXPECT_TRUE(second.replayed);
  EXPECT_EQ(second.transaction_id, first.transaction_id);
  EXPECT_EQ(second.documents, 1);
  EXPECT_EQ(all_rows(db), before);
  must(db.pool().transact("test", [](sql::work& tx, pooled_connection&) {
    return ledger::grant(tx, {"default", 5, "g", "used"});
  }));
  expect_nothing_changed(ec::idempotency_conflict, [&] {
    return retry_dataset(db.pool(), {id, true, 10, "used"});
  });
}

TEST_F(control, a_key_is_remembered_where_nothing_is_charged) {
  const auto id = ended();
  EXPECT_FALSE(must(retry_dataset(db.pool(), {id, false, 10, "k"})).replayed);
  work_off(db, files, {"file:///c"});
  db.execute("update datasets set status = 'ready'");
  const auto before = all_rows(db);
  const auto second = must(retry_dataset(db.pool(), {id, false, 10, "k"}));
  EXPECT_TRUE(second.replayed);
  EXPECT_EQ(second.documents, 1);
  EXPECT_EQ(all_rows(db), before);
  EXPECT_FALSE(must(retry_dataset(db.pool(), {id, false, 10, "another"})).replayed);
}

TEST_F(control, the_key_of_a_submission_is_not_one_of_a_retry) {
  auto keyed = order();
  keyed.idempotency_key = "k";
  const auto id = must(submit(db, keyed, files)).dataset_id;
  work_off(db, files, {"file:///a", "file:///b", "file:///c"});
  db.execute("update datasets set status = 'failed', finished_at = now()");
  expect_nothing_changed(ec::idempotency_conflict, [&] {
    return retry_dataset(db.pool(), {id, true, 10, "k"});
  });
}

TEST_F(control, a_retry_that_cannot_be_paid_changes_nothing) {
  const auto id = ended();
  expect_nothing_changed(ec::insufficient_credits, [&] {
    return retry_dataset(db.pool(), {id, true, 1'000'000, ""});
  });
}

TEST_F(control, what_was_cancelled_can_be_retried_and_a_dataset_without_failures_is_left_alone) {
  const auto id = submitted();
  must(cancel_dataset(db.pool(), id));
  EXPECT_EQ(must(retry_dataset(db.pool(), {id, true, 10, ""})).documents, 3);
  work_off(db, files);
  EXPECT_EQ(counts(), "(3,3,0,0,0)");
  EXPECT_EQ(balance(), 970);
  expect_sound_ledger();
  db.execute("update datasets set status = 'ready'");
  const auto before = all_rows(db);
  EXPECT_EQ(must(retry_dataset(db.pool(), {id, true, 10, ""})).documents, 0);
  EXPECT_EQ(all_rows(db), before);
}

TEST_F(control, a_pause_and_a_resume_may_be_repeated) {
  const auto id = submitted();
  EXPECT_TRUE(succeeded(pause_dataset(db.pool(), id)));
  EXPECT_TRUE(succeeded(pause_dataset(db.pool(), id)));
  EXPECT_THAT(must(dataset_reader{db.pool()}.one("d")), HasSubstr("\"paused\":true"));
  EXPECT_TRUE(succeeded(resume_dataset(db.pool(), id)));
  EXPECT_TRUE(succeeded(resume_dataset(db.pool(), id)));
  EXPECT_THAT(must(dataset_reader{db.pool()}.one("d")), HasSubstr("\"paused\":false"));
  work_off(db, files);
  db.execute("update datasets set status = 'ready'");
  expect_nothing_changed(ec::dataset_finished, [&] { return pause_dataset(db.pool(), id); });
}

TEST_F(control, a_retry_lifts_a_pause_that_the_dataset_ended_in) {
  const auto id = ended();
  db.execute("update datasets set paused_at = now()");
  must(retry_dataset(db.pool(), {id, true, 10, ""}));
  EXPECT_THAT(must(dataset_reader{db.pool()}.one("d")), HasSubstr("\"paused\":false"));
}

TEST_F(control, a_deleted_dataset_leaves_only_its_ledger) {
  const auto id = submitted();
  expect_nothing_changed(ec::dataset_running, [&] { return erase_dataset(db.pool(), id); });
  work_off(db, files, {"file:///c"});
  db.execute("update datasets set status = 'ready'");
  db.execute("insert into image_texts select id, 'a', 'eng', 'says so' from datasets");
  db.execute("insert into uncharged_retries select id, 'k', 1 from datasets");
  const auto transactions = db.query("select count(*) from credit_transactions");
  EXPECT_EQ(must(erase_dataset(db.pool(), id)), 3);
  for (const auto* table :
       {"datasets", "documents", "chunks", "images", "queue_dead", "queue_ready",
        "dataset_progress", "checkpoints", "image_texts", "uncharged_retries"})
    EXPECT_EQ(number(db, std::string{"select count(*) from "} + table), 0) << table;
  EXPECT_EQ(db.query("select count(*) from credit_transactions"), transactions);
  expect_sound_ledger();
  EXPECT_EQ(code_of(erase_dataset(db.pool(), id)), ec::unknown_dataset);
  EXPECT_EQ(code_of(cancel_dataset(db.pool(), id)), ec::unknown_dataset);
}

/// As versions left it that could end a dataset too early.
TEST_F(control, what_waits_in_a_deleted_dataset_is_refunded_and_leaves_the_queue) {
  const auto id = submitted();
  queue q{db.pool(), {}, seed_node(db, "a")};
  claim_planner planner;
  const auto leases = must(q.claim(planner, 2));
  std::vector<document_result> first{ready(leases[0], 1)};
  must(commit_group(db.pool(), "a", first));
  db.execute("insert into checkpoints select id, 'pages', 0, '', 0, '' from documents");
  db.execute("insert into queue_ready select dataset_id, 0, now(), 4711 from documents limit 1");
  db.execute("update datasets set status = 'ready', finished_at = now()");
  EXPECT_EQ(balance(), 970);
  EXPECT_EQ(must(erase_dataset(db.pool(), id)), 3);
  EXPECT_EQ(balance(), 990) << "one was read";
  expect_sound_ledger();
  for (const auto* table : {"datasets", "documents", "chunks", "queue_ready", "queue_leases",
                            "queue_dead", "checkpoints", "dataset_progress"})
    EXPECT_EQ(number(db, std::string{"select count(*) from "} + table), 0) << table;
  std::vector<document_result> late{ready(leases[1], 1)};
  EXPECT_EQ(must(commit_group(db.pool(), "a", late)).documents[0].outcome, commit_outcome::stale);
}

TEST_F(control, a_deletion_that_breaks_off_leaves_what_it_counts_and_goes_on) {
  const auto id = ended();
  db.execute(
      "create function refuse() returns trigger language plpgsql as $$ begin raise exception "
      "'not now'; end $$; create trigger refuse before delete on datasets for each row execute "
      "function refuse()");
  EXPECT_FALSE(erase_dataset(db.pool(), id));
  EXPECT_EQ(counts(), "(0,0,0,0,0)") << "its documents went in a batch before";
  EXPECT_EQ(number(db, "select sum(chunks) + sum(images) + sum(tokens) from dataset_progress"), 0);
  db.execute("drop trigger refuse on datasets");
  EXPECT_EQ(must(erase_dataset(db.pool(), id)), 0);
  EXPECT_EQ(number(db, "select count(*) from datasets"), 0);
}

TEST_F(control, a_submission_of_a_higher_priority_is_claimed_first) {
  submitted();
  auto urgent = order();
  urgent.priority = 100;
  files.push_back({"file:///urgent", "4"});
  must(submit(db, urgent, files));
  auto patient = order();
  patient.priority = -100;
  files.push_back({"file:///patient", "5"});
  must(submit(db, patient, files));
  EXPECT_EQ(db.query("select string_agg(priority::text, ' ' order by priority) from queue_ready"),
            "-100 0 0 0 100");
  queue q{db.pool(), {}, seed_node(db, "a")};
  claim_planner planner;
  const auto leases = must(q.claim(planner, 100));
  ASSERT_EQ(leases.size(), 5U);
  EXPECT_EQ(leases.front().uri, "file:///urgent");
  EXPECT_EQ(leases.back().uri, "file:///patient");
}

TEST_F(control, what_failed_is_submitted_again_at_the_priority_of_then) {
  ended();
  auto urgent = order();
  urgent.priority = 7;
  EXPECT_EQ(must(submit(db, urgent, files)).submitted, 1);
  EXPECT_EQ(number(db, "select priority from queue_ready"), -7);
}

TEST_F(control, a_priority_out_of_range_submits_nothing) {
  submitted();
  for (const int priority : {-101, 101}) {
    auto wrong = order("other");
    wrong.priority = priority;
    expect_nothing_changed(ec::invalid_argument, [&] { return submit(db, wrong, files); });
  }
}

TEST_F(control, a_cancel_and_commits_at_once_end_every_document_once) {
  for (int i = 0; i < 60; ++i) files.push_back({"file:///many/" + std::to_string(i), "x"});
  const auto id = submitted();
  queue q{db.pool(), {}, seed_node(db, "a")};
  claim_planner planner;
  const auto leases = must(q.claim(planner, 40));
  std::thread committing{[&] {
    for (const auto& l : leases) {
      std::vector<document_result> group{ready(l, 1)};
      must(commit_group(db.pool(), "a", group));
    }
  }};
  while (number(db, "select count(*) from documents where status = 'ready'") < 3)
    std::this_thread::yield();
  const auto cancelled = must(cancel_dataset(db.pool(), id));
  committing.join();
  const auto done = number(db, "select count(*) from documents where status = 'ready'");
  EXPECT_EQ(done + cancelled.documents, 63);
  EXPECT_EQ(number(db, "select count(*) from chunks"), done);
  EXPECT_EQ(counts(), "(63," + std::to_string(done) + ",0," + std::to_string(63 - done) + ",0)");
  EXPECT_EQ(balance(), 1000 - 10 * done);
  expect_sound_ledger();
}

}  // namespace
}  // namespace millrace
