// What the node that leads the reaper does for all, now and then: vacuums the queue's tables and
// removes or adds up what was left behind.
#pragma once

#include <memory>
#include <vector>

#include "runtime/checkpoints/checkpoint_store.hpp"
#include "runtime/cluster/maintenance.hpp"
#include "runtime/database/pool.hpp"
#include "runtime/queue/queue.hpp"

namespace millrace {

/// Several nodes may do these at once, so they check no epoch (I6): each is a VACUUM, or one
/// statement that finds what is left to do. The pool must outlive the jobs.
std::vector<maintenance_job> leader_upkeep(connection_pool& pool, std::shared_ptr<queue> source,
                                           const checkpoint_store& store);

}  // namespace millrace
