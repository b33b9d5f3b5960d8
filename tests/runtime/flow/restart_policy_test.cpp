#include "runtime/flow/restart_policy.hpp"

#include <gtest/gtest.h>

namespace millrace {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(restart_policy, delays_double_from_death_to_death) {
  restart_policy policy{{.intensity = 4, .period = seconds{30}}};
  const restart_policy::time_point start{};
  EXPECT_EQ(policy.died(start), milliseconds{50});
  EXPECT_EQ(policy.died(start + seconds{1}), milliseconds{100});
  EXPECT_EQ(policy.died(start + seconds{2}), milliseconds{200});
  EXPECT_EQ(policy.died(start + seconds{3}), milliseconds{400});
}

TEST(restart_policy, one_death_more_than_the_intensity_within_the_period_escalates) {
  restart_policy policy{{.intensity = 2, .period = seconds{30}}};
  const restart_policy::time_point start{};
  EXPECT_TRUE(policy.died(start));
  EXPECT_TRUE(policy.died(start + seconds{30}));
  EXPECT_FALSE(policy.died(start + seconds{30})) << "a death exactly one period old still counts";
}

TEST(restart_policy, deaths_older_than_the_period_are_forgotten) {
  restart_policy policy{{.intensity = 1, .period = seconds{30}}};
  restart_policy::time_point now{};
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(policy.died(now), restart_policy::first_delay) << i;
    now += seconds{31};
  }
}

TEST(restart_policy, the_delay_is_bounded) {
  restart_policy policy{{.intensity = 1000, .period = seconds{30}}};
  duration last{};
  for (int i = 0; i < 1000; ++i) {
    const auto delay = policy.died({});
    ASSERT_TRUE(delay);
    ASSERT_GE(*delay, last);
    last = *delay;
  }
  EXPECT_EQ(last, restart_policy::longest_delay);
}

TEST(restart_policy, an_intensity_of_zero_escalates_at_the_first_death) {
  restart_policy policy{{.intensity = 0, .period = seconds{30}}};
  EXPECT_FALSE(policy.died({}));
}

}  // namespace
}  // namespace millrace
