// The durable queue in PostgreSQL: queue_ready → queue_leases → committed, released, retried or
// dead. Everything that ends a lease is guarded by its token (I2).
//
// Thread-safe but for vacuum() (each call is one transaction on a pooled connection); every call
// blocks. After an
// error nothing was changed, or the change is there but its answer was lost; repeating is safe
// either way.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "runtime/core/error.hpp"
#include "runtime/database/pool.hpp"
#include "runtime/queue/claim_planner.hpp"
#include "runtime/queue/lease.hpp"

namespace millrace {

/// Who holds leases: a node's name and which of its lives.
struct holder {
  std::string node;
  std::int64_t incarnation = 0;
};

/// Why leases go back to the queue; decides what it costs the document.
enum class release_reason : std::uint8_t {
  drained,  ///< Clean stop or a paused stage: costs nothing.
  lost,     ///< What worked on it died: one loss.
  failed,   ///< The document's own fault: one failure.
};

struct released_lease {
  std::int64_t token = 0;
  duration delay{0};  ///< Not claimed again before.
};

struct queue_counts {
  std::int64_t ready = 0;
  std::int64_t delayed = 0;  ///< Ready, but run_at lies ahead.
  std::int64_t leased = 0;
  std::int64_t dead = 0;
  double oldest_ready_seconds = 0;
};

/// Pause before attempt `failures + 1`: retry_min, doubled each time, at most retry_max.
duration retry_delay(const queue_settings& s, int failures);

class queue {
 public:
  queue(connection_pool& pool, queue_settings s, holder self);

  /// Claims up to `want` documents fairly; tells the planner what it found. Rescans when the
  /// planner says so. Where a dataset gives fewer than its share, the others are asked for the
  /// rest, max_claim_rounds times; so nothing claimed and a planner that needs a rescan mean that
  /// nothing is due.
  result<std::vector<lease>> claim(claim_planner& planner, int want);
  static constexpr int max_claim_rounds = 4;
  /// Reads which datasets have due rows into the planner: at most claim_planner::max_datasets, of
  /// the first max_walk that have rows.
  result<void> rescan(claim_planner& planner);
  static constexpr int max_walk = 100'000;  ///< Datasets; about 5 us each.

  /// Returns how many of the tokens still held; the others are somebody else's now.
  result<std::int64_t> release(const std::vector<released_lease>& leases, release_reason reason);

  /// Makes documents due whose URI begins with `prefix` and that were put off for no failure of
  /// theirs, at most max_made_due at a time, and wakes all pullers; how many.
  result<std::int64_t> make_due(const std::string& prefix);
  static constexpr std::int64_t max_made_due = 10'000;

  /// Frees what earlier incarnations of this node held: they are dead. Each document has one loss
  /// more, but a suspect that had not begun to run.
  result<std::int64_t> free_former_incarnations();
  /// Whose leases are reaped beside those whose deadline has passed.
  struct dead_nodes {
    duration node_timeout;                   ///< Nodes without a heartbeat for so long…
    std::vector<std::string> suspects = {};  ///< …and of these names already…
    duration suspect_timeout{0};             ///< …after this.
  };
  /// `may`, where there is one, is asked first, in the same transaction: a reaper that leads no
  /// more must not.
  result<std::int64_t> reap(const dead_nodes& dead,
                            const std::function<result<void>(sql::work&)>& may = {});

  /// A suspect is about to run: from here on a loss is held against it. False where the lease is
  /// somebody else's now.
  result<bool> begin(std::int64_t token);
  /// Progress: these leases get a whole visibility_timeout from now. Returns how many still held.
  result<std::int64_t> extend(const std::vector<std::int64_t>& tokens);
  /// Those of the tokens whose lease has ended, whoever ended it.
  result<std::vector<std::int64_t>> ended(const std::vector<std::int64_t>& tokens);
  /// Removes dead rows of the queue's tables, where there are enough of them: autovacuum alone
  /// comes too seldom for tables that are rewritten every few seconds (measured: a quarter of the
  /// rate). True where it did. While one snapshot keeps what is dead from being removed it would
  /// only read the tables again and again, and waits for that snapshot to end. One thread calls it.
  result<bool> vacuum();
  static constexpr std::int64_t vacuum_threshold = 2'000;  ///< Dead rows of one table.

  result<queue_counts> counts();
  const queue_settings& config() const { return settings_; }
  const holder& self() const { return self_; }

 private:
  result<std::vector<lease>> claim_planned(claim_planner& planner,
                                           const std::vector<planned_claim>& plans);

  connection_pool& pool_;
  queue_settings settings_;
  holder self_;
  std::string futile_snapshot_;  ///< The one beside which the last vacuum could remove little.
};

}  // namespace millrace
