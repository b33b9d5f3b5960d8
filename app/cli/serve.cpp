// `millrace node`: a long-lived node with the HTTP endpoint; SIGTERM and Ctrl-C drain it.
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "app/cli/commands.hpp"
#include "app/cli/departure.hpp"
#include "app/cli/node_choice.hpp"
#include "app/cli/signals.hpp"
#include "app/node/node.hpp"

namespace millrace::cli {

namespace {

/// Until it is ready, which takes a moment: its ledger has to lead, or has to be found.
constexpr auto start_look_interval = std::chrono::milliseconds{20};
/// Then it is said that the node is not ready, and why.
constexpr auto ready_patience = std::chrono::seconds{10};

/// Says that the node is ready once it is, to the user and to systemd.
class ready_notice {
 public:
  ready_notice(const node& n, std::string name) : node_{n}, name_{std::move(name)} {}

  bool given() const { return ready_; }
  void look() {
    if (ready_ || clock::now() < next_) return;
    const auto why_not = node_.why_not_ready();
    ready_ = !why_not;
    const bool late = clock::now() - began_ >= ready_patience;
    if (late) next_ = clock::now() + std::chrono::seconds{1};  // each look asks the database
    if (!ready_ && (!late || std::exchange(complained_, true))) return;
    const auto address = node_.api_address();
    std::fprintf(stderr, "millrace: node %s is %s; API at %s\n", name_.c_str(),
                 ready_ ? "ready" : ("not ready yet (" + *why_not + ")").c_str(),
                 address.empty() ? "(none)" : address.c_str());
    sd_notify(0, "READY=1");  // ignored unless systemd started us
  }

 private:
  using clock = std::chrono::steady_clock;
  const node& node_;
  const std::string name_;
  const clock::time_point began_ = clock::now();
  clock::time_point next_{};
  bool ready_ = false;
  bool complained_ = false;
};

}  // namespace

int serve(const global_options& global, const node_words& words) {
  if (global.config_file.empty())
    return report(
        {ec::invalid_argument, "millrace node needs --config FILE; config/node.toml is a start"});
  auto loaded = load(global);
  if (!loaded) return report(loaded.error());
  const auto chosen = choose_node(*loaded, words);
  if (!chosen) return report(chosen.error());
  const auto& name = chosen->name;
  node_options options;
  options.config = std::move(*loaded);
  options.config.api.listen = chosen->api;
  options.name = name;
  options.api_token = global.token;
  options.listen_tcp = !chosen->api.empty();
  options.roles = chosen->roles;
  options.link = chosen->link;
  options.long_lived = true;
  auto started = node::start(std::move(options));
  if (!started) return report(started.error());
  auto& n = **started;
  ready_notice ready{n, name};
  std::optional<std::string> failure;
  do {
    ready.look();
    failure = n.failure();
  } while (!failure &&
           wait_for_stop_signal(ready.given() ? look_interval : start_look_interval) == 0);
  const std::chrono::microseconds longest = n.config().drain.timeout + leave_limit;
  sd_notifyf(0, "STOPPING=1\nEXTEND_TIMEOUT_USEC=%lld", static_cast<long long>(longest.count()));
  if (failure)
    std::fprintf(stderr, "millrace: node %s stops: %s\n", name.c_str(), failure->c_str());
  else
    std::fprintf(stderr, "millrace: node %s drains (again: leave at once)\n", name.c_str());
  const auto outcome = end_node(n);
  std::fprintf(stderr, "millrace: node %s has drained; %llu documents went back to the queue\n",
               name.c_str(), static_cast<unsigned long long>(outcome.released));
  return static_cast<int>(failure ? exit::error : exit::ok);
}

}  // namespace millrace::cli
