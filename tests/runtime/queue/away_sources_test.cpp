#include "runtime/queue/away_sources.hpp"

#include <vector>

#include <gtest/gtest.h>

#include "runtime/queue/attempt_policy.hpp"

namespace millrace {
namespace {

using std::chrono::seconds;

class away_sources_test : public ::testing::Test {
 protected:
  away_sources away;
  away_sources::clock::time_point now{};

  /// Pauses of a document that is tried again after each.
  std::vector<duration> pauses(const std::string& node, int count) {
    std::vector<duration> all;
    for (int i = 0; i < count; ++i) {
      all.push_back(away.pause(node, now));
      now += all.back();
    }
    return all;
  }
};

TEST_F(away_sources_test, the_pause_doubles_up_to_a_minute) {
  EXPECT_EQ(pauses("b", 6), (std::vector<duration>{away_delay, seconds{10}, seconds{20},
                                                   seconds{40}, seconds{60}, seconds{60}}));
}

TEST_F(away_sources_test, all_that_wait_for_a_node_wait_alike) {
  for (int document = 0; document < 100; ++document) EXPECT_EQ(away.pause("b", now), away_delay);
  now += seconds{5};
  for (int document = 0; document < 100; ++document) EXPECT_EQ(away.pause("b", now), seconds{10});
  EXPECT_EQ(away.pause("c", now), away_delay) << "each node by itself";
}

TEST_F(away_sources_test, a_node_that_comes_back_begins_anew) {
  EXPECT_FALSE(away.back("b")) << "nobody waits for it";
  pauses("b", 5);
  EXPECT_TRUE(away.back("b"));
  EXPECT_FALSE(away.back("b"));
  EXPECT_EQ(away.pause("b", now), away_delay);
}

TEST_F(away_sources_test, an_absence_that_nobody_notices_any_more_is_forgotten) {
  pauses("b", 5);
  now += away_sources::forgotten_after + seconds{1};
  EXPECT_EQ(away.pause("b", now), away_delay);
}

TEST_F(away_sources_test, what_is_remembered_has_a_bound) {
  for (std::size_t i = 0; i < away_sources::max_nodes; ++i) away.pause(std::to_string(i), now);
  now += seconds{5};
  EXPECT_EQ(pauses("one more", 2), (std::vector<duration>{away_delay, away_delay}));
  EXPECT_EQ(away.pause("0", now), away_delay + seconds{15}) << "one that is known";
}

}  // namespace
}  // namespace millrace
