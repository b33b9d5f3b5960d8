#include "runtime/core/error.hpp"

#include <set>

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(error, every_code_has_a_name_of_its_own_that_leads_back) {
  std::set<std::string_view> names;
  for (auto i = 0; i <= static_cast<int>(ec::http_unreachable); ++i) {
    const auto code = static_cast<ec>(i);
    EXPECT_TRUE(names.insert(to_string(code)).second) << to_string(code);
    EXPECT_EQ(ec_from_string(to_string(code)), code);
  }
  EXPECT_EQ(ec_from_string("no such code"), ec::none);
}

TEST(error, wrong_usage_exits_with_2_and_failures_with_1) {
  EXPECT_EQ(exit_code(ec::invalid_config), 2);
  EXPECT_EQ(exit_code(ec::path_missing), 2);
  EXPECT_EQ(exit_code(ec::database_unavailable), 1);
  EXPECT_EQ(exit_code(ec::insufficient_credits), 1);
}

TEST(error, what_a_parser_says_about_the_bytes_is_final) {
  EXPECT_FALSE(is_retryable(ec::encrypted_document));
  EXPECT_FALSE(is_retryable(ec::unsupported_format));
  EXPECT_TRUE(is_retryable(ec::extraction_crashed));
}

}  // namespace
}  // namespace millrace
