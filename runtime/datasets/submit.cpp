#include "runtime/datasets/submit.hpp"

#include <tuple>
#include <vector>

#include "runtime/core/blocking.hpp"
#include "runtime/database/binary_rows.hpp"
#include "runtime/database/session_options.hpp"
#include "runtime/database/sql.hpp"
#include "runtime/ledger/ledger.hpp"

namespace millrace {

namespace {

constexpr auto incoming_sql = R"sql(
create temporary table incoming (uri text not null, size bigint not null, content_hash bytea)
on commit drop)sql";

// What a document counts for in dataset_progress moves with its status; its chunks stay until they
// are replaced.
constexpr auto requeue_changed_sql = R"sql(
with changed as materialized (
  select d.id, d.status, i.size
  from incoming i
  join documents d on d.dataset_id = $1 and md5(d.uri) = md5(i.uri) and d.uri = i.uri
  where d.status <> 'queued'
    and (d.status <> 'ready' or d.options <> $2 or i.content_hash is null
         or d.content_hash is distinct from i.content_hash)
  order by d.id for update of d),
alive as (delete from queue_dead q using changed c where q.document_id = c.id),
queued as (
  insert into queue_ready (dataset_id, priority, run_at, document_id)
  select distinct $1, $4::smallint, now(), id from changed),
marked as (
  update documents d
  set status = 'queued', size = c.size, charge_id = $3, error_code = null, error_message = null,
      submitted_at = clock_timestamp(), finished_at = null
  from changed c where d.id = c.id)
select count(distinct id) as documents,
       count(distinct id) filter (where status = 'ready') as ready,
       count(distinct id) filter (where status = 'failed') as failed,
       count(distinct id) filter (where status = 'cancelled') as cancelled
from changed)sql";

constexpr auto add_new_sql = R"sql(
with added as (
  insert into documents (dataset_id, uri, size, options, charge_id)
  select $1, uri, size, $2, $3 from incoming
  on conflict (dataset_id, md5(uri)) do nothing
  returning id),
queued as (
  insert into queue_ready (dataset_id, priority, run_at, document_id)
  select $1, $4::smallint, now(), id from added)
select count(*) from added)sql";

constexpr auto find_vanished_sql = R"sql(
select d.id from documents d
where d.dataset_id = $1
  and not exists (select from incoming i where md5(i.uri) = md5(d.uri) and i.uri = d.uri)
order by d.id)sql";

constexpr auto end_leases_sql = R"sql(
with held as materialized (
  select token from queue_leases where document_id = any($1::bigint[]) order by token for update)
delete from queue_leases l using held h where l.token = h.token)sql";

constexpr auto adjust_progress_sql = R"sql(
insert into dataset_progress as p (dataset_id, node, ready, failed, cancelled, chunks, images, tokens)
values ($1, 'submit', $2, $3, $4, $5, $6, $7)
on conflict (dataset_id, node) do update
set ready = p.ready + excluded.ready, failed = p.failed + excluded.failed,
    cancelled = p.cancelled + excluded.cancelled, chunks = p.chunks + excluded.chunks,
    images = p.images + excluded.images, tokens = p.tokens + excluded.tokens)sql";

// Work is left: `processing`. Nothing is left: a dataset that was processing ends as a status write
// would end it (one without documents is `ready` at once), another stays as it is.
constexpr auto finish_sql = R"sql(
update datasets s
set total = s.total + $2, ready = p.ready, failed = p.failed, cancelled = p.cancelled,
    credit_transaction_id = coalesce($3, s.credit_transaction_id),
    updated_at = clock_timestamp(),
    status = case when s.total + $2 > p.ready + p.failed + p.cancelled then 'processing'
                  when s.status <> 'processing' then s.status
                  when p.ready = 0 and p.failed > 0 then 'failed'
                  else 'ready' end,
    finished_at = case when s.total + $2 > p.ready + p.failed + p.cancelled then null
                       else coalesce(s.finished_at, clock_timestamp()) end
