#include "runtime/cluster/leadership.hpp"

namespace millrace {

namespace {

constexpr auto campaign_sql = R"sql(
insert into leaders as l (role, node, incarnation, epoch)
values ($1, $2, $3, 1)
on conflict (role) do update
set node = excluded.node, incarnation = excluded.incarnation, renewed_at = clock_timestamp(),
    epoch = l.epoch + case when l.node = excluded.node and l.incarnation = excluded.incarnation then 0 else 1 end
where (l.node = excluded.node and l.incarnation <= excluded.incarnation)
   or l.renewed_at < clock_timestamp() - $4::bigint * interval '1 millisecond'
   or not exists (select from nodes n
                  where n.name = l.node and n.incarnation = l.incarnation and n.state <> 'stopped')
returning epoch)sql";

constexpr auto check_sql = R"sql(
select 1 from leaders where role = $1 and node = $2 and incarnation = $3 and epoch = $4 for share)sql";

}  // namespace

result<std::optional<leader_term>> campaign(connection_pool& pool, const std::string& role,
                                            const std::string& node, std::int64_t incarnation,
                                            duration lifetime) {
  return pool.transact(
      "leadership",
      [&](pqxx::work& tx, pooled_connection& c) -> result<std::optional<leader_term>> {
        c.prepare("leadership_campaign", campaign_sql);
        const auto rows = tx.exec_prepared("leadership_campaign", role, node, incarnation,
                                           static_cast<std::int64_t>(lifetime.count()));
        if (rows.empty()) return std::optional<leader_term>{};
        return std::optional{leader_term{role, node, incarnation, rows[0][0].as<std::int64_t>()}};
      });
}

result<void> check_term(pqxx::work& tx, const leader_term& term) {
  if (!tx.exec_params(check_sql, term.role, term.node, term.incarnation, term.epoch).empty())
    return {};
  return fail(ec::stale_token,
              "this node no longer leads the role " + term.role + "; nothing was written");
}

}  // namespace millrace
