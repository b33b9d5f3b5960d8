// The status aggregator's SQL: sums of dataset_progress, debounced copies in `datasets`, and the
// one place where a dataset's terminal state is decided.
//
// Every write checks the leader's epoch in its own transaction (invariant I6): a leader that was
// replaced changes nothing. Thread-safe; blocks.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/cluster/leadership.hpp"
#include "runtime/core/error.hpp"
#include "runtime/database/pool.hpp"

namespace millrace {

struct dataset_progress {
  std::int64_t dataset_id = 0;
  std::string name;
  std::string status;
  std::int64_t total = 0;
  std::int64_t ready = 0;
  std::int64_t failed = 0;
  std::int64_t cancelled = 0;
  std::int64_t chunks = 0;
  std::int64_t images = 0;
  std::int64_t tokens = 0;

  bool complete() const { return ready + failed + cancelled >= total; }
};

/// Exact sums of the datasets that are `processing`.
result<std::vector<dataset_progress>> read_active_progress(connection_pool& pool);
result<dataset_progress> read_progress(connection_pool& pool, std::int64_t dataset_id);

/// Adds the counters of nodes that are gone for `gone_after` to the row that submissions count in,
/// and removes theirs: sums stay the same at every instant. At most fold_batch rows; how many.
result<std::int64_t> fold_progress(connection_pool& pool);
inline constexpr int fold_batch = 10'000;
inline constexpr std::chrono::hours gone_after{1};

struct written_status {
  std::int64_t dataset_id = 0;
  std::string status;  ///< After the write: processing, ready, failed or cancelled.
};

/// Copies the sums of these datasets into their rows, and ends those whose documents have all
/// ended. stale_token if `term` is over.
result<std::vector<written_status>> write_status(connection_pool& pool, const leader_term& term,
                                                 const std::vector<std::int64_t>& dataset_ids);

}  // namespace millrace
