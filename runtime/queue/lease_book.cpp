#include "runtime/queue/lease_book.hpp"

#include <utility>

namespace millrace {

lease_book::delivery lease_book::delivered(std::int64_t token) {
  const auto holder = holders_.find(token);
  return holder == holders_.end() ? delivered_.end() : delivered_.find(holder->second);
}

void lease_book::remove(delivery d) {
  holders_.erase(d->second);
  delivered_.erase(d);
}

void lease_book::add(std::vector<lease> claimed) {
  const std::lock_guard lock{mutex_};
  for (auto& l : claimed) buffered_.push_back(std::move(l));
}

std::optional<lease> lease_book::deliver(const holder_id& holder) {
  const std::lock_guard lock{mutex_};
  return next_for(holder);
}

std::optional<lease_book::taken_lease> lease_book::take(const holder_id& holder) {
  const std::lock_guard lock{mutex_};
  if (!open_ || buffered_.empty() || buffered_.front().is_suspect()) return std::nullopt;
  auto next = next_for(holder);
  if (!next) return std::nullopt;
  return taken_lease{std::move(*next), buffered_.size() + 1 == low_};
}

void lease_book::open(std::size_t low) {
  const std::lock_guard lock{mutex_};
  open_ = true;
  low_ = low;
}

void lease_book::close() {
  const std::lock_guard lock{mutex_};
  open_ = false;
}

std::optional<lease> lease_book::next_for(const holder_id& holder) {
  if (buffered_.empty()) return std::nullopt;
  const bool runs_alone = buffered_.front().is_suspect();
  if (holders_.contains(alone_) || (runs_alone && !delivered_.empty())) return std::nullopt;
  if (runs_alone) alone_ = buffered_.front().token;
  auto next = std::move(buffered_.front());
  buffered_.pop_front();
  if (const auto before = delivered_.find(holder); before != delivered_.end()) remove(before);
  delivered_.emplace(holder, next.token);
  holders_.emplace(next.token, holder);
  return next;
}

void lease_book::hand_over(const holder_id& holder) {
  const std::lock_guard lock{mutex_};
  if (const auto found = delivered_.find(holder); found != delivered_.end()) {
    handed_over_[found->second] = holder;
    remove(found);
  }
}

void lease_book::accepted(std::int64_t token) {
  const std::lock_guard lock{mutex_};
  const auto found = delivered(token);
  if (found == delivered_.end()) return;
  handed_over_[token] = found->first;
  remove(found);
}

void lease_book::ended(const std::vector<std::int64_t>& tokens) {
  const std::lock_guard lock{mutex_};
  for (const auto token : tokens)
    if (returning_.erase(token) == 0 && handed_over_.erase(token) == 0)
      if (const auto found = delivered(token); found != delivered_.end()) remove(found);
}

std::vector<std::int64_t> lease_book::take_from(const holder_id& holder) {
  const std::lock_guard lock{mutex_};
  std::vector<std::int64_t> tokens;
  if (const auto found = delivered_.find(holder); found != delivered_.end()) {
    tokens.push_back(found->second);
    remove(found);
  }
  if (holder.node.empty()) return tokens;
  std::erase_if(handed_over_, [&](const auto& entry) {
    if (entry.second != holder) return false;
    tokens.push_back(entry.first);
    return true;
  });
  return tokens;
}

std::vector<std::int64_t> lease_book::take_handed_over(const std::string& node) {
  const std::lock_guard lock{mutex_};
  std::vector<std::int64_t> tokens;
  std::erase_if(handed_over_, [&](const auto& entry) {
    if (entry.second.node != node) return false;
    tokens.push_back(entry.first);
    return true;
  });
  return tokens;
}

std::vector<std::int64_t> lease_book::take_buffered() {
  const std::lock_guard lock{mutex_};
  std::vector<std::int64_t> tokens;
  for (const auto& l : std::exchange(buffered_, {})) tokens.push_back(l.token);
  return tokens;
}

void lease_book::give_back(const std::vector<std::int64_t>& tokens, release_reason reason,
                           duration delay) {
  const std::lock_guard lock{mutex_};
  for (const auto token : tokens) returning_.insert_or_assign(token, return_order{reason, delay});
}

std::vector<released_lease> lease_book::returning(release_reason reason) const {
  const std::lock_guard lock{mutex_};
  std::vector<released_lease> leases;
  for (const auto& [token, order] : returning_)
    if (order.reason == reason) leases.push_back({token, order.delay});
  return leases;
}

lease_book::counts lease_book::count() const {
  const std::lock_guard lock{mutex_};
  return {buffered_.size(), delivered_.size(), handed_over_.size()};
}

std::vector<lease_book::distant_lease> lease_book::elsewhere() const {
  const std::lock_guard lock{mutex_};
  std::vector<distant_lease> found;
  for (const auto& [holder, token] : delivered_)
    if (!holder.node.empty()) found.push_back({holder, token});
  for (const auto& [token, holder] : handed_over_)
    if (!holder.node.empty()) found.push_back({holder, token});
  return found;
}

}  // namespace millrace
