#include "runtime/cluster/node_registry.hpp"

#include <thread>

#include <unistd.h>

#include "runtime/database/binary_rows.hpp"

namespace millrace {

namespace {

constexpr std::chrono::milliseconds beat_look_interval{250};

constexpr auto join_sql = R"sql(
insert into nodes as n (name, incarnation, address, roles, state, version, pid, capacity, protocol, link_id)
values ($1, nextval('node_incarnations'), $2, $3, 'running', $4, $5, $6, $7, $8)
on conflict (name) do update
set incarnation = excluded.incarnation, address = excluded.address, roles = excluded.roles, state = 'running',
    version = excluded.version, pid = excluded.pid, capacity = excluded.capacity, protocol = excluded.protocol,
    link_id = excluded.link_id,
    started_at = clock_timestamp(), heartbeat_at = clock_timestamp(), actors = null
returning incarnation)sql";

constexpr auto heartbeat_sql = R"sql(
update nodes set heartbeat_at = clock_timestamp(), state = $3 where name = $1 and incarnation = $2)sql";

constexpr auto enter_sql = R"sql(
insert into cluster (name) values ($1) on conflict do nothing)sql";

// What the pool's transactions see of others: rows that are committed.
const auto live = "state <> 'stopped' and heartbeat_at > clock_timestamp() - interval '" +
                  std::to_string(heartbeat_timeout.count()) + " milliseconds'";

const auto rival_sql =
    "select name, incarnation, address, version, protocol from nodes where " + live + R"sql(
  and ((name = $1 and address not in ('', $2)) or (name <> $1 and $3 <> '' and link_id = $3))
limit 1)sql";

const auto peers_sql = "select name, incarnation, address, version, protocol from nodes where " +
                       live + " and name <> $1 and address <> '' order by name limit " +
                       std::to_string(node_registry::max_peers);

const auto distant_sql = "select name from nodes where " + live + R"sql(
  and address <> '' and address !~ '^(127[.]|localhost:|\[::1\])' limit 1)sql";

const auto holders_sql = R"sql(
select exists (select from nodes where roles && array[$1, 'all']::text[] and )sql" +
                         live + R"sql(),
       coalesce((select name from nodes join leaders l on l.node = name and l.incarnation = nodes.incarnation
                 where l.role = $1 and name <> $2 and )sql" +
                         live + "), '')";

constexpr auto leave_sql = R"sql(
update nodes set state = 'stopped', heartbeat_at = clock_timestamp(), actors = $3::jsonb
where name = $1 and incarnation = $2)sql";

const auto shown_state =
    "case when state <> 'stopped' and not (" + live + ") then 'lost' else state end";

const auto nodes_sql =
    R"sql(
select coalesce(json_agg(n), '[]') from (
  select name as node, )sql" +
    shown_state + R"sql( as state, address, roles, capacity, version, pid, incarnation, started_at,
         round(extract(epoch from clock_timestamp() - heartbeat_at)::numeric, 1) as heartbeat_age_seconds,
         coalesce(held.documents, 0) as documents,
         (select coalesce(json_agg(role order by role), '[]') from leaders l
          where l.node = nodes.name and l.incarnation = nodes.incarnation and nodes.state <> 'stopped') as leads
  from nodes left join (select node, count(*) as documents from queue_leases group by node) held on held.node = nodes.name
  order by state = 'stopped', name limit )sql" +
    std::to_string(max_shown_nodes) + ") n";

const auto state_sql = "select " + shown_state + " from nodes where name = $1";

const auto states_sql = "select " + shown_state + ", count(*) from nodes group by 1";

const auto gone_sql = R"sql(
with gone as materialized (
  select name from nodes n
  where heartbeat_at < clock_timestamp() - interval ')sql" +
                      std::to_string(gone_age.count()) + R"sql( hours'
    and not exists (select from queue_leases l where l.node = n.name)
  order by name for update of n skip locked)
delete from nodes n using gone g where n.name = g.name)sql";

constexpr auto beat_sql =
    "select heartbeat_at::text from nodes where name = $1 and incarnation = $2";

constexpr auto cluster_sql = R"sql(
select json_build_object('cluster', (select name from cluster),
                         'documents_ended', (select coalesce(sum(ready + failed), 0)::bigint from dataset_progress)))sql";

constexpr auto last_actors_sql = R"sql(
select actors from nodes where actors is not null order by heartbeat_at desc limit 1)sql";

const char* to_string(node_state state) {
  switch (state) {
    case node_state::running:
      return "running";
    case node_state::draining:
      return "draining";
    case node_state::stopped:
      return "stopped";
  }
  return "running";
}

node_row to_node_row(const sql::row& r) {
  return {r[0].as<std::string>(), r[1].as<std::int64_t>(), r[2].as<std::string>(),
          r[3].as<std::string>(), r[4].as<int>()};
}

}  // namespace

result<void> node_registry::enter_cluster(const std::string& cluster) {
  return pool_.transact("heartbeat", [&](sql::work& tx, pooled_connection&) -> result<void> {
    tx.exec(enter_sql, sql::params{cluster}).no_rows();
    const auto known = tx.exec("select name from cluster").one_row()[0].as<std::string>();
    if (known == cluster) return {};
    return fail(ec::invalid_config,
                "the database belongs to the cluster `" + known + "`, and this config is of `" +
                    cluster + "`; use its own database, or set cluster.name = \"" + known + "\"");
  });
}

