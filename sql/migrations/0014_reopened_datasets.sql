-- Puts right what earlier versions left: a status that was written while a retry or a changed file committed could end
-- a dataset with documents that were still queued, and deleting that dataset left their rows in the queue. From here on
-- this cannot happen; nodes of an earlier version that still run can do it (runtime/datasets/reopen.hpp).

-- What has documents that have not ended. Datasets that should have none are locked as by a cancel, so that nobody
-- gives a document back meanwhile.
create temporary table unfinished on commit drop as
select s.id, s.status from datasets s
where s.total > (select coalesce(sum(p.ready + p.failed + p.cancelled), 0) from dataset_progress p
                 where p.dataset_id = s.id);
select id from datasets where id in (select id from unfinished where status <> 'processing') order by id for update;

-- Rows of documents that do not wait, or do not exist.
delete from queue_ready r
where not exists (select from documents d where d.id = r.document_id and d.status = 'queued');
delete from queue_leases l
where not exists (select from documents d where d.id = l.document_id and d.status = 'queued');
delete from queue_dead q where not exists (select from documents d where d.id = q.document_id);

-- Each document that is queued is paid for and in the queue once. A lease that ended in an ended dataset brought none
-- back.
insert into queue_ready (dataset_id, priority, run_at, document_id)
select d.dataset_id, 0, clock_timestamp(), d.id
from documents d
where d.status = 'queued' and d.dataset_id in (select id from unfinished)
  and not exists (select from queue_ready r where r.document_id = d.id)
  and not exists (select from queue_leases l where l.document_id = d.id);

-- A pause is an order and stays.
update datasets s
set status = 'processing', finished_at = null, updated_at = clock_timestamp()
where s.id in (select id from unfinished) and s.status <> 'processing'
  and exists (select from documents d where d.dataset_id = s.id and d.status = 'queued');

notify millrace_queue;
