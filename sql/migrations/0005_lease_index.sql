-- A claim moves a row, so that a document has one lease at a time. A unique index that checks this once more looks at
-- every dead entry of the same document, and beside an open snapshot none of these can be cleaned away.
alter table queue_leases drop constraint queue_leases_document_id_key;
create index queue_leases_document on queue_leases (document_id);
