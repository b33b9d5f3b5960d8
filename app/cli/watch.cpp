// `millrace watch`: shows how datasets go until they have ended. It only looks: Ctrl-C ends the
// watching, not the work.
#include <algorithm>
#include <cstdio>
#include <utility>

#include "app/cli/client.hpp"
#include "app/cli/commands.hpp"
#include "app/cli/departure.hpp"
#include "app/cli/progress_view.hpp"
#include "app/cli/signals.hpp"
#include "app/cli/text.hpp"
#include "runtime/http/json.hpp"

namespace millrace::cli {

namespace {

using clock = std::chrono::steady_clock;

constexpr auto watch_look_interval = std::chrono::seconds{1};
/// For one answer, and for how long it may stay away before the watching ends.
constexpr duration look_patience = std::chrono::seconds{10};
constexpr auto away_limit = std::chrono::minutes{1};

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

bool at_work(const watched& d) {
  return d.status == "processing";
}

/// Asks for one dataset, or for all that are at work. Where the node that was asked is gone and
/// nothing else was named, the data directory is opened again: a `run` that has ended leaves its
/// results there.
class observer {
 public:
  observer(const global_options& global, std::string dataset)
      : global_{global}, dataset_{std::move(dataset)} {}

  /// `seen`: what the last look gave, empty at the first one. All are those that were at work at
  /// the first look, as they are now; one that was deleted meanwhile is left out.
  result<datasets> look(const datasets& seen) {
    auto now = look_once(seen);
    return now || api_ ? std::move(now) : look_once(seen);
  }

  /// Where this process reads the database itself: no node runs that could end a dataset.
  std::optional<error> why_nobody_works() {
    if (!api_ || api_->live()) return std::nullopt;
    if (api_->some_node_is({"running", "draining"}, look_patience).value_or(true))
      return std::nullopt;
    return error{ec::http_unreachable,
                 "no node runs here, so nothing goes on; repeat the `millrace run`, or start "
                 "`millrace node --config FILE`"};
  }

 private:
  /// Without api_ afterwards where the node that was asked is gone.
  result<datasets> look_once(const datasets& seen) {
    if (!api_) {
      auto opened = client::open(global_);
      if (!opened) return tl::unexpected<error>(opened.error());
      api_ = std::move(*opened);
    }
    auto now = dataset_.empty() ? all(seen) : one(dataset_);
    if (!now && now.error().code == ec::http_unreachable && global_.endpoint.empty()) api_.reset();
    return now;
  }

  result<datasets> ask(const std::string& target, bool for_one) {
    const auto answer = api_->get(target, look_patience);
    if (!answer) return tl::unexpected<error>(answer.error());
    return read_datasets(*answer, for_one);
  }

  result<datasets> one(const std::string& name) {
    return ask("/v1/datasets/" + http::percent_encode(name), true);
  }

  result<datasets> all(const datasets& seen) {
    auto list = ask("/v1/datasets?status=processing", false);
    if (!list) return list;
    std::erase_if(*list, [](const watched& d) { return !at_work(d); });  // an older node lists all
    if (seen.empty()) return list;
    datasets now;
    for (const auto& s : seen) {
      const auto listed =
          std::find_if(list->begin(), list->end(), [&](const watched& d) { return d.id == s.id; });
      if (listed != list->end())
        now.push_back(std::move(*listed));
      else if (!at_work(s))
        now.push_back(s);
      else if (auto missing = look_after(s, now); !missing)
        return tl::unexpected<error>(missing.error());
    }
    return now;
  }

  /// What is not in the list has ended, was deleted, or is older than the newest that fit into it.
  result<void> look_after(const watched& seen, datasets& now) {
    auto found = one(seen.name);  // an id could be another one's name
    if (!found && found.error().code == ec::unknown_dataset) return {};
    if (!found) return tl::unexpected<error>(found.error());
    if (found->front().id == seen.id) now.push_back(std::move(found->front()));
    return {};
  }

  const global_options& global_;
  std::string dataset_;
  std::unique_ptr<client> api_;
};

bool may_pass(ec code) {
  return passes({code, {}}) || kind_of(code) == error_kind::lost;
}

run_progress sum_of(const datasets& all, const std::string& same_data) {
  run_progress p;
  for (const auto& d : all) {
    p.total += d.total - d.cancelled;
    p.ready += d.ready;
    p.failed += d.failed;
    if (d.paused)
      p.notice += (p.notice.empty() ? "" : "; ") +
                  ("`millrace resume " + quoted(d.name) + same_data) + "` goes on";
  }
  return p;
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
  auto first = from.look({});
  if (!first) return report(first.error());
  auto all = std::move(*first);
  if (all.empty() && !global.json) std::fputs("millrace: no dataset is at work\n", stderr);
  progress_view view{global.json, clock::now()};
  auto last_answer = clock::now();
  bool said_away = false;
  while (std::any_of(all.begin(), all.end(), at_work)) {
    view.show(sum_of(all, same_data(global)));
    if (const auto idle = from.why_nobody_works()) {
      view.clear();
      return report(*idle);
    }
    if (wait_for_stop_signal(watch_look_interval) != 0) {
      view.say("millrace: the work goes on; `millrace watch` shows it again");
      return interrupted_exit;
    }
    auto now = from.look(all);
    if (now) {
      all = std::move(*now);
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
