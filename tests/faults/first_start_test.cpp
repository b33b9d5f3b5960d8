// A first start that is killed: while initdb works, while the database is made, while it is
// migrated. The next start must work, and nothing may stay behind.
//
//   MILLRACE_SEED          of the instants; default 1, printed on failure
//   MILLRACE_KILL_STEP_MS  kills at each of these steps instead of at 8 random instants
#include <algorithm>
#include <csignal>
#include <random>

#include "tests/faults/fault_bed.hpp"
#include "tests/faults/leftovers.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using clock = std::chrono::steady_clock;

constexpr std::uint64_t random_kills = 8;

bool has_unfinished_folder(const std::filesystem::path& data) {
  std::error_code gone;
  for (const auto& entry : std::filesystem::directory_iterator{data, gone})
    if (entry.path().filename().native().starts_with("postgres.new-")) return true;
  return false;
}

milliseconds length_of_a_first_start() {
  const workspace w;
  const auto start = clock::now();
  EXPECT_EQ(w.run({"db", "migrate"}).exit_code, 0);
  return std::chrono::duration_cast<milliseconds>(clock::now() - start);
}

/// One in each part of the length, or one at each step.
std::vector<milliseconds> instants(milliseconds length, std::uint64_t seed) {
  std::vector<milliseconds> found;
  const auto step = number_from_environment("MILLRACE_KILL_STEP_MS", 0);
  if (step > 0) {
    for (auto at = milliseconds{0}; at < length; at += milliseconds{step}) found.push_back(at);
    return found;
  }
  std::mt19937_64 random{seed};
  const auto part = static_cast<std::uint64_t>(length.count()) / random_kills;
  for (std::uint64_t i = 0; i < random_kills; ++i)
    found.emplace_back(i * part + random() % std::max<std::uint64_t>(1, part));
  return found;
}

void wait_until(clock::time_point end) {
  eventually([&] { return clock::now() >= end; });
}

class first_start : public ::testing::Test {
 protected:
  void expect_nothing_in_memory() const {
    EXPECT_TRUE(eventually([&] { return new_in_memory().empty(); }))
        << ::testing::PrintToString(new_in_memory());
  }
  std::set<std::string> new_in_memory() const {
    std::set<std::string> found;
    for (const auto& name : memory_without_owner())
      if (!before_.contains(name)) found.insert(name);
    return found;
  }
  static void expect_next_start_works(const workspace& w) {
    const auto next = w.run({"db", "migrate"});
    EXPECT_EQ(next.exit_code, 0) << next.err;
    EXPECT_FALSE(has_unfinished_folder(w.data()));
    EXPECT_TRUE(eventually([&] { return processes_in(w.data()).empty(); }));
  }

  std::set<std::string> before_ = memory_without_owner();
};

TEST_F(first_start, one_that_was_killed_at_any_instant_is_finished_by_the_next_at_once) {
  const auto seed = number_from_environment("MILLRACE_SEED", 1);
  SCOPED_TRACE("MILLRACE_SEED=" + std::to_string(seed));
  for (const auto at : instants(length_of_a_first_start(), seed)) {
    SCOPED_TRACE("killed after " + std::to_string(at.count()) + " ms");
    const workspace w;
    const auto killed = w.start({"db", "migrate"});
    wait_until(clock::now() + at);
    killed->signal(SIGKILL);
    killed->wait();
    expect_next_start_works(w);
  }
  expect_nothing_in_memory();
}

TEST_F(first_start, one_that_was_killed_leaves_no_process_and_no_memory_when_no_other_comes) {
  const auto seed = number_from_environment("MILLRACE_SEED", 1) + 1;
  SCOPED_TRACE("MILLRACE_SEED=" + std::to_string(seed - 1));
  std::vector<std::unique_ptr<workspace>> corners;
  for (const auto at : instants(length_of_a_first_start(), seed)) {
    corners.push_back(std::make_unique<workspace>());
    const auto killed = corners.back()->start({"db", "migrate"});
    wait_until(clock::now() + at);
    killed->signal(SIGKILL);
    killed->wait();
  }
  for (const auto& w : corners)
    EXPECT_TRUE(
        eventually([&] { return processes_in(w->data()).empty(); }, std::chrono::seconds{30}));
  expect_nothing_in_memory();
  for (const auto& w : corners) {
    const auto next = w->run({"db", "migrate"});
    EXPECT_EQ(next.exit_code, 0) << next.err;
    EXPECT_FALSE(has_unfinished_folder(w->data()));
  }
}

TEST_F(first_start, one_that_was_killed_with_all_its_processes_leaves_no_memory) {
  for (int time = 0; time < 4; ++time) {
    const workspace w;
    const auto killed = w.start({"db", "migrate"});
    ASSERT_TRUE(eventually([&] {  // a backend of initdb is at work
      std::error_code gone;
      for (const auto& entry : std::filesystem::directory_iterator{w.data(), gone})
        if (std::filesystem::exists(entry.path() / "postmaster.pid", gone) &&
            entry.path().filename() != "postgres")
          return true;
      return !killed->running();
    }));
    killed->signal(SIGSTOP);  // it must not tell initdb
    for (const auto pid : processes_in(w.data())) ::kill(pid, SIGKILL);
    killed->signal(SIGKILL);
    killed->wait();
    expect_next_start_works(w);
  }
  expect_nothing_in_memory();
}

}  // namespace
}  // namespace millrace
