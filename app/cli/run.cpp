// `millrace run`: a node for as long as one dataset takes.
#include <cstdio>
#include <ctime>
#include <map>
#include <thread>

#include <unistd.h>

#include "app/api/submit_paths.hpp"
#include "app/cli/commands.hpp"
#include "app/cli/departure.hpp"
#include "app/cli/progress_view.hpp"
#include "app/cli/run_report.hpp"
#include "app/cli/signals.hpp"
#include "app/cli/text.hpp"
#include "app/node/node.hpp"
#include "runtime/datasets/control.hpp"
#include "runtime/datasets/progress.hpp"

namespace millrace::cli {

namespace {

using clock = std::chrono::steady_clock;

/// "tests-data-20260131-120000": unique, and tells what it was.
std::string new_dataset_name(const std::filesystem::path& first) {
  auto name = std::filesystem::absolute(first).lexically_normal();
  if (!name.has_filename()) name = name.parent_path();
  const auto now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char stamp[32];
  std::strftime(stamp, sizeof stamp, "-%Y%m%d-%H%M%S", &utc);
  return name.filename().native() + stamp;
}

/// A run works on a data directory, and what it prints must name that one to commands that would
/// ask MILLRACE_ENDPOINT.
global_options of_this_machine(global_options global) {
  global.endpoint.clear();
  if (!global.environment_endpoint.empty() && global.data.empty() &&
      global.environment_data.empty() && global.config_file.empty())
    global.data = default_data_directory();
  return global;
}

std::string resume_command(const global_options& global, const run_options& o,
                           const std::string& dataset) {
  auto command = "millrace run --dataset " + quoted(dataset) + same_data(global);
  if (o.account != ledger::default_account) command += " --account " + quoted(o.account);
  if (o.pause_limit_seconds != run_options{}.pause_limit_seconds)
    command += " --pause-limit " + std::to_string(o.pause_limit_seconds);
  for (const auto& i : o.include) command += " --include " + quoted(i);
  for (const auto& e : o.exclude) command += " --exclude " + quoted(e);
  if (o.prune) command += " --prune";
  if (o.priority != 0) command += " --priority " + std::to_string(o.priority);
  if (!o.files_from.empty()) command += " --files-from " + quoted(o.files_from);
  for (const auto& p : o.paths) command += " " + quoted(p);
  return command;
}

paths_order make_order(const node& n, const run_options& o, const std::string& dataset,
                       std::vector<std::filesystem::path> paths) {
  paths_order order;
  order.paths = std::move(paths);
  order.shared = n.config().sources.shared;
  order.filter = {o.include, o.exclude};
  order.stop_requested = [] { return wait_for_stop_signal(std::chrono::milliseconds{0}) != 0; };
  order.submit.dataset = dataset;
  order.submit.account = o.account;
  order.submit.model = n.provider().model();
  order.submit.dimensions = n.provider().dimensions();
  order.submit.options = document_options(n.config());
  order.submit.prune = o.prune;
  order.submit.priority = o.priority;
  order.submit.charge = n.config().credits.enabled;
  order.submit.cost_per_document = n.config().credits.cost_per_document;
  order.submit.initial_grant =
      o.account == ledger::default_account ? n.config().credits.initial_grant : 0;
  return order;
}

enum class run_end : std::uint8_t {
  complete,
  cancelled,
  interrupted,
  node_failed,
  paused_too_long
};

/// Watches until the dataset has ended or something else ends the run.
class run_watcher {
 public:
  run_watcher(node& n, std::int64_t dataset, progress_view& view, std::chrono::seconds pause_limit)
      : node_{n}, dataset_{dataset}, view_{view}, pause_limit_{pause_limit} {}

