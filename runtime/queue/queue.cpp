#include "runtime/queue/queue.hpp"

#include <algorithm>
#include <iterator>
#include <map>

#include "runtime/database/binary_rows.hpp"

namespace millrace {

namespace {

// Before a rescan or a claim. Both follow the queue's index row by row. While dead rows pile up
// beside an open snapshot the numbers that the planner goes by jump, and now and then it would
// rather read and sort all that is ready (ran, 4 million dead rows: for 7 of 20 seconds).
constexpr auto by_index_sql = "set local enable_seqscan = off; set local enable_bitmapscan = off";

// One step per dataset that has rows, whatever their number: a skip-scan over the primary key. Then
// only those with a row that is due, so that what waits for its retry does not take a turn from
// what could run, and the accounts in turn, so that the limit is not used up by one with a thousand
// datasets. The first row mostly is due, and spares a second walk over what was claimed before it.
// $1: max_datasets, $2: max_walk.
constexpr auto rescan_sql = R"sql(
with recursive walk as (
  (select dataset_id, run_at, 1 as step from queue_ready order by dataset_id, priority, run_at limit 1)
  union all
  select next.dataset_id, next.run_at, w.step + 1
  from walk w cross join lateral (
    select q.dataset_id, q.run_at from queue_ready q where q.dataset_id > w.dataset_id
    order by q.dataset_id, q.priority, q.run_at limit 1) next
  where w.step < $2::int),
due as (
  select w.dataset_id, s.account_id,
         row_number() over (partition by s.account_id order by w.dataset_id) as turn
  from walk w join datasets s on s.id = w.dataset_id
  where s.status = 'processing' and s.paused_at is null
    and case when w.run_at <= now() then true
             else (select true from queue_ready q where q.dataset_id = w.dataset_id and q.run_at <= now() limit 1)
        end)
select dataset_id, account_id from due order by turn, dataset_id limit $1)sql";

// A take that the planner cannot see counts as a tenth of the table, and what is joined with the
// picked rows would be scanned whole (ran: 10,000 jobs/s with 100,000 ready rows, minutes a claim
// with 3 million). So the outer limit (queue.batch_size is at most 1,000), and arrays, which are
// always looked up: of row addresses, which the locks keep. A row that make_due moved after this
// statement began is picked at its new address, which the statement does not see: it is not
// deleted, so only what was deleted is leased.
constexpr auto claim_sql = R"sql(
with want as (
  select w.* from unnest($1::bigint[], $2::smallint[], $3::timestamptz[], $4::bigint[], $5::int[])
    as w(dataset_id, priority, run_at, document_id, take)
  join datasets s on s.id = w.dataset_id and s.status = 'processing' and s.paused_at is null),
picked as materialized (
  select q.*
  from want w
  cross join lateral (
    select r.ctid as place, r.dataset_id, r.priority, r.run_at, r.document_id, r.failures, r.losses
    from queue_ready r
    where r.dataset_id = w.dataset_id
      and (r.priority, r.run_at, r.document_id) > (w.priority, w.run_at, w.document_id)
      and r.run_at <= now()
    order by r.priority, r.run_at, r.document_id
    limit w.take
    for update skip locked) q
  limit 1000),
gone as (
  delete from queue_ready r where r.ctid = any(array(select place from picked))
  returning r.document_id, r.dataset_id, r.priority, r.failures, r.losses),
leased as (
  insert into queue_leases (token, document_id, dataset_id, priority, failures, losses, node, incarnation,
                            deadline)
  select nextval('queue_tokens'), document_id, dataset_id, priority, failures, losses, $6, $7,
         clock_timestamp() + $8::bigint * interval '1 millisecond'
  from gone
  returning token, document_id),
known as materialized (
  select d.id, d.size, d.uri, exists (select from checkpoints c where c.document_id = d.id) as checkpoints
  from documents d where d.id = any(array(select document_id from picked)))
select l.token, p.document_id, p.dataset_id, p.priority, p.run_at, p.failures, p.losses, d.size, d.uri,
       d.checkpoints
from leased l
join picked p on p.document_id = l.document_id
join known d on d.id = p.document_id
order by p.dataset_id, p.priority, p.run_at, p.document_id)sql";

