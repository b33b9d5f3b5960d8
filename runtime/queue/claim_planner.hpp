// Decides which datasets a claim takes from, and where in each: round-robin over accounts, then
// over the datasets of an account, so that ten documents behind 21,000 do not wait for them. Keeps
// a watermark per dataset, because rescanning the dead head of the queue's index is what makes
// naive queues slow (measured: a third of the rate after 40 s).
//
// A plain object of its puller's thread. Bounded by max_datasets.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace millrace {

struct ready_dataset {
  std::int64_t dataset_id = 0;
  std::int64_t account_id = 0;
};

/// Position of the last row claimed from a dataset, in claim order.
struct queue_watermark {
  std::int32_t priority = -32768;
  std::string run_at = "-infinity";  ///< timestamptz as PostgreSQL prints it.
  std::int64_t document_id = 0;
};

struct planned_claim {
  std::int64_t dataset_id = 0;
  int take = 0;
  queue_watermark after;
};

class claim_planner {
 public:
  static constexpr std::size_t max_datasets = 1000;
  /// Where there are more datasets than documents to claim, those that gave all that was asked of
  /// them before give so many a turn: a few neighbours in the index cost little more than one.
  static constexpr int least_take = 4;
  using clock = std::chrono::steady_clock;
  /// A rescan that took longer than this is dear: beside a snapshot that is held open it walks over
  /// every row that was ever claimed. The next one comes no sooner than after rest_factor times as
  /// long, at most longest_rest (measured at 7 million such rows: rescans took all the time).
  static constexpr auto dear_rescan = std::chrono::milliseconds{100};
  static constexpr int rest_factor = 20;
  static constexpr auto longest_rest = std::chrono::seconds{60};

  /// The datasets that have ready rows, as just read in `took`; forgets all watermarks.
  void rescan(const std::vector<ready_dataset>& datasets, clock::duration took = {},
              clock::time_point now = clock::now());

  /// Shares `want` documents over the known datasets. Empty where none is known.
  std::vector<planned_claim> plan(int want);

  /// A row was claimed: the next claim of its dataset starts behind it.
  void claimed(std::int64_t dataset_id, queue_watermark at);

  /// The dataset gave fewer rows than planned: not asked again until the next rescan.
  void exhausted(std::int64_t dataset_id);

  /// What is known may be old: the next claim rescans first, unless the last one was dear. Turns
  /// are kept.
  void expire() { expired_ = true; }
  bool needs_rescan(clock::time_point now = clock::now()) const {
    return accounts_.empty() || (expired_ && now >= rests_until_);
  }

 private:
  struct account_queue {
    std::vector<std::int64_t> datasets;
    std::size_t next = 0;  ///< Round-robin cursor.
  };
  std::map<std::int64_t, account_queue> accounts_;
  std::map<std::int64_t, std::int64_t> account_of_;
  std::map<std::int64_t, queue_watermark> watermarks_;
  bool expired_ = true;
  clock::time_point rests_until_;
  std::int64_t last_account_ = 0;  ///< Served last; the next plan starts behind it.
};

}  // namespace millrace
