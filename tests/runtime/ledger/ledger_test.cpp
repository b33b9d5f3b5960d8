#include "runtime/ledger/ledger.hpp"

#include <optional>
#include <random>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runtime/queue/seeded_queue.hpp"
#include "tests/support/lock_waits.hpp"

namespace millrace {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

/// One call of the ledger in a transaction of its own.
template <class F>
auto in_transaction(test_database& db, F body) {
  return db.pool().transact("test", [&](sql::work& tx, pooled_connection&) { return body(tx); });
}

ledger::deduction batch(const std::string& account, std::int64_t documents, std::int64_t cost,
                        std::int64_t dataset = 0, const std::string& key = {}) {
  return {account, documents, cost, "test", dataset, key, 0};
}

result<ledger::receipt> deduct(test_database& db, const ledger::deduction& d) {
  return in_transaction(db, [&](sql::work& tx) { return ledger::deduct_batch(tx, d); });
}
result<ledger::receipt> grant(test_database& db, ledger::grant_order g) {
  return in_transaction(db, [&](sql::work& tx) { return ledger::grant(tx, g); });
}
result<ledger::receipt> refund(test_database& db, ledger::refund_order r) {
  return in_transaction(db, [&](sql::work& tx) { return ledger::refund(tx, r); });
}
result<std::int64_t> refund_documents(test_database& db, const std::vector<std::int64_t>& ids) {
  return in_transaction(db, [&](sql::work& tx) { return ledger::refund_documents(tx, ids, "r"); });
}
std::int64_t balance(test_database& db, const std::string& account = "a") {
  return must(in_transaction(db, [&](sql::work& tx) { return ledger::balance(tx, account); }));
}

/// Everything that the ledger keeps, to see that nothing changed.
std::string all_rows(const test_database& db) {
  return db.query(
      "select (select json_agg(a order by id) from credit_accounts a)::text ||"
      " coalesce((select json_agg(t order by id) from credit_transactions t)::text, '') ||"
      " coalesce((select json_agg(c order by transaction_id) from credit_charges c)::text, '') ||"
      " coalesce((select json_agg(r order by charge_id, document_id) from credit_refunds r)::text, "
      "'')");
}

/// Accounts whose balance is not the sum of their transactions.
std::string unbalanced(const test_database& db) {
  return db.query(
      "select coalesce(string_agg(name, ' '), '') from credit_accounts a where balance <> (select "
      "coalesce(sum(amount), 0) from credit_transactions t where t.account_id = a.id)");
}

TEST(ledger, insufficient_credits_change_nothing_and_name_balance_and_need) {
  test_database db;
  must(grant(db, {"a", 95, "start", ""}));
  const auto before = all_rows(db);
  const auto refused = deduct(db, batch("a", 10, 10));
  ASSERT_EQ(code_of(refused), ec::insufficient_credits);
  EXPECT_THAT(refused.error().message, HasSubstr("has 95 credits"));
  EXPECT_THAT(refused.error().message, HasSubstr("100 are needed"));
  EXPECT_EQ(all_rows(db), before);
  EXPECT_EQ(code_of(deduct(db, batch("b", 1, 1))), ec::unknown_account);
  for (const auto& [documents, cost] : {std::pair{0, 1}, {1, 0}, {-1, -1}, {-1, 1}})
    EXPECT_EQ(code_of(deduct(db, batch("a", documents, cost))), ec::invalid_argument);
  EXPECT_EQ(code_of(grant(db, {"a", 0, "", ""})), ec::invalid_argument);
  EXPECT_EQ(code_of(grant(db, {"a", -5, "", ""})), ec::invalid_argument);
  EXPECT_EQ(all_rows(db), before);

  const auto paid = must(deduct(db, batch("a", 9, 10)));
  EXPECT_EQ(paid.amount, -90);
  EXPECT_EQ(paid.balance, 5);
  EXPECT_EQ(number(db, "select count(*) from credit_transactions where type = 'batch_deduction'"),
            1);
  EXPECT_THROW(db.execute("update credit_accounts set balance = -1"), sql::check_violation);
}

TEST(ledger, a_deduction_or_refund_too_large_to_count_is_refused_as_such) {
  test_database db;
  must(grant(db, {"a", 1000, "start", ""}));
  for (const auto& [documents, cost] : {std::pair{std::int64_t{1} << 40, std::int64_t{1} << 30},
                                        {std::int64_t{1} << 40, std::int64_t{1} << 23},
                                        {std::int64_t{1} << 62, std::int64_t{2}},
                                        {std::int64_t{2}, std::int64_t{1} << 62}})
    EXPECT_EQ(code_of(deduct(db, batch("a", documents, cost))), ec::invalid_argument)
        << documents << " x " << cost;
  const auto paid = must(deduct(db, batch("a", 10, 4)));
  EXPECT_EQ(code_of(refund(db, {paid.transaction_id, std::int64_t{1} << 62, ""})),
            ec::refund_exceeds_charge);
  EXPECT_EQ(balance(db), 960);
}

TEST(ledger, an_idempotency_key_returns_the_first_answer_and_refuses_other_arguments) {
  test_database db;
  const auto first = must(grant(db, {"a", 1000, "start", "g1"}));
  EXPECT_FALSE(first.replayed);
  const auto again = must(grant(db, {"a", 1000, "start", "g1"}));
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.transaction_id, first.transaction_id);
  EXPECT_EQ(code_of(grant(db, {"a", 1001, "start", "g1"})), ec::idempotency_conflict);

