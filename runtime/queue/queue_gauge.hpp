// How much waits, for all who look at it often: metrics, `top`. Counting reads every row that waits
// (half a second for three million), so a count is shown again for cost_share times as long as it
// took: counting never takes more than that share of a node's time, and a short queue is counted
// anew whenever somebody looks.
//
// Any thread; read() blocks (SQL). While one counts, the others wait for its result.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>

#include "runtime/core/error.hpp"
#include "runtime/queue/queue.hpp"

namespace millrace {

class queue_gauge {
 public:
  using clock = std::chrono::steady_clock;

  static constexpr int cost_share = 50;
  /// No count is older than this and the time that counting takes.
  static constexpr std::chrono::seconds max_age{60};

  explicit queue_gauge(std::function<result<queue_counts>()> count,
                       std::function<clock::time_point()> now = clock::now)
      : count_{std::move(count)}, now_{std::move(now)} {}

  /// The count's error where it fails; then the next one who looks counts again.
  result<queue_counts> read();

 private:
  const std::function<result<queue_counts>()> count_;
  const std::function<clock::time_point()> now_;
  std::mutex mutex_;
  std::optional<queue_counts> last_;
  clock::time_point good_until_{};
};

}  // namespace millrace
