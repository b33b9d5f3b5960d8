#include "actors/ledger.hpp"

namespace millrace {

ledger_actor_impl::ledger_actor_impl(caf::actor_config& config, actor_place place, ledger_config s)
    : bounded_actor{config, std::move(place)}, config_{std::move(s)} {}

ledger_actor_impl::behavior_type ledger_actor_impl::make_behavior() {
  return {
      [this](const deduct_credits& m) {
        return run("batch_deduction", m.order, ledger::deduct_batch);
      },
      [this](const refund_credits& m) { return run("refund", m.order, ledger::refund); },
      [this](const grant_credits& m) { return run("grant", m.order, ledger::grant); },
  };
}

template <class Order>
caf::result<ledger::receipt> ledger_actor_impl::run(const char* type, const Order& order,
                                                    result<ledger::receipt> (*move)(sql::work&,
                                                                                    const Order&)) {
  auto receipt = config_.pool->transact(
      "ledger", [&](sql::work& tx, pooled_connection&) -> result<ledger::receipt> {
        if (auto leads = check_term(tx, config_.term); !leads)
          return tl::unexpected<error>(leads.error());
        return move(tx, order);
      });
  if (!receipt) return to_caf(receipt.error());
  if (!receipt->replayed) config_.counters->ledger_transactions_total(type).Increment();
  return *receipt;
}

}  // namespace millrace
