#include "runtime/queue/queue_gauge.hpp"

#include <gtest/gtest.h>

namespace millrace {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// A queue whose counting takes as long as the test says, by a clock that only the test moves.
class queue_gauge_test : public ::testing::Test {
 protected:
  std::int64_t seen() { return gauge.read().value().ready; }

  queue_gauge::clock::time_point now{};
  queue_gauge::clock::duration cost = milliseconds{100};
  std::optional<error> failure;
  int counted = 0;
  queue_gauge gauge{[this]() -> result<queue_counts> {
                      now += cost;
                      ++counted;
                      if (failure) return tl::unexpected<error>(*failure);
                      queue_counts counts;
                      counts.ready = counted;
                      return counts;
                    },
                    [this] { return now; }};
};

TEST_F(queue_gauge_test, counting_takes_its_share_of_the_time_and_no_more) {
  EXPECT_EQ(seen(), 1);
  EXPECT_EQ(seen(), 1);
  now += queue_gauge::cost_share * cost - milliseconds{1};
  EXPECT_EQ(seen(), 1);
  now += milliseconds{1};
  EXPECT_EQ(seen(), 2);
}

TEST_F(queue_gauge_test, a_queue_that_is_counted_at_once_is_counted_whenever_somebody_looks) {
  cost = milliseconds{0};
  for (int i = 1; i < 5; ++i) EXPECT_EQ(seen(), i);
}

TEST_F(queue_gauge_test, no_count_is_shown_for_longer_than_max_age) {
  cost = seconds{10};
  EXPECT_EQ(seen(), 1);
  now += queue_gauge::max_age - milliseconds{1};
  EXPECT_EQ(seen(), 1);
  now += milliseconds{1};
  EXPECT_EQ(seen(), 2);
}

TEST_F(queue_gauge_test, a_failure_is_not_kept) {
  failure = error{ec::timeout, "the database took too long"};
  EXPECT_EQ(gauge.read().error().code, ec::timeout);
  failure.reset();
  EXPECT_EQ(seen(), 2);
  now += queue_gauge::max_age;
  failure = error{ec::timeout, "the database took too long"};
  EXPECT_FALSE(gauge.read()) << "an old count would hide it";
}

}  // namespace
}  // namespace millrace
