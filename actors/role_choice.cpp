#include "actors/role_choice.hpp"

#include <algorithm>
#include <functional>

namespace millrace {

namespace {

/// Rendezvous hashing: the offer that ranks highest for `seeker`.
template <class Offers>
const node_offer* best_for(const std::string& seeker, const std::vector<node_offer>& offers,
                           Offers offers_it) {
  const node_offer* best = nullptr;
  std::size_t highest = 0;
  for (const auto& o : offers) {
    if (!offers_it(o)) continue;
    const auto rank = std::hash<std::string>{}(seeker + "/" + o.node);
    if (best == nullptr || rank > highest) {
      best = &o;
      highest = rank;
    }
  }
  return best;
}

}  // namespace

queue_puller_actor role_choice::puller(const std::vector<node_offer>& offers) {
  const auto has_puller = [](const node_offer& o) { return static_cast<bool>(o.puller); };
  const auto same = std::find_if(offers.begin(), offers.end(), [&](const node_offer& o) {
    return o.node == puller_node_ && has_puller(o);
  });
  const auto* chosen = same != offers.end() ? &*same : best_for(self_, offers, has_puller);
  if (chosen == nullptr) return {};
  puller_node_ = chosen->node;
  return chosen->puller;
}

embedder_actor role_choice::embedder(const std::vector<node_offer>& offers,
                                     std::uint64_t document) const {
  const auto* chosen = best_for(self_ + "/" + std::to_string(document), offers,
                                [](const node_offer& o) { return static_cast<bool>(o.embedder); });
  return chosen == nullptr ? embedder_actor{} : chosen->embedder;
}

status_aggregator_actor leading_status(const std::vector<node_offer>& offers) {
  status_aggregator_actor leader;
  std::int64_t latest = 0;
  for (const auto& o : offers)
    if (o.status && o.status_epoch > latest) {
      leader = o.status;
      latest = o.status_epoch;
    }
  return leader;
}

}  // namespace millrace
