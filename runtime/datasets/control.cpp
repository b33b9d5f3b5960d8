#include "runtime/datasets/control.hpp"

#include <optional>
#include <vector>

#include "runtime/database/binary_rows.hpp"
#include "runtime/database/session_options.hpp"
#include "runtime/ledger/ledger.hpp"

namespace millrace {

namespace {

struct dataset_row {
  std::string name;
  std::string status;
  std::string account;
};

/// The lock that everything here begins with.
result<dataset_row> lock_dataset(sql::work& tx, std::int64_t dataset_id) {
  tx.exec("set local statement_timeout = " +
          std::to_string(std::chrono::milliseconds{control_timeout}.count()) + "; " +
          plan_for_values_sql)
      .no_rows();
  const auto rows = tx.exec(
      "select s.name, s.status, a.name from datasets s join credit_accounts a on a.id = "
      "s.account_id where s.id = $1 for update of s",
      sql::params{dataset_id});
  if (rows.empty())
    return fail(ec::unknown_dataset,
                "dataset " + std::to_string(dataset_id) + " does not exist any more");
  return dataset_row{rows[0][0].c_str(), rows[0][1].c_str(), rows[0][2].c_str()};
}

tl::unexpected<error> finished(const dataset_row& dataset, const char* what) {
  return fail(ec::dataset_finished, "dataset `" + dataset.name + "` has ended already (" +
                                        dataset.status + "): there is nothing to " + what);
}

tl::unexpected<error> running(const dataset_row& dataset, const char* what) {
  return fail(ec::dataset_running, "dataset `" + dataset.name + "` is processing; " + what +
                                       " it when it has ended, or `millrace cancel " +
                                       dataset.name + "` it first");
}

constexpr auto end_leases_sql = R"sql(
with held as materialized (
  select token from queue_leases where dataset_id = $1 order by token for update)
delete from queue_leases l using held h where l.token = h.token)sql";

constexpr auto cancel_documents_sql = R"sql(
with left_over as materialized (
  select id from documents where dataset_id = $1 and status = 'queued' order by id for update)
update documents d
set status = 'cancelled', error_code = 'cancelled', error_message = 'its dataset was cancelled',
    finished_at = clock_timestamp()
from left_over l where d.id = l.id
returning d.id)sql";

constexpr auto count_sql = R"sql(
insert into dataset_progress as p (dataset_id, node, failed, cancelled) values ($1, 'submit', $2, $3)
on conflict (dataset_id, node) do update
set failed = p.failed + excluded.failed, cancelled = p.cancelled + excluded.cancelled)sql";

constexpr auto end_cancelled_sql = R"sql(
update datasets s
set status = 'cancelled', paused_at = null, ready = p.ready, failed = p.failed, cancelled = p.cancelled,
    finished_at = clock_timestamp(), updated_at = clock_timestamp()
from (select coalesce(sum(ready), 0)::bigint as ready, coalesce(sum(failed), 0)::bigint as failed,
             coalesce(sum(cancelled), 0)::bigint as cancelled
      from dataset_progress where dataset_id = $1) p
where s.id = $1)sql";

constexpr auto requeue_sql = R"sql(
with again as materialized (
  select id, status from documents where dataset_id = $1 and status in ('failed', 'cancelled')
  order by id for update),
alive as (delete from queue_dead q using again a where q.document_id = a.id),
queued as (
  insert into queue_ready (dataset_id, priority, run_at, document_id)
  select $1, 0, clock_timestamp(), id from again),
marked as (
  update documents d
  set status = 'queued', charge_id = $2, error_code = null, error_message = null, finished_at = null,
      submitted_at = clock_timestamp()
  from again a where d.id = a.id)
select count(*) filter (where status = 'failed'), count(*) filter (where status = 'cancelled') from again)sql";

constexpr auto earlier_retry_sql = R"sql(
select t.id, t.amount, coalesce((t.metadata->>'documents')::bigint, 0),
       t.type = 'batch_deduction' and (t.metadata->>'dataset_id')::bigint is not distinct from $3
       and starts_with(t.description, $4)
       and -t.amount = coalesce((t.metadata->>'documents')::bigint, 0) * $5
from credit_transactions t join credit_accounts a on a.id = t.account_id
where a.name = $1 and t.idempotency_key = $2)sql";

/// How the descriptions of a dataset's retries begin: a key of its submission is not one of a
/// retry.
std::string retry_of(const dataset_row& dataset) {
  return "retry of dataset " + dataset.name + ": ";
}

