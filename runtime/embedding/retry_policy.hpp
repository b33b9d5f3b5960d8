// How often a request is tried and how long to wait in between: exponential backoff with jitter, so
// that many clients that failed together do not come back together.
//
// A value and a pure function; the caller brings the random numbers, so a test can bring its own.
#pragma once

#include <algorithm>
#include <random>

#include "config/settings.hpp"

namespace millrace {

struct retry_policy {
  int max_attempts = 5;
  duration backoff_min{0};
  duration backoff_max{0};

  bool exhausted(int attempts) const { return attempts >= max_attempts; }

  /// The pause after `attempts` failed attempts (1 or more): evenly between backoff_min and
  /// backoff_min doubled for each of them, at most backoff_max.
  duration backoff(int attempts, std::mt19937_64& random) const {
    constexpr int most_doublings = 20;
    const auto ceiling =
        backoff_min * (duration::rep{1} << std::clamp(attempts, 0, most_doublings));
    const auto most = std::max(backoff_min, std::min(backoff_max, ceiling));
    return duration{
        std::uniform_int_distribution<duration::rep>{backoff_min.count(), most.count()}(random)};
  }
};

}  // namespace millrace
