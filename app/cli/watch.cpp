// `millrace watch`: shows how datasets go until they have ended. It only looks: Ctrl-C ends the
// watching, not the work.
#include <algorithm>
#include <cstdio>
#include <utility>

#include "app/cli/client.hpp"
#include "app/cli/commands.hpp"
#include "app/cli/progress_view.hpp"
#include "app/cli/signals.hpp"
#include "app/cli/text.hpp"
#include "runtime/http/json.hpp"

namespace millrace::cli {

namespace {

using clock = std::chrono::steady_clock;

constexpr auto look_interval = std::chrono::seconds{1};
/// For one answer, and for how long it may stay away before the watching ends.
constexpr duration look_patience = std::chrono::seconds{10};
constexpr auto away_limit = std::chrono::minutes{1};
constexpr int interrupted_exit = 130;

struct watched {
  std::int64_t id = 0;
  std::string name, status;
  bool paused = false;
  std::int64_t total = 0, ready = 0, failed = 0, cancelled = 0, chunks = 0;
  json::raw text;  ///< As the API gives it.
};

using datasets = std::vector<watched>;

result<datasets> read_datasets(const std::string& answer, bool one) {
  const auto parsed = json::parse(answer);
  if (!parsed) return tl::unexpected<error>(parsed.error());
  datasets all;
  const auto add = [&](const rapidjson::Value& from) {
    auto& d = all.emplace_back();
    d.text.text = json::to_text(from);
    using json::optional, json::required;
    return json::read_object(
        from,
        {required("id", d.id), required("dataset", d.name), required("status", d.status),
         optional("paused", d.paused), optional("total", d.total), optional("ready", d.ready),
         optional("failed", d.failed), optional("cancelled", d.cancelled),
         optional("chunks", d.chunks)},
        json::unknown_fields::ignored);
  };
  if (one) {
    if (auto added = add(*parsed); !added) return tl::unexpected<error>(added.error());
    return all;
  }
  const auto list = parsed->FindMember("datasets");
  if (list == parsed->MemberEnd() || !list->value.IsArray())
    return fail(ec::internal, "the node's answer has no list of datasets");
  for (const auto& from : list->value.GetArray())
    if (auto added = add(from); !added) return tl::unexpected<error>(added.error());
  return all;
}

/// Asks for one dataset, or for all. Where the node that was asked is gone and nothing else was
/// named, the data directory is opened again: a `run` that has ended leaves its results there.
class observer {
 public:
  observer(const global_options& global, std::string dataset)
      : global_{global}, dataset_{std::move(dataset)} {}

  result<datasets> look() {
    if (!api_) {
      auto opened = client::open(global_);
      if (!opened) return tl::unexpected<error>(opened.error());
      api_ = std::move(*opened);
    }
    const auto target =
        dataset_.empty() ? "/v1/datasets" : "/v1/datasets/" + http::percent_encode(dataset_);
    const auto answer = api_->get(target, look_patience);
    if (answer) return read_datasets(*answer, !dataset_.empty());
    if (answer.error().code == ec::http_unreachable && global_.endpoint.empty()) api_.reset();
    return tl::unexpected<error>(answer.error());
  }

 private:
  const global_options& global_;
  std::string dataset_;
  std::unique_ptr<client> api_;
};

bool may_pass(ec code) {
  return code == ec::http_unreachable || code == ec::timeout || code == ec::database_unavailable ||
         code == ec::database_timeout || code == ec::pool_exhausted;
}

/// Those of `seen` as they are now; one that was deleted meanwhile is left out.
datasets only(const datasets& seen, datasets now) {
  std::erase_if(now, [&](const watched& d) {
    return std::none_of(seen.begin(), seen.end(), [&](const watched& s) { return s.id == d.id; });
  });
  return now;
}

run_progress sum_of(const datasets& all) {
  run_progress p;
  for (const auto& d : all) {
    p.total += d.total - d.cancelled;
    p.ready += d.ready;
    p.failed += d.failed;
    if (d.paused)
      p.notice += (p.notice.empty() ? "" : "; ") + ("`millrace resume " + d.name) + "` goes on";
  }
  return p;
}

bool at_work(const watched& d) {
  return d.status == "processing";
}

void print_end(const global_options& global, const std::string& dataset, const datasets& all) {
  if (global.json) {
    json::writer out;
    if (dataset.empty()) out.begin_object().key("datasets").begin_array();
    for (const auto& d : all) out.value(d.text);
    if (dataset.empty()) out.end_array().end_object();
    std::printf("%s\n", out.take().c_str());
    return;
  }
  std::vector<std::vector<std::string>> rows{
      {"DATASET", "STATUS", "TOTAL", "READY", "FAILED", "CANCELLED", "CHUNKS"}};
  for (const auto& d : all)
    rows.push_back({d.name, d.status, thousands(d.total), thousands(d.ready), thousands(d.failed),
                    thousands(d.cancelled), thousands(d.chunks)});
  std::fputs(table(rows).c_str(), stdout);
}

/// As `run` ends: 1 for what was cancelled, 3 where documents failed.
exit end_of(const datasets& all) {
  if (std::any_of(all.begin(), all.end(), [](const auto& d) { return d.status == "cancelled"; }))
    return exit::error;
  const bool failed =
      std::any_of(all.begin(), all.end(), [](const auto& d) { return d.failed > 0; });
  return failed ? exit::some_failed : exit::ok;
}

}  // namespace

int watch(const global_options& global, const std::string& dataset) {
  observer from{global, dataset};
  auto first = from.look();
  if (!first) return report(first.error());
  auto all = std::move(*first);
  if (dataset.empty()) std::erase_if(all, [](const watched& d) { return !at_work(d); });
  if (all.empty() && !global.json) std::fputs("millrace: no dataset is at work\n", stderr);
  progress_view view{global.json, clock::now()};
  auto last_answer = clock::now();
  bool said_away = false;
  while (std::any_of(all.begin(), all.end(), at_work)) {
    view.show(sum_of(all));
    if (wait_for_stop_signal(look_interval) != 0) {
      view.say("millrace: the work goes on; `millrace watch` shows it again");
      return interrupted_exit;
    }
    auto now = from.look();
    if (now) {
      all = dataset.empty() ? only(all, std::move(*now)) : std::move(*now);
      last_answer = clock::now();
      said_away = false;
      continue;
    }
    if (!may_pass(now.error().code) || clock::now() - last_answer > away_limit) {
      view.say("millrace: the watching ends, the work may go on");
      return report(now.error());
    }
    if (!std::exchange(said_away, true)) view.say("millrace: " + now.error().message);
  }
  view.clear();
  if (!all.empty() || global.json) print_end(global, dataset, all);
  return static_cast<int>(end_of(all));
}

}  // namespace millrace::cli
