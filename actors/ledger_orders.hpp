// Orders of credits on their way from this node's API to the ledger, on whichever node it is: an
// order waits for a ledger that leads, is sent to it, and is answered within one limit that counts
// from its arrival. What was not answered by then, or was sent to a ledger that ended, is answered
// ec::timeout: repeated with the same idempotency key it is carried out once, whatever became of
// it before.
//
// Part of the supervisor, in its thread. Holds at most max_open orders; one more is answered
// ec::mailbox_full.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <variant>

#include "actors/actors.hpp"
#include "config/settings.hpp"

namespace millrace {

class ledger_orders {
 public:
  using order = std::variant<deduct_credits, refund_credits, grant_credits>;
  using promise = caf::typed_response_promise<ledger::receipt>;

  static constexpr duration default_limit = std::chrono::seconds{10};
  static constexpr std::size_t max_open = 1024;
  /// How often the limits of open orders are looked at: an answer may be late by this.
  static constexpr duration look_interval = std::chrono::milliseconds{100};

  /// `self` sends the orders and gets tick_atom each look_interval while orders are open.
  ledger_orders(supervisor_actor::base& self, duration limit) : self_{self}, limit_{limit} {}

  void take(order what, promise answer);
  /// `leads`: the ledger that leads now as far as this node knows; null while there is none.
  void use(const ledger_actor& leads);
  /// Answers the orders that were sent to ledgers which are not there any more.
  void forget_unless(const std::function<bool(const ledger_actor&)>& is_there);
  void tick();
  /// Answers all and drops the handle.
  void close();

 private:
  struct open_order {
    order what;
    promise answer;
    caf::actor_clock::time_point due;
    ledger_actor sent_to = {};     ///< Null: it waits for a ledger.
    ledger_actor refused_by = {};  ///< Did not lead any more when it got the order.
  };

  void send(std::uint64_t id);
  void answered(std::uint64_t id, const ledger::receipt& receipt);
  void refused(std::uint64_t id, const caf::error& why);

  supervisor_actor::base& self_;
  duration limit_;
  ledger_actor ledger_;
  std::map<std::uint64_t, open_order> open_;  ///< By age.
  std::uint64_t last_id_ = 0;
  bool ticking_ = false;
};

}  // namespace millrace
