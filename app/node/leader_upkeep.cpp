#include "app/node/leader_upkeep.hpp"

#include "runtime/cluster/node_registry.hpp"
#include "runtime/datasets/progress.hpp"
#include "runtime/datasets/reopen.hpp"

namespace millrace {

namespace {

/// Dead rows of the queue's tables are what makes claims slow.
constexpr auto vacuum_interval = std::chrono::seconds{2};
/// Checkpoints that are left behind only cost space.
constexpr auto sweep_interval = std::chrono::minutes{1};
constexpr std::chrono::minutes fold_interval{10};
/// Costs as much as a rescan of the queue; only nodes of an older version leave something to do.
constexpr std::chrono::minutes reopen_interval{1};
constexpr std::chrono::hours forget_interval{1};

}  // namespace

std::vector<maintenance_job> leader_upkeep(connection_pool& pool, std::shared_ptr<queue> source,
                                           const checkpoint_store& store) {
  return {{"vacuuming the queue", vacuum_interval,
           [from = std::move(source)] { return from->vacuum().map([](bool) {}); }},
          {"sweeping checkpoints", sweep_interval,
           [from = store]() mutable { return from.sweep().map([](std::int64_t) {}); }},
          {"adding up what nodes that are gone had counted", fold_interval,
           [&pool] { return fold_progress(pool).map([](std::int64_t) {}); }},
          {"opening datasets that ended with work left", reopen_interval,
           [&pool] { return reopen_datasets(pool).map([](std::int64_t) {}); }},
          {"removing the rows of nodes that are gone for long", forget_interval,
           [&pool] { return remove_gone_nodes(pool).map([](std::int64_t) {}); }}};
}

}  // namespace millrace
