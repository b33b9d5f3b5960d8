#include "tests/model/invariants.hpp"

namespace millrace::model {

namespace {

// One row a violation. $1: max_attempts, $2: max_losses.
constexpr auto violations_sql = R"sql(
with pieces as (
  select d.id, d.uri, d.status, d.chunks, d.images, d.tokens, d.charge_id, d.dataset_id, d.error_code, d.finished_at,
         d.commit_token,
         (select count(*) from queue_ready r where r.document_id = d.id) as waits,
         (select count(*) from queue_leases l where l.document_id = d.id) as leases,
         (select count(*) from chunks c where c.document_id = d.id) as chunk_rows,
         (select coalesce(sum(c.tokens), 0) from chunks c where c.document_id = d.id) as token_sum,
         (select count(*) from images i where i.document_id = d.id) as image_rows,
         (select count(*) from chunks c
          where c.document_id = d.id and c.text <> 'of ' || d.commit_token) as foreign_chunks,
         exists (select from credit_refunds r where r.charge_id = d.charge_id and r.document_id = d.id) as refunded
  from documents d),
sums as (
  select dataset_id, count(*) as total, count(*) filter (where status = 'queued') as queued,
         count(*) filter (where status = 'ready') as ready, count(*) filter (where status = 'failed') as failed,
         count(*) filter (where status = 'cancelled') as cancelled,
         sum(chunks) as chunks, sum(images) as images, sum(tokens) as tokens
  from documents group by dataset_id),
progress as (
  select dataset_id, sum(ready) as ready, sum(failed) as failed, sum(cancelled) as cancelled, sum(chunks) as chunks,
         sum(images) as images, sum(tokens) as tokens
  from dataset_progress group by dataset_id),
movements as (
  select c.transaction_id, c.dataset_id, c.documents, c.cost, c.refunded, t.amount,
         (select coalesce(sum(m.amount), 0) from credit_transactions m where m.charge_id = c.transaction_id) as given,
         (select coalesce(sum(r.amount), 0) from credit_refunds r where r.charge_id = c.transaction_id) as named
  from credit_charges c left join credit_transactions t on t.id = c.transaction_id),
movement_sums as (
  select account_id, sum(amount) as amount,
         count(*) filter (where type <> 'refund' or idempotency_key is not null) as orders
  from credit_transactions group by account_id)
select format('I1: %s is %s, waits %s times and has %s leases', uri, status, waits, leases)
from pieces where waits + leases <> (status = 'queued')::int
union all
select format('I1: %s counts %s chunks, %s images, %s tokens and has %s, %s, %s, of another commit %s',
              uri, chunks, images, tokens, chunk_rows, image_rows, token_sum, foreign_chunks)
from pieces
where (chunks, images, tokens) is distinct from (chunk_rows, image_rows, token_sum) or foreign_chunks > 0
union all
select format('I1: %s is %s with error %s, commit %s, end %s', uri, status, error_code, commit_token, finished_at)
from pieces
where (status in ('failed', 'cancelled')) <> (error_code is not null) or (status = 'queued') <> (finished_at is null)
   or (status in ('ready', 'failed') and commit_token is null)
union all
select format('I1: %s row without a document: %s', n, x.document_id)
from (select 'queue_ready' as n, document_id from queue_ready
      union all select 'queue_leases', document_id from queue_leases
      union all select 'queue_dead', document_id from queue_dead
      union all select 'chunks', document_id from chunks
      union all select 'images', document_id from images
      union all select 'checkpoints', document_id from checkpoints) x
where not exists (select from documents d where d.id = x.document_id)
union all
select format('I1: dataset %s has %s and progress %s', coalesce(s.dataset_id, p.dataset_id), s, p)
from sums s full join progress p using (dataset_id)
where (coalesce(s.ready, 0), coalesce(s.failed, 0), coalesce(s.cancelled, 0), coalesce(s.chunks, 0),
       coalesce(s.images, 0), coalesce(s.tokens, 0))
      is distinct from (coalesce(p.ready, 0), coalesce(p.failed, 0), coalesce(p.cancelled, 0),
                        coalesce(p.chunks, 0), coalesce(p.images, 0), coalesce(p.tokens, 0))
union all
select format('total: dataset %s is %s, total %s, and has %s', s.name, s.status, s.total, c)
from datasets s left join sums c on c.dataset_id = s.id
where s.total <> coalesce(c.total, 0) or (s.status <> 'processing' and coalesce(c.queued, 0) > 0)
union all
select format('I4: account %s has %s, its transactions sum up to %s', a.name, a.balance, m.amount)
from credit_accounts a left join movement_sums m on m.account_id = a.id
where a.balance <> coalesce(m.amount, 0) or a.balance < 0
union all
select format('I4: charge %s', m) from movements m
where m.amount is distinct from -m.documents * m.cost or m.refunded <> m.given or m.refunded > m.documents * m.cost
   or m.named <> case when m.dataset_id is null then 0 else m.refunded end
union all
select format('I4: %s is %s, its charge %s was refunded: %s', uri, status, charge_id, refunded)
from pieces where charge_id is not null and (status in ('failed', 'cancelled')) <> refunded
union all
select format('I7: %s is a dead letter after %s failures and %s losses, and %s', d.uri, q.failures, q.losses, d.status)
from queue_dead q join documents d on d.id = q.document_id
where d.status <> 'failed' or q.failures > $1::int or (q.failures < $1::int and q.losses < $2::int)
union all
select format('I7: document %s waits or is in work after %s failures', document_id, failures)
from (select document_id, failures from queue_ready union all select document_id, failures from queue_leases) q
where failures >= $1::int)sql";

}  // namespace

std::vector<std::string> violations(sql::connection& connection, int max_attempts, int max_losses) {
  sql::read_transaction tx{connection};
  std::vector<std::string> found;
  for (const auto& row : tx.exec(violations_sql, sql::params{max_attempts, max_losses}))
    found.emplace_back(row[0].c_str());
  return found;
}

}  // namespace millrace::model
