#include "runtime/threads/awaited_answer.hpp"

#include <optional>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

namespace millrace {
namespace {

struct answers {
  std::vector<result<int>> seen;
  awaited_answer<result<int>> taker() {
    return {[this](result<int> r) { seen.push_back(std::move(r)); }};
  }
};

TEST(awaited_answer, is_given_once) {
  answers a;
  auto answer = a.taker();
  EXPECT_TRUE(answer.pending());
  answer(1);
  answer(2);
  EXPECT_FALSE(answer.pending());
  ASSERT_EQ(a.seen.size(), 1U);
  EXPECT_EQ(a.seen[0], 1);
}

TEST(awaited_answer, one_that_an_exception_drops_is_an_error) {
  answers a;
  const auto job = [](awaited_answer<result<int>>) { throw std::runtime_error{"no room"}; };
  EXPECT_FALSE(guarded("job", [&] { job(a.taker()); }));
  ASSERT_EQ(a.seen.size(), 1U);
  ASSERT_FALSE(a.seen[0]);
  EXPECT_EQ(a.seen[0].error().code, ec::internal);
}

TEST(awaited_answer, one_that_is_moved_is_given_by_its_last_holder) {
  answers a;
  auto first = a.taker();
  {
    auto second = std::move(first);
    EXPECT_TRUE(a.seen.empty());
  }
  EXPECT_EQ(a.seen.size(), 1U);
}

TEST(awaited_answer, a_callback_that_throws_is_called_with_the_error) {
  std::vector<result<int>> seen;
  awaited_answer<result<int>> answer{[&](result<int> r) {
    if (r) throw std::runtime_error{"the mailbox is gone"};
    seen.push_back(std::move(r));
  }};
  answer(1);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_NE(seen[0].error().message.find("the mailbox is gone"), std::string::npos);
}

TEST(awaited_answer, of_a_value_without_errors_is_nothing) {
  std::optional<int> seen = 1;
  {
    const awaited_answer<std::optional<int>> answer{[&](std::optional<int> v) { seen = v; }};
  }
  EXPECT_FALSE(seen);
}

}  // namespace
}  // namespace millrace
