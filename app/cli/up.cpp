// `millrace up`: every node of a config on this machine, each a process. It owns the embedded
// PostgreSQL of its nodes, starts again what dies, and drains all of them on Ctrl-C or SIGTERM.
#include <cstdio>
#include <thread>

#include "app/cli/commands.hpp"
#include "app/cli/departure.hpp"
#include "app/cli/node_processes.hpp"
#include "app/cli/signals.hpp"
#include "app/node/database_access.hpp"
#include "runtime/cluster/link_port.hpp"

namespace millrace::cli {

namespace {

using clock = std::chrono::steady_clock;

/// What a node needs besides drain.timeout and leave_limit to end.
constexpr std::chrono::seconds exit_limit{5};

/// Until every process has ended. A second signal makes them leave at once.
int wait_for_all(node_processes& nodes, duration drain_limit) {
  const auto end = clock::now() + drain_limit + leave_limit + exit_limit;
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

/// Their names. Those of other machines are named on standard error.
result<std::vector<std::string>> nodes_of_this_machine(const settings& s,
                                                       const std::filesystem::path& config) {
  std::vector<std::string> names;
  for (const auto& n : s.node)
    if (n.port == 0 || is_of_this_machine(n.host))
      names.push_back(n.name);
    else
      std::fprintf(
          stderr,
          "millrace: %s is not an address of this machine; start node %s there: millrace node "
          "--config %s --name %s\n",
          n.host.c_str(), n.name.c_str(), config.c_str(), n.name.c_str());
  if (names.empty())
    return fail(ec::invalid_config, "no [[node]] of " + config.native() + " is of this machine");
  return names;
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
  std::vector<std::string> command{"millrace", "node", "--config", global.config_file.native()};
  if (!global.data.empty()) command.insert(command.end(), {"--data", global.data.native()});
  node_processes nodes{"/proc/self/exe", std::move(command), loaded->restart};
  const auto here = nodes_of_this_machine(*loaded, global.config_file);
  if (!here) return report(here.error());
  for (const auto& n : *here)
    if (auto started = nodes.start(n); !started) return report(started.error());
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
