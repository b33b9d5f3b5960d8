// How long things take, counted in log-linear buckets: four to a power of two, over the whole range
// of a 64-bit count of nanoseconds. A quantile is at most 11.2 % off; count and sum are exact.
//
// Any thread may record and read at once: a record is two relaxed atomic additions, never a lock. A
// reader that overlaps with writers sees some of their values and not others. 2 KiB, fixed; nothing
// grows.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace millrace {

/// Four buckets to a power of two: 0 to 3 have one each, then [4, 5), [5, 6), [6, 7), [7, 8), [8,
/// 10), [10, 12), ...
struct latency_buckets {
  static constexpr std::size_t count = 252;

  static std::size_t index_of(std::uint64_t nanoseconds);
  /// The smallest value of this bucket. `index` may be `count` at most, whose lowest value is 2^64
  /// - 1.
  static std::uint64_t lowest(std::size_t index);
};

/// What a histogram held at one moment: a plain value that adds up over actors.
struct latency_snapshot {
  std::array<std::uint64_t, latency_buckets::count> buckets{};
  std::uint64_t sum_nanoseconds = 0;

  std::uint64_t count() const;
  /// The value that a fraction `p` (0 to 1) of the records does not exceed, within 11.2 %; 0 where
  /// there are none.
  std::chrono::nanoseconds quantile(double p) const;
  /// Records below 2^exponent nanoseconds; exact, because powers of two are edges of buckets.
  std::uint64_t count_below_power(unsigned exponent) const;
  void merge(const latency_snapshot& other);
};

class latency_histogram {
 public:
  /// A negative duration (a clock that stepped back) counts as 0.
  void record(std::chrono::nanoseconds taken);

  std::uint64_t count() const { return snapshot().count(); }
  std::chrono::nanoseconds sum() const;
  std::chrono::nanoseconds quantile(double p) const { return snapshot().quantile(p); }
  /// Adds what `other` holds now.
  void merge(const latency_histogram& other);
  latency_snapshot snapshot() const;

 private:
  std::array<std::atomic<std::uint64_t>, latency_buckets::count> buckets_{};
  std::atomic<std::uint64_t> sum_nanoseconds_{0};
};

}  // namespace millrace