// What ends leases without a result locks in one order: the datasets, shared against a cancel and
// nothing else (FOR KEY SHARE passes submissions and status writes by), then the leases by token. A
// document goes back unless its dataset was cancelled or deleted: in the other order, a release in
// flight would leave a queued document in a cancelled dataset. Documents are looked up by an array,
// whatever the planner takes the number of leases for: in the order of their index.
constexpr auto release_sql = R"sql(
with input as (select * from unnest($1::bigint[], $2::bigint[]) as i(token, delay_ms)),
alive as materialized (
  select s.id, s.status, s.created_at from datasets s
  where s.id in (select l.dataset_id from queue_leases l join input i on i.token = l.token)
  order by s.id for key share),
held as materialized (
  select l.token, i.delay_ms, a.status, a.created_at
  from queue_leases l join input i on i.token = l.token left join alive a on a.id = l.dataset_id
  order by l.token for update of l),
gone as (
  delete from queue_leases l using held h where l.token = h.token
  returning l.document_id, l.dataset_id, l.priority, l.failures, l.losses, h.delay_ms, h.status,
            h.created_at),
attempts as (
  update documents set attempts = attempts + 1
  where id = any(array(select document_id from gone)) and $3::int + $4::int > 0)
insert into queue_ready (dataset_id, priority, run_at, document_id, failures, losses)
select dataset_id, priority,
       case when $4::int > 0 and delay_ms = 0 then created_at - interval '1 second'
            else clock_timestamp() + delay_ms * interval '1 millisecond' end,
       document_id, failures + $3::int, losses + $4::int
from gone where status <> 'cancelled')sql";

// Reads every row that is put off, and its document: for what happens seldom.
constexpr auto make_due_sql = R"sql(
with waiting as materialized (
  select r.ctid as place from queue_ready r join documents d on d.id = r.document_id
  where r.run_at > clock_timestamp() and r.failures = 0 and starts_with(d.uri, $1)
  limit $2::bigint for update of r skip locked)
update queue_ready set run_at = clock_timestamp()
where ctid = any(array(select place from waiting)))sql";

/// Takes leases of holders that vanished; their documents were claimed before others of their
/// dataset, and go before them again: those became due when their submission began, a moment before
/// the dataset's row was made. `gone`: a condition on the lease `l` and its node `n`; `overdue`:
/// one on the lease alone, which is asked again of the locked row, because its holder may have
/// extended it after the statement began. What somebody else has locked is left to the next time.
std::string take_back_sql(const std::string& gone, const std::string& overdue) {
  return R"sql(
with found as materialized (
  select l.token, l.dataset_id, ()sql" +
         gone + R"sql() as gone
  from queue_leases l
  left join nodes n on n.name = l.node and n.incarnation = l.incarnation
  where )sql" +
         gone + " or " + overdue + R"sql(),
alive as materialized (
  select s.id, s.status, s.created_at from datasets s where s.id in (select dataset_id from found)
  order by s.id for key share skip locked),
held as materialized (
  select l.token, a.status, a.created_at
  from queue_leases l join found f on f.token = l.token join alive a on a.id = l.dataset_id
  where f.gone or )sql" +
         overdue + R"sql(
  order by l.token for update of l skip locked),
gone as (
  delete from queue_leases l using held h where l.token = h.token
  returning l.document_id, l.dataset_id, l.priority, l.failures, l.losses, h.status, h.created_at,
            (l.losses < )sql" +
         std::to_string(suspect_after_losses) + R"sql( or l.begun)::int as loss),
attempts as (
  update documents set attempts = attempts + 1 where id = any(array(select document_id from gone where loss > 0)))
insert into queue_ready (dataset_id, priority, run_at, document_id, failures, losses)
select dataset_id, priority, created_at - interval '1 second', document_id, failures, losses + loss
from gone where status <> 'cancelled')sql";
}