  const auto d = batch("a", 6, 10, 0, "d1");
  const auto paid = must(deduct(db, d));
  const auto repeated = must(deduct(db, d));
  EXPECT_TRUE(repeated.replayed);
  EXPECT_EQ(repeated.transaction_id, paid.transaction_id);
  EXPECT_EQ(repeated.amount, -60);
  auto other = d;
  other.documents = 10;
  other.cost_per_document = 6;  // the same amount, another order
  EXPECT_EQ(code_of(deduct(db, other)), ec::idempotency_conflict);
  other = d;
  other.dataset_id = 7;
  EXPECT_EQ(code_of(deduct(db, other)), ec::idempotency_conflict);
  EXPECT_EQ(code_of(grant(db, {"a", 60, "", "d1"})), ec::idempotency_conflict) << "another kind";
  other = d;
  other.documents = 1000;  // more than there is: the conflict comes first
  EXPECT_EQ(code_of(deduct(db, other)), ec::idempotency_conflict);
  must(grant(db, {"b", 100, "", "d1"}));  // keys are an account's own
  EXPECT_EQ(balance(db), 940);
  EXPECT_EQ(balance(db, "b"), 100);

  // A replay is answered even when the account could not pay again.
  must(deduct(db, batch("a", 94, 10)));
  EXPECT_TRUE(must(deduct(db, d)).replayed);
  EXPECT_EQ(balance(db), 0);
}

TEST(ledger, a_refund_by_count_is_idempotent_and_bounded_by_the_charge) {
  test_database db;
  const auto granted = must(grant(db, {"a", 1000, "start", ""}));
  const auto charge = must(deduct(db, batch("a", 10, 7)));
  const auto id = charge.transaction_id;
  const auto first = must(refund(db, {id, 4, ""}));
  EXPECT_EQ(first.amount, 28);
  EXPECT_EQ(first.balance, 958);
  const auto again = must(refund(db, {id, 4, ""}));
  EXPECT_TRUE(again.replayed) << "the pair (transaction, count) is its own key";
  EXPECT_EQ(again.transaction_id, first.transaction_id);
  EXPECT_EQ(balance(db), 958);
  EXPECT_EQ(code_of(refund(db, {id, 7, ""})), ec::refund_exceeds_charge);
  EXPECT_FALSE(must(refund(db, {id, 4, "second four"})).replayed);
  EXPECT_EQ(code_of(refund(db, {id, 3, ""})), ec::refund_exceeds_charge);
  EXPECT_EQ(code_of(refund(db, {id, 1, "second four"})), ec::idempotency_conflict);
  must(refund(db, {id, 2, ""}));
  EXPECT_EQ(code_of(refund(db, {id, 1, ""})), ec::refund_exceeds_charge);
  EXPECT_TRUE(must(refund(db, {id, 4, ""})).replayed) << "also when nothing is left";
  EXPECT_EQ(balance(db), 1000);
  for (const std::int64_t count : {0, -1})
    EXPECT_EQ(code_of(refund(db, {id, count, ""})), ec::invalid_argument);
  EXPECT_EQ(code_of(refund(db, {granted.transaction_id, 1, ""})), ec::unknown_transaction);
  EXPECT_EQ(code_of(refund(db, {987654, 1, ""})), ec::unknown_transaction);
  const auto owned = must(deduct(db, batch("a", 1, 7, 3)));
  EXPECT_EQ(code_of(refund(db, {owned.transaction_id, 1, ""})), ec::invalid_argument)
      << "a dataset's documents are refunded one by one";
  EXPECT_EQ(unbalanced(db), "");
}

