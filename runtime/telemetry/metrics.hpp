// Prometheus metrics of one process (prometheus-cpp). Every name starts with millrace_ (but the
// conventional process_*) and follows metric_name.hpp; those owned here are declared in
// metrics.cpp.
//
// Thread-safe. Values that live elsewhere (mailbox depths, pool and extractor counters, queue
// depths) are read when /metrics is asked, by collectors: one scrape at a time, on the thread that
// renders, without the lock that registering takes, so a slow collector delays scrapes and nothing
// else. What a collector reads must be bounded by time-outs of its own. Counters are atomics;
// families are as many as there are calls of collect().
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include "runtime/telemetry/latency_histogram.hpp"
#include "runtime/telemetry/metric_name.hpp"

namespace millrace {

class metrics {
 private:
  std::shared_ptr<prometheus::Registry> registry_;  // First: the public references are into it.

 public:
  using label_map = std::map<std::string, std::string>;

  metrics();
  ~metrics();
  metrics(const metrics&) = delete;
  metrics& operator=(const metrics&) = delete;

  // Documents. Status: ready | failed | cancelled. Stage: extracting | … | total;
  // throws std::out_of_range for another.
  prometheus::Counter& documents_total(const std::string& status);
  prometheus::Histogram& document_seconds(std::string_view stage);
  // Queue.
  prometheus::Counter& queue_claims_total;
  prometheus::Counter& stale_tokens_total;
  // Database.
  prometheus::Counter& db_transactions_total(const std::string& purpose);
  // Ledger.
  prometheus::Counter& ledger_transactions_total(const std::string& type);
  // Status.
  prometheus::Counter& status_updates_total;
  prometheus::Counter& status_changes_total;
  // Checkpoints.
  prometheus::Counter& checkpoint_bytes_total;
  prometheus::Counter& checkpoints_skipped_total;
  prometheus::Counter& fetched_bytes_total;  ///< Of documents on other nodes' disks.
  prometheus::Histogram& checkpoint_document_bytes;

  /// A value read at scrape time. `sample` fills the family by calling set(labels, value), once for
  /// each set of labels; a second value for the same labels replaces the first. A collector that
  /// throws yields nothing in that scrape and counts in millrace_scrape_errors_total.
  using setter = std::function<void(const label_map& labels, double value)>;
  using sampler = std::function<void(const setter& set)>;
  using kind = metric_kind;
  /// Throws std::invalid_argument where the name breaks the rules, is taken, or `k` is a histogram:
  /// a bug at start.
  void collect(kind k, const std::string& name, const std::string& help, sampler sample);

  /// The same for latency histograms, shown in buckets from 1 µs to 73 min (powers of four). `name`
  /// ends in _seconds.
  using latency_setter = std::function<void(const label_map& labels, const latency_snapshot& held)>;
  using latency_sampler = std::function<void(const latency_setter& set)>;
  void collect_latency(const std::string& name, const std::string& help, latency_sampler sample);

  /// Removes a collector and returns when no scrape runs it any more: what it reads may then be
  /// destroyed. Must not be called by a collector.
  void forget(const std::string& name);

  /// The Prometheus text format, 0.0.4. Blocks as long as the collectors do.
  std::string render() const;

 private:
  class collector;
  void add(std::shared_ptr<collector> c);

  mutable std::mutex scrape_mutex_;  // Held while collectors run; taken before mutex_.
  mutable std::mutex mutex_;         // Guards collectors_, for moments only.
  std::vector<std::shared_ptr<collector>> collectors_;
  prometheus::Family<prometheus::Counter>& documents_;
  prometheus::Family<prometheus::Histogram>& seconds_;
  std::map<std::string, prometheus::Histogram*, std::less<>> stage_seconds_;
  prometheus::Family<prometheus::Counter>& transactions_;
  prometheus::Family<prometheus::Counter>& ledger_;
  prometheus::Counter& scrape_errors_;
};

}  // namespace millrace
