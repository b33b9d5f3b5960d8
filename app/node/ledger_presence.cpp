#include "app/node/ledger_presence.hpp"

#include "runtime/cluster/node_registry.hpp"

namespace millrace {

namespace {

constexpr auto check_name = "ledger";

}  // namespace

void ledger_presence::set(bool leads) {
  const std::lock_guard lock{mutex_};
  if (leads_ && !leads) lost_at_ = clock::now();
  leads_ = leads;
}

readiness_check ledger_presence::check(connection_pool& pool) const {
  {
    const std::lock_guard lock{mutex_};
    if (leads_) return {check_name, true, ""};
    if (lost_at_ && clock::now() - *lost_at_ < order_limit_)
      return {check_name, true, "another ledger takes over; orders wait for it"};
  }
  const auto holders = holders_of(pool, "ledger", node_);
  if (!holders) return {check_name, false, holders.error().message};
  if (!holders->any)
    return {check_name, true,
            "no node of the cluster has the role `ledger`: orders of credits are answered timeout"};
  if (!has_link_ && !holders->other_leader.empty())
    return {check_name, true,
            "node `" + holders->other_leader +
                "` keeps the ledger, and this node has no link to it: orders of credits given here "
                "are answered timeout"};
  return {check_name, false, "this node knows of no ledger that leads yet"};
}

}  // namespace millrace
