#include "runtime/flow/debouncer.hpp"

#include <random>

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(debouncer, the_first_change_starts_a_timer_and_the_others_ride_on_it) {
  debouncer d;
  const auto timer = d.changed(7);
  EXPECT_NE(timer, 0U);
  EXPECT_EQ(d.changed(7), 0U);
  EXPECT_EQ(d.changed(7), 0U);
  EXPECT_EQ(d.changes(), 3U);
  EXPECT_NE(d.changed(8), 0U) << "another dataset has its own timer";
  EXPECT_EQ(d.pending(), 2U);
  EXPECT_TRUE(d.fired(7, timer));
  EXPECT_FALSE(d.fired(7, timer)) << "one timer writes once";
  EXPECT_EQ(d.pending(), 1U);
}

TEST(debouncer, a_change_after_the_write_starts_a_new_timer) {
  debouncer d;
  const auto first = d.changed(7);
  ASSERT_TRUE(d.fired(7, first));
  const auto second = d.changed(7);
  EXPECT_NE(second, 0U);
  EXPECT_NE(second, first);
  EXPECT_TRUE(d.fired(7, second));
}

TEST(debouncer, a_timer_that_was_overtaken_by_a_terminal_write_is_void) {
  debouncer d;
  const auto old = d.changed(7);
  d.written(7);
  EXPECT_FALSE(d.fired(7, old));
  const auto fresh = d.changed(7);
  EXPECT_FALSE(d.fired(7, old)) << "the old timer must not end the new one";
  EXPECT_TRUE(d.fired(7, fresh));
}

TEST(debouncer, a_write_that_failed_is_due_again) {
  debouncer d;
  const auto first = d.changed(7);
  ASSERT_TRUE(d.fired(7, first));
  const auto retry = d.again(7);
  EXPECT_NE(retry, 0U);
  EXPECT_EQ(d.changed(7), 0U) << "the retry's timer is running";
  EXPECT_TRUE(d.fired(7, retry));
  EXPECT_EQ(d.pending(), 0U);
}

// The property that matters: whatever the order, a change is followed by a write.
TEST(debouncer, the_last_change_is_always_written) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random{seed};
    const auto one_of = [&](unsigned n) {
      return std::uniform_int_distribution<unsigned>{0, n - 1}(random);
    };
    debouncer d;
    std::vector<std::uint64_t> timers;  // running, of one dataset
    bool dirty = false;
    const auto fire = [&] {
      const auto timer = timers.back();
      timers.pop_back();
      if (!d.fired(1, timer)) return;
      if (one_of(4) == 0)
        timers.push_back(d.again(1));
      else
        dirty = false;
    };
    for (int i = 0; i < 500; ++i) {
      if (one_of(3) == 0 && !timers.empty()) {
        std::swap(timers.back(), timers[one_of(static_cast<unsigned>(timers.size()))]);
        fire();
      } else if (one_of(20) == 0) {
        d.written(1);
        dirty = false;
      } else {
        dirty = true;
        if (const auto timer = d.changed(1)) timers.push_back(timer);
      }
    }
    while (!timers.empty()) fire();
    EXPECT_FALSE(dirty);
    EXPECT_EQ(d.pending(), 0U);
  }
}

}  // namespace
}  // namespace millrace
