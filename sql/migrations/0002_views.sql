-- What users' own SQL may rely on: names and columns of a view never change, a new shape is a new view.

create view documents_v1 as
select s.name as dataset, d.uri,
       case when d.status = 'queued' and l.token is not null then 'processing' else d.status end as status,
       d.error_code, d.error_message, d.chunks, d.images, d.size,
       encode(d.content_hash, 'hex') as content_hash, d.attempts, d.finished_at
from documents d
join datasets s on s.id = d.dataset_id
left join queue_leases l on l.document_id = d.id;

create view chunks_v1 as
select s.name as dataset, d.uri, c.ordinal, c.text, c.heading_path, c.page_from, c.page_to, c.tokens,
       s.model, c.embedding
from chunks c
join documents d on d.id = c.document_id
join datasets s on s.id = d.dataset_id;

create view datasets_v1 as
select s.name as dataset, a.name as account, s.status, s.total,
       p.ready, p.failed, p.cancelled, s.total - p.ready - p.failed - p.cancelled as remaining,
       p.chunks, p.images, p.tokens, s.model, s.dimensions, s.credit_transaction_id,
       s.created_at, s.finished_at
from datasets s
join credit_accounts a on a.id = s.account_id
cross join lateral (
  select coalesce(sum(ready), 0)::bigint as ready, coalesce(sum(failed), 0)::bigint as failed,
         coalesce(sum(cancelled), 0)::bigint as cancelled, coalesce(sum(chunks), 0)::bigint as chunks,
         coalesce(sum(images), 0)::bigint as images, coalesce(sum(tokens), 0)::bigint as tokens
  from dataset_progress where dataset_id = s.id) p;
