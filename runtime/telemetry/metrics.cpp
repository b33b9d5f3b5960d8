#include "runtime/telemetry/metrics.hpp"

#include <algorithm>
#include <exception>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <utility>

#include <prometheus/text_serializer.h>

#include "runtime/core/blocking.hpp"
#include "runtime/telemetry/log.hpp"
#include "runtime/telemetry/process_metrics.hpp"

namespace millrace {

namespace {

// From a small text file to a scanned book at its deadline: 1 ms to 2 h.
const prometheus::Histogram::BucketBoundaries document_buckets = {
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,  1,    2.5,
    5,     10,     30,    60,   120,   300,  600, 1800, 3600, 7200,
};

// Latencies are shown at 2^10 ns (1 µs), 2^12 ns, ... 2^42 ns (73 min), which are edges of
// latency_buckets.
constexpr unsigned first_power = 10;
constexpr unsigned last_power = 42;
constexpr unsigned power_step = 2;

prometheus::Family<prometheus::Counter>& counters(prometheus::Registry& registry, const char* name,
                                                  const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

prometheus::Counter& counter(prometheus::Registry& registry, const char* name, const char* help) {
  return counters(registry, name, help).Add({});
}

std::vector<prometheus::ClientMetric::Label> to_labels(const metrics::label_map& labels) {
  std::vector<prometheus::ClientMetric::Label> out;
  out.reserve(labels.size());
  for (const auto& [name, value] : labels) {
    if (!is_label_name(name)) throw std::invalid_argument("'" + name + "' is not a label's name");
    out.push_back({name, value});
  }
  return out;
}

prometheus::ClientMetric::Histogram to_histogram(const latency_snapshot& held) {
  prometheus::ClientMetric::Histogram out;
  out.sample_count = held.count();
  out.sample_sum = static_cast<double>(held.sum_nanoseconds) * 1e-9;
  for (auto power = first_power; power <= last_power; power += power_step) {
    const auto edge = static_cast<double>(std::uint64_t{1} << power) * 1e-9;
    out.bucket.push_back({held.count_below_power(power), edge});
  }
  out.bucket.push_back({out.sample_count, std::numeric_limits<double>::infinity()});
  return out;
}

prometheus::MetricType to_type(metric_kind k) {
  switch (k) {
    case metric_kind::counter:
      return prometheus::MetricType::Counter;
    case metric_kind::histogram:
      return prometheus::MetricType::Histogram;
    case metric_kind::gauge:
      break;
  }
  return prometheus::MetricType::Gauge;
}

}  // namespace

/// One family that is sampled at each scrape.
class metrics::collector {
 public:
  using sink = std::function<void(const label_map&, prometheus::ClientMetric)>;

  collector(metric_kind k, std::string name, std::string help,
            std::function<void(const sink&)> sample)
      : kind_(k), name_(std::move(name)), help_(std::move(help)), sample_(std::move(sample)) {}

  const std::string& name() const { return name_; }
  metric_kind kind() const { return kind_; }

  prometheus::MetricFamily collect() const {
    std::map<label_map, prometheus::ClientMetric> samples;
    sample_([&](const label_map& labels, prometheus::ClientMetric m) {
      m.label = to_labels(labels);
      samples.insert_or_assign(labels, std::move(m));
    });
    prometheus::MetricFamily family{name_, help_, to_type(kind_), {}};
    for (auto& [labels, m] : samples) family.metric.push_back(std::move(m));
    return family;
  }

