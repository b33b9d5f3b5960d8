// What users do to a dataset that exists: pause, resume, cancel, retry, delete.
//
// Each is one transaction, but erase_dataset, which works in batches. They lock the dataset's row
// FOR UPDATE first: a submission, a status write and whoever gives back a lease then come before or
// after it whole. After an error nothing was changed. Thread-safe; blocks, for at most
// control_timeout.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "runtime/core/error.hpp"
#include "runtime/database/pool.hpp"

namespace millrace {

inline constexpr auto control_timeout = std::chrono::minutes{30};

struct cancelled_dataset {
  std::int64_t documents = 0;  ///< Left unfinished: they are `cancelled` now.
  std::int64_t refunded = 0;   ///< Credits.
};

/// Ends a dataset that is processing: what waits or is in work ends `cancelled` and is refunded.
/// dataset_finished where it has ended already.
result<cancelled_dataset> cancel_dataset(connection_pool& pool, std::int64_t dataset_id);

struct retry_order {
  std::int64_t dataset_id = 0;
  bool charge = true;
  int cost_per_document = 10;
  std::string idempotency_key;  ///< Empty: none. The same key retries and charges once.
};

struct retried_dataset {
  std::int64_t documents = 0;  ///< Failed or cancelled before, queued now.
  std::int64_t charged = 0;    ///< Credits: they were refunded when they ended.
  std::int64_t transaction_id = 0;
  bool replayed = false;  ///< The answer to an earlier retry with this key.
};

/// Queues the failed and cancelled documents of a dataset that has ended, at the priority of 0; a
/// pause that outlived it is lifted. dataset_running where it has not ended.
result<retried_dataset> retry_dataset(connection_pool& pool, const retry_order& order);

/// A paused dataset is not claimed from; what is in work ends. Repeating either changes nothing.
/// dataset_finished where there is nothing to pause.
result<void> pause_dataset(connection_pool& pool, std::int64_t dataset_id);
result<void> resume_dataset(connection_pool& pool, std::int64_t dataset_id);

/// Runs `change`, which replaces the file of a document, unless the document waits or is in work:
/// then its parts are still read by path, and those of two versions would be mixed. False where it
/// was not run. A document that is known stays as it is meanwhile; one that is not may be submitted
/// by somebody else. `uris`: all that the document may have. `change` must be short
/// (database.idle_in_transaction_timeout).
result<bool> replace_file(connection_pool& pool, std::int64_t dataset_id,
                          std::span<const std::string> uris,
                          const std::function<result<void>()>& change);

/// Removes a dataset that has ended, its documents, chunks and images, and what may still wait in
/// it, which is refunded; the ledger stays. Batches of
/// erase_batch documents: an error in between leaves the rest of a dataset, and erasing it again
/// goes on. Returns the documents removed; dataset_running where it has not ended.
result<std::int64_t> erase_dataset(connection_pool& pool, std::int64_t dataset_id);
inline constexpr int erase_batch = 5'000;

}  // namespace millrace
