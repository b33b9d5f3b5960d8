// Where an actor grants demand: a grant_book whose asks are requests of CAF. Producers are
// monitored, so that the grant of one that dies is free again.
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
    const auto producer = self.current_sender()->id();
    if (!book_.knows(producer))
      self.monitor(caf::actor_cast<caf::actor_addr>(self.current_sender()));
    if (const auto total = book_.ask(producer, request.total)) return granted{*total};
    auto promise = self.template make_response_promise<granted>();
    waiting_[producer] = promise;
    return promise;
  }

  /// False: more than was granted.
  [[nodiscard]] bool spend(grant_book::producer_id producer, demand work) {
    return book_.spend(producer, work);
  }
  void release(demand work) { answer(book_.release(work)); }
  void forget(grant_book::producer_id producer) {
    waiting_.erase(producer);
    answer(book_.forget(producer));
  }
  /// Its actor has ended: a promise that nobody keeps would keep the actor alive.
  void close() { waiting_.clear(); }
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
  std::unordered_map<grant_book::producer_id, caf::typed_response_promise<granted>> waiting_;
};

}  // namespace millrace
