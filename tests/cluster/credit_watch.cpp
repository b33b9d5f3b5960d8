#include "tests/cluster/credit_watch.hpp"

#include <algorithm>
#include <set>

namespace millrace {

void credit_watch::look_at(const rapidjson::Document& actors) {
  std::map<std::string, std::multiset<std::string>> documents;
  for (const auto& actor : actors.GetArray()) {
    const std::string role{actor["role"].GetString()};
    const std::string node{actor["node"].GetString()};
    const auto peak = actor["mailbox_peak"].GetUint64();
    EXPECT_LE(actor["mailbox_depth"].GetUint64(), actor["mailbox_limit"].GetUint64())
        << role << " of " << node;
    EXPECT_LE(peak, actor["mailbox_limit"].GetUint64()) << role << " of " << node;
    EXPECT_EQ(actor["mailbox_rejected"].GetUint64(), 0U)
        << role << " of " << node << " was sent what it had not granted";
    peaks_[role] = std::max(peaks_[role], peak);
    if (role == "document" && !actor["document"].IsNull())
      documents[node].insert(actor["document"].GetString());
  }
  for (const auto& [node, carried] : documents) {
    EXPECT_LE(carried.size(), bed_.slots()) << node;
    carried_twice_ += std::set<std::string>(carried.begin(), carried.end()).size() < carried.size();
    most_documents_ = std::max(most_documents_, carried.size());
  }
  ++looks_;
}

void credit_watch::expect_busy(std::size_t nodes) const {
  constexpr std::size_t few_looks = 10;
  EXPECT_GE(looks_, few_looks);
  EXPECT_EQ(most_documents_, bed_.slots()) << "of a node, at its busiest";
  EXPECT_LE(bed_.server.count().max_in_flight, bed_.slots() * nodes);
}

std::uint64_t credit_watch::largest_mailbox(const std::string& role) const {
  const auto found = peaks_.find(role);
  return found == peaks_.end() ? 0 : found->second;
}

}  // namespace millrace
