#include "runtime/queue/away_sources.hpp"

#include <algorithm>

#include "runtime/queue/attempt_policy.hpp"

namespace millrace {

duration away_sources::pause(const std::string& node, clock::time_point now) {
  std::erase_if(absences_, [&](const auto& a) { return now - a.second.noticed > forgotten_after; });
  if (absences_.size() >= max_nodes && !absences_.contains(node)) return away_delay;
  auto& known = absences_.try_emplace(node, absence{now, now}).first->second;
  known.noticed = now;
  return std::min(longest, away_delay + std::chrono::duration_cast<duration>(now - known.since));
}

}  // namespace millrace
