// `millrace node`: a long-lived node with the HTTP endpoint; SIGTERM and Ctrl-C drain it.
#include <cstdio>
#include <optional>

#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "app/cli/commands.hpp"
#include "app/cli/departure.hpp"
#include "app/cli/node_choice.hpp"
#include "app/cli/signals.hpp"
#include "app/node/node.hpp"

namespace millrace::cli {

namespace {

constexpr auto look_interval = std::chrono::milliseconds{200};

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
  std::fprintf(stderr, "millrace: node %s is ready; API at %s\n", name.c_str(),
               n.api_address().empty() ? "(none)" : n.api_address().c_str());
  sd_notify(0, "READY=1");  // nobody hears it where systemd did not start us
  std::optional<std::string> failure;
  while (!failure && wait_for_stop_signal(look_interval) == 0) failure = n.failure();
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
