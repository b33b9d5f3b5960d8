// `millrace drain NODE`: moves a node's work away.
#include <cstdio>
#include <thread>

#include "app/cli/client.hpp"
#include "app/cli/commands.hpp"
#include "app/cli/departure.hpp"
#include "app/cli/signals.hpp"
#include "runtime/http/json.hpp"

namespace millrace::cli {

namespace {

constexpr auto drain_look_interval = std::chrono::milliseconds{500};

void show(const rapidjson::Value& r) {
  std::printf(
      "%s: %s; of %llu documents %llu are in flight, %llu went back to the queue, %llu "
      "could not\n",
      r["node"].GetString(), r["state"].GetString(),
      static_cast<unsigned long long>(r["eligible"].GetUint64()),
      static_cast<unsigned long long>(r["in_flight"].GetUint64()),
      static_cast<unsigned long long>(r["released"].GetUint64()),
      static_cast<unsigned long long>(r["failed"].GetUint64()));
  std::fflush(stdout);
}

/// A drained node stays so until it is started again.
void warn_where_nobody_is_left(client& api) {
  if (!api.some_node_is({"running"}).value_or(true))
    std::fputs(
        "millrace: no other node runs: nothing is claimed until one is started, or a drained one "
        "again\n",
        stderr);
}

}  // namespace

int drain(const global_options& global, const std::string& node, bool wait) {
  auto api = client::open(global);
  if (!api) return report(api.error());
  const auto target = "/v1/nodes/" + http::percent_encode(node) + "/drain";
  auto answer = (*api)->post(target, "{}");
  for (;;) {
    if (!answer) return report(answer.error());
    const auto parsed = json::parse(*answer);
    if (!parsed) return report(parsed.error());
    const bool done = std::string_view{(*parsed)["state"].GetString()} == "drained";
    if (done || !wait || !global.json) {
      if (global.json)
        std::printf("%s\n", answer->c_str());
      else
        show(*parsed);
    }
    if (done) warn_where_nobody_is_left(**api);
    if (done)
      return static_cast<int>((*parsed)["failed"].GetUint64() == 0 ? exit::ok : exit::error);
    if (!wait) return static_cast<int>(exit::ok);
    if (wait_for_stop_signal(drain_look_interval) != 0) {
      std::fprintf(stderr, "millrace: the drain of %s goes on; look with `millrace nodes`\n",
                   node.c_str());
      return interrupted_exit;
    }
    answer = (*api)->get(target);
  }
}

}  // namespace millrace::cli
