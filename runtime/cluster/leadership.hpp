// Leadership of a singleton role is a row with an epoch that grows (invariant I6). A term is what
// its holder shows in each transaction that it writes as leader: the row is checked FOR SHARE
// there, so a takeover waits for it or makes it fail, never passes it by.
//
// Blocks. Only the database's clock counts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "runtime/core/error.hpp"
#include "runtime/database/pool.hpp"
#include "runtime/database/sql.hpp"

namespace millrace {

struct leader_term {
  std::string role;  ///< "ledger", "status_aggregator", "reaper".
  std::string node;
  std::int64_t incarnation = 0;
  std::int64_t epoch = 0;
};

/// Takes or renews the leadership of `role`. Nothing where another node holds it and renewed it
/// within `lifetime`. A leader whose node is stopped, or is an earlier incarnation of this one, is
/// replaced at once; one among `suspects` (names of nodes to which the link is lost) after
/// suspect_timeout without a heartbeat.
result<std::optional<leader_term>> campaign(connection_pool& pool, const std::string& role,
                                            const std::string& node, std::int64_t incarnation,
                                            duration lifetime,
                                            const std::vector<std::string>& suspects = {});

/// Gives the role up, where this term still holds: the next campaign of any node takes it at once.
result<void> resign(connection_pool& pool, const leader_term& term);

/// How long a leader's transaction waits for a lock at most (or database.lock_timeout, if that is
/// less).
inline constexpr duration leader_lock_timeout = std::chrono::seconds{2};

/// stale_token where the term is over. Holds the row until the transaction ends, which waits no
/// longer than leader_lock_timeout for any lock from here on.
result<void> check_term(sql::work& tx, const leader_term& term);

}  // namespace millrace
