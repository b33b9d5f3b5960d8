// What may happen to a dataset at once, each as its own transactions of the product, and the states
// of a dataset that it may happen in.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "runtime/cluster/leadership.hpp"
#include "runtime/commit/group_commit.hpp"
#include "runtime/database/pool.hpp"
#include "runtime/queue/queue.hpp"

namespace millrace::interleaving {

/// How far the dataset `d` has come when two operations meet.
enum class stage {
  working,    ///< Documents wait, are in work, and are overdue.
  last,       ///< One document is in work, all others have ended.
  unwritten,  ///< All have ended; its status does not say so yet.
  ended,      ///< Its status says so.
};
const char* to_string(stage s);

/// One dataset and what operations need to know of it.
struct scene {
  std::int64_t dataset = 0;
  std::int64_t charge = 0;    ///< Of ten documents that no dataset owns.
  std::vector<lease> leases;  ///< Held by the node "a"; none if all have ended.
  leader_term term;
};

/// Who runs an operation: two sessions do different things with the same rows.
enum class side { first, second };

struct operation {
  const char* name;
  ec (*run)(connection_pool&, const scene&, side);
  std::set<ec> expected;  ///< How it may end, depending on what came before.
  bool needs_leases = false;
};
const std::vector<operation>& operations();

/// Of documents that fail or lose their holders.
inline constexpr int max_attempts = 3;
inline constexpr int max_losses = 4;

/// `sql`: a superuser's session. Empties the database (but for nodes and leaders) and plays the
/// dataset up to `s`.
scene set_up(sql::connection& sql, connection_pool& pool, const leader_term& term, stage s);

/// Reads all that is left to read, as a cluster would, and writes all statuses.
void settle(sql::connection& sql, connection_pool& pool, const scene& at);

}  // namespace millrace::interleaving
