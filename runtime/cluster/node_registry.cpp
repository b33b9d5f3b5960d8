#include "runtime/cluster/node_registry.hpp"

#include <unistd.h>

#include "runtime/database/binary_rows.hpp"

namespace millrace {

namespace {

constexpr auto join_sql = R"sql(
insert into nodes as n (name, incarnation, address, roles, state, version, pid, capacity)
values ($1, nextval('node_incarnations'), $2, $3, 'running', $4, $5, $6)
on conflict (name) do update
set incarnation = excluded.incarnation, address = excluded.address, roles = excluded.roles, state = 'running',
    version = excluded.version, pid = excluded.pid, capacity = excluded.capacity,
    started_at = clock_timestamp(), heartbeat_at = clock_timestamp(), actors = null
returning incarnation)sql";

constexpr auto heartbeat_sql = R"sql(
update nodes set heartbeat_at = clock_timestamp(), state = $3 where name = $1 and incarnation = $2)sql";

constexpr auto leave_sql = R"sql(
update nodes set state = 'stopped', heartbeat_at = clock_timestamp(), actors = $3::jsonb
where name = $1 and incarnation = $2)sql";

constexpr auto nodes_sql = R"sql(
select coalesce(json_agg(n), '[]') from (
  select name as node, state, address, roles, capacity, version, pid, incarnation, started_at,
         round(extract(epoch from clock_timestamp() - heartbeat_at)::numeric, 1) as heartbeat_age_seconds,
         (select count(*) from queue_leases l where l.node = nodes.name) as documents,
         (select coalesce(json_agg(role order by role), '[]') from leaders l
          where l.node = nodes.name and l.incarnation = nodes.incarnation and nodes.state <> 'stopped') as leads
  from nodes order by name limit 1000) n)sql";

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

}  // namespace

result<std::int64_t> node_registry::join() {
  return pool_.transact(
      "heartbeat", [&](pqxx::work& tx, pooled_connection&) -> result<std::int64_t> {
        return tx
            .exec_params1(join_sql, self_.name, self_.address, text_array_parameter(self_.roles),
                          self_.version, static_cast<int>(getpid()), self_.capacity)[0]
            .as<std::int64_t>();
      });
}

result<void> node_registry::heartbeat(std::int64_t incarnation, node_state state) {
  return pool_.transact("heartbeat", [&](pqxx::work& tx, pooled_connection& c) -> result<void> {
    c.prepare("node_heartbeat", heartbeat_sql);
    if (tx.exec_prepared("node_heartbeat", self_.name, incarnation, to_string(state))
            .affected_rows() == 1)
      return {};
    return fail(ec::stale_token,
                "another process runs as node `" + self_.name + "`; this one stops");
  });
}

result<void> node_registry::leave(std::int64_t incarnation, const std::string& actors_json) {
  return pool_.transact("heartbeat", [&](pqxx::work& tx, pooled_connection&) -> result<void> {
    tx.exec_params0(leave_sql, self_.name, incarnation, actors_json);
    return {};
  });
}

result<std::string> nodes_json(connection_pool& pool) {
  return pool.transact("status", [&](pqxx::work& tx, pooled_connection&) -> result<std::string> {
    return std::string{tx.exec1(nodes_sql)[0].c_str()};
  });
}

result<std::string> last_actors_json(connection_pool& pool) {
  return pool.transact("status", [&](pqxx::work& tx, pooled_connection&) -> result<std::string> {
    const auto rows = tx.exec(last_actors_sql);
    return rows.empty() ? std::string{"[]"} : std::string{rows[0][0].c_str()};
  });
}

}  // namespace millrace
