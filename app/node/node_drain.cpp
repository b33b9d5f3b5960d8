#include "app/node/node_drain.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace millrace {

namespace {

constexpr auto look_interval = std::chrono::milliseconds{20};

}  // namespace

node_drain::node_drain(std::string node, questions ask) : ask_{std::move(ask)} {
  report_.node = std::move(node);
  report_.state = "running";
}

drain_report node_drain::report() const {
  const std::lock_guard lock{mutex_};
  return report_;
}

void node_drain::begin(duration limit) {
  const std::lock_guard lock{mutex_};
  if (closing_ || thread_.joinable()) return;
  report_.state = "draining";
  thread_ = runtime_thread{"drain", [this, limit] { run(limit); }};
}

void node_drain::close() {
  {
    const std::lock_guard lock{mutex_};
    closing_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

/// An actor that is busy with the database answers the next time.
void node_drain::note(const char* state, const result<drain_progress>& now) {
  const std::lock_guard lock{mutex_};
  report_.state = state;
  if (!now) return;
  report_.in_flight = now->in_flight;
  report_.released = now->released - released_before_;
  if (report_.eligible == 0) report_.eligible = report_.in_flight + report_.released;
}

bool node_drain::run(duration limit) {
  using clock = std::chrono::steady_clock;
  const auto end = clock::now() + limit;
  if (!begun_.exchange(true)) {
    const auto before = ask_.progress();
    const std::lock_guard lock{mutex_};
    released_before_ = before ? before->released : 0;
  }
  auto progress = ask_.claim_no_more();
  note("draining", progress);
  bool told_to_give_back = false;
  while (!progress || progress->in_flight > 0) {
    if (clock::now() >= end && told_to_give_back) break;
    if (clock::now() >= end - limit / 2 && !std::exchange(told_to_give_back, true))
      ask_.give_back();  // the second half of the time is for committing
    std::this_thread::sleep_for(look_interval);
    progress = ask_.progress();
    note("draining", progress);
  }
  note("drained", progress);
  const std::lock_guard lock{mutex_};
  const auto ended = std::min(report_.released, report_.eligible);
  report_.failed = progress ? report_.in_flight : report_.eligible - ended;
  return progress && progress->in_flight == 0;
}

}  // namespace millrace
