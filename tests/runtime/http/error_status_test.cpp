#include "runtime/http/error_status.hpp"

#include <gtest/gtest.h>

namespace millrace::http {
namespace {

/// Walks the table of errors: each has a status that says who must do something about it.
TEST(error_status, follows_from_the_kind_but_where_http_has_a_word_of_its_own) {
  for (auto i = 1; i <= static_cast<int>(ec::node_refused); ++i) {
    const auto code = static_cast<ec>(i);
    const auto status = status_of(code);
    const auto kind = kind_of(code);
    EXPECT_TRUE(status == 200 || (status >= 400 && status <= 599)) << to_string(code);
    if (kind == error_kind::lost && code != ec::stale_token) {
      EXPECT_EQ(status, 503) << to_string(code);
    }
  }
  EXPECT_EQ(status_of(ec::invalid_argument), 400);
  EXPECT_EQ(status_of(ec::unknown_dataset), 404);
  EXPECT_EQ(status_of(ec::insufficient_credits), 402);
  EXPECT_EQ(status_of(ec::malformed_document), 422);
  EXPECT_EQ(status_of(ec::database_unavailable), 503);
  EXPECT_EQ(status_of(ec::database_conflict), 503);
  EXPECT_EQ(status_of(ec::actor_lost), 503);
  EXPECT_EQ(status_of(ec::timeout), 504);
  EXPECT_EQ(status_of(ec::internal), 500);
}

}  // namespace
}  // namespace millrace::http
