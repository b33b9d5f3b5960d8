#include "runtime/queue/queue_gauge.hpp"

#include <algorithm>

namespace millrace {

result<queue_counts> queue_gauge::read() {
  const std::lock_guard lock{mutex_};
  const auto begun = now_();
  if (last_ && begun < good_until_) return *last_;
  last_.reset();
  const auto counted = count_();
  if (!counted) return tl::unexpected<error>(counted.error());
  const auto ended = now_();
  good_until_ = ended + std::min<clock::duration>(cost_share * (ended - begun), max_age);
  return last_.emplace(*counted);
}

}  // namespace millrace
