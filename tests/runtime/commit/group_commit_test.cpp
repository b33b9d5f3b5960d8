#include "runtime/commit/group_commit.hpp"

#include <atomic>
#include <filesystem>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/runtime/commit/commit_fixture.hpp"

namespace millrace {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(group_commit, all_that_a_document_becomes_is_written) {
  commit_fixture f{3};
  const auto leases = f.claim(3);
  ASSERT_THAT(leases, SizeIs(3));
  const auto report = must(f.commit({ready(leases[0], 3, "größer"), ready(leases[1], 0),
                                     failed(leases[2], ec::encrypted_document)}));
  ASSERT_THAT(report.documents, SizeIs(3));
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(report.documents[i].outcome, commit_outcome::committed);
    EXPECT_EQ(report.documents[i].token, leases[i].token) << "in input order";
    EXPECT_EQ(report.documents[i].ready, i < 2);
  }
  EXPECT_EQ(report.transactions, 1);
  EXPECT_EQ(report.refunded, cost_of_one);
  EXPECT_EQ(f.db.query("select (text, heading_path, page_from, page_to, tokens, embedding) from "
                       "chunks_v1 where ordinal = 2"),
            R"x(("größer 2","{Title,""Part \\""1\\""""}",1,2,3,"{1,2}"))x");
  EXPECT_EQ(
      f.db.query("select (page, width, height, size, mime, text) from images where document_id "
                 "= " +
                 std::to_string(leases[0].document_id)),
      "(2,640,480,999,image/png,\"a lock\")");
  EXPECT_EQ(f.db.query("select (status, chunks, images, tokens, pages, size, mime, attempts, "
                       "error_code) from documents where id = " +
                       std::to_string(leases[0].document_id)),
            "(ready,3,1,9,4,123,text/plain,1,)");
  EXPECT_EQ(
      f.db.query("select (status, error_code, error_message, chunks, finished_at is not null) "
                 "from documents where id = " +
                 std::to_string(leases[2].document_id)),
      "(failed,encrypted_document,\"why it failed\",0,t)");
  EXPECT_EQ(f.progress(), "(2,1,3,2,9)");
  EXPECT_EQ(f.count("queue_leases"), 0);
  EXPECT_EQ(f.count("queue_dead"), 0) << "refused by its parser at once: no dead letter";
  EXPECT_EQ(f.balance(), cost_of_one);
}

TEST(group_commit, a_group_becomes_visible_at_one_instant) {
  commit_fixture f{400};
  std::atomic<bool> done{false};
  std::atomic<int> looks{0};
  std::string torn;
  std::jthread reader{[&] {
    auto connection = f.db.connect();
    while (!done) {
      sql::read_transaction tx{connection};
      const std::string seen =
          tx.exec(
                "select (select count(*) from documents where status = 'ready') = (select "
                "coalesce(sum(ready), 0) from dataset_progress) and (select count(*) from chunks) "
                "= 2 * "
                "(select coalesce(sum(ready), 0) from dataset_progress) and (select count(*) from "
                "images) "
                "= (select coalesce(sum(ready), 0) from dataset_progress) and (select count(*) "
                "from "
                "credit_refunds) = (select coalesce(sum(failed), 0) from dataset_progress) and "
                "(select "
                "count(*) * 10 from credit_refunds) = (select balance from credit_accounts) and "
                "(select "
                "count(*) from queue_ready) + (select count(*) from queue_leases) = (select "
                "count(*) from "
                "documents where status = 'queued')")
              .one_row()[0]
              .c_str();
      if (seen != "t") torn = seen;
      ++looks;
    }
  }};
  for (int g = 0; g < 8; ++g) {
    std::vector<document_result> group;
    for (const auto& l : f.claim(50))
      group.push_back(group.size() % 10 == 0 ? failed(l, ec::malformed_document) : ready(l));
    must(f.commit(std::move(group)));
  }
  const auto seen = looks.load();
  while (looks < seen + 2) std::this_thread::yield();
  done = true;
  reader.join();
  EXPECT_EQ(torn, "") << "a reader saw some of a commit";
  EXPECT_EQ(f.progress(), "(360,40,720,360,2160)");
}

TEST(group_commit, a_stale_token_changes_nothing_and_leaves_the_others_committed) {
  commit_fixture f{3};
  const auto old = f.claim(3);
  ASSERT_THAT(old, SizeIs(3));
  must(f.work.release({{old[0].token}}, release_reason::lost));
  f.planner.expire();
  const auto fresh = f.claim(1);  // another holder has the first document now
  ASSERT_THAT(fresh, SizeIs(1));
  ASSERT_EQ(fresh[0].document_id, old[0].document_id);
  const auto report =
      must(f.commit({failed(old[0], ec::malformed_document, true), ready(old[1]), ready(old[2])}));
  EXPECT_EQ(report.documents[0].outcome, commit_outcome::stale);
  EXPECT_EQ(report.documents[1].outcome, commit_outcome::committed);
  EXPECT_EQ(report.documents[2].outcome, commit_outcome::committed);
  EXPECT_EQ(report.refunded, 0);
  EXPECT_EQ(f.db.query("select (status, error_code, attempts) from documents where id = " +
                       std::to_string(old[0].document_id)),
            "(queued,,1)");
  EXPECT_EQ(f.progress(), "(2,0,4,2,12)");
  EXPECT_EQ(f.count("queue_dead"), 0);
  EXPECT_EQ(f.db.query("select token from queue_leases"), std::to_string(fresh[0].token));
  EXPECT_EQ(must(f.commit({ready(fresh[0])})).documents[0].outcome, commit_outcome::committed);
  // The one that lost it comes late, and only the token tells that it is not its commit.
  EXPECT_EQ(must(f.commit({ready(old[0], 9)})).documents[0].outcome, commit_outcome::stale);
  EXPECT_EQ(f.progress(), "(3,0,6,3,18)");
}

TEST(group_commit, a_group_that_is_repeated_after_a_lost_answer_is_recognised) {
  commit_fixture f{4};
  const auto leases = f.claim(4);
  ASSERT_THAT(leases, SizeIs(4));
  const std::vector<document_result> first{ready(leases[0]),
                                           failed(leases[1], ec::extraction_crashed, true)};
  must(f.commit(first));
  const auto before = f.progress();
  auto more = first;
  more.push_back(ready(leases[2]));
  const auto report = must(f.commit(more));
  for (const auto& d : report.documents) EXPECT_EQ(d.outcome, commit_outcome::committed);
  EXPECT_EQ(report.refunded, 0);
  EXPECT_EQ(before, "(1,1,2,1,6)");
  EXPECT_EQ(f.progress(), "(2,1,4,2,12)") << "only the new one was added";
  EXPECT_EQ(f.balance(), cost_of_one);
  EXPECT_EQ(must(f.commit(more)).transactions, 0);
  EXPECT_EQ(f.progress(), "(2,1,4,2,12)");
  EXPECT_EQ(f.count("chunks"), 4);
}

TEST(group_commit, one_text_that_the_database_refuses_fails_alone) {
  commit_fixture f{200};
  std::vector<document_result> group;
  for (const auto& l : f.claim(200)) group.push_back(ready(l));
  ASSERT_THAT(group, SizeIs(200));
  constexpr std::size_t culprit = 137;
  group[culprit].chunks[1].text = std::string{"a\0b", 3};
  const auto id = std::to_string(group[culprit].document_id);
  const auto report = must(f.commit(group));
  ASSERT_THAT(report.documents, SizeIs(200));
  for (std::size_t i = 0; i < group.size(); ++i) {
    EXPECT_EQ(report.documents[i].token, group[i].token) << "in input order";
    EXPECT_EQ(report.documents[i].outcome,
              i == culprit ? commit_outcome::rejected : commit_outcome::committed)
        << i;
    EXPECT_EQ(report.documents[i].ready, i != culprit) << i;
  }
  EXPECT_EQ(report.refunded, cost_of_one);
  EXPECT_GT(report.transactions, 1);
  EXPECT_LE(report.transactions, 10) << "halves, not one by one";
  EXPECT_EQ(
      f.db.query("select (status, error_code, chunks, images) from documents where id = " + id),
      "(failed,rejected_row,0,0)");
  EXPECT_THAT(f.db.query("select error_message from documents where id = " + id),
              HasSubstr("refused this document's rows"));
  EXPECT_EQ(f.count("chunks where document_id = " + id), 0);
  EXPECT_EQ(f.progress(), "(199,1,398,199,1194)");
  EXPECT_EQ(f.balance(), cost_of_one);
}

/// Nothing is wrong with the rows of this one: another attempt may be able to write them.
TEST(group_commit, one_that_our_own_failure_cannot_write_stays_unwritten_alone) {
  commit_fixture f{20};
  std::vector<document_result> group;
  for (const auto& l : f.claim(20)) group.push_back(ready(l));
  ASSERT_THAT(group, SizeIs(20));
  constexpr std::size_t culprit = 13;
  group[culprit].embeddings = embedding_store{0};  // all of it in a scratch file…
  for (int i = 0; i < 2; ++i) group[culprit].embeddings.push_back(encode_embedding({1.0F, 2.0F}));
  int emptied = 0;
  for (const auto& open : std::filesystem::directory_iterator{"/proc/self/fd"}) {
    std::error_code gone;
    const auto name = std::filesystem::read_symlink(open.path(), gone).native();
    if (name.find("millrace-scratch-") == std::string::npos) continue;
    ASSERT_EQ(::ftruncate(std::stoi(open.path().filename()), 0), 0);  // …that is damaged
    ++emptied;
  }
  ASSERT_EQ(emptied, 1);
  const auto report = must(f.commit(group));
  ASSERT_THAT(report.documents, SizeIs(20));
  for (std::size_t i = 0; i < group.size(); ++i)
    EXPECT_EQ(report.documents[i].outcome,
              i == culprit ? commit_outcome::unwritten : commit_outcome::committed)
        << i;
  EXPECT_THAT(report.documents[culprit].reason.message, HasSubstr("scratch file"));
  EXPECT_EQ(f.progress(), "(19,0,38,19,114)");
  EXPECT_EQ(f.count("queue_leases"), 1) << "its lease is still held";
}

TEST(group_commit, an_error_that_the_server_calls_its_own_does_not_take_the_group_along) {
  commit_fixture f{20};
  std::vector<document_result> group;
  for (const auto& l : f.claim(20)) group.push_back(ready(l));
  group[3].chunks[0].text = "poison";
  f.db.execute(
      "create function fail() returns trigger language plpgsql as $$ begin if new.text = 'poison' "
      "then raise exception 'invalid memory alloc request size' using errcode = 'XX000'; end if; "
      "return new; end $$; create trigger fail before insert on chunks for each row execute "
      "function fail()");
  const auto report = must(f.commit(group));
  ASSERT_THAT(report.documents, SizeIs(20));
  EXPECT_EQ(report.documents[3].outcome, commit_outcome::unwritten);
  EXPECT_EQ(f.progress(), "(19,0,38,19,114)");
}

TEST(group_commit, half_a_surrogate_and_a_nul_in_a_heading_fail_alone_too) {
  commit_fixture f{200};
  std::vector<document_result> group;
  for (const auto& l : f.claim(200)) group.push_back(ready(l));
  ASSERT_THAT(group, SizeIs(200));
  group[0].chunks[0].text = "lone \xED\xA0\x80 surrogate";
  group[199].chunks[1].heading_path = {std::string{"a\0b", 3}};
  const auto report = must(f.commit(group));
  ASSERT_THAT(report.documents, SizeIs(200));
  for (std::size_t i = 0; i < group.size(); ++i)
    EXPECT_EQ(report.documents[i].outcome,
              i == 0 || i == 199 ? commit_outcome::rejected : commit_outcome::committed)
        << i;
  EXPECT_EQ(report.refunded, 2 * cost_of_one);
  EXPECT_LE(report.transactions, 18);
  EXPECT_EQ(f.progress(), "(198,2,396,198,1188)");
}

TEST(group_commit, a_result_of_many_statements_is_one_commit) {
  commit_fixture f{3};
  const auto leases = f.claim(3);
  std::vector<document_result> group{ready(leases[0], 50), ready(leases[1], 50),
                                     ready(leases[2], 2)};
  for (int i = 0; i < 49; ++i) group[0].images.push_back(group[0].images[0]);
  group[2].chunks[1].text = std::string{"a\0b", 3};
  constexpr std::size_t a_few_rows = 500;
  const auto report = must(commit_group(f.db.pool(), "a", group, a_few_rows));
  EXPECT_EQ(report.documents[1].outcome, commit_outcome::committed);
  EXPECT_EQ(report.documents[2].outcome, commit_outcome::rejected);
  EXPECT_EQ(f.db.query("select (count(*), count(distinct (document_id, ordinal)), min(ordinal), "
                       "max(ordinal)) from chunks"),
            "(100,100,0,49)");
  EXPECT_EQ(f.count("images"), 51);
  EXPECT_EQ(f.progress(), "(2,1,100,51,300)");
}

TEST(group_commit, a_document_that_used_up_its_attempts_leaves_a_dead_letter_and_is_refunded) {
  commit_fixture f{2};
  f.db.execute("update queue_ready set failures = 4, losses = 2");
  const auto leases = f.claim(2);
  ASSERT_THAT(leases, SizeIs(2));
  const auto report = must(f.commit({failed(leases[0], ec::extraction_crashed, true),
                                     failed(leases[1], ec::extraction_timeout, true)}));
  EXPECT_EQ(report.refunded, 2 * cost_of_one);
  EXPECT_EQ(f.db.query("select (error_code, error_message, failures, losses) from queue_dead where "
                       "document_id = " +
                       std::to_string(leases[0].document_id)),
            "(extraction_crashed,\"why it failed\",5,2)");
  EXPECT_EQ(f.count("queue_dead"), 2);
  EXPECT_EQ(f.count("credit_refunds"), 2);
  EXPECT_EQ(f.count("credit_transactions where type = 'refund'"), 1) << "one for the group";
  EXPECT_EQ(f.balance(), 2 * cost_of_one);
}

TEST(group_commit, a_new_version_replaces_chunks_and_counts_and_is_refunded_once_a_charge) {
  commit_fixture f{2};
  const auto first = f.claim(2);
  ASSERT_THAT(first, SizeIs(2));
  must(f.commit({ready(first[0], 5), ready(first[1], 1)}));
  EXPECT_EQ(f.progress(), "(2,0,6,2,18)");
  f.queue_again();
  const auto second = f.claim(2);
  ASSERT_THAT(second, SizeIs(2));
  must(f.commit({ready(second[0], 2, "new"), failed(second[1], ec::malformed_document)}));
  // What the status counted for is the submission's to take back; chunks are the commit's.
  EXPECT_EQ(f.progress(), "(3,1,2,1,6)");
  EXPECT_EQ(f.db.query("select string_agg(text, ',' order by ordinal) from chunks"), "new 0,new 1");
  EXPECT_EQ(f.count("images"), 1);
  EXPECT_EQ(f.balance(), cost_of_one);
  f.queue_again();
  const auto third = f.claim(2);
  ASSERT_THAT(third, SizeIs(2));
  EXPECT_EQ(must(f.commit({ready(third[0], 1), failed(third[1], ec::malformed_document)})).refunded,
            0)
      << "the same charge is refunded once";
  EXPECT_EQ(f.balance(), cost_of_one);
}

TEST(group_commit, two_nodes_count_in_rows_of_their_own) {
  commit_fixture f{60};
  auto a = f.claim(30);
  auto b = f.claim(30);
  {
    std::vector<std::jthread> nodes;
    for (auto* mine : {&a, &b})
      nodes.emplace_back([&f, mine, name = mine == &a ? "a" : "b"] {
        for (std::size_t i = 0; i + 3 <= mine->size(); i += 3) {
          std::vector<document_result> group{ready((*mine)[i]), ready((*mine)[i + 1]),
                                             failed((*mine)[i + 2], ec::malformed_document)};
          must(commit_group(f.db.pool(), name, group));
        }
      });
  }
  EXPECT_EQ(f.db.query("select string_agg(node || ready || failed, ' ' order by node) from "
                       "dataset_progress"),
            "a2010 b2010");
  EXPECT_EQ(f.balance(), 20 * cost_of_one);
}

}  // namespace
}  // namespace millrace
