// The processes of `millrace up`, with a shell instead of a node. That its nodes end when it is
// killed is in tests/cluster.
#include "app/cli/node_processes.hpp"

#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::cli {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

constexpr milliseconds look_interval{10};
constexpr int max_looks = 6'000;

constexpr auto shell = "/bin/sh";

std::vector<std::string> running(const std::string& line) {
  return {"sh", "-c", line};
}

struct ending {
  std::string said;
  std::optional<std::string> problem;
};

/// Until every process has ended once.
ending end_of(node_processes& nodes) {
  ::testing::internal::CaptureStderr();
  ending e;
  for (int look = 0; look < max_looks && nodes.any_alive(); ++look)
    if (auto problem = nodes.step(look_interval)) e.problem = std::move(problem);
  EXPECT_FALSE(nodes.any_alive());
  e.said = ::testing::internal::GetCapturedStderr();
  return e;
}

TEST(node_processes, what_a_dying_node_said_last_is_passed_on_without_an_end) {
  node_processes nodes{shell, running("echo first; printf 'last words'; kill -9 $$"), {}};
  ASSERT_TRUE(nodes.start("a"));
  const auto end = end_of(nodes);
  EXPECT_THAT(end.said, HasSubstr("a | first\na | last words\n"));
  EXPECT_THAT(end.said, HasSubstr("node a was killed by signal 9; it is started again"));
  EXPECT_FALSE(end.problem);
}

TEST(node_processes, one_that_ends_by_itself_is_started_again) {
  node_processes nodes{shell, running("exit 0"), {}};
  ASSERT_TRUE(nodes.start("a"));
  ASSERT_TRUE(nodes.start("b"));
  const auto end = end_of(nodes);
  EXPECT_THAT(end.said, HasSubstr("node a ended with exit code 0; it is started again"));
  EXPECT_THAT(end.said, HasSubstr("node b ended with exit code 0; it is started again"));
}

TEST(node_processes, one_that_fails_before_it_was_ready_would_fail_again) {
  node_processes refused{shell, running("exit 1"), {}};
  ASSERT_TRUE(refused.start("a"));
  EXPECT_THAT(end_of(refused).problem.value_or(""), HasSubstr("node a cannot start as it is"));
  node_processes worked{shell, running("echo 'node a is ready; API at x'; exit 1"), {}};
  ASSERT_TRUE(worked.start("a"));
  const auto end = end_of(worked);
  EXPECT_FALSE(end.problem);
  EXPECT_THAT(end.said, HasSubstr("node a ended with exit code 1; it is started again"));
}

TEST(node_processes, all_is_well_where_those_that_were_stopped_end_with_0) {
  for (const auto& [line, well] :
       {std::pair{"trap 'exit 0' TERM; echo up; while :; do sleep 0.01; done", true},
        std::pair{"trap 'exit 1' TERM; echo up; while :; do sleep 0.01; done", false}}) {
    node_processes nodes{shell, running(line), {}};
    ASSERT_TRUE(nodes.start("a"));
    ::testing::internal::CaptureStderr();
    std::string said;
    for (int look = 0; look < max_looks && said.find("a | up") == std::string::npos; ++look) {
      nodes.step(look_interval);
      said += ::testing::internal::GetCapturedStderr();
      ::testing::internal::CaptureStderr();
    }
    ::testing::internal::GetCapturedStderr();
    nodes.stop();
    end_of(nodes);
    EXPECT_EQ(nodes.all_well(), well) << line;
  }
}

TEST(node_processes, what_cannot_be_executed_says_so) {
  node_processes nodes{"/nowhere/millrace", {"millrace"}, {}};
  ASSERT_TRUE(nodes.start("a"));
  const auto end = end_of(nodes);
  EXPECT_THAT(end.said, HasSubstr("a | this node cannot be executed"));
  EXPECT_THAT(end.problem.value_or(""), HasSubstr("node a cannot start as it is"));
}

}  // namespace
}  // namespace millrace::cli
