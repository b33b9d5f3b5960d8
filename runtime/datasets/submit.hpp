// Submits a dataset, or brings it in step with its folder: one transaction that copies the
// documents first and deducts the credits last. Nothing is half done: an error or a vanished caller
// leaves no trace.
//
// Blocks; one submission is used by one thread. Documents stream to the server: memory does not
// grow with them. A submission in progress holds one connection, for at most submit_timeout.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "config/settings.hpp"
#include "runtime/core/error.hpp"
#include "runtime/database/pool.hpp"

namespace millrace {

struct submit_order {
  std::string dataset;
  std::string account = "default";
  std::string model;  ///< Pinned by the dataset at its first submission.
  int dimensions = 0;
  std::string options;       ///< See document_options().
  bool prune = false;        ///< Remove documents of the dataset that are not among the submitted.
  bool require_new = false;  ///< dataset_conflict where the dataset exists.
  /// What the caller knows the dataset by; unknown_dataset where the name is another one's by now,
  /// or nobody's. 0: whichever has the name.
  std::int64_t expected_id = 0;
  int priority = 0;  ///< Within the dataset: what is queued now is claimed before lower ones.
  std::string idempotency_key;  ///< Empty: none.
  /// An earlier batch deduction that pays for what is queued (ledger::adopt_charge); 0: a new one.
  std::int64_t charge_id = 0;
  bool charge = true;
  int cost_per_document = 10;
  std::int64_t initial_grant = 0;
};

struct submit_summary {
  std::int64_t dataset_id = 0;
  bool created = false;
  std::int64_t submitted = 0;  ///< New, changed or earlier failed: queued and charged.
  std::int64_t unchanged = 0;  ///< Skipped and not charged.
  std::int64_t pending = 0;    ///< Still queued from before, charged then.
  std::int64_t pruned = 0;
  std::int64_t total = 0;    ///< Documents of the dataset now.
  std::int64_t charged = 0;  ///< Credits.
  std::optional<std::int64_t> transaction_id;
  // What the dataset counted when this was submitted, without what was queued again: a run's own
  // share is the rest.
  std::int64_t ready_before = 0;
  std::int64_t failed_before = 0;
  std::int64_t last_transaction_before = 0;  ///< Later transactions have larger ids.
};

/// What besides its bytes decides a document's chunks; a document is unchanged where both are.
std::string document_options(const settings& s);

inline constexpr int max_priority = 100;  ///< And its negative the least.
inline constexpr auto submit_timeout = std::chrono::hours{1};

class submission {
 public:
  /// Locks the dataset's row (made where it is missing) until finish(). invalid_argument for a
  /// priority out of range; unknown_dataset where it was deleted meanwhile.
  static result<std::unique_ptr<submission>> begin(connection_pool& pool, submit_order order);
  ~submission();  ///< Rolls back what was not finished.
  submission(const submission&) = delete;
  submission& operator=(const submission&) = delete;

  /// True where the dataset existed before: then add() wants the content's hash, or every document
  /// counts as changed.
  bool needs_hashes() const;
  /// `sha256` in hex, or empty. A URI that was added before is ignored.
  result<void> add(std::string_view uri, std::uint64_t size, std::string_view sha256);
  /// Queues, charges and commits.
  result<submit_summary> finish();

 private:
  struct impl;
  explicit submission(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

}  // namespace millrace
