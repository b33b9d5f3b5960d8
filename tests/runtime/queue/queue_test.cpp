#include "runtime/queue/queue.hpp"

#include <atomic>
#include <map>
#include <optional>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runtime/queue/seeded_queue.hpp"
#include "tests/support/lock_waits.hpp"

namespace millrace {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<released_lease> all_of(const std::vector<lease>& leases, duration delay = duration{0}) {
  std::vector<released_lease> out;
  for (const auto& l : leases) out.push_back({l.token, delay});
  return out;
}

TEST(queue, claims_follow_the_index_however_small_the_table_looks) {
  test_database db;
  seed_dataset(db, "small", 20);
  db.execute("analyze queue_ready");
  const auto whole_table_reads = [&] {
    EXPECT_TRUE(
        succeeded(db.pool().transact("test", [](sql::work& tx, pooled_connection&) -> result<void> {
          tx.exec("select pg_stat_force_next_flush()").one_row();
          return {};
        })));
    return db.query("select seq_scan from pg_stat_user_tables where relname = 'queue_ready'");
  };
  queue q{db.pool(), {}, seed_node(db, "a")};
  claim_planner planner;
  const auto before = whole_table_reads();
  ASSERT_THAT(must(q.claim(planner, 10)), SizeIs(10));
  EXPECT_EQ(whole_table_reads(), before);
}

TEST(queue, claims_are_fair_over_accounts_and_datasets_and_carry_fresh_tokens) {
  test_database db;
  const auto big = seed_dataset(db, "big", 500);
  const auto other = seed_dataset(db, "other", 500);
  const auto small = seed_dataset(db, "small", 10, "another-account");
  queue q{db.pool(), {}, seed_node(db, "a")};
  claim_planner planner;
  const auto first = must(q.claim(planner, 40));
  std::map<std::int64_t, int> of;
  std::set<std::int64_t> tokens;
  for (const auto& l : first) ++of[l.dataset_id], tokens.insert(l.token);
  EXPECT_EQ(of[small], 10) << "ten documents do not wait behind a thousand";
  EXPECT_EQ(of[big], 15) << "what it cannot use is shared by the others";
  EXPECT_EQ(of[other], 15);
  EXPECT_THAT(tokens, SizeIs(first.size()));
  EXPECT_EQ(first[0].dataset_id, big);
  EXPECT_EQ(first[0].uri, "file:///big/1") << "in the order they were submitted";
  EXPECT_EQ(first[9].uri, "file:///big/10");
  EXPECT_EQ(first[0].size, 1U);
  EXPECT_EQ(must(q.counts()).leased, 40);

  std::set<std::int64_t> documents;
  for (const auto& l : first) documents.insert(l.document_id);
  for (auto more = must(q.claim(planner, 100)); !more.empty(); more = must(q.claim(planner, 100)))
    for (const auto& l : more) {
      EXPECT_TRUE(documents.insert(l.document_id).second) << "claimed twice";
      EXPECT_TRUE(tokens.insert(l.token).second);
    }
  EXPECT_THAT(documents, SizeIs(1010));
  EXPECT_EQ(must(q.counts()).ready, 0);

  db.execute("update datasets set status = 'cancelled'");
  must(q.release(all_of(first), release_reason::drained));
  EXPECT_THAT(must(q.claim(planner, 10)), IsEmpty()) << "only datasets that are processed";
}

TEST(queue, what_a_release_costs_depends_on_its_reason_and_a_stale_token_changes_nothing) {
  test_database db;
  seed_dataset(db, "d", 1);
  queue q{db.pool(), {}, seed_node(db, "a")};
  const auto once = [&](release_reason reason) {
    claim_planner planner;
    const auto l = must(q.claim(planner, 1));
    ASSERT_THAT(l, SizeIs(1));
    EXPECT_EQ(must(q.release(all_of(l), reason)), 1);
    EXPECT_EQ(must(q.release(all_of(l), reason)), 0) << "the token is used up";
  };
  once(release_reason::drained);
  EXPECT_EQ(db.query("select (failures, losses) from queue_ready"), "(0,0)");
  EXPECT_EQ(db.query("select attempts from documents"), "0");
  once(release_reason::failed);
  once(release_reason::lost);
  once(release_reason::lost);
  EXPECT_EQ(db.query("select (failures, losses) from queue_ready"), "(1,2)");
  EXPECT_EQ(db.query("select attempts from documents"), "3");

  claim_planner planner;
  const auto held = must(q.claim(planner, 1));
  ASSERT_THAT(held, SizeIs(1));
  EXPECT_EQ(held[0].failures, 1);
  EXPECT_EQ(held[0].losses, 2);
  EXPECT_EQ(must(q.release({{held[0].token - 1}, {held[0].token + 1}}, release_reason::failed)), 0);
  EXPECT_EQ(must(q.counts()).leased, 1);
  EXPECT_EQ(db.query("select attempts from documents"), "3");
  EXPECT_EQ(must(q.release({}, release_reason::failed)), 0);
}

TEST(queue, a_delayed_document_is_not_claimed_before_its_time) {
  test_database db;
  seed_dataset(db, "d", 2);
  queue q{db.pool(), {}, seed_node(db, "a")};
  claim_planner planner;
  const auto both = must(q.claim(planner, 2));
  ASSERT_THAT(both, SizeIs(2));
  must(
      q.release({{both[0].token, std::chrono::hours{1}}, {both[1].token}}, release_reason::failed));
  const auto counts = must(q.counts());
  EXPECT_EQ(counts.delayed, 1);
  EXPECT_EQ(counts.ready, 1);
  planner.expire();
  const auto again = must(q.claim(planner, 2));
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_EQ(again[0].document_id, both[1].document_id);
  db.execute("update queue_ready set run_at = run_at - interval '1 hour'");
  planner.expire();
  const auto later = must(q.claim(planner, 2));
  ASSERT_THAT(later, SizeIs(1));
  EXPECT_EQ(later[0].document_id, both[0].document_id);
}

TEST(queue, datasets_that_wait_for_a_retry_do_not_hide_what_is_due) {
  test_database db;
  seed_dataset(db, "delayed", 1);
  db.execute(
      "insert into datasets (name, account_id, status, model, dimensions, total) select name || n, "
      "account_id, status, model, dimensions, total from datasets, generate_series(1, " +
      std::to_string(claim_planner::max_datasets) +
      ") n; insert into queue_ready (dataset_id, priority, run_at, document_id) select s.id, "
      "0, now(), d.id from datasets s, documents d where s.name <> 'delayed'; "
      "update queue_ready set run_at = now() + interval '1 hour'");
  const auto due = seed_dataset(db, "due", 3);
  queue q{db.pool(), {}, seed_node(db, "a")};
  claim_planner planner;
  const auto claimed = must(q.claim(planner, 2));
  ASSERT_THAT(claimed, SizeIs(2));
  EXPECT_EQ(claimed[0].dataset_id, due);
}

TEST(queue, a_known_dataset_that_others_emptied_gives_its_turn_to_the_next) {
  test_database db;
  for (int i = 0; i < 3; ++i) seed_dataset(db, "raced" + std::to_string(i), 1);
  const auto last = seed_dataset(db, "last", 1);
  queue q{db.pool(), {}, seed_node(db, "a")};
  claim_planner planner;
  ASSERT_TRUE(succeeded(q.rescan(planner)));
  db.execute("delete from queue_ready where dataset_id <> " + std::to_string(last));
  const auto claimed = must(q.claim(planner, 1));
  ASSERT_THAT(claimed, SizeIs(1));
  EXPECT_EQ(claimed[0].dataset_id, last);
}

TEST(queue, an_account_with_a_thousand_datasets_gets_no_more_than_one_with_a_single_one) {
  constexpr int many = static_cast<int>(claim_planner::max_datasets) + 200;
  test_database db;
  seed_dataset(db, "seed", 1, "crowd");
  db.execute(
      "with s as (insert into datasets (name, account_id, status, model, dimensions, total) "
      "select 'small' || n, account_id, status, model, dimensions, 2 from datasets, "
      "generate_series(2, " +
      std::to_string(many) +
      ") n returning id), d as (insert into documents (dataset_id, uri, size, options) select id, "
      "'file:///' || n, 1, '' from s, generate_series(1, 2) n returning id, dataset_id) insert "
      "into queue_ready (dataset_id, priority, run_at, document_id) select dataset_id, 0, now(), "
      "id from d");
  const auto large = seed_dataset(db, "large", 1000, "single");
  queue q{db.pool(), {}, seed_node(db, "a")};
  claim_planner planner;
  std::map<bool, int> of;
  for (int i = 0; i < 10; ++i)
    for (const auto& l : must(q.claim(planner, 100))) ++of[l.dataset_id == large];
  EXPECT_EQ(of[true], 500);
  EXPECT_EQ(of[false], 500);
}

TEST(queue, a_document_behind_the_watermark_is_found_by_the_next_rescan) {
  test_database db;
  seed_dataset(db, "d", 10);
  queue q{db.pool(), {}, seed_node(db, "a")};
  claim_planner planner;
  const auto first = must(q.claim(planner, 5));
  db.execute(
      "with gone as (delete from queue_leases where token = " + std::to_string(first.at(0).token) +
      " returning *) insert into queue_ready (dataset_id, priority, run_at, document_id) "
      "select dataset_id, -1, now() - interval '1 day', document_id from gone");
  const auto second = must(q.claim(planner, 1));
  ASSERT_THAT(second, SizeIs(1));
  EXPECT_NE(second[0].document_id, first[0].document_id) << "claims go on behind the watermark";
  planner.expire();
  const auto third = must(q.claim(planner, 1));
  ASSERT_THAT(third, SizeIs(1));
  EXPECT_EQ(third[0].document_id, first[0].document_id) << "the smaller priority comes first";
}

TEST(queue, claimers_at_once_never_get_the_same_document) {
  test_database db;
  for (int d = 1; d <= 4; ++d) seed_dataset(db, "d" + std::to_string(d), 500);
  std::vector<std::vector<lease>> got(4);
  {
    std::vector<std::jthread> threads;
    for (auto& mine : got) {
      threads.emplace_back([&, self = seed_node(db, "n" + std::to_string(&mine - got.data()))] {
        queue q{db.pool(), {}, self};
        claim_planner planner;
        for (int empty = 0; empty < 5;) {
          auto leases = must(q.claim(planner, 37));
          empty = leases.empty() ? empty + 1 : 0;
          std::move(leases.begin(), leases.end(), std::back_inserter(mine));
        }
      });
    }
  }
  std::set<std::int64_t> documents, tokens;
  for (const auto& mine : got)
    for (const auto& l : mine) {
      EXPECT_TRUE(documents.insert(l.document_id).second) << l.uri;
      EXPECT_TRUE(tokens.insert(l.token).second);
    }
  EXPECT_THAT(documents, SizeIs(2000));
  EXPECT_EQ(number(db, "select count(*) from queue_leases"), 2000);
  EXPECT_EQ(number(db, "select count(*) from queue_ready"), 0);
}

TEST(queue, a_paused_dataset_is_not_claimed_from_not_even_by_who_knew_it_before) {
  test_database db;
  seed_dataset(db, "d", 10);
  queue q{db.pool(), {}, seed_node(db, "a")};
  claim_planner planner;
  ASSERT_THAT(must(q.claim(planner, 2)), SizeIs(2));
  db.execute("update datasets set paused_at = now()");
  EXPECT_THAT(must(q.claim(planner, 2)), IsEmpty());
  planner.expire();
  EXPECT_THAT(must(q.claim(planner, 2)), IsEmpty());
  db.execute("update datasets set paused_at = null");
  planner.expire();
  EXPECT_THAT(must(q.claim(planner, 2)), SizeIs(2));
}

TEST(queue, what_is_given_back_while_its_dataset_is_cancelled_does_not_return) {
  test_database db;
  const auto dataset = seed_dataset(db, "d", 3);
  queue q{db.pool(), {}, seed_node(db, "a")};
  claim_planner planner;
  const auto leases = must(q.claim(planner, 3));
  ASSERT_THAT(leases, SizeIs(3));
  // A cancel as control.cpp does it, held open after its first step: the release must wait for it.
  auto cancelling = db.connect();
  sql::work cancel{cancelling};
  cancel.exec("select 1 from datasets where id = $1 for update", sql::params{dataset}).one_row();
  cancel.exec("update datasets set status = 'cancelled' where id = $1", sql::params{dataset})
      .no_rows();
  std::atomic<bool> released{false};
  std::thread releasing{[&] {
    must(q.release(all_of(leases), release_reason::lost));
    released = true;
  }};
  while (!released &&
         db.query("select count(*) from pg_stat_activity where wait_event_type = 'Lock' and "
                  "datname = current_database()") == "0")
    std::this_thread::yield();
  EXPECT_FALSE(released) << "a cancel under way is waited for";
  cancel.exec("delete from queue_ready where dataset_id = $1", sql::params{dataset}).no_rows();
  cancel.exec("delete from queue_leases where dataset_id = $1", sql::params{dataset}).no_rows();
  cancel.commit();
  releasing.join();
  EXPECT_EQ(db.query("select count(*) from queue_ready"), "0");
  EXPECT_EQ(db.query("select count(*) from queue_leases"), "0");
}

TEST(queue, a_release_does_not_wait_for_a_submission_of_its_dataset) {
  test_database db;
  const auto dataset = seed_dataset(db, "d", 1);
  queue q{db.pool(), {}, seed_node(db, "a")};
  claim_planner planner;
  const auto leases = must(q.claim(planner, 1));
  auto submitting = db.connect();
  sql::work submit{submitting};
  submit.exec("select 1 from datasets where id = $1 for no key update", sql::params{dataset})
      .one_row();
  EXPECT_EQ(must(q.release(all_of(leases), release_reason::drained)), 1);
}

TEST(queue, progress_extends_a_lease_and_only_one_that_holds) {
  test_database db;
  seed_dataset(db, "d", 2);
  queue q{db.pool(), {}, seed_node(db, "a")};
  claim_planner planner;
  const auto leases = must(q.claim(planner, 2));
  db.execute("update queue_leases set deadline = now() - interval '1 s'");
  EXPECT_EQ(must(q.extend({leases[0].token, 4711})), 1);
  EXPECT_EQ(must(q.reap({std::chrono::seconds{15}})), 1) << "the other one";
  EXPECT_EQ(db.query("select token from queue_leases"), std::to_string(leases[0].token));
}

TEST(queue, what_waits_for_the_files_of_one_node_can_be_made_due) {
  test_database db;
  seed_dataset(db, "d", 6);
  queue q{db.pool(), {}, seed_node(db, "a")};
  // Two of `b`, one of a node whose name begins alike, one of none; one that failed, one that is
  // due.
  db.execute(
      "update documents set uri = case when uri ~ '/[1256]$' then 'file://b' "
      "when uri like '%/3' then 'file://bb' else 'file://' end || '/srv/' || id");
  db.execute(
      "update queue_ready r set run_at = now() + interval '1 minute', "
      "failures = (select (uri like '%/5')::int from documents d where d.id = r.document_id) "
      "where document_id <> (select max(id) from documents)");
  const auto uris = [&] {
    return db.query(
        "select string_agg(d.uri, ' ' order by d.id) from queue_ready r join documents "
        "d on d.id = r.document_id where r.run_at <= clock_timestamp()");
  };
  EXPECT_EQ(uris(), "file://b/srv/6");
  EXPECT_EQ(must(q.make_due("file://b/")), 2);
  EXPECT_EQ(uris(), "file://b/srv/1 file://b/srv/2 file://b/srv/6");
  EXPECT_EQ(must(q.make_due("file://b/")), 0);
  claim_planner planner;
  EXPECT_THAT(must(q.claim(planner, 10)), SizeIs(3));
}

TEST(queue, retry_delays_double_up_to_their_bound) {
  queue_settings s;
  s.retry_min = std::chrono::seconds{2};
  s.retry_max = std::chrono::seconds{15};
  EXPECT_EQ(retry_delay(s, 0), std::chrono::seconds{2});
  EXPECT_EQ(retry_delay(s, 1), std::chrono::seconds{4});
  EXPECT_EQ(retry_delay(s, 2), std::chrono::seconds{8});
  EXPECT_EQ(retry_delay(s, 3), std::chrono::seconds{15});
  EXPECT_EQ(retry_delay(s, 1'000'000), std::chrono::seconds{15});
}

// Behind forty thousand others they would wait ten minutes for somebody.
TEST(queue, what_is_tried_again_later_is_claimed_behind_the_others) {
  test_database db;
  seed_dataset(db, "d", 20);
  queue q{db.pool(), {}, seed_node(db, "a")};
  claim_planner planner;
  const auto first = must(q.claim(planner, 5));
  must(q.release(all_of(first), release_reason::failed));
  must(q.release(all_of(must(q.claim(planner, 5))), release_reason::drained));
  planner.expire();
  std::set<std::int64_t> tried;
  for (const auto& l : first) tried.insert(l.document_id);
  for (const auto& l : must(q.claim(planner, 10))) EXPECT_FALSE(tried.contains(l.document_id));
}

/// The lowest lease is held by somebody else, and lies behind the others in its table, which is
/// read from its beginning.
TEST(queue, leases_are_extended_in_the_order_in_which_they_are_committed_and_given_back) {
  test_database db;
  seed_dataset(db, "d", 20);
  connection_pool pool{
      db.connection_string() + " options='-c enable_indexscan=off -c enable_bitmapscan=off'",
      {},
      "millrace/test"};
  queue q{pool, {}, seed_node(db, "a")};
  claim_planner planner;
  std::vector<std::int64_t> tokens;
  for (const auto& l : must(q.claim(planner, 20))) tokens.push_back(l.token);
  ASSERT_EQ(tokens.size(), 20U);
  db.execute(
      "update queue_leases set begun = true where token = (select min(token) from "
      "queue_leases)");
  auto holder = db.connect();
  std::optional<sql::work> holding{holder};
  holding->exec("select token from queue_leases order by token limit 1 for update").one_row();
  std::jthread extending{[&] { EXPECT_EQ(must(q.extend(tokens)), 20); }};
  ASSERT_TRUE(somebody_waits_for_a_lock(db));
  EXPECT_EQ(holding->exec("select token from queue_leases for update skip locked").size(), 20U)
      << "nothing is held behind the one that is waited for";
  holding.reset();
}

}  // namespace
}  // namespace millrace
