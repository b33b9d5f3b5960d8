#include "config/units.hpp"

#include <gtest/gtest.h>

#include "config/load.hpp"

namespace millrace {
namespace {

using namespace std::chrono_literals;

TEST(units, durations_are_parsed) {
  EXPECT_EQ(parse_duration("1500ms"), 1500ms);
  EXPECT_EQ(parse_duration("10s"), 10s);
  EXPECT_EQ(parse_duration("5m"), 5min);
  EXPECT_EQ(parse_duration("2h"), 2h);
  EXPECT_EQ(parse_duration("1d"), 24h);
  EXPECT_EQ(parse_duration("0s"), 0s);
}

TEST(units, what_is_no_duration_is_refused) {
  for (const char* text : {"", "10", "s", "10 s", " 10s", "10s ", "-10s", "+10s", "1.5s", "10sec",
                           "10S", "1h30m", "106751991168d", "99999999999999999999s"})
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
}

TEST(units, sizes_are_decimal_or_binary) {
  EXPECT_EQ(parse_byte_size("50MB")->bytes, 50'000'000U);
  EXPECT_EQ(parse_byte_size("50MiB")->bytes, 52'428'800U);
  EXPECT_EQ(parse_byte_size("4GiB"), 4_GiB);
  EXPECT_EQ(parse_byte_size("3KB")->bytes, 3'000U);
  EXPECT_EQ(parse_byte_size("7B")->bytes, 7U);
  EXPECT_EQ(parse_byte_size("2TB")->bytes, 2'000'000'000'000U);
}

TEST(units, what_is_no_size_is_refused) {
  for (const char* text : {"", "50", "MB", "50 MB", "-1MB", "1.5GB", "50mb", "50M", "9000000TiB",
                           "99999999999999999999B"})
    EXPECT_EQ(parse_byte_size(text), std::nullopt) << text;
}

TEST(units, values_are_written_in_the_largest_unit_that_divides_them) {
  EXPECT_EQ(to_string(duration{1500ms}), "1500ms");
  EXPECT_EQ(to_string(duration{10s}), "10s");
  EXPECT_EQ(to_string(duration{90s}), "90s");
  EXPECT_EQ(to_string(duration{2h}), "2h");
  EXPECT_EQ(to_string(duration{48h}), "2d");
  EXPECT_EQ(to_string(duration{0}), "0ms");
  EXPECT_EQ(to_string(byte_size{50'000'000}), "50MB");
  EXPECT_EQ(to_string(4_GiB), "4GiB");
  EXPECT_EQ(to_string(byte_size{1'025}), "1025B");
  EXPECT_EQ(to_string(byte_size{0}), "0B");
}

TEST(units, what_is_written_parses_back) {
  // Neighbours of every unit's first few multiples.
  for (const std::uint64_t unit : {1ULL, 1'000ULL, 60'000ULL, 1'000'000ULL, 86'400'000ULL,
                                   1ULL << 10, 1ULL << 20, 1ULL << 30, 1ULL << 40}) {
    for (std::uint64_t n = unit * 3 - 2; n <= unit * 3 + 2; ++n) {
      EXPECT_EQ(parse_byte_size(to_string(byte_size{n})), byte_size{n});
      const duration d{static_cast<std::int64_t>(n)};
      EXPECT_EQ(parse_duration(to_string(d)), d);
    }
  }
}

TEST(units, percents_run_from_1_to_100) {
  EXPECT_EQ(parse_percent("1%"), 1);
  EXPECT_EQ(parse_percent("100%"), 100);
  for (const char* text : {"0%", "101%", "70", "%", "70 %", "-5%"})
    EXPECT_EQ(parse_percent(text), std::nullopt) << text;
}

TEST(units, the_memory_budget_is_a_share_or_a_size) {
  extraction_settings s;
  EXPECT_EQ(memory_budget_bytes(s, 1'000), 700U);
  s.memory_budget = "33%";
  EXPECT_EQ(memory_budget_bytes(s, 199), 65U);
  EXPECT_EQ(memory_budget_bytes(s, ~0ULL), 6'087'425'544'324'152'032U);
  s.memory_budget = "2GiB";
  EXPECT_EQ(memory_budget_bytes(s, 1'000), 2ULL << 30);
}

}  // namespace
}  // namespace millrace