/// The first answer to this key, where there is one.
result<std::optional<retried_dataset>> earlier_retry(sql::work& tx, const dataset_row& dataset,
                                                     const retry_order& order) {
  if (order.idempotency_key.empty()) return std::optional<retried_dataset>{};
  const auto uncharged = tx.exec(
      "select documents from uncharged_retries where dataset_id = $1 and idempotency_key = $2",
      sql::params{order.dataset_id, order.idempotency_key});
  if (!uncharged.empty())
    return std::optional{retried_dataset{uncharged[0][0].as<std::int64_t>(), 0, 0, true}};
  const auto rows =
      tx.exec(earlier_retry_sql,
              sql::params{dataset.account, order.idempotency_key, order.dataset_id,
                          retry_of(dataset), order.charge ? order.cost_per_document : 0});
  if (rows.empty()) return std::optional<retried_dataset>{};
  const auto row = rows[0];
  if (!row[3].as<bool>())
    return fail(ec::idempotency_conflict,
                "idempotency key `" + order.idempotency_key +
                    "` was used before for something else; use a new key");
  return std::optional{retried_dataset{row[2].as<std::int64_t>(), -row[1].as<std::int64_t>(),
                                       row[0].as<std::int64_t>(), true}};
}

/// Charges what was queued again: the last lock taken.
result<void> charge(sql::work& tx, const dataset_row& dataset, const retry_order& order,
                    std::int64_t charge_id, retried_dataset& retried) {
  const auto receipt = ledger::deduct_batch(
      tx, {dataset.account, retried.documents, order.cost_per_document,
           retry_of(dataset) + std::to_string(retried.documents) + " documents", order.dataset_id,
           order.idempotency_key, charge_id});
  if (!receipt) return tl::unexpected<error>(receipt.error());
  retried.charged = -receipt->amount;
  retried.transaction_id = receipt->transaction_id;
  return {};
}

// What ends meanwhile is waited for, and seen as it ended.
constexpr auto lock_document_sql = R"sql(
select d.status from unnest($2::text[]) as u(uri)
join documents d on d.dataset_id = $1 and md5(d.uri) = md5(u.uri) and d.uri = u.uri
order by d.id for no key update of d)sql";

// The counts go with the documents: what an interrupted deletion leaves is whole.
constexpr auto erase_sql = R"sql(
with gone as materialized (
  select id, status, chunks, images, tokens from documents where dataset_id = $1 order by id limit $2),
erased_chunks as (delete from chunks c using gone g where c.document_id = g.id),
erased_images as (delete from images i using gone g where i.document_id = g.id),
erased_checkpoints as (delete from checkpoints c using gone g where c.document_id = g.id),
erased_letters as (delete from queue_dead q using gone g where q.document_id = g.id),
erased as (delete from documents d using gone g where d.id = g.id),
counted as (
  insert into dataset_progress as p (dataset_id, node, ready, failed, cancelled, chunks, images, tokens)
  select $1, 'submit', -count(*) filter (where status = 'ready'), -count(*) filter (where status = 'failed'),
         -count(*) filter (where status = 'cancelled'), -coalesce(sum(chunks), 0), -coalesce(sum(images), 0),
         -coalesce(sum(tokens), 0)
  from gone
  on conflict (dataset_id, node) do update
  set ready = p.ready + excluded.ready, failed = p.failed + excluded.failed,
      cancelled = p.cancelled + excluded.cancelled, chunks = p.chunks + excluded.chunks,
      images = p.images + excluded.images, tokens = p.tokens + excluded.tokens),
smaller as (update datasets set total = total - (select count(*) from gone) where id = $1)
select count(*) from gone)sql";

/// What waits or is in work ends `cancelled`: these documents, to be refunded. The dataset's row is
/// locked.
std::vector<std::int64_t> end_documents(sql::work& tx, std::int64_t dataset_id) {
  tx.exec("delete from queue_ready where dataset_id = $1", sql::params{dataset_id}).no_rows();
  tx.exec(end_leases_sql, sql::params{dataset_id}).no_rows();
  std::vector<std::int64_t> ids;
  for (const auto& row : tx.exec(cancel_documents_sql, sql::params{dataset_id}))
    ids.push_back(row[0].as<std::int64_t>());
  tx.exec(count_sql, sql::params{dataset_id, 0, static_cast<std::int64_t>(ids.size())}).no_rows();
  return ids;
}

}  // namespace

result<cancelled_dataset> cancel_dataset(connection_pool& pool, std::int64_t dataset_id) {
  return pool.transact(
      "control", [&](sql::work& tx, pooled_connection&) -> result<cancelled_dataset> {
        const auto dataset = lock_dataset(tx, dataset_id);
        if (!dataset) return tl::unexpected<error>(dataset.error());
        if (dataset->status != "processing") return finished(*dataset, "cancel");
        const auto ids = end_documents(tx, dataset_id);
        tx.exec(end_cancelled_sql, sql::params{dataset_id}).no_rows();
        const auto refunded =
            ledger::refund_documents(tx, ids, "refund of documents that were cancelled");
        if (!refunded) return tl::unexpected<error>(refunded.error());
        return cancelled_dataset{static_cast<std::int64_t>(ids.size()), *refunded};
      });
}

