#include "tests/model/cluster_driver.hpp"

namespace millrace::model {

namespace {

template <class Function>
result<ledger::receipt> in_transaction(connection_pool& pool, Function&& f) {
  return pool.transact("test", [&](sql::work& tx, pooled_connection&) { return f(tx); });
}

}  // namespace

void cluster_driver::compare(const std::string& what, const expected_receipt& expected,
                             const result<ledger::receipt>& got) {
  if (!ends_with(expected.problem, got, what)) return;
  expect(got->replayed == expected.replayed && got->amount == expected.amount &&
             got->balance == expected.balance,
         text(what, ": ", got->amount, ", balance ", got->balance, got->replayed ? " again" : "",
              ", not ", expected.amount, ", balance ", expected.balance,
              expected.replayed ? " again" : ""));
}

void cluster_driver::deduct() {
  const ledger::deduction order{chance(4)    ? "nobody"
                                : chance(50) ? "a"
                                             : "b",
                                1 + below(4),
                                1 + below(2),
                                "test",
                                0,
                                some_key(),
                                0};
  const auto expected = model_.expect(order);
  const auto got =
      in_transaction(pool_, [&](sql::work& tx) { return ledger::deduct_batch(tx, order); });
  compare(text("deduct ", order.documents, "*", order.cost_per_document, " from ", order.account,
               " key ", order.idempotency_key),
          expected, got);
  if (got && !got->replayed) model_.deducted(order, got->transaction_id);
}

void cluster_driver::grant() {
  const ledger::grant_order order{chance(50) ? "a" : "b", 10 * (1 + below(6)), "test", some_key()};
  const auto expected = model_.expect(order);
  const auto got = in_transaction(pool_, [&](sql::work& tx) { return ledger::grant(tx, order); });
  compare(text("grant ", order.amount, " to ", order.account, " key ", order.idempotency_key),
          expected, got);
  if (got && !got->replayed) model_.granted(order, got->transaction_id);
}

void cluster_driver::refund() {
  ledger::refund_order order{1, 1 + below(4), chance(30) ? some_key() : ""};
  // Mostly charges of no dataset, which may be refunded by count; the newest ones.
  const bool any = chance(20);
  std::vector<std::int64_t> ids;
  for (auto at = model_.charges.rbegin(); at != model_.charges.rend() && ids.size() < 6; ++at)
    if (any || at->second.dataset_id == 0) ids.push_back(at->first);
  if (!ids.empty() && !chance(3))
    order.transaction_id =
        ids[static_cast<std::size_t>(below(static_cast<std::int64_t>(ids.size())))];
  const auto expected = model_.expect(order);
  const auto got = in_transaction(pool_, [&](sql::work& tx) { return ledger::refund(tx, order); });
  compare(text("refund ", order.failed_count, " of ", order.transaction_id, " key ",
               order.idempotency_key),
          expected, got);
  if (got && !got->replayed) model_.refunded(order, got->transaction_id);
}

}  // namespace millrace::model
