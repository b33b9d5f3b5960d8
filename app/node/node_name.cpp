#include "app/node/node_name.hpp"

#include <array>

#include <unistd.h>

namespace millrace {

namespace {

constexpr int max_local_nodes = 32;

/// True and held, or false where another process holds it.
result<bool> try_hold(const std::filesystem::path& data_directory, node_name& name) {
  auto lock = postgres::file_lock::open(data_directory / ("node-" + name.text + ".lock"));
  if (!lock) return tl::unexpected<error>(lock.error());
  if (!lock->try_exclusive()) return false;
  name.lock = std::move(*lock);
  return true;
}

}  // namespace

result<node_name> hold_name(const std::filesystem::path& data_directory, const std::string& name) {
  node_name wanted{name, {}};
  if (data_directory.empty()) return wanted;
  const auto held = try_hold(data_directory, wanted);
  if (!held) return tl::unexpected<error>(held.error());
  if (*held) return wanted;
  return fail(ec::data_directory, "node `" + name + "` runs already on " + data_directory.native() +
                                      "; choose another --name, or use the one that runs");
}

result<node_name> hold_any_name(const std::filesystem::path& data_directory) {
  if (data_directory.empty()) {
    std::array<char, 256> host{};
    gethostname(host.data(), host.size() - 1);
    return node_name{std::string{"run-"} + host.data() + "-" + std::to_string(getpid()), {}};
  }
  for (int i = 1; i <= max_local_nodes; ++i) {
    node_name candidate{i == 1 ? "local" : "local-" + std::to_string(i), {}};
    const auto held = try_hold(data_directory, candidate);
    if (!held) return tl::unexpected<error>(held.error());
    if (*held) return candidate;
  }
  return fail(ec::data_directory, std::to_string(max_local_nodes) + " runs use " +
                                      data_directory.native() +
                                      " already; wait until one has ended");
}

}  // namespace millrace