from (select coalesce(sum(ready), 0)::bigint as ready, coalesce(sum(failed), 0)::bigint as failed,
             coalesce(sum(cancelled), 0)::bigint as cancelled
      from dataset_progress where dataset_id = $1) p
where s.id = $1
returning s.total)sql";

// One statement, one snapshot: the dataset may be worked on while this is submitted. What waits is
// the total, to which $2 is added, without what has ended: both are kept in the transactions that
// change the documents, which are not read for it.
constexpr auto counted_sql = R"sql(
select (select total from datasets where id = $1) + $2
         - coalesce(sum(p.ready + p.failed + p.cancelled), 0)::bigint as queued,
       (select count(distinct d.id) from incoming i
        join documents d on d.dataset_id = $1 and md5(d.uri) = md5(i.uri) and d.uri = i.uri
        where d.status = 'ready') as unchanged,
       coalesce(sum(p.ready), 0)::bigint as ready, coalesce(sum(p.failed), 0)::bigint as failed,
       (select coalesce(max(id), 0) from credit_transactions where type <> 'batch_deduction') as last_transaction
from dataset_progress p where p.dataset_id = $1)sql";

struct progress_change {
  std::int64_t ready = 0, failed = 0, cancelled = 0, chunks = 0, images = 0, tokens = 0;
  bool any() const {
    return ready != 0 || failed != 0 || cancelled != 0 || chunks != 0 || images != 0 || tokens != 0;
  }
};

}  // namespace

std::string document_options(const settings& s) {
  return "chunk=" + std::to_string(s.chunking.max_tokens) + "/" +
         std::to_string(s.chunking.overlap_tokens) + " images=" +
         (!s.images.enabled       ? "none"
          : s.images.ocr == "off" ? "listed"
                                  : s.images.languages);
}

struct submission::impl {
  submit_order order;
  pooled_connection connection;
  sql::work tx;
  std::optional<sql::copy_in> copy;
  submit_summary summary;
  std::int64_t charge_id = 0;
  progress_change change;

  impl(submit_order o, pooled_connection c)
      : order{std::move(o)}, connection{std::move(c)}, tx{*connection} {}

  result<void> open() {
    const auto limit = std::to_string(std::chrono::milliseconds{submit_timeout}.count());
    tx.exec("set local statement_timeout = " + limit).no_rows();
    tx.exec("set local idle_in_transaction_session_timeout = " + limit).no_rows();
    tx.exec(plan_for_values_sql).no_rows();
    if (auto locked = lock_dataset(); !locked) return locked;
    tx.exec(incoming_sql).no_rows();
    if (order.charge)
      charge_id = order.charge_id != 0 ? order.charge_id : ledger::reserve_transaction_id(tx);
    copy.emplace(tx, "incoming");
    return {};
  }

  result<void> lock_dataset() {
    const auto account =
        tx.exec("select id from credit_accounts where name = $1", sql::params{order.account})
            .one_row();
    const auto made = tx.exec(
        "insert into datasets (name, account_id, status, model, dimensions) values ($1, $2, "
        "'processing', $3, $4) "
        "on conflict (name) do nothing returning id",
        sql::params{order.dataset, account[0].as<std::int64_t>(), order.model, order.dimensions});
    summary.created = !made.empty();
    const auto rows = tx.exec(
        "select s.id, s.model, s.dimensions, a.name from datasets s join credit_accounts a on a.id "
        "= s.account_id "
        "where s.name = $1 for no key update of s",
        sql::params{order.dataset});
    const auto named = "dataset `" + order.dataset + "`";
    const auto expected = [&](std::int64_t id) {
      return order.expected_id == 0 || order.expected_id == id;
    };
    if (rows.empty() || !expected(rows[0][0].as<std::int64_t>()))
      return fail(ec::unknown_dataset, named + " was deleted meanwhile; nothing was submitted");
    const auto row = rows[0];
    summary.dataset_id = row[0].as<std::int64_t>();
    if (summary.created) return {};
    if (order.require_new)
      return fail(ec::dataset_conflict, named + " exists already; choose another name");
    if (row[1].c_str() != order.model || row[2].as<int>() != order.dimensions)
      return fail(ec::dataset_conflict, named + " is embedded by " + row[1].c_str() + " with " +
                                            row[2].c_str() + " dimensions, not by " + order.model +
                                            " with " + std::to_string(order.dimensions) +
                                            "; use that provider or another dataset");
    if (row[3].c_str() != order.account)
      return fail(ec::dataset_conflict, named + " belongs to account `" + row[3].c_str() + "`");
    return {};
  }