result<std::optional<node_row>> node_registry::rival() {
  return pool_.transact(
      "heartbeat", [&](sql::work& tx, pooled_connection&) -> result<std::optional<node_row>> {
        const auto rows = tx.exec(rival_sql, sql::params{self_.name, self_.address, self_.link_id});
        if (rows.empty()) return std::optional<node_row>{};
        return std::optional{to_node_row(rows[0])};
      });
}

result<bool> node_registry::beats(const node_row& of, duration patience) {
  const auto last_beat = [&] {
    return pool_.transact(
        "heartbeat", [&](sql::work& tx, pooled_connection&) -> result<std::string> {
          const auto rows = tx.exec(beat_sql, sql::params{of.name, of.incarnation});
          return rows.empty() ? std::string{} : rows[0][0].as<std::string>();
        });
  };
  const auto first = last_beat();
  if (!first) return tl::unexpected<error>(first.error());
  const auto end = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(beat_look_interval);
    const auto now = last_beat();
    if (!now) return tl::unexpected<error>(now.error());
    if (*now != *first) return !now->empty();
  }
  return false;
}

result<std::int64_t> node_registry::join() {
  return pool_.transact(
      "heartbeat", [&](sql::work& tx, pooled_connection&) -> result<std::int64_t> {
        return tx
            .exec(join_sql,
                  sql::params{self_.name, self_.address, text_array_parameter(self_.roles),
                              self_.version, static_cast<int>(getpid()), self_.capacity,
                              self_.protocol, self_.link_id})
            .one_row()[0]
            .as<std::int64_t>();
      });
}

result<std::vector<node_row>> node_registry::heartbeat(std::int64_t incarnation, node_state state) {
  return pool_.transact(
      "heartbeat", [&](sql::work& tx, pooled_connection& c) -> result<std::vector<node_row>> {
        c.prepare("node_heartbeat", heartbeat_sql);
        c.prepare("node_peers", peers_sql);
        if (tx.exec(sql::prepared{"node_heartbeat"},
                    sql::params{self_.name, incarnation, to_string(state)})
                .affected_rows() != 1)
          return fail(ec::stale_token,
                      "another process runs as node `" + self_.name + "`; this one stops");
        std::vector<node_row> peers;
        if (self_.address.empty()) return peers;
        for (const auto& row : tx.exec(sql::prepared{"node_peers"}, sql::params{self_.name}))
          peers.push_back(to_node_row(row));
        return peers;
      });
}

result<void> node_registry::leave(std::int64_t incarnation, const std::string& actors_json) {
  return pool_.transact("heartbeat", [&](sql::work& tx, pooled_connection&) -> result<void> {
    tx.exec(leave_sql, sql::params{self_.name, incarnation, actors_json}).no_rows();
    return {};
  });
}

result<std::optional<std::string>> distant_node(connection_pool& pool) {
  return pool.transact(
      "status", [](sql::work& tx, pooled_connection&) -> result<std::optional<std::string>> {
        const auto rows = tx.exec(distant_sql);
        return rows.empty() ? std::nullopt : std::optional{rows[0][0].as<std::string>()};
      });
}

result<std::string> nodes_json(connection_pool& pool) {
  return pool.transact("status", [&](sql::work& tx, pooled_connection&) -> result<std::string> {
    return std::string{tx.exec(nodes_sql).one_row()[0].c_str()};
  });
}

result<std::optional<std::string>> node_state_of(connection_pool& pool, const std::string& name) {
  using state = std::optional<std::string>;
  return pool.transact("status", [&](sql::work& tx, pooled_connection&) -> result<state> {
    const auto rows = tx.exec(state_sql, sql::params{name});
    return rows.empty() ? state{} : state{rows[0][0].as<std::string>()};
  });
}

result<role_holders> holders_of(connection_pool& pool, const std::string& role,
                                const std::string& self) {
  return pool.transact("status", [&](sql::work& tx, pooled_connection&) -> result<role_holders> {
    const auto row = tx.exec(holders_sql, sql::params{role, self}).one_row();
    return role_holders{row[0].as<bool>(), row[1].as<std::string>()};
  });
}

result<std::map<std::string, std::int64_t>> nodes_by_state(connection_pool& pool) {
  using counts = std::map<std::string, std::int64_t>;
  return pool.transact("metrics", [&](sql::work& tx, pooled_connection&) -> result<counts> {
    counts found;
    for (const auto& row : tx.exec(states_sql))
      found[row[0].as<std::string>()] = row[1].as<std::int64_t>();
    return found;
  });
}

result<std::int64_t> remove_gone_nodes(connection_pool& pool) {
  return pool.transact("heartbeat", [&](sql::work& tx, pooled_connection&) -> result<std::int64_t> {
    return static_cast<std::int64_t>(tx.exec(gone_sql).no_rows().affected_rows());
  });
}

result<std::string> cluster_json(connection_pool& pool) {
  return pool.transact("status", [&](sql::work& tx, pooled_connection&) -> result<std::string> {
    return std::string{tx.exec(cluster_sql).one_row()[0].c_str()};
  });
}

result<std::string> last_actors_json(connection_pool& pool) {
  return pool.transact("status", [&](sql::work& tx, pooled_connection&) -> result<std::string> {
    const auto rows = tx.exec(last_actors_sql);
    return rows.empty() ? std::string{"[]"} : std::string{rows[0][0].c_str()};
  });
}

}  // namespace millrace
