#include "runtime/telemetry/latency_histogram.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace millrace {
namespace {

using std::chrono::nanoseconds;

constexpr double promised_error = 0.12;

TEST(latency_buckets, cover_every_value_without_gap_or_overlap) {
  for (std::size_t i = 0; i < latency_buckets::count; ++i) {
    const auto low = latency_buckets::lowest(i);
    const auto next = latency_buckets::lowest(i + 1);
    ASSERT_LT(low, next) << i;
    EXPECT_EQ(latency_buckets::index_of(low), i);
    if (i + 1 < latency_buckets::count) {
      EXPECT_EQ(latency_buckets::index_of(next - 1), i);
    }
  }
  EXPECT_EQ(latency_buckets::index_of(std::numeric_limits<std::uint64_t>::max()),
            latency_buckets::count - 1);
}

TEST(latency_histogram, one_value_is_reported_within_the_promised_error) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20'000; ++i) {
    const auto value = static_cast<std::int64_t>(random() >> (1 + random() % 62));
    latency_histogram h;
    h.record(nanoseconds{value});
    const auto reported = static_cast<double>(h.quantile(0.5).count());
    ASSERT_NEAR(reported, static_cast<double>(value), promised_error * static_cast<double>(value))
        << value;
  }
}

TEST(latency_histogram, quantiles_of_a_skewed_distribution_are_near_the_exact_ones) {
  std::mt19937_64 random(11);
  std::lognormal_distribution<double> skewed(13, 2);
  latency_histogram h;
  std::vector<double> values;
  for (int i = 0; i < 50'000; ++i) {
    const auto value = std::floor(skewed(random));
    values.push_back(value);
    h.record(nanoseconds{static_cast<std::int64_t>(value)});
  }
  std::sort(values.begin(), values.end());
  for (const auto p : {0.01, 0.25, 0.5, 0.9, 0.99, 0.999}) {
    const auto exact = values[static_cast<std::size_t>(std::ceil(p * 50'000)) - 1];
    EXPECT_NEAR(static_cast<double>(h.quantile(p).count()), exact, promised_error * exact) << p;
  }
}

TEST(latency_histogram, count_and_sum_are_exact) {
  latency_histogram h;
  h.record(nanoseconds{3});
  h.record(nanoseconds{1'000'000'007});
  EXPECT_EQ(h.count(), 2U);
  EXPECT_EQ(h.sum(), nanoseconds{1'000'000'010});
}

TEST(latency_histogram, an_empty_one_answers_zero) {
  const latency_histogram h;
  EXPECT_EQ(h.count(), 0U);
  EXPECT_EQ(h.quantile(0.99), nanoseconds{0});
}

TEST(latency_histogram, a_clock_that_stepped_back_counts_as_zero) {
  latency_histogram h;
  h.record(nanoseconds{-5});
  EXPECT_EQ(h.count(), 1U);
  EXPECT_EQ(h.sum(), nanoseconds{0});
  EXPECT_EQ(h.quantile(1), nanoseconds{0});
}

TEST(latency_histogram, merging_equals_recording_into_one) {
  latency_histogram a;
  latency_histogram b;
  latency_histogram both;
  for (int i = 1; i < 1000; ++i) {
    const nanoseconds value{i * i * 17};
    (i % 3 == 0 ? a : b).record(value);
    both.record(value);
  }
  a.merge(b);
  EXPECT_EQ(a.snapshot().buckets, both.snapshot().buckets);
  EXPECT_EQ(a.sum(), both.sum());
}

TEST(latency_histogram, counts_below_a_power_of_two_are_exact) {
  latency_histogram h;
  for (const auto value : {1023, 1024, 1025, 4095, 4096}) h.record(nanoseconds{value});
  const auto held = h.snapshot();
  EXPECT_EQ(held.count_below_power(10), 1U);
  EXPECT_EQ(held.count_below_power(12), 4U);
  EXPECT_EQ(held.count_below_power(64), 5U);
}

TEST(latency_histogram, records_from_many_threads_are_all_there) {
  constexpr int threads = 4;
  constexpr int each = 25'000;
  latency_histogram h;
  {
    std::vector<std::jthread> recording;
    for (int t = 0; t < threads; ++t)
      recording.emplace_back([&, t] {
        for (int i = 0; i < each; ++i) h.record(nanoseconds{i * (t + 1)});
      });
  }
  const auto sum_of_one = static_cast<std::int64_t>(each) * (each - 1) / 2;
  EXPECT_EQ(h.count(), static_cast<std::uint64_t>(threads * each));
  EXPECT_EQ(h.sum(), nanoseconds{sum_of_one * (1 + 2 + 3 + 4)});
}

}  // namespace
}  // namespace millrace