result<retried_dataset> retry_dataset(connection_pool& pool, const retry_order& order) {
  return pool.transact(
      "control", [&](sql::work& tx, pooled_connection&) -> result<retried_dataset> {
        const auto dataset = lock_dataset(tx, order.dataset_id);
        if (!dataset) return tl::unexpected<error>(dataset.error());
        auto before = earlier_retry(tx, *dataset, order);
        if (!before) return tl::unexpected<error>(before.error());
        if (*before) return **before;
        if (dataset->status == "processing") return running(*dataset, "retry");
        const bool charges = order.charge && order.cost_per_document > 0;
        const auto charge_id =
            charges ? std::optional{ledger::reserve_transaction_id(tx)} : std::nullopt;
        const auto row = tx.exec(requeue_sql, sql::params{order.dataset_id, charge_id}).one_row();
        const auto failed = row[0].as<std::int64_t>();
        const auto cancelled = row[1].as<std::int64_t>();
        retried_dataset retried;
        retried.documents = failed + cancelled;
        if (retried.documents == 0) return retried;
        tx.exec(count_sql, sql::params{order.dataset_id, -failed, -cancelled}).no_rows();
        if (charges)
          if (auto paid = charge(tx, *dataset, order, *charge_id, retried); !paid)
            return tl::unexpected<error>(paid.error());
        if (!charges && !order.idempotency_key.empty())
          tx.exec("insert into uncharged_retries values ($1, $2, $3)",
                  sql::params{order.dataset_id, order.idempotency_key, retried.documents})
              .no_rows();
        tx.exec(
              "update datasets set status = 'processing', paused_at = null, finished_at = null, "
              "updated_at = clock_timestamp(), credit_transaction_id = coalesce($2, "
              "credit_transaction_id) where "
              "id = $1",
              sql::params{order.dataset_id, charge_id})
            .no_rows();
        tx.exec("notify millrace_queue").no_rows();
        return retried;
      });
}

result<void> pause_dataset(connection_pool& pool, std::int64_t dataset_id) {
  return pool.transact("control", [&](sql::work& tx, pooled_connection&) -> result<void> {
    const auto dataset = lock_dataset(tx, dataset_id);
    if (!dataset) return tl::unexpected<error>(dataset.error());
    if (dataset->status != "processing") return finished(*dataset, "pause");
    tx.exec("update datasets set paused_at = coalesce(paused_at, clock_timestamp()) where id = $1",
            sql::params{dataset_id})
        .no_rows();
    return {};
  });
}

result<void> resume_dataset(connection_pool& pool, std::int64_t dataset_id) {
  return pool.transact("control", [&](sql::work& tx, pooled_connection&) -> result<void> {
    const auto dataset = lock_dataset(tx, dataset_id);
    if (!dataset) return tl::unexpected<error>(dataset.error());
    tx.exec("update datasets set paused_at = null where id = $1", sql::params{dataset_id})
        .no_rows();
    tx.exec("notify millrace_queue").no_rows();
    return {};
  });
}

result<bool> replace_file(connection_pool& pool, std::int64_t dataset_id,
                          std::span<const std::string> uris,
                          const std::function<result<void>()>& change) {
  return pool.transact("control", [&](sql::work& tx, pooled_connection&) -> result<bool> {
    for (const auto& row :
         tx.exec(lock_document_sql, sql::params{dataset_id, text_array_parameter(uris)}))
      if (std::string_view{row[0].c_str()} == "queued") return false;
    if (auto changed = change(); !changed) return tl::unexpected<error>(changed.error());
    return true;
  });
}

result<std::int64_t> erase_dataset(connection_pool& pool, std::int64_t dataset_id) {
  std::int64_t erased = 0;
  bool ended = false;
  for (bool more = true; more;) {
    const auto batch =
        pool.transact("control", [&](sql::work& tx, pooled_connection&) -> result<std::int64_t> {
          const auto dataset = lock_dataset(tx, dataset_id);
          if (!dataset) return tl::unexpected<error>(dataset.error());
          if (dataset->status == "processing") return running(*dataset, "delete");
          // Nothing waits in a dataset that has ended, unless an older version ended it too early.
          if (!ended)
            if (auto refunded =
                    ledger::refund_documents(tx, end_documents(tx, dataset_id),
                                             "refund of documents deleted before they were read");
                !refunded)
              return tl::unexpected<error>(refunded.error());
          const auto count = tx.exec(erase_sql, sql::params{dataset_id, erase_batch})
                                 .one_row()[0]
                                 .as<std::int64_t>();
          if (count > 0) return count;
          tx.exec("delete from image_texts where dataset_id = $1", sql::params{dataset_id})
              .no_rows();
          tx.exec("delete from uncharged_retries where dataset_id = $1", sql::params{dataset_id})
              .no_rows();
          tx.exec("delete from dataset_progress where dataset_id = $1", sql::params{dataset_id})
              .no_rows();
          tx.exec("delete from datasets where id = $1", sql::params{dataset_id}).no_rows();
          return 0;
        });
    if (!batch) return tl::unexpected<error>(batch.error());
    ended = true;
    erased += *batch;
    more = *batch > 0;
  }
  return erased;
}

}  // namespace millrace