TEST(ledger, a_document_is_refunded_once_per_charge) {
  test_database db;
  const auto dataset = seed_dataset(db, "d", 6, "a");
  must(grant(db, {"a", 1000, "start", ""}));
  const auto charge = [&](int cost) {
    return must(deduct(db, batch("a", 6, cost, dataset))).transaction_id;
  };
  const auto first = charge(10);
  db.execute("update documents set charge_id = " + std::to_string(first) + " where size <= 5");
  std::vector<std::int64_t> ids;
  for (int n = 1; n <= 6; ++n)
    ids.push_back(number(db, "select id from documents where size = " + std::to_string(n)));
  EXPECT_EQ(must(refund_documents(db, {ids[0], ids[1]})), 20);
  EXPECT_EQ(must(refund_documents(db, {ids[1], ids[2], ids[5]})), 10)
      << "one is refunded already, one was never charged";
  EXPECT_EQ(must(refund_documents(db, ids)), 20);
  EXPECT_EQ(must(refund_documents(db, ids)), 0);
  EXPECT_EQ(must(refund_documents(db, {})), 0);
  EXPECT_EQ(balance(db), 990);
  EXPECT_EQ(db.query("select refunded from credit_charges where transaction_id = " +
                     std::to_string(first)),
            "50");

  const auto second = charge(3);  // submitted again: a charge of its own
  db.execute("update documents set charge_id = " + std::to_string(second) + " where size <= 2");
  EXPECT_EQ(must(refund_documents(db, ids)), 6);
  EXPECT_EQ(number(db, "select count(*) from credit_refunds"), 7);
  EXPECT_EQ(number(db, "select sum(amount) from credit_refunds"),
            number(db, "select sum(refunded) from credit_charges"));
  EXPECT_EQ(unbalanced(db), "");
}

TEST(ledger, transactions_are_only_ever_inserted) {
  test_database db;
  must(grant(db, {"a", 1000, "start", ""}));
  const auto before = all_rows(db);
  for (const auto* sql :
       {"update credit_transactions set amount = amount + 1",
        "update credit_transactions set description = 'x'", "delete from credit_transactions",
        "truncate credit_transactions cascade"})
    try {
      db.execute(sql);
      ADD_FAILURE() << sql << " was not refused";
    } catch (const sql::statement_error& e) {
      EXPECT_THAT(e.what(), HasSubstr("append-only")) << sql;
    }
  EXPECT_EQ(all_rows(db), before);
}

TEST(ledger, the_initial_grant_is_given_once_also_to_many_that_start_at_once) {
  test_database db;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 5; ++i)
          EXPECT_TRUE(succeeded(in_transaction(
              db, [](sql::work& tx) { return ledger::ensure_account(tx, "default", 1'000'000); })));
      });
  }
  EXPECT_EQ(balance(db, "default"), 1'000'000);
  must(deduct(db, batch("default", 1000, 1000)));
  EXPECT_TRUE(succeeded(in_transaction(
      db, [](sql::work& tx) { return ledger::ensure_account(tx, "default", 1'000'000); })));
  EXPECT_EQ(balance(db, "default"), 0) << "spent is spent";
  EXPECT_TRUE(succeeded(
      in_transaction(db, [](sql::work& tx) { return ledger::ensure_account(tx, "poor", 0); })));
  EXPECT_EQ(balance(db, "poor"), 0);
  EXPECT_EQ(unbalanced(db), "");
}

TEST(ledger, history_pages_from_the_newest) {
  test_database db;
  for (int i = 1; i <= 5; ++i) must(grant(db, {"a", i, "number " + std::to_string(i), ""}));
  must(grant(db, {"b", 99, "not of a", ""}));
  const auto page = [&](std::int64_t before, int limit) {
    return must(
        in_transaction(db, [&](sql::work& tx) { return ledger::history(tx, "a", before, limit); }));
  };
  const auto first = page(0, 3);
  ASSERT_THAT(first, SizeIs(3));
  EXPECT_EQ(first[0].description, "number 5");
  EXPECT_EQ(first[0].amount, 5);
  EXPECT_EQ(first[0].type, "grant");
  const auto second = page(first.back().id, 3);
  ASSERT_THAT(second, SizeIs(2));
  EXPECT_EQ(second[1].description, "number 1");
  EXPECT_THAT(page(0, -1), SizeIs(1));
  EXPECT_EQ(code_of(in_transaction(
                db, [](sql::work& tx) { return ledger::history(tx, "nobody", 0, 10); })),
            ec::unknown_account);
}

