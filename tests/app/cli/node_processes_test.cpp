// The processes of `millrace up`, with a shell instead of a node. That its nodes end when it is
// killed is in tests/cluster.
#include "app/cli/node_processes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::cli {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

constexpr milliseconds look_interval{10};
constexpr int max_looks = 6'000;

std::vector<std::string> shell(const std::string& line) {
  return {"/bin/sh", "-c", line};
}

/// What is printed until every process has ended once.
std::string said_until_ended(node_processes& nodes) {
  ::testing::internal::CaptureStderr();
  for (int look = 0; look < max_looks && nodes.any_alive(); ++look) nodes.step(look_interval);
  EXPECT_FALSE(nodes.any_alive());
  return ::testing::internal::GetCapturedStderr();
}

TEST(node_processes, what_a_dying_node_said_last_is_passed_on_without_an_end) {
  node_processes nodes{shell("echo first; printf 'last words'; kill -9 $$"), {}};
  ASSERT_TRUE(nodes.start("a"));
  const auto said = said_until_ended(nodes);
  EXPECT_THAT(said, HasSubstr("a | first\na | last words\n"));
  EXPECT_THAT(said, HasSubstr("node a ended with 137"));
  EXPECT_FALSE(nodes.all_well());
}

TEST(node_processes, that_end_well_are_well) {
  node_processes nodes{shell("exit 0"), {}};
  ASSERT_TRUE(nodes.start("a"));
  ASSERT_TRUE(nodes.start("b"));
  const auto said = said_until_ended(nodes);
  EXPECT_THAT(said, HasSubstr("node a ended with 0"));
  EXPECT_THAT(said, HasSubstr("node b ended with 0"));
  EXPECT_TRUE(nodes.all_well());
}

TEST(node_processes, what_cannot_be_executed_says_so) {
  node_processes nodes{{"/nowhere/millrace"}, {}};
  ASSERT_TRUE(nodes.start("a"));
  const auto said = said_until_ended(nodes);
  EXPECT_THAT(said, HasSubstr("a | this node cannot be executed"));
  EXPECT_THAT(said, HasSubstr("node a ended with 127"));
}

}  // namespace
}  // namespace millrace::cli
