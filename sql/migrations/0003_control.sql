-- What users steer (pause, retry, cancel), what a document that is read again can skip, and how it is claimed.

-- A paused dataset is not claimed from; what runs ends.
alter table datasets add column paused_at timestamptz;

-- Finished pieces of documents that are expensive to start again. `key` is the hash of what the piece was made of:
-- content, options and format version; a segment of another key is ignored. Values are compressed already.
create table checkpoints (
  document_id  bigint not null,
  kind         text not null,       -- what the piece is: 'embeddings'
  piece        integer not null,    -- where it begins: the first chunk's ordinal
  key          bytea not null,
  size         integer not null,    -- bytes of `segment`
  segment      bytea not null,
  saved_at     timestamptz not null default clock_timestamp(),
  primary key (document_id, kind, piece)
);
alter table checkpoints alter column segment set storage external;