const auto free_former_sql = take_back_sql("l.node = $1 and l.incarnation <> $2", "false");

const auto reap_sql = take_back_sql(R"sql(n.name is null or n.state = 'stopped'
     or n.heartbeat_at < clock_timestamp() - $1::bigint * interval '1 millisecond'
     or (n.name = any($2::text[])
         and n.heartbeat_at < clock_timestamp() - $3::bigint * interval '1 millisecond'))sql",
                                    "l.deadline < clock_timestamp()");

constexpr auto begin_sql = "update queue_leases set begun = true where token = $1";

// In the order of all that locks several leases.
constexpr auto extend_sql = R"sql(
with held as materialized (
  select token from queue_leases where token = any($1::bigint[]) order by token for no key update)
update queue_leases l set deadline = clock_timestamp() + $2::bigint * interval '1 millisecond'
from held h where l.token = h.token)sql";

constexpr auto ended_sql = R"sql(
select t.token from unnest($1::bigint[]) as t(token)
where not exists (select from queue_leases l where l.token = t.token))sql";

// Below this many dead rows a vacuum gains nothing. The oldest snapshot of others decides what it
// may remove.
constexpr auto dead_rows_sql = R"sql(
select coalesce(max(n_dead_tup), 0),
       (select backend_xmin::text from pg_stat_activity
        where backend_xmin is not null and pid <> pg_backend_pid()
          and (datname = current_database() or datname is null) order by age(backend_xmin) desc limit 1)
from pg_stat_user_tables where relname in ('queue_ready', 'queue_leases'))sql";

constexpr auto counts_sql = R"sql(
select count(*) filter (where run_at <= now()), count(*) filter (where run_at > now()),
       (select count(*) from queue_leases), (select count(*) from queue_dead),
       coalesce(extract(epoch from clock_timestamp() - min(run_at) filter (where run_at <= now())), 0)::float8
from queue_ready)sql";

/// One parameter of claim_sql: a column of the plans as an array literal.
template <class Get>
std::string text_array(const std::vector<planned_claim>& plans, Get get) {
  std::string out = "{";
  for (const auto& p : plans) {
    if (out.size() > 1) out += ',';
    out += get(p);
  }
  return out + "}";
}

}  // namespace

queue::queue(connection_pool& pool, queue_settings s, holder self)
    : pool_{pool}, settings_{std::move(s)}, self_{std::move(self)} {}

result<void> queue::rescan(claim_planner& planner) {
  return pool_.transact("rescan", [&](sql::work& tx, pooled_connection& c) -> result<void> {
    c.prepare("queue_rescan", rescan_sql);
    tx.exec(by_index_sql).no_rows();
    const auto limit = static_cast<std::int64_t>(claim_planner::max_datasets);
    std::vector<ready_dataset> found;
    const auto start = claim_planner::clock::now();
    for (const auto& row : tx.exec(sql::prepared{"queue_rescan"}, sql::params{limit, max_walk}))
      found.push_back({row[0].as<std::int64_t>(), row[1].as<std::int64_t>()});
    planner.rescan(found, claim_planner::clock::now() - start);
    return {};
  });
}

result<std::vector<lease>> queue::claim(claim_planner& planner, int want) {
  if (planner.needs_rescan())
    if (auto read = rescan(planner); !read) return tl::unexpected<error>(read.error());
  std::vector<lease> leases;
  for (int round = 0; round < max_claim_rounds; ++round) {
    const auto left = want - static_cast<int>(leases.size());
    const auto plans = planner.plan(left);
    if (plans.empty()) break;
    auto claimed = claim_planned(planner, plans);
    if (!claimed && leases.empty()) return claimed;
    if (!claimed) break;  // what earlier rounds leased must reach its documents
    std::move(claimed->begin(), claimed->end(), std::back_inserter(leases));
  }
  return leases;
}

