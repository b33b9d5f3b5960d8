#include "runtime/queue/claim_planner.hpp"

#include <algorithm>

namespace millrace {

void claim_planner::rescan(const std::vector<ready_dataset>& datasets, clock::duration took,
                           clock::time_point now) {
  std::map<std::int64_t, account_queue> fresh;
  expired_ = false;
  rests_until_ =
      took < dear_rescan ? now : now + std::min<clock::duration>(rest_factor * took, longest_rest);
  account_of_.clear();
  watermarks_.clear();
  for (const auto& d : datasets) {
    if (account_of_.size() == max_datasets) break;
    fresh[d.account_id].datasets.push_back(d.dataset_id);
    account_of_[d.dataset_id] = d.account_id;
  }
  for (auto& [account, queue] :
       fresh)  // keep each account's turn, or a rescan would favour its first dataset
    if (const auto old = accounts_.find(account); old != accounts_.end())
      queue.next = old->second.next % queue.datasets.size();
  accounts_ = std::move(fresh);
}

std::vector<planned_claim> claim_planner::plan(int want) {
  if (accounts_.empty() || want <= 0) return {};
  // To deal one document at a time would be fair but slow for large claims; a share per turn is as
  // fair over claims, because each claim starts one turn further on: what does not divide evenly
  // goes to the first ones, who are others each time.
  std::map<std::int64_t, int> takes;
  std::vector<std::int64_t> order;
  const auto accounts = static_cast<int>(accounts_.size());
  auto at = accounts_.upper_bound(last_account_);
  if (at == accounts_.end()) at = accounts_.begin();
  if (want >= accounts) last_account_ = at->first;
  for (int served = 0, left = want; left > 0 && served < accounts; ++served, ++at) {
    if (at == accounts_.end()) at = accounts_.begin();
    auto& queue = at->second;
    const auto datasets = static_cast<int>(queue.datasets.size());
    const int others = accounts - served - 1;
    int share = (left + others) / (others + 1);
    const bool whole_turn = share >= datasets;
    const auto least = [&](std::int64_t dataset) {
      return whole_turn || !watermarks_.contains(dataset) ? 1 : least_take;
    };
    for (int i = 0; i < datasets && share > 0; ++i) {
      const auto dataset = queue.datasets[queue.next];
      queue.next = (queue.next + 1) % queue.datasets.size();
      const int after = datasets - i - 1;
      const int fair = (share + after) / (after + 1);
      const int take = std::min(share, std::max(fair, least(dataset)));
      if (takes.emplace(dataset, take).second) order.push_back(dataset);
      share -= take;
      left -= take;
    }
    if (whole_turn) queue.next = (queue.next + 1) % queue.datasets.size();
    if (want < accounts) last_account_ = at->first;
  }
  std::vector<planned_claim> plans;
  plans.reserve(order.size());
  for (const auto dataset : order) plans.push_back({dataset, takes[dataset], watermarks_[dataset]});
  return plans;
}

void claim_planner::claimed(std::int64_t dataset_id, queue_watermark at) {
  if (account_of_.contains(dataset_id)) watermarks_[dataset_id] = std::move(at);
}

void claim_planner::exhausted(std::int64_t dataset_id) {
  const auto known = account_of_.find(dataset_id);
  if (known == account_of_.end()) return;
  const auto account = accounts_.find(known->second);
  auto& queue = account->second;
  std::erase(queue.datasets, dataset_id);
  if (queue.datasets.empty())
    accounts_.erase(account);
  else
    queue.next %= queue.datasets.size();
  account_of_.erase(known);
  watermarks_.erase(dataset_id);
}

}  // namespace millrace
