#include "runtime/extraction/memory_budget.hpp"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace millrace::extraction {
namespace {

TEST(memory_tiers, caps_grow_with_the_document) {
  const memory_tiers tiers{extraction_settings{}, (100_GiB).bytes};
  EXPECT_EQ(tiers.cap(tiers.tier_for(1'000)), (512_MiB).bytes);
  EXPECT_EQ(tiers.cap(tiers.tier_for(1'000'000)), (4_GiB).bytes);
  EXPECT_EQ(tiers.cap(tiers.tier_for(50'000'000)), (8_GiB).bytes);
}

TEST(memory_tiers, no_cap_is_above_the_budget_and_equal_caps_are_one_tier) {
  const memory_tiers tiers{extraction_settings{}, (3_GiB).bytes};
  EXPECT_EQ(tiers.cap(2), (3_GiB).bytes);
  EXPECT_EQ(tiers.above(0), 1U);
  EXPECT_EQ(tiers.above(1), std::nullopt);
}

TEST(memory_budget, a_reservation_waits_until_it_fits_and_in_its_turn) {
  memory_budget budget{100};
  ASSERT_TRUE(budget.reserve(60));
  std::vector<int> order;
  std::mutex mutex;
  const auto take = [&](int name, std::uint64_t bytes) {
    EXPECT_TRUE(budget.reserve(bytes));
    {
      const std::lock_guard lock{mutex};
      order.push_back(name);
    }
    budget.release(bytes);
  };
  std::thread large{take, 1, 90};
  while (!budget.contended()) std::this_thread::yield();
  std::thread small{take, 2, 20};  // would fit at once, but came later; not beside the large one
  budget.release(60);
  large.join();
  small.join();
  EXPECT_EQ(order, (std::vector{1, 2}));
  EXPECT_EQ(budget.in_use(), 0U);
  EXPECT_LE(budget.peak(), 100U);
}

TEST(memory_budget, a_closed_budget_refuses_those_who_wait) {
  memory_budget budget{100};
  ASSERT_TRUE(budget.reserve(100));
  bool granted = true;
  std::thread waiting{[&] { granted = budget.reserve(1); }};
  while (!budget.contended()) std::this_thread::yield();
  budget.close();
  waiting.join();
  EXPECT_FALSE(granted);
}

TEST(memory_budget, this_machine_has_memory) {
  EXPECT_GT(available_memory_bytes(), (64_MiB).bytes);
}

}  // namespace
}  // namespace millrace::extraction