  /// Documents that came before and changed, or did not end well, are queued again.
  void requeue_changed() {
    if (summary.created) return;
    const auto row = tx.exec(requeue_changed_sql,
                             sql::params{summary.dataset_id, order.options, charge(), rank()})
                         .one_row();
    summary.submitted += row[0].as<std::int64_t>();
    change.ready -= row[1].as<std::int64_t>();
    change.failed -= row[2].as<std::int64_t>();
    change.cancelled -= row[3].as<std::int64_t>();
  }

  /// Leases go first: a holder that is about to commit then finds its token stale, and no two
  /// transactions take queue rows and document rows in opposite order.
  result<void> prune() {
    if (summary.created || !order.prune) return {};
    std::vector<std::int64_t> ids, unfinished;
    for (const auto& row : tx.exec(find_vanished_sql, sql::params{summary.dataset_id}))
      ids.push_back(row[0].as<std::int64_t>());
    summary.pruned = static_cast<std::int64_t>(ids.size());
    if (ids.empty()) return {};
    const auto list = int8_array_parameter(ids);
    // Against releases in flight, which hold the dataset's key shared and would bring a document
    // back.
    tx.exec("select 1 from datasets where id = $1 for update", sql::params{summary.dataset_id})
        .one_row();
    tx.exec("delete from queue_ready where dataset_id = $1 and document_id = any($2::bigint[])",
            sql::params{summary.dataset_id, list})
        .no_rows();
    tx.exec(end_leases_sql, sql::params{list}).no_rows();
    for (const auto& row : tx.exec("select id, status, chunks, images, tokens from "
                                   "documents where id = any($1::bigint[]) "
                                   "order by id for update",
                                   sql::params{list})) {
      const std::string status = row[1].c_str();
      if (status == "queued") unfinished.push_back(row[0].as<std::int64_t>());
      change.ready -= status == "ready";
      change.failed -= status == "failed";
      change.cancelled -= status == "cancelled";
      change.chunks -= row[2].as<std::int64_t>();
      change.images -= row[3].as<std::int64_t>();
      change.tokens -= row[4].as<std::int64_t>();
    }
    auto refunded = ledger::refund_documents(tx, unfinished,
                                             "refund of documents removed before they were read");
    if (!refunded) return tl::unexpected<error>(refunded.error());
    for (const auto* table : {"queue_dead", "checkpoints", "chunks", "images"})
      tx.exec("delete from " + std::string{table} + " where document_id = any($1::bigint[])",
              sql::params{list})
          .no_rows();
    tx.exec("delete from documents where id = any($1::bigint[])", sql::params{list}).no_rows();
    return {};
  }

  void count_what_was_there(std::int64_t added) {
    const auto row =
        tx.exec(counted_sql, sql::params{summary.dataset_id, added - summary.pruned}).one_row();
    summary.pending = row[0].as<std::int64_t>() - summary.submitted;
    summary.unchanged = row[1].as<std::int64_t>();
    summary.ready_before = row[2].as<std::int64_t>();
    summary.failed_before = row[3].as<std::int64_t>();
    summary.last_transaction_before = row[4].as<std::int64_t>();
  }