  run_end until_end() {
    for (;;) {
      const auto p = read_progress(node_.pool(), dataset_);
      if (p) {
        const auto flow = node_.flow();
        view_.show(
            {p->total, p->ready, p->failed, flow.paused ? flow.pause_reason : std::string{}});
        if (p->status == "cancelled") return run_end::cancelled;
        if (p->status != "processing") return run_end::complete;
        if (paused_too_long(flow.paused, p->ready + p->failed)) return run_end::paused_too_long;
      }
      if (node_.failure()) return run_end::node_failed;
      if (wait_for_stop_signal(look_interval) != 0) return run_end::interrupted;
    }
  }

 private:
  /// A probe lifts the pause for a moment; only a document that ends shows that it is over.
  bool paused_too_long(bool paused, std::int64_t done) {
    if (done != std::exchange(done_, done)) paused_since_.reset();
    if (paused && !paused_since_) paused_since_ = clock::now();
    return paused_since_ && clock::now() - *paused_since_ > pause_limit_;
  }

  node& node_;
  std::int64_t dataset_;
  progress_view& view_;
  std::chrono::seconds pause_limit_;
  std::optional<clock::time_point> paused_since_;
  std::int64_t done_ = 0;
};

int end_early(node& n, run_end why, const std::string& command) {
  switch (why) {
    case run_end::interrupted:
      std::fputs(
          "millrace: stopping; running documents end or go back (Ctrl-C again: leave at once)\n",
          stderr);
      break;
    case run_end::node_failed:
      std::fprintf(stderr, "millrace: the node stops: %s\n", n.failure().value_or("").c_str());
      break;
    case run_end::paused_too_long:
      std::fputs("millrace: claims stayed paused for longer than --pause-limit; stopping\n",
                 stderr);
      break;
    case run_end::cancelled:
      std::fputs("millrace: the dataset was cancelled\n", stderr);
      break;
    case run_end::complete:
      break;
  }
  end_node(n);
  std::fprintf(stderr, "millrace: to go on where this stopped:\n  %s\n", command.c_str());
  return static_cast<int>(exit::error);
}

}  // namespace

int run(const global_options& given, const run_options& o) {
  const auto global = of_this_machine(given);
  auto paths = source_paths(o);
  if (!paths) return report(paths.error());
  auto loaded = load(global);
  if (!loaded) return report(loaded.error());
  node_options options;
  options.config = std::move(*loaded);
  options.begin_with_wake = true;
  auto started = node::start(std::move(options));
  if (!started) return report(started.error());
  auto& n = **started;

  const auto start = clock::now();
  const auto dataset = o.dataset.empty() ? new_dataset_name(paths->front()) : o.dataset;
  const auto order = make_order(n, o, dataset, std::move(*paths));
  const auto submitted =
      with_embedded_database(n.config(), [&] { return submit_paths(n.pool(), order); });
  if (!submitted) return report(submitted.error());
  // A run that waits for a paused dataset would wait for ever.
  const auto resumed = with_embedded_database(
      n.config(), [&] { return resume_dataset(n.pool(), submitted->submit.dataset_id); });
  if (!resumed) return report(resumed.error());
  n.wake();
  run_end end;
  {
    progress_view view{global.json, start};
    if (!global.json) view.say(describe_submission(dataset, *submitted));
    end = run_watcher{n, submitted->submit.dataset_id, view,
                      std::chrono::seconds{o.pause_limit_seconds}}
              .until_end();
  }
  if (end != run_end::complete) return end_early(n, end, resume_command(global, o, dataset));
  const auto elapsed = std::chrono::duration<double>(clock::now() - start).count();
  const auto made = with_embedded_database(
      n.config(), [&] { return make_run_report(n.pool(), dataset, submitted->submit, elapsed); });
  if (!made) return report(made.error());
  std::fputs(global.json ? to_json(*made).c_str() : to_text(*made, same_data(global)).c_str(),
             stdout);
  std::fflush(stdout);
  return static_cast<int>(made->failed > 0 ? exit::some_failed : exit::ok);
}

}  // namespace millrace::cli
