-- Keys of retries that charged nothing: those that did are remembered by their credit transaction. Go with their dataset.
create table uncharged_retries (
  dataset_id       bigint not null,
  idempotency_key  text not null,
  documents        bigint not null,   -- queued again
  primary key (dataset_id, idempotency_key)
);
