-- Why documents failed: one row a code, the most frequent first, with the newest document as an example.
-- `dead_letters`: given up after several tries, not refused at once. Only datasets with failures are read.
select e.error_code as code, e.last_hour, e.documents, e.dead_letters, e.datasets,
       left(x.uri, 200) as example, left(x.error_message, 200) as example_message
from (
  select d.error_code, count(*) as documents,
         count(*) filter (where d.finished_at > clock_timestamp() - interval '1 hour') as last_hour,
         count(q.document_id) as dead_letters, count(distinct d.dataset_id) as datasets,
         max(d.id) as example_id
  from documents d
  left join queue_dead q on q.document_id = d.id
  where d.status = 'failed'
    and d.dataset_id in (select dataset_id from dataset_progress group by dataset_id having sum(failed) > 0)
  group by d.error_code) e
join documents x on x.id = e.example_id
order by e.documents desc, code
limit 50;
