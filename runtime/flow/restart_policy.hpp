// How often children may die before their supervisor gives up, and how long to wait before each
// restart. A plain object; time is given in, so that tests need no clock.
#pragma once

#include <algorithm>
#include <chrono>
#include <deque>
#include <optional>

#include "config/settings.hpp"

namespace millrace {

class restart_policy {
 public:
  using time_point = std::chrono::steady_clock::time_point;
  static constexpr duration first_delay = std::chrono::milliseconds{50};
  static constexpr duration longest_delay = std::chrono::seconds{5};

  explicit restart_policy(restart_settings s) : settings_{s} {}

  /// A child died at `now`: the delay before its restart, or nothing where the intensity is
  /// exceeded (escalate).
  std::optional<duration> died(time_point now) {
    while (!deaths_.empty() && now - deaths_.front() > settings_.period) deaths_.pop_front();
    deaths_.push_back(now);
    if (deaths_.size() > static_cast<std::size_t>(settings_.intensity)) return std::nullopt;
    auto delay = first_delay;
    for (std::size_t i = 1; i < deaths_.size() && delay < longest_delay; ++i) delay *= 2;
    return std::min(delay, longest_delay);
  }

 private:
  restart_settings settings_;
  std::deque<time_point> deaths_;  // at most intensity + 1
};

}  // namespace millrace
