// Where an actor grants demand: a grant_book whose asks are requests of CAF. Producers, of this
// node or others, are monitored, so that the grant of one that dies or is cut off is free again.
#pragma once

#include <unordered_map>

#include "actors/messages.hpp"
#include "runtime/flow/grant_book.hpp"

namespace millrace {

class grant_desk {
 public:
  explicit grant_desk(demand limit) : book_{limit} {}

  /// The handler of ask_grant: answers now, or when there is room.
  template <class Self>
  caf::result<granted> ask(Self& self, const ask_grant& request) {
    const auto address = caf::actor_cast<caf::actor_addr>(self.current_sender());
    auto [known, is_new] = producers_.try_emplace(address, last_producer_ + 1);
    if (is_new) {
      ++last_producer_;
      self.monitor(address);
    }
    const auto producer = known->second;
    if (const auto total = book_.ask(producer, request.total)) return granted{*total};
    auto promise = self.template make_response_promise<granted>();
    waiting_[producer] = promise;
    return promise;
  }

  /// The sender's work arrived. False: more than was granted.
  template <class Self>
  [[nodiscard]] bool spend(Self& self, demand work) {
    const auto known = producers_.find(caf::actor_cast<caf::actor_addr>(self.current_sender()));
    return known != producers_.end() && book_.spend(known->second, work);
  }
  [[nodiscard]] bool hold(demand work) { return book_.hold(work); }
  void release(demand work) { answer(book_.release(work)); }
  /// The handler of demand_ended, and of a producer's end.
  template <class Self>
  void forget(Self& self, const caf::actor_addr& address) {
    const auto known = producers_.find(address);
    if (known == producers_.end()) return;
    const auto producer = known->second;
    self.demonitor(address);
    producers_.erase(known);
    if (auto asked = waiting_.extract(producer))
      asked.mapped().deliver(caf::make_error(ec::cancelled, std::string{"the demand has ended"}));
    answer(book_.forget(producer));
  }
  /// Its actor has ended: a promise that nobody keeps would keep the actor alive.
  void close() {
    waiting_.clear();
    producers_.clear();
  }
  const grant_book& book() const { return book_; }
  /// Items that could be granted now.
  std::int64_t available_items() const {
    const auto used = book_.held().items + book_.promised().items;
    return used < book_.limit().items ? static_cast<std::int64_t>(book_.limit().items - used) : 0;
  }

 private:
  void answer(const std::vector<grant_book::granted>& served) {
    for (const auto& g : served)
      if (const auto found = waiting_.find(g.producer); found != waiting_.end()) {
        found->second.deliver(granted{g.total});
        waiting_.erase(found);
      }
  }

  grant_book book_;
  std::unordered_map<caf::actor_addr, grant_book::producer_id> producers_;
  grant_book::producer_id last_producer_ = 0;
  std::unordered_map<grant_book::producer_id, caf::typed_response_promise<granted>> waiting_;
};

}  // namespace millrace
