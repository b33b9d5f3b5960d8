#include <gtest/gtest.h>

#include "app/cli/options.hpp"

namespace millrace::cli {
namespace {

TEST(exit_code, wrong_usage_exits_with_2_and_any_other_error_with_1) {
  for (auto i = 1; i <= static_cast<int>(ec::node_refused); ++i) {
    const auto code = static_cast<ec>(i);
    const bool usage =
        code == ec::invalid_argument || code == ec::invalid_config || code == ec::path_missing;
    EXPECT_EQ(exit_code(code), usage ? 2 : 1) << to_string(code);
    if (usage) {
      EXPECT_EQ(kind_of(code), error_kind::caller) << to_string(code);
    }
  }
  EXPECT_EQ(exit_code(ec::none), 0);
}

}  // namespace
}  // namespace millrace::cli
