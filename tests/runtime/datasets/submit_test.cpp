#include "runtime/datasets/submit.hpp"

#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/ledger/ledger.hpp"
#include "tests/runtime/datasets/submitting.hpp"

namespace millrace {
namespace {

using ::testing::HasSubstr;

std::int64_t balance(const test_database& db) {
  return number(db, "select balance from credit_accounts where name = 'default'");
}

std::string progress(const test_database& db) {
  return db.query("select (sum(ready), sum(failed), sum(chunks)) from dataset_progress");
}

TEST(submit, a_dataset_is_kept_in_step_with_its_files) {
  test_database db;
  std::vector<submitted_file> files{{"file:///a", "1"}, {"file:///b", "2"}, {"file:///c", "3"}};
  const auto first = must(submit(db, order(), files));
  EXPECT_TRUE(first.created);
  EXPECT_EQ(first.submitted, 3);
  EXPECT_EQ(first.total, 3);
  EXPECT_EQ(first.charged, 30);
  EXPECT_TRUE(first.transaction_id);
  EXPECT_EQ(balance(db), 970);

  const auto pending = must(submit(db, order(), files));
  EXPECT_FALSE(pending.created);
  EXPECT_EQ(pending.submitted, 0);
  EXPECT_EQ(pending.pending, 3) << "charged already";
  EXPECT_EQ(pending.charged, 0);
  EXPECT_FALSE(pending.transaction_id);
  EXPECT_EQ(number(db, "select count(*) from queue_ready"), 3);

  work_off(db, files, {"file:///c"});
  EXPECT_EQ(progress(db), "(2,1,2)");
  EXPECT_EQ(balance(db), 980) << "the failed one was refunded";

  files[1].content = "changed";
  files.push_back({"file:///d", "4"});
  const auto next = must(submit(db, order(), files));
  EXPECT_EQ(next.submitted, 3) << "one new, one changed, one that failed";
  EXPECT_EQ(next.unchanged, 1);
  EXPECT_EQ(next.pending, 0);
  EXPECT_EQ(next.total, 4);
  EXPECT_EQ(next.charged, 30);
  EXPECT_EQ(next.ready_before, 1);
  EXPECT_EQ(next.failed_before, 0);
  EXPECT_EQ(progress(db), "(1,0,2)") << "the old chunks stay until they are replaced";
  EXPECT_EQ(number(db, "select count(*) from queue_dead"), 0) << "alive again";
  EXPECT_EQ(db.query("select status from datasets"), "processing");
  work_off(db, files);
  EXPECT_EQ(progress(db), "(4,0,4)");
  EXPECT_EQ(number(db, "select count(*) from chunks"), 4);

  auto other_options = order();
  other_options.options = "chunk=100/0";
  EXPECT_EQ(must(submit(db, order(), files)).unchanged, 4);
  EXPECT_EQ(must(submit(db, other_options, files)).submitted, 4) << "other options, other chunks";
}

TEST(submit, a_dataset_that_was_deleted_meanwhile_is_not_made_anew) {
  test_database db;
  auto known = order();
  known.expected_id = must(submit(db, known, {})).dataset_id;
  EXPECT_EQ(must(submit(db, known, {{"file:///a", "1"}})).submitted, 1);
  db.execute("delete from documents; delete from queue_ready; delete from datasets");
  auto before = all_rows(db);
  EXPECT_EQ(code_of(submit(db, known, {{"file:///b", "2"}})), ec::unknown_dataset);
  EXPECT_EQ(all_rows(db), before) << "nor a dataset without documents";
  must(submit(db, order(), {}));
  before = all_rows(db);
  EXPECT_EQ(code_of(submit(db, known, {{"file:///b", "2"}})), ec::unknown_dataset) << "another id";
  EXPECT_EQ(all_rows(db), before);
}

TEST(submit, prune_removes_what_vanished_and_refunds_what_was_not_read) {
  test_database db;
  std::vector<submitted_file> files;
  for (int i = 0; i < 6; ++i) files.push_back({"file:///" + std::to_string(i), "x"});
  must(submit(db, order(), {files[0], files[1], files[2]}));
  work_off(db, files, {"file:///2"});
  must(submit(db, order(), {files[3], files[4], files[5]}));
  queue q{db.pool(), {}, seed_node(db, "a")};
  claim_planner planner;
  const auto held = must(q.claim(planner, 1));  // file 3 is with a document actor
  ASSERT_EQ(held.size(), 1U);
  EXPECT_EQ(held[0].uri, "file:///3");
  EXPECT_EQ(balance(db), 1000 - 60 + 10);

  db.execute("insert into checkpoints select id, 'pages', 0, '', 0, '' from documents");

  auto o = order();
  o.prune = true;
  const auto summary = must(submit(db, o, {files[0], files[5]}));
  EXPECT_EQ(summary.pruned, 4);
  EXPECT_EQ(summary.unchanged, 1);
  EXPECT_EQ(summary.pending, 1) << "file 5; the pruned ones wait for nothing";
  EXPECT_EQ(summary.total, 2);
  EXPECT_EQ(balance(db), 1000 - 60 + 10 + 20)
      << "files 3 and 4; file 2 was refunded when it failed";
  EXPECT_EQ(progress(db), "(1,0,1)");
  for (const auto* left :
       {"documents", "chunks", "queue_ready", "queue_leases", "queue_dead", "checkpoints"})
    EXPECT_EQ(number(db, "select count(*) from " + std::string{left} +
                             (std::string_view{left} == "documents"
                                  ? " where uri not in ('file:///0', 'file:///5')"
                                  : " where document_id not in (select id from documents)")),
              0)
        << left;
  std::vector<document_result> late{ready(held[0])};
  EXPECT_EQ(must(commit_group(db.pool(), "a", late)).documents[0].outcome, commit_outcome::stale);
  work_off(db, files);
  EXPECT_EQ(progress(db), "(2,0,2)");
}

TEST(submit, without_enough_credits_nothing_changes_at_all) {
  test_database db;
  std::vector<submitted_file> files{{"file:///a", "1"}, {"file:///b", "2"}};
  must(submit(db, order(), files));
  work_off(db, files, {"file:///b"});
  const auto before = all_rows(db);
  auto o = order();
  o.prune = true;
  o.cost_per_document = 1000;
  const auto refused = submit(db, o, {{"file:///a", "changed"}, {"file:///new", "3"}});
  ASSERT_EQ(code_of(refused), ec::insufficient_credits);
  EXPECT_THAT(refused.error().message, HasSubstr("has 990 credits"));
  EXPECT_THAT(refused.error().message, HasSubstr("2000 are needed"));
  EXPECT_EQ(all_rows(db), before);
  auto fresh = order("other");
  fresh.cost_per_document = 1000;
  EXPECT_EQ(code_of(submit(db, fresh, files)), ec::insufficient_credits);
  EXPECT_EQ(all_rows(db), before) << "no dataset is left behind";
}

TEST(submit, a_dataset_keeps_its_model_and_its_account) {
  test_database db;
  const std::vector<submitted_file> files{{"file:///a", "1"}};
  must(submit(db, order(), files));
  auto o = order();
  o.model = "other-model";
  const auto refused = submit(db, o, files);
  ASSERT_EQ(code_of(refused), ec::dataset_conflict);
  EXPECT_THAT(refused.error().message, HasSubstr("other-model"));
  o = order();
  o.dimensions = 3;
  EXPECT_EQ(code_of(submit(db, o, files)), ec::dataset_conflict);
  o = order();
  o.account = "somebody";
  EXPECT_EQ(code_of(submit(db, o, files)), ec::dataset_conflict);
  o = order();
  o.require_new = true;
  EXPECT_EQ(code_of(submit(db, o, files)), ec::dataset_conflict);
  EXPECT_EQ(number(db, "select count(*) from documents"), 1);
}

TEST(submit, an_abandoned_submission_leaves_no_trace) {
  test_database db;
  must(submit(db, order("before"), {{"file:///a", "1"}}));
  const auto before = all_rows(db);
  {
    auto s = submission::begin(db.pool(), order());
    ASSERT_TRUE(s);
    for (int i = 0; i < 100; ++i) ASSERT_TRUE((*s)->add("file:///" + std::to_string(i), 1, {}));
  }
  EXPECT_EQ(all_rows(db), before);
  EXPECT_EQ(db.pool().stats().busy, 0) << "its connection is back";
  EXPECT_TRUE(submit(db, order(), {{"file:///a", "1"}})) << "its locks are gone";
}

TEST(submit, five_thousand_documents_are_one_deduction_and_odd_names_are_kept) {
  test_database db;
  std::vector<submitted_file> files;
  for (int i = 0; i < 5000; ++i) files.push_back({"file:///" + std::to_string(i), ""});
  const auto long_uri = "file:///" + std::string(4096, 'x');
  files.push_back({long_uri, "1"});
  files.push_back({long_uri + "y", "1"});
  files.push_back({"file:///tab\t\\N newline\n größe", "1"});
  files.push_back(files[17]);  // once more
  auto o = order();
  o.initial_grant = 1'000'000;
  o.idempotency_key = "first";
  const auto summary = must(submit(db, o, files));
  EXPECT_EQ(summary.submitted, 5003);
  EXPECT_EQ(summary.charged, 50030);
  EXPECT_EQ(balance(db), 1'000'000 - 50030);
  EXPECT_EQ(number(db, "select count(*) from credit_transactions where type <> 'grant'"), 1);
  EXPECT_EQ(number(db, "select count(*) from queue_ready"), 5003);
  EXPECT_EQ(number(db,
                   "select count(*) from documents where charge_id = (select transaction_id from "
                   "credit_charges)"),
            5003);
  EXPECT_EQ(db.query("select uri from documents where length(uri) = 4104"), long_uri);
  EXPECT_EQ(
      number(db,
             R"(select count(*) from documents where uri = E'file:///tab\t\\N newline\n größe')"),
      1);

  const auto before = all_rows(db);
  EXPECT_EQ(code_of(submit(db, o, {{"file:///more", "1"}})), ec::idempotency_conflict);
  EXPECT_EQ(all_rows(db), before);
}

TEST(submit, charging_can_be_off_and_an_empty_dataset_is_ready) {
  test_database db;
  auto o = order();
  o.charge = false;
  EXPECT_EQ(must(submit(db, o, {{"file:///a", "1"}})).charged, 0);
  work_off(db, {}, {"file:///a"});
  EXPECT_EQ(balance(db), 1000) << "what was not charged is not refunded";
  must(submit(db, order("empty"), {}));
  EXPECT_EQ(db.query("select (status, total, finished_at is not null) from datasets where name = "
                     "'empty'"),
            "(ready,0,t)");
}

/// Both hold the account's key (their datasets refer to it) before either charges it.
TEST(submit, two_submissions_of_one_account_at_once_both_succeed) {
  test_database db;
  auto first = must(submission::begin(db.pool(), order("one")));
  auto second = must(submission::begin(db.pool(), order("two")));
  ASSERT_TRUE(first->add("file:///a", 1, ""));
  ASSERT_TRUE(second->add("file:///b", 1, ""));
  auto other = std::async(std::launch::async, [&] { return second->finish(); });
  const auto mine = first->finish();
  const auto theirs = other.get();
  ASSERT_TRUE(mine) << mine.error().message;
  ASSERT_TRUE(theirs) << theirs.error().message;
  EXPECT_EQ(balance(db), 980);
}

std::int64_t deduct(test_database& db, std::int64_t documents) {
  return must(db.pool().transact("test",
                                 [&](sql::work& tx, pooled_connection&) {
                                   return ledger::deduct_batch(
                                       tx, {"default", documents, 10, "paid before", 0, "", 0});
                                 }))
      .transaction_id;
}

TEST(submit, an_earlier_deduction_pays_and_its_rest_comes_back) {
  test_database db;
  const std::vector<submitted_file> files{{"file:///a", "1"}, {"file:///b", "2"}};
  must(submit(db, order(), {}));  // grants
  const auto charge = deduct(db, 5);
  EXPECT_EQ(balance(db), 950);
  auto o = order();
  o.charge_id = charge;
  const auto summary = must(submit(db, o, files));
  EXPECT_EQ(summary.charged, 0) << "it was charged before";
  EXPECT_EQ(summary.transaction_id, charge);
  EXPECT_EQ(balance(db), 980);
  EXPECT_EQ(number(db, "select credit_transaction_id from datasets"), charge);
  EXPECT_EQ(
      number(db, "select count(*) from documents where charge_id = " + std::to_string(charge)), 2);
  EXPECT_EQ(must(submit(db, o, files)).pending, 2) << "repeating it charges nothing";
  work_off(db, files, {"file:///b"});
  EXPECT_EQ(balance(db), 990) << "the failed one was refunded";
  EXPECT_EQ(number(db, "select sum(amount)::bigint from credit_transactions"), 990);
}

TEST(submit, a_deduction_pays_for_one_dataset_of_its_account_and_no_more_than_it_can) {
  test_database db;
  const std::vector<submitted_file> files{{"file:///a", "1"}, {"file:///b", "2"}};
  must(submit(db, order(), {}));
  auto o = order();
  o.charge_id = deduct(db, 1);
  EXPECT_EQ(submit(db, o, files).error().code, ec::insufficient_credits);
  o.charge_id = 4711;
  EXPECT_EQ(submit(db, o, files).error().code, ec::unknown_transaction);
  o.charge_id = deduct(db, 2);
  must(submit(db, o, files));
  auto other = o;
  other.dataset = "another";
  EXPECT_EQ(submit(db, other, files).error().code, ec::idempotency_conflict);
  other.account = "somebody";
  EXPECT_EQ(submit(db, other, files).error().code, ec::unknown_transaction);
  EXPECT_EQ(balance(db), 970) << "what was refused moved nothing";
  EXPECT_EQ(number(db, "select count(*) from documents"), 2);
}

}  // namespace
}  // namespace millrace