result<std::vector<lease>> queue::claim_planned(claim_planner& planner,
                                                const std::vector<planned_claim>& plans) {
  auto claimed =
      pool_.transact("claim", [&](sql::work& tx, pooled_connection& c) -> result<sql::rows> {
        c.prepare("queue_claim", claim_sql);
        tx.exec(by_index_sql).no_rows();
        return tx.exec(
            sql::prepared{"queue_claim"},
            sql::params{
                text_array(plans, [](auto& p) { return std::to_string(p.dataset_id); }),
                text_array(plans, [](auto& p) { return std::to_string(p.after.priority); }),
                text_array(plans, [](auto& p) { return '"' + p.after.run_at + '"'; }),
                text_array(plans, [](auto& p) { return std::to_string(p.after.document_id); }),
                text_array(plans, [](auto& p) { return std::to_string(p.take); }), self_.node,
                self_.incarnation,
                static_cast<std::int64_t>(settings_.visibility_timeout.count())});
      });
  if (!claimed) return tl::unexpected<error>(claimed.error());
  std::vector<lease> leases;
  leases.reserve(claimed->size());
  std::map<std::int64_t, int> taken;
  for (const auto& row : *claimed) {
    auto& l = leases.emplace_back();
    l.token = row[0].as<std::int64_t>();
    l.document_id = row[1].as<std::int64_t>();
    l.dataset_id = row[2].as<std::int64_t>();
    l.failures = row[5].as<int>();
    l.losses = row[6].as<int>();
    l.size = row[7].as<std::uint64_t>();
    l.uri = row[8].c_str();
    l.has_checkpoints = row[9].as<bool>();
    ++taken[l.dataset_id];
    planner.claimed(l.dataset_id, {row[3].as<int>(), row[4].c_str(), l.document_id});
  }
  for (const auto& p : plans)
    if (taken[p.dataset_id] < p.take) planner.exhausted(p.dataset_id);
  return leases;
}

result<std::int64_t> queue::release(const std::vector<released_lease>& leases,
                                    release_reason reason) {
  if (leases.empty()) return 0;
  std::vector<std::int64_t> tokens, delays;
  for (const auto& l : leases) {
    tokens.push_back(l.token);
    delays.push_back(l.delay.count());
  }
  return pool_.transact("release",
                        [&](sql::work& tx, pooled_connection& c) -> result<std::int64_t> {
                          c.prepare("queue_release", release_sql);
                          const int failure = reason == release_reason::failed ? 1 : 0;
                          const int loss = reason == release_reason::lost ? 1 : 0;
                          return static_cast<std::int64_t>(
                              tx.exec(sql::prepared{"queue_release"},
                                      sql::params{int8_array_parameter(tokens),
                                                  int8_array_parameter(delays), failure, loss})
                                  .affected_rows());
                        });
}

result<std::int64_t> queue::make_due(const std::string& prefix) {
  return pool_.transact("queue", [&](sql::work& tx, pooled_connection&) -> result<std::int64_t> {
    const auto made = tx.exec(make_due_sql, sql::params{prefix, max_made_due}).affected_rows();
    if (made > 0) tx.exec("notify millrace_queue").no_rows();
    return static_cast<std::int64_t>(made);
  });
}

result<std::int64_t> queue::free_former_incarnations() {
  return pool_.transact("reap", [&](sql::work& tx, pooled_connection&) -> result<std::int64_t> {
    return static_cast<std::int64_t>(
        tx.exec(free_former_sql, sql::params{self_.node, self_.incarnation}).affected_rows());
  });
}

