#include "runtime/telemetry/latency_histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace millrace {

namespace {

constexpr unsigned linear_bits = 2;  // Four buckets to a power of two.
constexpr std::uint64_t steps = 1U << linear_bits;

/// The value that stands for a bucket: the harmonic mean of its edges, which is equally far off,
/// relatively, from both. The widest bucket is a quarter of its lower edge wide: 1/9 off at either
/// end.
std::uint64_t representative(std::size_t index) {
  const auto low = latency_buckets::lowest(index);
  const auto high = latency_buckets::lowest(index + 1);
  if (high - low == 1) return low;
  const auto a = static_cast<double>(low);
  const auto b = static_cast<double>(high);
  return static_cast<std::uint64_t>(2 * a / (a + b) * b);
}

std::chrono::nanoseconds to_duration(std::uint64_t nanoseconds) {
  constexpr auto most = static_cast<std::uint64_t>(std::chrono::nanoseconds::max().count());
  return std::chrono::nanoseconds{static_cast<std::int64_t>(std::min(nanoseconds, most))};
}

}  // namespace

std::size_t latency_buckets::index_of(std::uint64_t nanoseconds) {
  if (nanoseconds < steps) return static_cast<std::size_t>(nanoseconds);
  const auto power = static_cast<unsigned>(std::bit_width(nanoseconds)) - 1;
  const auto step = (nanoseconds >> (power - linear_bits)) & (steps - 1);
  return static_cast<std::size_t>((power - linear_bits + 1) * steps + step);
}

std::uint64_t latency_buckets::lowest(std::size_t index) {
  if (index >= count) return std::numeric_limits<std::uint64_t>::max();
  if (index < steps) return index;
  const auto shift = index / steps - 1;
  return (steps + index % steps) << shift;
}

std::uint64_t latency_snapshot::count() const {
  std::uint64_t total = 0;
  for (const auto n : buckets) total += n;
  return total;
}

std::chrono::nanoseconds latency_snapshot::quantile(double p) const {
  const auto total = count();
  if (total == 0) return std::chrono::nanoseconds{0};
  const auto share = std::clamp(p, 0.0, 1.0) * static_cast<double>(total);
  const auto rank =
      std::clamp<std::uint64_t>(static_cast<std::uint64_t>(std::ceil(share)), 1, total);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    seen += buckets[i];
    if (seen >= rank) return to_duration(representative(i));
  }
  return std::chrono::nanoseconds{0};
}

std::uint64_t latency_snapshot::count_below_power(unsigned exponent) const {
  if (exponent >= 64) return count();
  const auto end = latency_buckets::index_of(std::uint64_t{1} << exponent);
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < end; ++i) total += buckets[i];
  return total;
}

void latency_snapshot::merge(const latency_snapshot& other) {
  for (std::size_t i = 0; i < buckets.size(); ++i) buckets[i] += other.buckets[i];
  sum_nanoseconds += other.sum_nanoseconds;
}

void latency_histogram::record(std::chrono::nanoseconds taken) {
  const auto nanoseconds = static_cast<std::uint64_t>(std::max<std::int64_t>(taken.count(), 0));
  buckets_[latency_buckets::index_of(nanoseconds)].fetch_add(1, std::memory_order_relaxed);
  sum_nanoseconds_.fetch_add(nanoseconds, std::memory_order_relaxed);
}

std::chrono::nanoseconds latency_histogram::sum() const {
  return to_duration(sum_nanoseconds_.load(std::memory_order_relaxed));
}

void latency_histogram::merge(const latency_histogram& other) {
  const auto held = other.snapshot();
  for (std::size_t i = 0; i < held.buckets.size(); ++i)
    if (held.buckets[i] > 0) buckets_[i].fetch_add(held.buckets[i], std::memory_order_relaxed);
  sum_nanoseconds_.fetch_add(held.sum_nanoseconds, std::memory_order_relaxed);
}

latency_snapshot latency_histogram::snapshot() const {
  latency_snapshot s;
  for (std::size_t i = 0; i < buckets_.size(); ++i)
    s.buckets[i] = buckets_[i].load(std::memory_order_relaxed);
  s.sum_nanoseconds = sum_nanoseconds_.load(std::memory_order_relaxed);
  return s;
}

}  // namespace millrace
