-- Who waits for whom in this database: one row a pair of sessions, the longest wait first. Empty is good.
select w.pid as waiting_pid,
       w.application_name as waiting,
       round(extract(epoch from clock_timestamp() - coalesce(l.waitstart, w.query_start)), 1) as wait_seconds,
       coalesce(l.relation::regclass::text, l.locktype) as waits_for,
       left(regexp_replace(btrim(w.query, E' \n\t'), '\s+', ' ', 'g'), 80) as waiting_statement,
       b.pid as blocking_pid,
       h.application_name as blocking,
       h.state as blocking_state,
       round(extract(epoch from clock_timestamp() - h.xact_start), 1) as blocking_transaction_seconds,
       left(regexp_replace(btrim(h.query, E' \n\t'), '\s+', ' ', 'g'), 80) as blocking_statement
from pg_stat_activity w
join lateral (select * from pg_locks where pid = w.pid and not granted order by waitstart limit 1) l on true
cross join lateral (select distinct pid from unnest(pg_blocking_pids(w.pid)) as pids(pid)) b
left join pg_stat_activity h on h.pid = b.pid
where w.datname = current_database()
order by wait_seconds desc nulls last, waiting_pid, blocking_pid
limit 50;
