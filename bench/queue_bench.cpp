// Measures the queue through the C++ path: jobs claimed and acknowledged a second on used tables,
// and documents submitted a second. Prints one line a scenario; asserts nothing.
//
// A private PostgreSQL with its default fsync in a folder of its own, two pullers, batches of 100,
// the maintenance of a leading node beside them. Documents are recycled: what was acknowledged is
// made ready again in batches, so the tables are as used as after --jobs jobs.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <thread>

#include <CLI/CLI.hpp>

#include "runtime/cluster/maintenance.hpp"
#include "runtime/cluster/node_registry.hpp"
#include "runtime/database/binary_rows.hpp"
#include "runtime/database/embedded/embedded_server.hpp"
#include "runtime/database/migrations.hpp"
#include "runtime/datasets/submit.hpp"
#include "runtime/queue/queue.hpp"

namespace {

using namespace millrace;
using steady = std::chrono::steady_clock;

constexpr int batch = 100;
constexpr int pullers = 2;
constexpr std::int64_t refill_rows = 20'000;

struct options {
  std::string directory = "/var/tmp";
  std::int64_t jobs = 1'000'000;
  std::int64_t submitted = 200'000;
  std::vector<std::string> only;

  bool runs(const std::string& scenario) const {
    return only.empty() || std::find(only.begin(), only.end(), scenario) != only.end();
  }
};

template <class T>
T must(result<T> r) {
  if (r) {
    if constexpr (std::is_void_v<T>)
      return;
    else
      return std::move(*r);
  }
  std::fprintf(stderr, "queue_bench: %s\n", r.error().message.c_str());
  std::exit(1);
}

double seconds_since(steady::time_point start) {
  return std::chrono::duration<double>(steady::now() - start).count();
}

void execute(connection_pool& pool, const std::string& sql) {
  must(pool.transact("bench", [&](sql::work& tx, pooled_connection&) -> result<void> {
    tx.exec("set local statement_timeout = '30min'").no_rows();
    tx.exec(sql).no_rows();
    return {};
  }));
}

std::string value(connection_pool& pool, const std::string& sql) {
  return must(pool.transact("bench", [&](sql::work& tx, pooled_connection&) -> result<std::string> {
    return std::string{tx.exec(sql).one_row()[0].c_str()};
  }));
}

/// So many active datasets with so many ready rows in all, and nothing else in the tables.
void prepare(connection_pool& pool, std::int64_t datasets, std::int64_t ready) {
  execute(pool,
          "truncate queue_ready, queue_leases, documents, dataset_progress; delete from datasets; "
          "insert into credit_accounts (name) values ('bench') on conflict do nothing");
  execute(pool,
          "insert into datasets (name, account_id, status, model, dimensions, total) "
          "select 'd' || n, (select id from credit_accounts where name = 'bench'), "
          "'processing', 'none', 1, 0 from generate_series(1, " +
              std::to_string(datasets) + ") n");
  execute(pool,
          "with d as (select id, row_number() over (order by id) - 1 as n from datasets), "
          "made as (insert into documents (dataset_id, uri, size, options) "
          "select d.id, 'file:///bench/' || i, 1024, 'bench' from generate_series(0, " +
              std::to_string(ready - 1) + ") i join d on d.n = i % " + std::to_string(datasets) +
              " returning id, dataset_id) insert into queue_ready (dataset_id, priority, run_at, "
              "document_id) select dataset_id, 0, now(), id from made");
  execute(pool, "analyze queue_ready, queue_leases, documents, datasets");
}

void acknowledge(connection_pool& pool, const std::vector<lease>& leases) {
  std::vector<std::int64_t> tokens;
  for (const auto& l : leases) tokens.push_back(l.token);
  must(pool.transact("bench", [&](sql::work& tx, pooled_connection& c) -> result<void> {
    c.prepare("bench_acknowledge", "delete from queue_leases where token = any($1::bigint[])");
    tx.exec(sql::prepared{"bench_acknowledge"}, sql::params{int8_array_parameter(tokens)})
        .no_rows();
    return {};
  }));
}

/// Makes what this puller acknowledged ready again.
void refill(connection_pool& pool, std::vector<lease>& done) {
  std::vector<std::int64_t> datasets, documents;
  for (const auto& l : done) {
    datasets.push_back(l.dataset_id);
    documents.push_back(l.document_id);
  }
  done.clear();
  must(pool.transact("bench", [&](sql::work& tx, pooled_connection& c) -> result<void> {
    c.prepare("bench_refill",
              "insert into queue_ready (dataset_id, priority, run_at, document_id) select d, 0, "
              "clock_timestamp(), i from unnest($1::bigint[], $2::bigint[]) as u(d, i)");
    tx.exec(sql::prepared{"bench_refill"},
            sql::params{int8_array_parameter(datasets), int8_array_parameter(documents)})
        .no_rows();
    return {};
  }));
}

struct tally {
  std::atomic<std::int64_t> jobs{0};
  std::atomic<bool> stop{false};
};

void pull(connection_pool& pool, queue& source, tally& count) {
  claim_planner planner;
  std::vector<lease> done;
  auto scanned = steady::now();
  while (!count.stop) {
    if (seconds_since(scanned) > 5) {
      planner.expire();
      scanned = steady::now();
    }
    auto leases = must(source.claim(planner, batch));
    if (leases.empty()) {
      if (!done.empty()) refill(pool, done);
      planner.expire();
      continue;
    }
    acknowledge(pool, leases);
    count.jobs += static_cast<std::int64_t>(leases.size());
    std::move(leases.begin(), leases.end(), std::back_inserter(done));
    if (done.size() >= refill_rows) refill(pool, done);
  }
}

/// Jobs a second over the last quarter, or the last minute where that is longer.
double measure(connection_pool& pool, const std::shared_ptr<queue>& source, std::int64_t jobs) {
  maintenance upkeep{{{"vacuuming the queue", std::chrono::seconds{2},
                       [source] { return source->vacuum().map([](bool) {}); }}}};
  upkeep.lead(true);
  tally count;
  std::vector<std::thread> threads;
  for (int i = 0; i < pullers; ++i) threads.emplace_back([&] { pull(pool, *source, count); });
  std::vector<std::pair<steady::time_point, std::int64_t>> looks{{steady::now(), 0}};
  while (count.jobs < jobs) {
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
    looks.emplace_back(steady::now(), count.jobs.load());
  }
  count.stop = true;
  for (auto& t : threads) t.join();
  const auto& end = looks.back();
  const auto whole = end.first - looks.front().first;
  const auto window = std::min<steady::duration>(
      whole, std::max<steady::duration>(whole / 4, std::chrono::minutes{1}));
  auto begin = looks.begin();
  while (begin + 1 != looks.end() && end.first - begin->first > window) ++begin;
  return static_cast<double>(end.second - begin->second) /
         std::chrono::duration<double>(end.first - begin->first).count();
}

void report(const char* what, double rate, connection_pool& pool, const char* wanted) {
  const auto size = value(pool,
                          "select (pg_total_relation_size('queue_ready') + "
                          "pg_total_relation_size('queue_leases')) >> 20");
  std::printf("  %-44s %9.0f/s   queue tables %5s MB   (%s)\n", what, rate, size.c_str(), wanted);
  std::fflush(stdout);
}

void bench_submission(connection_pool& pool, std::int64_t documents) {
  execute(pool, "truncate queue_ready, queue_leases, documents");
  submit_order order;
  order.dataset = "submitted";
  order.account = "submitter";
  order.model = "none";
  order.dimensions = 1;
  order.initial_grant = documents * order.cost_per_document;
  const auto start = steady::now();
  auto session = must(submission::begin(pool, order));
  for (std::int64_t i = 0; i < documents; ++i)
    must(session->add("file:///srv/documents/of-some-folder/" + std::to_string(i) + ".txt", 1024,
                      {}));
  must(session->finish());
  report(("submit " + std::to_string(documents) + " documents").c_str(),
         static_cast<double>(documents) / seconds_since(start), pool, "40,000/s wanted");
}

/// Without, and then with a snapshot that somebody holds open.
void bench_snapshot(connection_pool& pool, const std::shared_ptr<queue>& source,
                    std::int64_t jobs) {
  prepare(pool, 1, 100'000);
  const auto plain = measure(pool, source, jobs);
  report("1 dataset, 100,000 ready", plain, pool, "40,000/s wanted, under 100 MB");
  auto watcher = must(pool.acquire());
  sql::connection& session = *watcher;
  sql::nontransaction{session}.exec("set idle_in_transaction_session_timeout = 0").no_rows();
  sql::repeatable_read snapshot{session};
  snapshot.exec("select count(*) from datasets");
  const auto held = measure(pool, source, jobs);
  report("the same beside an open snapshot", held, pool, "75 % of without wanted");
  std::printf("  %-44s %8.0f %%\n", "of without", 100 * held / plain);
}

void run(const options& o) {
  const auto directory =
      std::filesystem::path{o.directory} / ("millrace-queue-bench-" + std::to_string(getpid()));
  {
    auto server = must(embedded_server::open({.directory = directory}));
    database_settings settings;
    settings.statement_timeout = std::chrono::minutes{30};
    connection_pool pool{server->connection_string(), settings, "bench"};
    {
      auto connection = must(pool.acquire());
      must(migrate(*connection));
    }
    node_registry registry{pool, {"bench", "", {"all"}, 1, "bench", 0, ""}};
    const auto source =
        std::make_shared<queue>(pool, queue_settings{}, holder{"bench", must(registry.join())});
    std::printf(
        "queue: %lld jobs a scenario, claimed and acknowledged in batches of %d by %d pullers\n",
        static_cast<long long>(o.jobs), batch, pullers);
    if (o.runs("snapshot")) bench_snapshot(pool, source, o.jobs);
    if (o.runs("datasets")) {
      prepare(pool, 10'000, 1'000'000);
      report("10,000 datasets, 1,000,000 ready", measure(pool, source, o.jobs), pool,
             "25,000/s wanted");
    }
    if (o.runs("ready")) {
      prepare(pool, 1, 3'000'000);
      report("1 dataset, 3,000,000 ready", measure(pool, source, o.jobs), pool, "30,000/s wanted");
    }
    if (o.runs("submit")) bench_submission(pool, o.submitted);
  }
  std::filesystem::remove_all(directory);
}

}  // namespace

int main(int argc, char** argv) {
  options o;
  CLI::App app{"Measures the queue: claims, acknowledgements, submissions"};
  app.add_option("--jobs", o.jobs, "Jobs a scenario")->capture_default_str();
  app.add_option("--submit", o.submitted, "Documents to submit")->capture_default_str();
  app.add_option("--only", o.only,
                 "Scenarios: snapshot (without and with), datasets, ready, submit")
      ->check(CLI::IsMember({"snapshot", "datasets", "ready", "submit"}));
  app.add_option("--directory", o.directory, "Where the database goes")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  run(o);
}
