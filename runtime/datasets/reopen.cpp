#include "runtime/datasets/reopen.hpp"

#include <vector>

#include "runtime/database/binary_rows.hpp"

namespace millrace {

namespace {

// One step per dataset that has rows in the queue: a skip-scan over its primary key. The counts
// are read again by the next one, once the datasets are locked.
constexpr auto lock_sql = R"sql(
with recursive walk as (
  (select dataset_id from queue_ready order by dataset_id limit 1)
  union all
  select (select q.dataset_id from queue_ready q where q.dataset_id > w.dataset_id order by q.dataset_id limit 1)
  from walk w where w.dataset_id is not null),
with_work as materialized (
  select dataset_id from walk where dataset_id is not null union select dataset_id from queue_leases)
select s.id from datasets s join with_work w on w.dataset_id = s.id
where s.status in ('ready', 'failed')
  and s.total > (select coalesce(sum(p.ready + p.failed + p.cancelled), 0) from dataset_progress p
                 where p.dataset_id = s.id)
order by s.id limit $1 for no key update of s skip locked)sql";

constexpr auto reopen_sql = R"sql(
update datasets s set status = 'processing', finished_at = null, updated_at = clock_timestamp()
where s.id = any($1::bigint[])
  and s.total > (select coalesce(sum(p.ready + p.failed + p.cancelled), 0) from dataset_progress p
                 where p.dataset_id = s.id))sql";

}  // namespace

result<std::int64_t> reopen_datasets(connection_pool& pool) {
  return pool.transact("status", [](sql::work& tx, pooled_connection&) -> result<std::int64_t> {
    std::vector<std::int64_t> ids;
    for (const auto& row : tx.exec(lock_sql, sql::params{max_reopened}))
      ids.push_back(row[0].as<std::int64_t>());
    if (ids.empty()) return 0;
    const auto reopened =
        tx.exec(reopen_sql, sql::params{int8_array_parameter(ids)}).affected_rows();
    if (reopened > 0) tx.exec("notify millrace_queue").no_rows();
    return static_cast<std::int64_t>(reopened);
  });
}

}  // namespace millrace
