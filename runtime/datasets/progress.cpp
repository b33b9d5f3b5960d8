#include "runtime/datasets/progress.hpp"

#include "runtime/database/binary_rows.hpp"

namespace millrace {

namespace {

constexpr auto read_sql = R"sql(
select s.id, s.name, s.status, s.total, coalesce(sum(p.ready), 0)::bigint, coalesce(sum(p.failed), 0)::bigint,
       coalesce(sum(p.cancelled), 0)::bigint, coalesce(sum(p.chunks), 0)::bigint,
       coalesce(sum(p.images), 0)::bigint, coalesce(sum(p.tokens), 0)::bigint
from datasets s left join dataset_progress p on p.dataset_id = s.id
where case when $1::bigint is null then s.status = 'processing' else s.id = $1 end
group by s.id)sql";

// A statement of its own, because READ COMMITTED takes a snapshot per statement. A statement that
// waits for a locked row then sees the new version of that row, but everything else as of its own
// start. Sums read in the same statement could miss the submission or retry that it waited for, and
// would end a dataset that has work again.
constexpr auto lock_sql =
    "select from datasets where id = any($1::bigint[]) order by id for no key update";

// After lock_sql, in the same transaction.
constexpr auto write_sql = R"sql(
with sums as (
  select s.id, s.total, s.status, coalesce(sum(p.ready), 0)::bigint as ready,
         coalesce(sum(p.failed), 0)::bigint as failed, coalesce(sum(p.cancelled), 0)::bigint as cancelled
  from datasets s left join dataset_progress p on p.dataset_id = s.id
  where s.id = any($1::bigint[])
  group by s.id),
decided as (
  select *, status = 'processing' and ready + failed + cancelled >= total as ended from sums)
update datasets s
set ready = d.ready, failed = d.failed, cancelled = d.cancelled, updated_at = clock_timestamp(),
    status = case when not d.ended then d.status
                  when d.ready = 0 and d.failed > 0 then 'failed'
                  else 'ready' end,
    finished_at = case when d.ended then clock_timestamp() else s.finished_at end
from decided d
where s.id = d.id
returning s.id, s.status)sql";

// Locks the datasets first (shared, which excludes a cancel and a delete: they lock the rows in
// another order), then the rows. Rows that somebody else has locked are skipped until the next run.
constexpr auto fold_sql = R"sql(
with found as materialized (
  select p.dataset_id, p.node from dataset_progress p
  where p.node <> 'submit'
    and not exists (select from nodes n where n.name = p.node
                    and n.heartbeat_at >= clock_timestamp() - $1::bigint * interval '1 second')
  limit $2),
alive as materialized (
  select id from datasets where id in (select dataset_id from found) order by id for key share skip locked),
old as materialized (
  select p.dataset_id, p.node
  from dataset_progress p
  join found f on f.dataset_id = p.dataset_id and f.node = p.node
  join alive a on a.id = p.dataset_id
  order by p.dataset_id, p.node for update of p skip locked),
gone as (
  delete from dataset_progress p using old o where p.dataset_id = o.dataset_id and p.node = o.node returning p.*),
sums as (
  select dataset_id, sum(ready) as ready, sum(failed) as failed, sum(cancelled) as cancelled, sum(chunks) as chunks,
         sum(images) as images, sum(tokens) as tokens, sum(refunded) as refunded, count(*) as rows
  from gone group by dataset_id),
kept as (
  insert into dataset_progress as p (dataset_id, node, ready, failed, cancelled, chunks, images, tokens, refunded)
  select dataset_id, 'submit', ready, failed, cancelled, chunks, images, tokens, refunded
  from sums order by dataset_id
  on conflict (dataset_id, node) do update
  set ready = p.ready + excluded.ready, failed = p.failed + excluded.failed,
      cancelled = p.cancelled + excluded.cancelled, chunks = p.chunks + excluded.chunks,
      images = p.images + excluded.images, tokens = p.tokens + excluded.tokens,
      refunded = p.refunded + excluded.refunded)
select coalesce(sum(rows), 0)::bigint from sums)sql";

dataset_progress from_row(const sql::row& row) {
  const auto number = [&](int column) { return row[column].as<std::int64_t>(); };
  return {number(0), row[1].c_str(), row[2].c_str(), number(3), number(4),
          number(5), number(6),      number(7),      number(8), number(9)};
}

}  // namespace

result<std::vector<dataset_progress>> read_active_progress(connection_pool& pool) {
  return pool.transact(
      "status", [&](sql::work& tx, pooled_connection& c) -> result<std::vector<dataset_progress>> {
        c.prepare("progress_read", read_sql);
        std::vector<dataset_progress> all;
        for (const auto& row :
             tx.exec(sql::prepared{"progress_read"}, sql::params{std::optional<std::int64_t>{}}))
          all.push_back(from_row(row));
        return all;
      });
}

result<std::int64_t> fold_progress(connection_pool& pool) {
  return pool.transact("status", [&](sql::work& tx, pooled_connection&) -> result<std::int64_t> {
    constexpr auto seconds = std::chrono::duration_cast<std::chrono::seconds>(gone_after).count();
    return tx.exec(fold_sql, sql::params{static_cast<std::int64_t>(seconds), fold_batch})
        .one_row()[0]
        .as<std::int64_t>();
  });
}

result<dataset_progress> read_progress(connection_pool& pool, std::int64_t dataset_id) {
  return pool.transact(
      "status", [&](sql::work& tx, pooled_connection& c) -> result<dataset_progress> {
        c.prepare("progress_read", read_sql);
        const auto rows = tx.exec(sql::prepared{"progress_read"}, sql::params{dataset_id});
        if (rows.empty())
          return fail(ec::unknown_dataset,
                      "dataset " + std::to_string(dataset_id) + " does not exist");
        return from_row(rows[0]);
      });
}

result<std::vector<written_status>> write_status(connection_pool& pool, const leader_term& term,
                                                 const std::vector<std::int64_t>& dataset_ids) {
  return pool.transact(
      "status", [&](sql::work& tx, pooled_connection& c) -> result<std::vector<written_status>> {
        if (auto leads = check_term(tx, term); !leads) return tl::unexpected<error>(leads.error());
        c.prepare("progress_lock", lock_sql);
        c.prepare("progress_write", write_sql);
        const auto ids = int8_array_parameter(dataset_ids);
        tx.exec(sql::prepared{"progress_lock"}, sql::params{ids});
        std::vector<written_status> written;
        for (const auto& row : tx.exec(sql::prepared{"progress_write"}, sql::params{ids}))
          written.push_back({row[0].as<std::int64_t>(), row[1].c_str()});
        return written;
      });
}

}  // namespace millrace
