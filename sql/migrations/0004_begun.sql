-- A loss of a document that lost its holders before counts only where it had begun to run (runtime/queue/lease.hpp).
-- Written for such documents alone, so it costs the others nothing.
alter table queue_leases add column begun boolean not null default false;
