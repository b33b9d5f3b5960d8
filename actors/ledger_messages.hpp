// Orders to the ledger, from this node or another, and its answer. Registered with the others in
// messages.hpp.
#pragma once

#include <caf/all.hpp>

#include "runtime/ledger/ledger.hpp"

namespace millrace {

struct deduct_credits {
  ledger::deduction order;
};
struct grant_credits {
  ledger::grant_order order;
};
struct refund_credits {
  ledger::refund_order order;
};

namespace ledger {
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, receipt& x) {
  return f(caf::meta::type_name("millrace::ledger::receipt"), x.transaction_id, x.amount, x.balance,
           x.replayed);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, deduction& x) {
  return f(caf::meta::type_name("millrace::ledger::deduction"), x.account, x.documents,
           x.cost_per_document, x.description, x.dataset_id, x.idempotency_key, x.transaction_id);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, grant_order& x) {
  return f(caf::meta::type_name("millrace::ledger::grant_order"), x.account, x.amount,
           x.description, x.idempotency_key);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, refund_order& x) {
  return f(caf::meta::type_name("millrace::ledger::refund_order"), x.transaction_id, x.failed_count,
           x.idempotency_key);
}
}  // namespace ledger

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, deduct_credits& x) {
  return f(caf::meta::type_name("millrace::deduct_credits"), x.order);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, grant_credits& x) {
  return f(caf::meta::type_name("millrace::grant_credits"), x.order);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, refund_credits& x) {
  return f(caf::meta::type_name("millrace::refund_credits"), x.order);
}

}  // namespace millrace
