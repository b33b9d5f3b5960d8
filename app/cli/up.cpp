// `millrace up`: every node of a config on this machine, each a process. It owns the embedded
// PostgreSQL of its nodes, starts again what dies, and drains all of them on Ctrl-C or SIGTERM.
#include <cstdio>
#include <thread>

#include "app/cli/commands.hpp"
#include "app/cli/node_processes.hpp"
#include "app/cli/signals.hpp"
#include "app/node/database_access.hpp"

namespace millrace::cli {

namespace {

constexpr auto look_interval = std::chrono::milliseconds{100};
/// What a node needs besides drain.timeout to end.
constexpr auto leave_limit = std::chrono::seconds{15};

/// Until every process has ended. A second signal makes them leave at once.
int wait_for_all(node_processes& nodes, duration drain_limit) {
  using clock = std::chrono::steady_clock;
  const auto end = clock::now() + drain_limit + leave_limit;
  while (nodes.any_alive() && clock::now() < end) {
    nodes.step(look_interval);
    if (wait_for_stop_signal(std::chrono::milliseconds{0}) != 0) nodes.stop();
  }
  if (nodes.any_alive()) {
    std::fprintf(stderr, "millrace: some nodes did not end in time and are killed\n");
    return static_cast<int>(exit::error);
  }
  return static_cast<int>(nodes.all_well() ? exit::ok : exit::error);
}

}  // namespace

int up(const global_options& global) {
  if (global.config_file.empty())
    return report(
        {ec::invalid_argument, "millrace up needs --config FILE; config/cluster.toml is a start"});
  const auto loaded = load(global);
  if (!loaded) return report(loaded.error());
  if (loaded->node.empty())
    return report({ec::invalid_config,
                   global.config_file.native() +
                       " has no [[node]]; add some, or start one node with `millrace node`"});
  // Held while the nodes run: they join the embedded server that is up, and migrations are done.
  const auto database = open_database(*loaded, database_use::write);
  if (!database) return report(database.error());
  std::vector<std::string> command{"/proc/self/exe", "node", "--config",
                                   global.config_file.native()};
  if (!global.data.empty()) command.insert(command.end(), {"--data", global.data.native()});
  node_processes nodes{std::move(command), loaded->restart};
  for (const auto& n : loaded->node)
    if (auto started = nodes.start(n.name); !started) return report(started.error());
  std::optional<std::string> problem;
  while (!problem && wait_for_stop_signal(std::chrono::milliseconds{0}) == 0)
    problem = nodes.step(look_interval);
  if (problem)
    std::fprintf(stderr, "millrace: %s; all nodes stop\n", problem->c_str());
  else
    std::fprintf(stderr, "millrace: all nodes drain (again: leave at once)\n");
  nodes.stop();
  const int code = wait_for_all(nodes, loaded->drain.timeout);
  return problem ? static_cast<int>(exit::error) : code;
}

}  // namespace millrace::cli