TEST(ledger, a_random_run_of_four_threads_keeps_every_balance_the_sum_of_its_transactions) {
  test_database db;
  constexpr unsigned seed = 20;
  SCOPED_TRACE("seed " + std::to_string(seed));
  const auto dataset = seed_dataset(db, "d", 200, "a");
  must(grant(db, {"a", 3000, "start", ""}));
  const auto charge = must(deduct(db, batch("a", 200, 5, dataset)));
  db.execute("update documents set charge_id = " + std::to_string(charge.transaction_id));
  const auto lowest = number(db, "select min(id) from documents");
  {
    std::vector<std::jthread> threads;
    for (unsigned t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        std::mt19937 random{seed + t};
        const auto pick = [&](int from, int to) {
          return std::uniform_int_distribution<int>{from, to}(random);
        };
        std::int64_t mine = 0;
        for (int i = 0; i < 60; ++i) {
          const auto key = pick(0, 2) == 0 ? "key" + std::to_string(pick(1, 5)) : std::string{};
          switch (pick(0, 4)) {
            case 0:
              (void)grant(db, {"a", pick(1, 50), "", key});
              break;
            case 1:
            case 2: {
              const auto paid = deduct(db, batch("a", pick(1, 30), pick(1, 20), 0, key));
              if (paid) mine = paid->transaction_id;
              break;
            }
            case 3:
              (void)refund(db, {mine, pick(1, 10), ""});
              break;
            default:  // each thread its own documents, some of them twice
              EXPECT_TRUE(refund_documents(db, {lowest + static_cast<int>(t) * 50 + pick(0, 49)}));
          }
        }
      });
  }
  EXPECT_EQ(unbalanced(db), "");
  EXPECT_GE(balance(db), 0);
  EXPECT_EQ(number(db,
                   "select count(*) from credit_charges c where refunded <> (select "
                   "coalesce(sum(amount), 0) from credit_transactions t where t.charge_id = "
                   "c.transaction_id)"),
            0);
  EXPECT_EQ(number(db, "select count(*) * 5 from credit_refunds"),
            number(db, "select refunded from credit_charges where dataset_id is not null"));
  EXPECT_GT(number(db, "select count(*) from credit_transactions"), 20) << "the run did something";
}

/// The lowest account is held by somebody else: who would lock others before it would hold them
/// against one that took them in order.
TEST(ledger, refunds_of_many_accounts_lock_them_in_order) {
  test_database db;
  std::vector<std::int64_t> documents;
  for (int i = 0; i < 20; ++i) {
    const auto account = "account " + std::to_string(i);
    const auto dataset = seed_dataset(db, account, 1, account);
    must(grant(db, {account, 100, "g", ""}));
    documents.push_back(
        number(db, "select id from documents where dataset_id = " + std::to_string(dataset)));
  }
  for (std::size_t i = documents.size(); i-- > 0;) {  // charges in the opposite order of accounts
    const auto account = "account " + std::to_string(i);
    const auto charge = must(deduct(db, batch(account, 1, 10, 1))).transaction_id;
    db.execute("update documents set charge_id = " + std::to_string(charge) +
               " where id = " + std::to_string(documents[i]));
  }
  auto holder = db.connect();
  std::optional<sql::work> holding{holder};
  holding->exec("select id from credit_accounts order by id limit 1 for update").one_row();
  std::jthread refunding{[&] { EXPECT_EQ(must(refund_documents(db, documents)), 200); }};
  ASSERT_TRUE(somebody_waits_for_a_lock(db));
  EXPECT_EQ(holding->exec("select id from credit_accounts for update skip locked").size(), 20U)
      << "nothing is held behind the one that is waited for";
  holding.reset();
  refunding.join();
  EXPECT_EQ(unbalanced(db), "");
  EXPECT_EQ(must(refund_documents(db, documents)), 0);
}

}  // namespace
}  // namespace millrace