  /// Charges what was queued: the last lock taken.
  result<void> deduct() {
    if (!charge() || summary.submitted == 0) return {};
    if (order.charge_id != 0) {
      auto adopted = ledger::adopt_charge(
          tx, {order.account, order.charge_id, summary.dataset_id, summary.submitted});
      if (!adopted) return tl::unexpected<error>(adopted.error());
      summary.transaction_id = order.charge_id;
      return {};
    }
    auto receipt = ledger::deduct_batch(
        tx, {order.account, summary.submitted, order.cost_per_document,
             "dataset " + order.dataset + ": " + std::to_string(summary.submitted) + " documents",
             summary.dataset_id, order.idempotency_key, charge_id});
    if (!receipt) return tl::unexpected<error>(receipt.error());
    if (receipt->replayed)
      return fail(ec::idempotency_conflict, "idempotency key `" + order.idempotency_key +
                                                "` was used for an earlier submission");
    summary.charged = -receipt->amount;
    summary.transaction_id = receipt->transaction_id;
    return {};
  }

  std::optional<std::int64_t> charge() const {
    const bool costs = order.cost_per_document > 0 || order.charge_id != 0;
    return order.charge && costs ? std::optional{charge_id} : std::nullopt;
  }

  /// The queue's priority: there, smaller ones come first.
  int rank() const { return -order.priority; }

  result<submit_summary> close() {
    copy->complete();
    copy.reset();
    tx.exec("analyze incoming").no_rows();
    requeue_changed();
    const auto added =
        tx.exec(add_new_sql, sql::params{summary.dataset_id, order.options, charge(), rank()})
            .one_row()[0]
            .as<std::int64_t>();
    summary.submitted += added;
    if (auto pruned = prune(); !pruned) return tl::unexpected<error>(pruned.error());
    if (change.any())
      tx.exec(adjust_progress_sql,
              sql::params{summary.dataset_id, change.ready, change.failed, change.cancelled,
                          change.chunks, change.images, change.tokens})
          .no_rows();
    count_what_was_there(added);
    if (auto paid = deduct(); !paid) return tl::unexpected<error>(paid.error());
    summary.total = tx.exec(finish_sql, sql::params{summary.dataset_id, added - summary.pruned,
                                                    summary.transaction_id})
                        .one_row()[0]
                        .as<std::int64_t>();
    tx.exec("notify millrace_queue").no_rows();
    tx.commit();
    return summary;
  }
};

submission::submission(std::unique_ptr<impl> i) : impl_{std::move(i)} {}
submission::~submission() = default;

result<std::unique_ptr<submission>> submission::begin(connection_pool& pool, submit_order order) {
  assert_may_block("submission::begin");
  if (order.priority < -max_priority || order.priority > max_priority)
    return fail(ec::invalid_argument, "priority " + std::to_string(order.priority) +
                                          " is outside of -100 to 100; higher ones come first");
  // In a transaction of its own, or a new account's row would stay locked while a million documents
  // are copied.
  auto account = pool.transact("submit", [&](sql::work& tx, pooled_connection&) {
    return ledger::ensure_account(tx, order.account, order.initial_grant);
  });
  if (!account) return tl::unexpected<error>(account.error());
  auto connection = pool.acquire();
  if (!connection) return tl::unexpected<error>(connection.error());
  try {
    auto i = std::make_unique<impl>(std::move(order), std::move(*connection));
    if (auto opened = i->open(); !opened) return tl::unexpected<error>(opened.error());
    return std::unique_ptr<submission>{new submission{std::move(i)}};
  } catch (...) {
    return tl::unexpected<error>(to_error("submit"));
  }
}

bool submission::needs_hashes() const {
  return !impl_->summary.created;
}

result<void> submission::add(std::string_view uri, std::uint64_t size, std::string_view sha256) {
  try {
    const auto hash = sha256.empty() ? std::optional<std::string>{} : "\\x" + std::string{sha256};
    impl_->copy->row(std::string{uri}, static_cast<std::int64_t>(size), hash);
    return {};
  } catch (...) {
    return tl::unexpected<error>(to_error("submit"));
  }
}

result<submit_summary> submission::finish() {
  try {
    return impl_->close();
  } catch (...) {
    return tl::unexpected<error>(to_error("submit"));
  }
}

}  // namespace millrace
