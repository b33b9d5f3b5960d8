// A rate limit: so many units a minute, with a burst of burst_seconds' worth.
//
// Not thread-safe: its owner's thread only. It keeps no clock; every call says what time it is.
// Never waits: ready_at() says when to come again.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>

namespace millrace {

class token_bucket {
 public:
  using time_point = std::chrono::steady_clock::time_point;
  static constexpr double burst_seconds = 10;

  token_bucket(double units_per_minute, time_point now)
      : per_second_(units_per_minute / 60),
        capacity_(std::max(1.0, per_second_ * burst_seconds)),
        level_(capacity_),
        filled_at_(now) {}

  /// When `units` can be taken. More than the capacity can be taken from a full bucket; it then has
  /// a debt to refill.
  time_point ready_at(double units, time_point now) {
    refill(now);
    const double missing = std::min(units, capacity_) - level_;
    if (missing <= 0) return now;
    return now + std::chrono::microseconds{
                     static_cast<long long>(std::ceil(missing / per_second_ * 1e6))};
  }

  void take(double units, time_point now) {
    refill(now);
    level_ -= units;
  }

  /// Gives back what was taken too much; a negative number takes what was taken too little.
  void correct(double units) { level_ = std::min(capacity_, level_ + units); }

  /// The server says that this much is left.
  void observe_remaining(double units, time_point now) {
    refill(now);
    level_ = std::min(level_, units);
  }

 private:
  void refill(time_point now) {
    const std::chrono::duration<double> passed = now - filled_at_;
    if (passed.count() <= 0) return;
    level_ = std::min(capacity_, level_ + passed.count() * per_second_);
    filled_at_ = now;
  }

  double per_second_;
  double capacity_;
  double level_;
  time_point filled_at_;
};

}  // namespace millrace
