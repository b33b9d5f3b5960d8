#include "runtime/embedding/rate_limit_headers.hpp"

#include <gtest/gtest.h>

#include "runtime/embedding/retry_policy.hpp"

namespace millrace {
namespace {

using namespace std::chrono_literals;

const std::chrono::system_clock::time_point epoch{};

rate_limit_headers headers(std::initializer_list<const char*> lines) {
  rate_limit_headers h;
  for (const char* line : lines) h.read(line, epoch);
  return h;
}

TEST(rate_limit_headers, go_durations_are_read) {
  EXPECT_EQ(parse_go_duration("1s"), 1s);
  EXPECT_EQ(parse_go_duration("6m0s"), 6min);
  EXPECT_EQ(parse_go_duration("250ms"), 250ms);
  EXPECT_EQ(parse_go_duration("1h2m3.5s"), 1h + 2min + 3500ms);
  EXPECT_EQ(parse_go_duration("0s"), 0ms);
  EXPECT_EQ(parse_go_duration("10us"), 1ms);  // rounded up
}

TEST(rate_limit_headers, what_is_no_go_duration_is_nothing) {
  for (const char* text : {"", "s", "1", "1x", "-1s", "1s ", "1 s", "nan", "1e3s"})
    EXPECT_FALSE(parse_go_duration(text)) << text;
}

TEST(rate_limit_headers, a_huge_duration_does_not_overflow) {
  EXPECT_EQ(parse_go_duration("99999999999999999999h"), 24h);
}

TEST(rate_limit_headers, retry_after_is_seconds_or_a_date) {
  EXPECT_EQ(parse_retry_after("20", epoch), 20s);
  EXPECT_EQ(parse_retry_after("0.25", epoch), 250ms);
  EXPECT_EQ(parse_retry_after("Thu, 01 Jan 1970 00:00:42 GMT", epoch), 42s);
  EXPECT_EQ(parse_retry_after("Thu, 01 Jan 1970 00:00:42 GMT", epoch + 60s), 0s);
  EXPECT_FALSE(parse_retry_after("soon", epoch));
}

TEST(rate_limit_headers, retry_after_ms_goes_before_retry_after) {
  EXPECT_EQ(headers({"Retry-After: 7\r\n", "retry-after-ms: 1500\r\n"}).wait(), 1500ms);
  EXPECT_EQ(headers({"Retry-After: 7\r\n", "x-ratelimit-reset-requests: 1s"}).wait(), 7s);
}

TEST(rate_limit_headers, the_reset_of_what_is_used_up_goes_before_the_other) {
  const auto h = headers({"x-ratelimit-remaining-requests: 12", "x-ratelimit-reset-requests: 1s",
                          "x-ratelimit-remaining-tokens: 0", "x-ratelimit-reset-tokens: 6m0s"});
  EXPECT_EQ(h.wait(), 6min);
}

TEST(rate_limit_headers, without_a_remainder_the_sooner_reset_counts) {
  EXPECT_EQ(headers({"x-ratelimit-reset-requests: 9s", "X-RateLimit-Reset-Tokens: 2s"}).wait(), 2s);
}

TEST(rate_limit_headers, a_server_cannot_make_us_wait_for_ever) {
  EXPECT_EQ(headers({"retry-after: 999999"}).wait(), max_server_wait);
}

TEST(rate_limit_headers, headers_that_cannot_be_read_count_as_absent) {
  EXPECT_FALSE(
      headers({"retry-after: later", "x-ratelimit-reset-tokens: ?", "HTTP/1.1 429", ""}).wait());
}

TEST(retry_policy, backoff_stays_in_its_bounds_and_doubles) {
  const retry_policy p{5, 100ms, 1'000ms};
  std::mt19937_64 random{1};
  for (int attempts = 1; attempts < 100; ++attempts) {
    duration longest{0};
    for (int i = 0; i < 200; ++i) {
      const auto pause = p.backoff(attempts, random);
      ASSERT_GE(pause, 100ms);
      ASSERT_LE(pause, std::min<duration>(1'000ms, 100ms * (1LL << std::min(attempts, 10))));
      longest = std::max(longest, pause);
    }
    EXPECT_GT(longest, attempts > 4 ? 900ms : 150ms);  // it uses the whole range
  }
}

TEST(retry_policy, attempts_are_counted_to_the_last) {
  const retry_policy p{3, 1ms, 2ms};
  EXPECT_FALSE(p.exhausted(2));
  EXPECT_TRUE(p.exhausted(3));
}

}  // namespace
}  // namespace millrace
