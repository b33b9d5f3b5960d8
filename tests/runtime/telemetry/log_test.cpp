#include "runtime/telemetry/log.hpp"

#include <limits>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

namespace millrace::log {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(log_format, fields_follow_the_message) {
  EXPECT_EQ(format("committed", {{"documents", 20}, {"final", true}, {"seconds", 0.5}}),
            "committed documents=20 final=true seconds=0.5");
}

TEST(log_format, values_with_spaces_or_quotes_are_quoted) {
  EXPECT_EQ(format("read", {{"uri", "file:///a b.pdf"}}), "read uri=\"file:///a b.pdf\"");
  EXPECT_EQ(format("read", {{"uri", "a\"b"}}), "read uri=\"a\\\"b\"");
  EXPECT_EQ(format("read", {{"uri", ""}}), "read uri=\"\"");
}

TEST(log_format, a_hostile_name_cannot_forge_a_line) {
  const auto line = format("read\nx", {{"uri", "a\n2026 error forged\x1b[31m"}});
  EXPECT_THAT(line, Not(HasSubstr("\n")));
  EXPECT_THAT(line, Not(HasSubstr("\x1b")));
  EXPECT_THAT(line, HasSubstr("\\n2026 error forged\\x1b[31m"));
}

TEST(log_format, bytes_that_are_not_text_and_endless_values_are_tamed) {
  EXPECT_EQ(format("read", {{"name", "\xff"}}), "read name=\xEF\xBF\xBD");
  EXPECT_LT(format("read", {{"name", std::string(1'000'000, 'a')}}).size(), max_value_bytes + 100);
}

TEST(log_set_up, lines_go_to_standard_error_with_time_and_level_and_never_to_standard_output) {
  ASSERT_TRUE(set_up("info"));
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();
  info("started", {{"node", "a"}});
  spdlog::warn("by way of spdlog");
  const auto err = testing::internal::GetCapturedStderr();
  EXPECT_THAT(testing::internal::GetCapturedStdout(), IsEmpty());
  EXPECT_THAT(err, testing::MatchesRegex(
                       "[0-9]+-[0-9]+-[0-9]+T[0-9]+:[0-9]+:[0-9]+\\.[0-9]+Z info started node=a\n"
                       "[^\n]* warning by way of spdlog\n"));
}

TEST(log_set_up, lines_below_the_level_are_dropped) {
  ASSERT_TRUE(set_up("error"));
  testing::internal::CaptureStderr();
  warn("not shown");
  error("shown {}");
  const auto err = testing::internal::GetCapturedStderr();
  EXPECT_THAT(err, Not(HasSubstr("not shown")));
  EXPECT_THAT(err, HasSubstr("error shown {}\n"));
}

TEST(log_set_up, an_unknown_level_is_a_configuration_error) {
  const auto done = set_up("loud");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ec::invalid_config);
  EXPECT_THAT(done.error().message, HasSubstr("'loud'"));
}

}  // namespace
}  // namespace millrace::log
