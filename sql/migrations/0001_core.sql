-- The schema that everything else stands on. Table names are a contract (README, "SQL"); users read the views of
-- 0002_views.sql. Hot tables have no foreign keys: a check per row costs more than the row, and each writer
-- below holds the lock that makes the reference true.

-- Credits ------------------------------------------------------------------------------------------------

create table credit_accounts (
  id          bigint generated always as identity primary key,
  name        text not null unique check (name <> ''),
  balance     bigint not null default 0 constraint credit_balance_not_negative check (balance >= 0),
  created_at  timestamptz not null default now()
);

-- Every movement of credits, once and for ever: the balance is the sum of these.
create table credit_transactions (
  id               bigint generated always as identity primary key,
  account_id       bigint not null references credit_accounts,
  type             text not null check (type in ('grant', 'batch_deduction', 'refund')),
  amount           bigint not null,
  description      text not null,
  metadata         jsonb not null default '{}',
  charge_id        bigint references credit_transactions,
  idempotency_key  text,
  created_at       timestamptz not null default clock_timestamp(),
  constraint credit_sign check ((type = 'batch_deduction') = (amount < 0)),
  constraint credit_refund_names_its_charge check ((type = 'refund') = (charge_id is not null)),
  unique (account_id, idempotency_key)
);
create index on credit_transactions (account_id, id);

create function credit_transactions_are_append_only() returns trigger language plpgsql as $$
begin
  raise exception 'credit_transactions is append-only: % refused', tg_op;
end $$;
create trigger append_only before update or delete on credit_transactions
  for each row execute function credit_transactions_are_append_only();
create trigger append_only_truncate before truncate on credit_transactions
  for each statement execute function credit_transactions_are_append_only();

-- What of a deduction is still open to refunds.
create table credit_charges (
  transaction_id  bigint primary key references credit_transactions,
  account_id      bigint not null references credit_accounts,
  dataset_id      bigint,
  documents       bigint not null check (documents > 0),
  cost            bigint not null check (cost > 0),
  refunded        bigint not null default 0,
  constraint credit_refunds_within_charge check (refunded between 0 and documents * cost)
);

create table credit_refunds (
  charge_id       bigint not null,
  document_id     bigint not null,
  transaction_id  bigint not null,
  amount          bigint not null,
  primary key (charge_id, document_id)
);

-- Datasets and documents ------------------------------------------------------------------------------------

create table datasets (
  id                     bigint generated always as identity primary key,
  name                   text not null unique check (name <> ''),
  account_id             bigint not null references credit_accounts,
  status                 text not null check (status in ('processing', 'ready', 'failed', 'cancelled')),
  model                  text not null,
  dimensions             integer not null,
  total                  bigint not null default 0,
  -- Debounced copies of dataset_progress, for those who read one row; the views have the exact sums.
  ready                  bigint not null default 0,
  failed                 bigint not null default 0,
  cancelled              bigint not null default 0,
  credit_transaction_id  bigint,
  created_at             timestamptz not null default clock_timestamp(),
  updated_at             timestamptz not null default clock_timestamp(),
  finished_at            timestamptz
);
create index datasets_processing on datasets (id) where status = 'processing';

create table documents (
  id             bigint generated always as identity primary key,
  dataset_id     bigint not null,
  uri            text not null,
  status         text not null default 'queued',
  size           bigint not null,
  chunks         integer not null default 0,
  images         integer not null default 0,
  tokens         bigint not null default 0,
  pages          integer not null default 0,
  attempts       integer not null default 0,
  commit_token   bigint,
  charge_id      bigint,
  content_hash   bytea,
  mime           text,
  options        text not null,
  error_code     text,
  error_message  text,
  submitted_at   timestamptz not null default clock_timestamp(),
  finished_at    timestamptz
) with (fillfactor = 60);  -- each row is updated once, in place (HOT): no index on what the commit writes
-- A URI may be longer than an index entry can be.
create unique index documents_uri on documents (dataset_id, md5(uri));

create table chunks (
  document_id   bigint not null,
  ordinal       integer not null,
  page_from     integer not null,
  page_to       integer not null,
  tokens        integer not null,
  text          text not null,
  heading_path  text[] not null,
  embedding     real[] not null,
  primary key (document_id, ordinal)
) with (toast_tuple_target = 8160);
alter table chunks alter column embedding set storage external;

create table images (
  document_id  bigint not null,
  ordinal      integer not null,
  page         integer not null,
  width        integer not null,
  height       integer not null,
  size         bigint not null,
  mime         text not null,
  sha256       text not null,
  text         text not null,
  primary key (document_id, ordinal)
);

-- Rows as the committer sends them, in binary arrays.
create type chunk_in as (
  document_id bigint, ordinal integer, page_from integer, page_to integer, tokens integer,
  text text, heading_path text[], embedding real[]);
create type image_in as (
  document_id bigint, ordinal integer, page integer, width integer, height integer, size bigint,
  mime text, sha256 text, text text);
create type document_in as (
  document_id bigint, token bigint, status text, size bigint, chunks integer, images integer, tokens bigint,
  pages integer, content_hash bytea, mime text, options text, error_code text, error_message text);

-- Counted by each node in its own row, in the committing transaction: exact and uncontended.
create table dataset_progress (
  dataset_id  bigint not null,
  node        text not null,
  ready       bigint not null default 0,
  failed      bigint not null default 0,
  cancelled   bigint not null default 0,
  chunks      bigint not null default 0,
  images      bigint not null default 0,
  tokens      bigint not null default 0,
  refunded    bigint not null default 0,
  primary key (dataset_id, node)
) with (fillfactor = 50);

-- Queue -------------------------------------------------------------------------------------------------------

create sequence queue_tokens cache 100;

create table queue_ready (
  dataset_id   bigint not null,
  priority     smallint not null,  -- smaller first
  run_at       timestamptz not null,
  document_id  bigint not null,
  failures     smallint not null default 0,
  losses       smallint not null default 0,
  primary key (dataset_id, priority, run_at, document_id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

create table queue_leases (
  token        bigint primary key,
  document_id  bigint not null unique,
  dataset_id   bigint not null,
  priority     smallint not null,
  failures     smallint not null,
  losses       smallint not null,
  node         text not null,
  incarnation  bigint not null,
  claimed_at   timestamptz not null default clock_timestamp(),
  deadline     timestamptz not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

create table queue_dead (
  document_id    bigint primary key,
  dataset_id     bigint not null,
  error_code     text not null,
  error_message  text not null,
  failures       smallint not null,
  losses         smallint not null,
  died_at        timestamptz not null default clock_timestamp()
);

-- Cluster -----------------------------------------------------------------------------------------------------

create sequence node_incarnations;

create table nodes (
  name          text primary key,
  incarnation   bigint not null,
  address       text not null,
  roles         text[] not null,
  state         text not null check (state in ('running', 'draining', 'stopped')),
  version       text not null,
  pid           integer not null,
  capacity      integer not null,
  started_at    timestamptz not null default clock_timestamp(),
  heartbeat_at  timestamptz not null default clock_timestamp(),
  actors        jsonb  -- what GET /v1/actors said when the node stopped
);

create table leaders (
  role         text primary key,
  node         text not null,
  incarnation  bigint not null,
  epoch        bigint not null,
  renewed_at   timestamptz not null default clock_timestamp()
);
