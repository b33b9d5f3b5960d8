#include "app/node/node_metrics.hpp"

#include <algorithm>
#include <map>

#include "runtime/cluster/node_registry.hpp"

namespace millrace {

namespace {

using kind = metrics::kind;
using labels = metrics::label_map;

/// Sums one number of every actor by role.
template <class Get>
metrics::sampler by_role(const actor_directory& actors, Get get) {
  return [&actors, get](const metrics::setter& set) {
    std::map<std::string, double> sums;
    for (const auto& probe : actors.list()) sums[probe->role] += static_cast<double>(get(*probe));
    for (const auto& [role, sum] : sums) set({{"role", role}}, sum);
  };
}

void add_actor_metrics(metrics& into, const actor_directory& actors) {
  into.collect(kind::gauge, "millrace_mailbox_depth", "Requests waiting in mailboxes.",
               by_role(actors, [](const actor_probe& p) { return std::max(0, p.depth.load()); }));
  into.collect(kind::gauge, "millrace_mailbox_limit",
               "Requests that the mailboxes of a role may hold.",
               by_role(actors, [](const actor_probe& p) { return p.limit; }));
  into.collect(kind::counter, "millrace_mailbox_rejected_total",
               "Requests refused: a mailbox was full, or they were not granted.",
               by_role(actors, [](const actor_probe& p) { return p.rejected.load(); }));
  into.collect(kind::counter, "millrace_backpressure_seconds_total",
               "Time that actors waited for a grant.", by_role(actors, [](const actor_probe& p) {
                 return static_cast<double>(p.backpressure_nanoseconds.load()) * 1e-9;
               }));
  into.collect(kind::gauge, "millrace_slots", "Document and image actors by what they do.",
               [&actors](const metrics::setter& set) {
                 std::map<std::pair<std::string, std::string>, double> slots;
                 for (const auto& probe : actors.list())
                   if (probe->role == "document" || probe->role == "image")
                     ++slots[{probe->role, probe->current().state}];
                 for (const auto& [slot, count] : slots)
                   set({{"role", slot.first}, {"state", slot.second}}, count);
               });
  into.collect(
      kind::gauge, "millrace_demand_available",
      "Items that consumers would take now (queue_puller: leases that document actors wait for).",
      [&actors](const metrics::setter& set) {
        for (const auto& probe : actors.list())
          if (gives_demand(*probe))
            set({{"role", probe->role}}, static_cast<double>(probe->demand_available.load()));
      });
  into.collect(
      kind::counter, "millrace_actor_restarts_total", "Actors that died and were started again.",
      [&actors](const metrics::setter& set) { set({}, static_cast<double>(actors.restarts())); });
  const auto histogram = [&](const char* name, const char* help,
                             latency_histogram actor_probe::*member) {
    into.collect_latency(name, help, [&actors, member](const metrics::latency_setter& set) {
      std::map<std::string, latency_snapshot> merged;
      for (const auto& probe : actors.list())
        merged[probe->role].merge(((*probe).*member).snapshot());
      for (const auto& [role, held] : merged) set({{"role", role}}, held);
    });
  };
  histogram("millrace_message_handling_seconds", "Time an actor takes for a message.",
            &actor_probe::handling);
  histogram("millrace_mailbox_wait_seconds", "Time a request waits in a mailbox (sampled).",
            &actor_probe::waiting);
}

void add_queue_metrics(metrics& into, queue_gauge& gauge, const lease_book& book) {
  into.collect(kind::gauge, "millrace_queue_depth", "Documents in the queue by state.",
               [&gauge](const metrics::setter& set) {
                 const auto counts = gauge.read();
                 if (!counts) return;
                 set({{"state", "ready"}}, static_cast<double>(counts->ready));
                 set({{"state", "delayed"}}, static_cast<double>(counts->delayed));
                 set({{"state", "leased"}}, static_cast<double>(counts->leased));
                 set({{"state", "dead"}}, static_cast<double>(counts->dead));
               });
  into.collect(kind::gauge, "millrace_queue_oldest_ready_seconds",
               "Age of the oldest document that could be claimed.",
               [&gauge](const metrics::setter& set) {
                 if (const auto counts = gauge.read()) set({}, counts->oldest_ready_seconds);
               });
  into.collect(kind::gauge, "millrace_leases", "Leases of this node by who has them.",
               [&book](const metrics::setter& set) {
                 const auto held = book.count();
                 set({{"holder", "queue_puller"}}, static_cast<double>(held.buffered));
                 set({{"holder", "document"}}, static_cast<double>(held.delivered));
                 set({{"holder", "committer"}}, static_cast<double>(held.handed_over));
               });
}

void add_extractor_metrics(metrics& into, const extractor_pool& extractors) {
  const auto& stats = extractors.stats();
  into.collect(kind::gauge, "millrace_extractor_processes", "Extractor processes by state.",
               [&stats](const metrics::setter& set) {
                 set({{"state", "idle"}}, static_cast<double>(stats.idle.load()));
                 set({{"state", "busy"}}, static_cast<double>(stats.busy.load()));
               });
  into.collect(kind::gauge, "millrace_extractor_memory_bytes", "Sum of the memory caps in use.",
               [&stats](const metrics::setter& set) {
                 set({}, static_cast<double>(stats.memory_bytes.load()));
               });
  into.collect(kind::counter, "millrace_extractor_kills_total",
               "Extractor processes that ended before their time.",
               [&stats](const metrics::setter& set) {
                 set({{"reason", "timeout"}}, static_cast<double>(stats.kills_timeout.load()));
                 set({{"reason", "memory"}}, static_cast<double>(stats.kills_memory.load()));
                 set({{"reason", "crash"}}, static_cast<double>(stats.crashes.load()));
               });
  into.collect(kind::counter, "millrace_extractor_escalations_total",
               "Documents that died of memory and were tried again with more.",
               [&stats](const metrics::setter& set) {
                 set({}, static_cast<double>(stats.escalations.load()));
               });
}

void add_embedding_metrics(metrics& into, const embedding_stats& stats) {
  into.collect(
      kind::counter, "millrace_embed_requests_total",
      "Requests to the embedding provider by outcome.", [&stats](const metrics::setter& set) {
        set({{"outcome", "ok"}}, static_cast<double>(stats.requests_ok.load()));
        set({{"outcome", "throttled"}}, static_cast<double>(stats.requests_throttled.load()));
        set({{"outcome", "failed"}}, static_cast<double>(stats.requests_failed.load()));
        set({{"outcome", "rejected"}}, static_cast<double>(stats.requests_rejected.load()));
      });
  into.collect(
      kind::counter, "millrace_embed_tokens_total", "Tokens that the embedding provider counted.",
      [&stats](const metrics::setter& set) { set({}, static_cast<double>(stats.tokens.load())); });
  into.collect(kind::counter, "millrace_embed_throttled_seconds_total",
               "Time requests waited for a rate limit.", [&stats](const metrics::setter& set) {
                 set({}, static_cast<double>(stats.throttled_milliseconds.load()) / 1000);
               });
}

void add_cluster_metrics(metrics& into, connection_pool& pool) {
  const auto rows = [&pool](const char* sql, auto take) {
    return [&pool, sql, take](const metrics::setter& set) {
      (void)pool.transact("metrics", [&](sql::work& tx, pooled_connection&) -> result<int> {
        for (const auto& row : tx.exec(sql)) take(set, row);
        return 0;
      });
    };
  };
  into.collect(kind::gauge, "millrace_nodes",
               "Nodes by state; lost: without a heartbeat, and not stopped.",
               [&pool](const metrics::setter& set) {
                 const auto states = nodes_by_state(pool);
                 if (!states) return;
                 for (const auto* state : {"running", "draining", "lost"})
                   if (!states->contains(state)) set({{"state", state}}, 0);
                 for (const auto& [state, count] : *states)
                   set({{"state", state}}, static_cast<double>(count));
               });
  into.collect(
      kind::gauge, "millrace_leader", "Epoch of a role's leadership, by the node that holds it.",
      rows("select role, node, epoch from leaders",
           [](const metrics::setter& set, const sql::row& row) {
             set({{"role", row[0].c_str()}, {"node", row[1].c_str()}}, row[2].as<double>());
           }));
  into.collect(
      kind::gauge, "millrace_db_lock_waits", "Sessions of this database that wait for a lock now.",
      rows("select count(*) from pg_stat_activity where datname = current_database() "
           "and wait_event_type = 'Lock'",
           [](const metrics::setter& set, const sql::row& row) { set({}, row[0].as<double>()); }));
}

}  // namespace

void add_node_metrics(metrics& into, const node_sources& from) {
  add_cluster_metrics(into, *from.pool);
  add_actor_metrics(into, *from.actors);
  add_queue_metrics(into, *from.gauge, *from.book);
  add_extractor_metrics(into, *from.extractors);
  add_embedding_metrics(into, *from.embeddings);
  into.collect(kind::gauge, "millrace_db_connections", "Connections to the database by state.",
               [pool = from.pool](const metrics::setter& set) {
                 const auto stats = pool->stats();
                 set({{"state", "idle"}}, stats.idle);
                 set({{"state", "busy"}}, stats.busy);
                 set({{"state", "peak"}}, stats.peak);
               });
}

}  // namespace millrace
