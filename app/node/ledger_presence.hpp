// Whether an order of credits given now would be answered: part of what /readyz promises.
//
// set() from any thread; check() blocks (SQL).
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "actors/ledger_orders.hpp"
#include "app/api/services.hpp"
#include "runtime/database/pool.hpp"

namespace millrace {

class ledger_presence {
 public:
  using clock = std::chrono::steady_clock;

  /// `has_link`: this node can reach the ledger of another one.
  ledger_presence(std::string node, bool has_link,
                  duration order_limit = ledger_orders::default_limit)
      : node_{std::move(node)}, has_link_{has_link}, order_limit_{order_limit} {}

  /// A ledger is known that takes orders, or no longer.
  void set(bool leads);

  /// Not ok: the cluster has a ledger, and this node has not found it since its start, or has been
  /// without it for longer than orders wait. Ok, and said in words: no node of the cluster has the
  /// role, or none that a node without a link could reach. Waiting would not change that, and a
  /// node that works on documents does not need it.
  readiness_check check(connection_pool& pool) const;

 private:
  const std::string node_;
  const bool has_link_;
  const duration order_limit_;
  mutable std::mutex mutex_;
  bool leads_ = false;
  std::optional<clock::time_point> lost_at_;
};

}  // namespace millrace
