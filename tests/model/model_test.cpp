// A cluster of simulated nodes against a model of what must hold (I1, I2, I4, I7 of
// ARCHITECTURE.md), checked after every operation.
//
//   MILLRACE_OPERATIONS  how many operations; default 2,400
//   MILLRACE_SEED        the first round's seed; a round is 800 operations on a fresh database, and
//                        each has the seed after the one before
//
// A failure names its seed: MILLRACE_SEED=N MILLRACE_OPERATIONS=800 repeats that round alone.
#include <cstdlib>

#include <gtest/gtest.h>

#include "tests/model/cluster_driver.hpp"

namespace millrace {
namespace {

constexpr std::uint64_t default_seed = 1;
constexpr std::uint64_t default_operations = 2'400;
constexpr std::uint64_t operations_per_round = 800;

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? otherwise : std::strtoull(value, nullptr, 10);
}

std::string joined(const std::string& title, const auto& lines) {
  auto out = title + "\n";
  for (const auto& line : lines) out += "  " + line + "\n";
  return out;
}

/// True where everything held.
bool run_round(std::uint64_t seed, std::uint64_t operations) {
  test_database db;
  model::cluster_driver cluster{db, seed};
  for (std::uint64_t step = 1; step <= operations + 1; ++step) {
    const auto wrong = step <= operations ? cluster.step() : cluster.finish();
    if (wrong.empty()) continue;
    ADD_FAILURE() << "MILLRACE_SEED=" << seed << ", step " << step << " of " << operations << "\n"
                  << joined("what is wrong:", wrong) << joined("what was done:", cluster.history());
    return false;
  }
  return true;
}

TEST(cluster_model, holds_after_every_operation_in_any_order) {
  auto seed = from_environment("MILLRACE_SEED", default_seed);
  auto left = from_environment("MILLRACE_OPERATIONS", default_operations);
  for (; left > 0; ++seed) {
    const auto operations = std::min(left, operations_per_round);
    if (!run_round(seed, operations)) return;
    left -= operations;
  }
}

}  // namespace
}  // namespace millrace
