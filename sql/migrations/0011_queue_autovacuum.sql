-- The leader of `reaper` vacuums these tables every 2 s and leaves them alone while an old snapshot would make that
-- futile. Autovacuum does not know: beside such a snapshot it walked over all that is dead again and again, a tenth of
-- the server's CPU time. It still analyzes.
alter table queue_ready set (autovacuum_vacuum_threshold = 2000000000, autovacuum_vacuum_insert_threshold = -1);
alter table queue_leases set (autovacuum_vacuum_threshold = 2000000000, autovacuum_vacuum_insert_threshold = -1);