result<std::int64_t> queue::reap(const dead_nodes& dead,
                                 const std::function<result<void>(sql::work&)>& may) {
  return pool_.transact("reap", [&](sql::work& tx, pooled_connection& c) -> result<std::int64_t> {
    if (may)
      if (auto allowed = may(tx); !allowed) return tl::unexpected<error>(allowed.error());
    c.prepare("queue_reap", reap_sql);
    const auto reaped =
        tx.exec(sql::prepared{"queue_reap"},
                sql::params{static_cast<std::int64_t>(dead.node_timeout.count()),
                            text_array_parameter(dead.suspects),
                            static_cast<std::int64_t>(dead.suspect_timeout.count())})
            .affected_rows();
    // They are before what the pullers of all nodes have come to: those look again.
    if (reaped > 0) tx.exec("notify millrace_queue").no_rows();
    return static_cast<std::int64_t>(reaped);
  });
}

result<queue_counts> queue::counts() {
  return pool_.transact("status", [&](sql::work& tx, pooled_connection&) -> result<queue_counts> {
    const auto row = tx.exec(counts_sql).one_row();
    return queue_counts{row[0].as<std::int64_t>(), row[1].as<std::int64_t>(),
                        row[2].as<std::int64_t>(), row[3].as<std::int64_t>(), row[4].as<double>()};
  });
}

duration retry_delay(const queue_settings& s, int failures) {
  auto delay = s.retry_min;
  for (int i = 0; i < failures && delay < s.retry_max; ++i) delay *= 2;
  return std::min(delay, s.retry_max);
}

result<bool> queue::begin(std::int64_t token) {
  return pool_.transact("begin", [&](sql::work& tx, pooled_connection& c) -> result<bool> {
    c.prepare("queue_begin", begin_sql);
    return tx.exec(sql::prepared{"queue_begin"}, sql::params{token}).affected_rows() == 1;
  });
}

result<std::int64_t> queue::extend(const std::vector<std::int64_t>& tokens) {
  if (tokens.empty()) return 0;
  return pool_.transact("extend", [&](sql::work& tx, pooled_connection& c) -> result<std::int64_t> {
    c.prepare("queue_extend", extend_sql);
    return static_cast<std::int64_t>(
        tx.exec(sql::prepared{"queue_extend"},
                sql::params{int8_array_parameter(tokens),
                            static_cast<std::int64_t>(settings_.visibility_timeout.count())})
            .affected_rows());
  });
}

result<std::vector<std::int64_t>> queue::ended(const std::vector<std::int64_t>& tokens) {
  if (tokens.empty()) return std::vector<std::int64_t>{};
  return pool_.transact(
      "queue", [&](sql::work& tx, pooled_connection& c) -> result<std::vector<std::int64_t>> {
        c.prepare("queue_ended", ended_sql);
        std::vector<std::int64_t> found;
        for (const auto& row :
             tx.exec(sql::prepared{"queue_ended"}, sql::params{int8_array_parameter(tokens)}))
          found.push_back(row[0].as<std::int64_t>());
        return found;
      });
}

result<bool> queue::vacuum() {
  auto connection = pool_.acquire();
  if (!connection) return tl::unexpected<error>(connection.error());
  try {
    sql::nontransaction tx{**connection};  // VACUUM refuses to run inside a transaction
    const auto before = tx.exec(dead_rows_sql).one_row();
    const auto dead = before[0].as<std::int64_t>();
    const std::string snapshot{before[1].c_str()};
    if (dead < vacuum_threshold || (!snapshot.empty() && snapshot == futile_snapshot_))
      return false;
    tx.exec("vacuum (skip_locked) queue_ready, queue_leases").no_rows();
    const bool futile = tx.exec(dead_rows_sql).one_row()[0].as<std::int64_t>() > dead / 2;
    futile_snapshot_ = futile ? snapshot : std::string{};
    return true;
  } catch (...) {
    connection->discard();
    return tl::unexpected<error>(to_error("vacuum"));
  }
}

}  // namespace millrace
