#include "runtime/flow/grant_book.hpp"

#include <algorithm>
#include <cassert>

namespace millrace {

namespace {

demand minus(demand a, demand b) {
  return {a.items > b.items ? a.items - b.items : 0, a.bytes > b.bytes ? a.bytes - b.bytes : 0};
}

}  // namespace

bool grant_book::fits(demand extra) const {
  const auto items = held_.items + promised_.items;
  const auto bytes = held_.bytes + promised_.bytes;
  if (items == 0 && bytes == 0) return true;  // alone, whatever its size
  return items + extra.items <= limit_.items && bytes + extra.bytes <= limit_.bytes;
}

demand grant_book::grant(producer_id producer, demand total) {
  auto& account = accounts_[producer];
  promised_ += minus(total, account.granted);
  account.granted = {std::max(account.granted.items, total.items),
                     std::max(account.granted.bytes, total.bytes)};
  return account.granted;
}

std::optional<demand> grant_book::ask(producer_id producer, demand total) {
  const auto& account = accounts_[producer];
  if (total.items <= account.granted.items && total.bytes <= account.granted.bytes)
    return account.granted;
  const auto extra = minus(total, account.granted);
  const auto same = std::find_if(waiting_.begin(), waiting_.end(),
                                 [&](const granted& g) { return g.producer == producer; });
  if (same != waiting_.end()) {
    same->total = total;
    return std::nullopt;
  }
  if (waiting_.empty() && fits(extra)) return grant(producer, total);
  waiting_.push_back({producer, total});
  return std::nullopt;
}

bool grant_book::spend(producer_id producer, demand work) {
  const auto found = accounts_.find(producer);
  if (found == accounts_.end()) return false;
  auto& account = found->second;
  const auto open = minus(account.granted, account.spent);
  if (work.items > open.items || work.bytes > open.bytes) return false;
  account.spent += work;
  held_ += work;
  promised_ = minus(promised_, work);
  return true;
}

bool grant_book::hold(demand work) {
  if (!fits(work)) return false;
  held_ += work;
  return true;
}

std::vector<grant_book::granted> grant_book::release(demand work) {
  assert(work.items <= held_.items && work.bytes <= held_.bytes && "released more than is held");
  held_ = minus(held_, work);
  return serve_waiting();
}

std::vector<grant_book::granted> grant_book::forget(producer_id producer) {
  std::erase_if(waiting_, [&](const granted& g) { return g.producer == producer; });
  if (const auto found = accounts_.find(producer); found != accounts_.end()) {
    promised_ = minus(promised_, minus(found->second.granted, found->second.spent));
    accounts_.erase(found);
  }
  return serve_waiting();
}

std::vector<grant_book::granted> grant_book::serve_waiting() {
  std::vector<granted> served;
  while (!waiting_.empty()) {
    const auto next = waiting_.front();
    if (!fits(minus(next.total, accounts_[next.producer].granted))) break;
    waiting_.pop_front();
    served.push_back({next.producer, grant(next.producer, next.total)});
  }
  return served;
}

}  // namespace millrace
