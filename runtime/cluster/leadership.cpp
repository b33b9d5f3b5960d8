#include "runtime/cluster/leadership.hpp"

#include "runtime/cluster/node_registry.hpp"
#include "runtime/database/binary_rows.hpp"

namespace millrace {

namespace {

// Where a leadership `l` may be taken or renewed: parameters as campaign_sql's.
const std::string open_to_us = R"sql(
   (l.node = $2 and l.incarnation <= $3)
   or l.renewed_at < clock_timestamp() - $4::bigint * interval '1 millisecond'
   or not exists (select from nodes n
                  where n.name = l.node and n.incarnation = l.incarnation and n.state <> 'stopped'
                    and not (n.name = any($5::text[])
                             and n.heartbeat_at < clock_timestamp() - $6::bigint * interval '1 millisecond')))sql";

// The update would lock the row even if its condition is false, and wait for the leader's own
// transactions. All nodes ask every second, so they check without a lock first.
const auto taken_sql = "select from leaders l where role = $1::text and not (" + open_to_us + ")";

// A statement of its own. One that waited for a rival's campaign would see the rival as leader, but
// look for its node in an older snapshot, taken before the rival joined.
constexpr auto lock_sql = "select from leaders where role = $1 for no key update";

// The role's row, without a leader.
constexpr auto create_sql = R"sql(
insert into leaders (role, node, incarnation, epoch) values ($1, '', 0, 0) on conflict (role) do nothing)sql";

// After lock_sql, in the same transaction.
const auto campaign_sql = R"sql(
update leaders l
set node = $2, incarnation = $3, renewed_at = clock_timestamp(),
    epoch = l.epoch + case when l.node = $2 and l.incarnation = $3 then 0 else 1 end
where role = $1::text and ()sql" +
                          open_to_us + ") returning epoch";

// A name that no node can have: whoever campaigns next finds no such node.
constexpr auto resign_sql = R"sql(
update leaders set node = '', epoch = epoch + 1
where role = $1 and node = $2 and incarnation = $3 and epoch = $4)sql";

// A leader whose process is stopped holds the row for as long as a statement of its transaction may
// wait for a lock, and then until the server ends its idle transaction.
constexpr auto check_sql = R"sql(
select set_config('lock_timeout', ceil(1000 * extract(epoch from least(
         nullif(current_setting('lock_timeout')::interval, '0'), $5::bigint * interval '1 millisecond')))::text, true)
from leaders where role = $1 and node = $2 and incarnation = $3 and epoch = $4 for share)sql";

}  // namespace

result<std::optional<leader_term>> campaign(connection_pool& pool, const std::string& role,
                                            const std::string& node, std::int64_t incarnation,
                                            duration lifetime,
                                            const std::vector<std::string>& suspects) {
  return pool.transact(
      "leadership", [&](sql::work& tx, pooled_connection& c) -> result<std::optional<leader_term>> {
        c.prepare("leadership_taken", taken_sql);
        c.prepare("leadership_lock", lock_sql);
        c.prepare("leadership_campaign", campaign_sql);
        const auto ask = [&](const char* statement) {
          return tx.exec(
              sql::prepared{statement},
              sql::params{role, node, incarnation, static_cast<std::int64_t>(lifetime.count()),
                          text_array_parameter(suspects),
                          static_cast<std::int64_t>(suspect_timeout.count())});
        };
        if (!ask("leadership_taken").empty()) return std::optional<leader_term>{};
        if (tx.exec(sql::prepared{"leadership_lock"}, sql::params{role}).empty()) {
          tx.exec(create_sql, sql::params{role}).no_rows();
          tx.exec(sql::prepared{"leadership_lock"}, sql::params{role});
        }
        const auto rows = ask("leadership_campaign");
        if (rows.empty()) return std::optional<leader_term>{};
        return std::optional{leader_term{role, node, incarnation, rows[0][0].as<std::int64_t>()}};
      });
}

result<void> resign(connection_pool& pool, const leader_term& term) {
  return pool.transact("leadership", [&](sql::work& tx, pooled_connection&) -> result<void> {
    tx.exec(resign_sql, sql::params{term.role, term.node, term.incarnation, term.epoch}).no_rows();
    return {};
  });
}

result<void> check_term(sql::work& tx, const leader_term& term) {
  if (!tx.exec(check_sql, sql::params{term.role, term.node, term.incarnation, term.epoch,
                                      static_cast<std::int64_t>(leader_lock_timeout.count())})
           .empty())
    return {};
  return fail(ec::stale_token,
              "this node no longer leads the role " + term.role + "; nothing was written");
}

}  // namespace millrace
