-- The leader of the maintenance vacuums the queue every 2 s, and stops where a snapshot that somebody holds open makes
-- that futile. Autovacuum does not stop: after 10 million jobs beside such a snapshot it walked over all their rows (2.4 GB)
-- again every 5 s. It remains for what the leader does not do, at 2,000 pages a second: a few percent of a core.
alter table queue_ready set (
  autovacuum_vacuum_threshold = 1000000, autovacuum_vacuum_insert_threshold = -1,
  autovacuum_vacuum_cost_limit = 200, autovacuum_vacuum_cost_delay = 100);
alter table queue_leases set (
  autovacuum_vacuum_threshold = 1000000, autovacuum_vacuum_insert_threshold = -1,
  autovacuum_vacuum_cost_limit = 200, autovacuum_vacuum_cost_delay = 100);
