// Credits: money, kept exactly (invariant I4). All correctness is in these transactions, which any
// node may run; the ledger actor only batches and reports.
//
// Functions take an open transaction, so that a charge and what it pays for stand or fall together.
// They lock the account's row last and briefly. An idempotency key with the same arguments returns
// the first answer
// (`replayed`), with others idempotency_conflict.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/core/error.hpp"
#include "runtime/database/sql.hpp"

namespace millrace::ledger {

/// The account that `millrace run` charges.
inline constexpr auto default_account = "default";

struct receipt {
  std::int64_t transaction_id = 0;
  std::int64_t amount = 0;   ///< Signed: deductions are negative.
  std::int64_t balance = 0;  ///< After it.
  bool replayed = false;
};

struct deduction {
  std::string account;
  std::int64_t documents = 0;          ///< At least 1.
  std::int64_t cost_per_document = 0;  ///< At least 1.
  std::string description;
  std::int64_t dataset_id = 0;  ///< 0: for no dataset.
  std::string idempotency_key;  ///< Empty: none.
  /// From reserve_transaction_id(): lets rows name their charge before it is made. 0: reserved
  /// here.
  std::int64_t transaction_id = 0;
};

struct grant_order {
  std::string account;  ///< Made where it does not exist.
  std::int64_t amount = 0;
  std::string description;
  std::string idempotency_key;  ///< Empty: none.
};

/// An earlier batch deduction that no dataset owns, to pay for `documents` of this one.
struct adoption {
  std::string account;
  std::int64_t transaction_id = 0;
  std::int64_t dataset_id = 0;
  std::int64_t documents = 0;  ///< At least 1.
};

struct refund_order {
  std::int64_t transaction_id = 0;  ///< A batch deduction that no dataset owns.
  std::int64_t failed_count = 0;
  /// Empty: the pair (transaction_id, failed_count) itself, so that repeating a request refunds
  /// once.
  std::string idempotency_key;
};

struct history_entry {
  std::int64_t id = 0;
  std::string type;
  std::int64_t amount = 0;
  std::string description;
  std::string metadata;  ///< JSON object.
  std::string created_at;
};

/// Makes the account where it is missing, and gives it `initial_grant` (0: none) where it never got
/// one. Called by everyone, safely at once.
result<void> ensure_account(sql::work& tx, const std::string& account, std::int64_t initial_grant);

std::int64_t reserve_transaction_id(sql::work& tx);

/// One transaction for a batch of any size. insufficient_credits names balance and need.
result<receipt> deduct_batch(sql::work& tx, const deduction& d);
/// The dataset's documents are paid by the deduction, which is the dataset's from here on; what it
/// paid beyond them is refunded at once. unknown_transaction where it is no deduction of the
/// account, idempotency_conflict where a dataset owns it already or something of it was refunded,
/// insufficient_credits where it paid for fewer documents. The receipt's amount is the refund.
result<receipt> adopt_charge(sql::work& tx, const adoption& a);
result<receipt> grant(sql::work& tx, const grant_order& g);
/// refund_exceeds_charge where more would come back than was charged and not yet refunded.
result<receipt> refund(sql::work& tx, const refund_order& r);

/// Refunds documents that ended failed or cancelled, each at most once per charge, as one
/// transaction per charge. Documents without a charge are skipped. Returns the credits refunded.
result<std::int64_t> refund_documents(sql::work& tx, const std::vector<std::int64_t>& document_ids,
                                      const std::string& reason);

result<std::int64_t> balance(sql::work& tx, const std::string& account);
/// Newest first; `before` is an id to page from (0: the newest). At most 1,000 entries.
result<std::vector<history_entry>> history(sql::work& tx, const std::string& account,
                                           std::int64_t before, int limit);

}  // namespace millrace::ledger
