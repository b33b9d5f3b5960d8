#include "runtime/database/supported_versions.hpp"

#include <gmock/gmock.h>

namespace millrace::postgres {
namespace {

using ::testing::HasSubstr;

TEST(supported_versions, of_a_users_server_older_ones_are_refused_and_newer_ones_are_told) {
  const auto too_old = check_server_version(140015);
  ASSERT_FALSE(too_old);
  EXPECT_EQ(too_old.error().code, ec::database_outdated);
  EXPECT_THAT(too_old.error().message, HasSubstr("PostgreSQL 14, and millrace needs one of 15 to "
                                                 "18"));
  for (const int tested : {150000, 150018, 160009, 170012, 180004})
    EXPECT_EQ(check_server_version(tested).value(), "") << tested;
  EXPECT_THAT(check_server_version(190000).value(), HasSubstr("PostgreSQL 19, which is newer"));
}

}  // namespace
}  // namespace millrace::postgres