 private:
  metric_kind kind_;
  std::string name_;
  std::string help_;
  std::function<void(const sink&)> sample_;
};

metrics::metrics()
    : registry_(std::make_shared<prometheus::Registry>()),
      queue_claims_total(counter(*registry_, "millrace_queue_claims_total",
                                 "Leases claimed from the queue by this node.")),
      stale_tokens_total(counter(*registry_, "millrace_stale_tokens_total",
                                 "Writes refused because the lease had become somebody else's.")),
      status_updates_total(counter(*registry_, "millrace_status_updates_total",
                                   "Updates of dataset rows written, after debouncing.")),
      status_changes_total(counter(*registry_, "millrace_status_changes_total",
                                   "Changes of datasets' progress, before debouncing.")),
      checkpoint_bytes_total(counter(*registry_, "millrace_checkpoint_bytes_total",
                                     "Compressed bytes of checkpoints saved.")),
      checkpoints_skipped_total(counter(*registry_, "millrace_checkpoints_skipped_total",
                                        "Checkpoints not saved because a limit was reached.")),
      fetched_bytes_total(counter(*registry_, "millrace_fetched_bytes_total",
                                  "Bytes of documents that lie on other nodes' disks.")),
      checkpoint_document_bytes(
          prometheus::BuildHistogram()
              .Name("millrace_checkpoint_document_bytes")
              .Help("Compressed bytes that a document has in checkpoints, looked at when one is "
                    "saved.")
              .Register(*registry_)
              .Add({},
                   prometheus::Histogram::BucketBoundaries{64 << 10, 256 << 10, 1 << 20, 4 << 20,
                                                           16 << 20, 64 << 20, 256 << 20})),
      documents_(counters(*registry_, "millrace_documents_total",
                          "Documents that ended on this node, by status.")),
      seconds_(prometheus::BuildHistogram()
                   .Name("millrace_document_seconds")
                   .Help("Time a document spent in a stage.")
                   .Register(*registry_)),
      transactions_(counters(*registry_, "millrace_db_transactions_total",
                             "Database transactions committed, by purpose.")),
      ledger_(counters(*registry_, "millrace_ledger_transactions_total",
                       "Credit transactions written by this node, by type.")),
      scrape_errors_(counter(*registry_, "millrace_scrape_errors_total",
                             "Collectors that failed while /metrics was rendered.")) {
  prometheus::BuildGauge()
      .Name("millrace_build_info")
      .Help("Always 1; what runs is in the labels.")
      .Register(*registry_)
      .Add({{"version", MILLRACE_VERSION}, {"compiler", __VERSION__}})
      .Set(1);
  // Series that exist from the start let a rate see the first event.
  for (const auto* status : {"ready", "failed", "cancelled"}) documents_total(status);
  for (const auto* stage :
       {"extracting", "describing", "chunking", "embedding", "committing", "total"})
    stage_seconds_.emplace(stage, &seconds_.Add({{"stage", stage}}, document_buckets));
}

metrics::~metrics() = default;

prometheus::Counter& metrics::documents_total(const std::string& status) {
  return documents_.Add({{"status", status}});
}

prometheus::Histogram& metrics::document_seconds(std::string_view stage) {
  // Of a map that never changes: to make the labels costs more than to count.
  const auto found = stage_seconds_.find(stage);
  if (found == stage_seconds_.end()) throw std::out_of_range{"no such stage of a document"};
  return *found->second;
}

prometheus::Counter& metrics::db_transactions_total(const std::string& purpose) {
  return transactions_.Add({{"purpose", purpose}});
}

prometheus::Counter& metrics::ledger_transactions_total(const std::string& type) {
  return ledger_.Add({{"type", type}});
}

void metrics::collect(kind k, const std::string& name, const std::string& help, sampler sample) {
  if (k == metric_kind::histogram)
    throw std::invalid_argument("the metric '" + name + "' is a histogram: use collect_latency()");
  const auto adapted = [k, sample = std::move(sample)](const collector::sink& sink) {
    sample([&](const label_map& labels, double value) {
      prometheus::ClientMetric m;
      (k == metric_kind::counter ? m.counter.value : m.gauge.value) = value;
      sink(labels, std::move(m));
    });
  };
  add(std::make_shared<collector>(k, name, help, adapted));
}

void metrics::collect_latency(const std::string& name, const std::string& help,
                              latency_sampler sample) {
  if (!name.ends_with("_seconds"))
    throw std::invalid_argument("the metric '" + name + "' is a latency and must end in _seconds");
  const auto adapted = [sample = std::move(sample)](const collector::sink& sink) {
    sample([&](const label_map& labels, const latency_snapshot& held) {
      prometheus::ClientMetric m;
      m.histogram = to_histogram(held);
      sink(labels, std::move(m));
    });
  };
  add(std::make_shared<collector>(metric_kind::histogram, name, help, adapted));
}

void metrics::add(std::shared_ptr<collector> c) {
  if (const auto problem = metric_name_problem(c->kind(), c->name()); !problem.empty())
    throw std::invalid_argument(problem);
  const auto owned = registry_->Collect();
  const std::lock_guard lock(mutex_);
  const auto same = [&](const auto& name) { return name == c->name(); };
  if (std::any_of(owned.begin(), owned.end(), [&](const auto& f) { return same(f.name); }) ||
      std::any_of(collectors_.begin(), collectors_.end(),
                  [&](const auto& other) { return same(other->name()); }))
    throw std::invalid_argument("the metric '" + c->name() + "' is registered twice");
  collectors_.push_back(std::move(c));
}

void metrics::forget(const std::string& name) {
  const std::lock_guard scrape(scrape_mutex_);
  const std::lock_guard lock(mutex_);
  std::erase_if(collectors_, [&](const auto& c) { return c->name() == name; });
}

std::string metrics::render() const {
  assert_may_block("rendering /metrics");
  std::vector<prometheus::MetricFamily> sampled;
  {
    const std::lock_guard scrape(scrape_mutex_);
    auto collectors = [&] {
      const std::lock_guard lock(mutex_);
      return collectors_;
    }();
    for (const auto& c : collectors) {
      try {
        sampled.push_back(c->collect());
      } catch (const std::exception& e) {
        scrape_errors_.Increment();
        log::warn("a metric could not be read", {{"metric", c->name()}, {"reason", e.what()}});
      }
    }
  }
  auto families =
      registry_->Collect();  // After the collectors, so that their errors are counted in.
  std::move(sampled.begin(), sampled.end(), std::back_inserter(families));
  for (auto& family : process_metrics()) families.push_back(std::move(family));
  std::erase_if(families, [](const auto& family) { return family.metric.empty(); });
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return std::move(out).str();
}

}  // namespace millrace
