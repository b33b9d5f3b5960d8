-- Datasets at work, oldest first: exact counts, how fast, for how much longer, what waits and who works. The rate is
-- that of the last minute, counting it reads the dataset's documents.
select s.name as dataset,
       to_jsonb(s) ->> 'paused_at' is not null as paused,  -- also right before the column was added
       s.total, p.ready, p.failed, p.cancelled, r.remaining, p.chunks,
       round(f.per_second, 1) as documents_per_second,
       ceil(r.remaining / nullif(f.per_second, 0)) as seconds_left,
       q.queued, q.delayed, l.leased, l.leases_by_node
from (select * from datasets where status = 'processing' order by id limit 50) s
cross join lateral (
  select coalesce(sum(ready), 0)::bigint as ready, coalesce(sum(failed), 0)::bigint as failed,
         coalesce(sum(cancelled), 0)::bigint as cancelled, coalesce(sum(chunks), 0)::bigint as chunks
  from dataset_progress where dataset_id = s.id) p
cross join lateral (select s.total - p.ready - p.failed - p.cancelled as remaining) r
cross join lateral (
  select count(*) / least(60, greatest(1, extract(epoch from clock_timestamp() - s.created_at))) as per_second
  from documents d
  where d.dataset_id = s.id and d.finished_at > clock_timestamp() - interval '1 minute') f
cross join lateral (
  select count(*) filter (where run_at <= clock_timestamp()) as queued,
         count(*) filter (where run_at > clock_timestamp()) as delayed
  from queue_ready where dataset_id = s.id) q
cross join lateral (
  select coalesce(sum(documents), 0)::bigint as leased,
         left(coalesce(string_agg(node || ' ' || documents, ', ' order by node), '-'), 500) as leases_by_node
  from (select node, count(*) as documents from queue_leases where dataset_id = s.id group by node) n) l
order by s.id;
