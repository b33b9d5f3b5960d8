-- Who holds connections: one row an application and state, against what the server allows. `all_connections` is the
-- whole server's, of every user and database. A Millrace node calls itself millrace/NODE.
select coalesce(nullif(application_name, ''), '-') as application,
       coalesce(state, '-') as state,
       count(*) as connections,
       coalesce(round(extract(epoch from max(clock_timestamp() - xact_start)), 1), 0) as oldest_transaction_seconds,
       sum(count(*)) over ()::bigint as all_connections,
       current_setting('max_connections')::integer as max_connections
from pg_stat_activity
-- Those who are neither superuser nor pg_monitor see no type (and no name) of other users' sessions.
where backend_type = 'client backend' or (backend_type is null and datid is not null)
group by 1, 2
order by connections desc, application, state
limit 50;
