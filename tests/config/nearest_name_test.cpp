#include "config/nearest_name.hpp"

#include <gtest/gtest.h>

namespace millrace {
namespace {

const std::vector<std::string> keys = {"pool_size", "max_overflow", "recycle", "url"};

TEST(nearest_name, a_typing_error_finds_its_key) {
  EXPECT_EQ(nearest_name("poolsize", keys), "pool_size");
  EXPECT_EQ(nearest_name("max_overflw", keys), "max_overflow");
  EXPECT_EQ(nearest_name("ulr", keys), "url");
}

TEST(nearest_name, the_closest_of_several_wins) {
  EXPECT_EQ(nearest_name("timeou", {"timeouts", "timeout"}), "timeout");
}

TEST(nearest_name, a_word_like_none_finds_nothing) {
  EXPECT_EQ(nearest_name("frobnicate", keys), std::nullopt);
  EXPECT_EQ(nearest_name("xyz", keys), std::nullopt);
  EXPECT_EQ(nearest_name("", keys), std::nullopt);
  EXPECT_EQ(nearest_name(std::string(10'000, 'x'), keys), std::nullopt);
}

}  // namespace
}  // namespace millrace
