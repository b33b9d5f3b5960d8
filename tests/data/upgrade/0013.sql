SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE TYPE public.chunk_in AS (
	document_id bigint,
	ordinal integer,
	page_from integer,
	page_to integer,
	tokens integer,
	text text,
	heading_path text[],
	embedding real[]
);
CREATE TYPE public.document_in AS (
	document_id bigint,
	token bigint,
	status text,
	size bigint,
	chunks integer,
	images integer,
	tokens bigint,
	pages integer,
	content_hash bytea,
	mime text,
	options text,
	error_code text,
	error_message text
);
CREATE TYPE public.image_in AS (
	document_id bigint,
	ordinal integer,
	page integer,
	width integer,
	height integer,
	size bigint,
	mime text,
	sha256 text,
	text text
);
CREATE FUNCTION public.credit_transactions_are_append_only() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
  raise exception 'credit_transactions is append-only: % refused', tg_op;
end $$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.checkpoints (
    document_id bigint NOT NULL,
    kind text NOT NULL,
    piece integer NOT NULL,
    key bytea NOT NULL,
    size integer NOT NULL,
    segment bytea NOT NULL,
    saved_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
ALTER TABLE ONLY public.checkpoints ALTER COLUMN segment SET STORAGE EXTERNAL;
CREATE TABLE public.chunks (
    document_id bigint NOT NULL,
    ordinal integer NOT NULL,
    page_from integer NOT NULL,
    page_to integer NOT NULL,
    tokens integer NOT NULL,
    text text NOT NULL,
    heading_path text[] NOT NULL,
    embedding real[] NOT NULL
)
WITH (toast_tuple_target='8160');
ALTER TABLE ONLY public.chunks ALTER COLUMN document_id SET STATISTICS 20;
ALTER TABLE ONLY public.chunks ALTER COLUMN ordinal SET STATISTICS 20;
ALTER TABLE ONLY public.chunks ALTER COLUMN page_from SET STATISTICS 20;
ALTER TABLE ONLY public.chunks ALTER COLUMN page_to SET STATISTICS 20;
ALTER TABLE ONLY public.chunks ALTER COLUMN tokens SET STATISTICS 20;
ALTER TABLE ONLY public.chunks ALTER COLUMN text SET STATISTICS 20;
ALTER TABLE ONLY public.chunks ALTER COLUMN heading_path SET STATISTICS 20;
ALTER TABLE ONLY public.chunks ALTER COLUMN embedding SET STATISTICS 0;
ALTER TABLE ONLY public.chunks ALTER COLUMN embedding SET STORAGE EXTERNAL;
CREATE TABLE public.datasets (
    id bigint NOT NULL,
    name text NOT NULL,
    account_id bigint NOT NULL,
    status text NOT NULL,
    model text NOT NULL,
    dimensions integer NOT NULL,
    total bigint DEFAULT 0 NOT NULL,
    ready bigint DEFAULT 0 NOT NULL,
    failed bigint DEFAULT 0 NOT NULL,
    cancelled bigint DEFAULT 0 NOT NULL,
    credit_transaction_id bigint,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    finished_at timestamp with time zone,
    paused_at timestamp with time zone,
    CONSTRAINT datasets_name_check CHECK ((name <> ''::text)),
    CONSTRAINT datasets_status_check CHECK ((status = ANY (ARRAY['processing'::text, 'ready'::text, 'failed'::text, 'cancelled'::text])))
);
CREATE TABLE public.documents (
    id bigint NOT NULL,
    dataset_id bigint NOT NULL,
    uri text NOT NULL,
    status text DEFAULT 'queued'::text NOT NULL,
    size bigint NOT NULL,
    chunks integer DEFAULT 0 NOT NULL,
    images integer DEFAULT 0 NOT NULL,
    tokens bigint DEFAULT 0 NOT NULL,
    pages integer DEFAULT 0 NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    commit_token bigint,
    charge_id bigint,
    content_hash bytea,
    mime text,
    options text NOT NULL,
    error_code text,
    error_message text,
    submitted_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    finished_at timestamp with time zone
)
WITH (fillfactor='45');
ALTER TABLE ONLY public.documents ALTER COLUMN id SET STATISTICS 20;
ALTER TABLE ONLY public.documents ALTER COLUMN dataset_id SET STATISTICS 20;
ALTER TABLE ONLY public.documents ALTER COLUMN uri SET STATISTICS 20;
ALTER TABLE ONLY public.documents ALTER COLUMN status SET STATISTICS 20;
ALTER TABLE ONLY public.documents ALTER COLUMN size SET STATISTICS 20;
ALTER TABLE ONLY public.documents ALTER COLUMN chunks SET STATISTICS 20;
ALTER TABLE ONLY public.documents ALTER COLUMN images SET STATISTICS 20;
ALTER TABLE ONLY public.documents ALTER COLUMN tokens SET STATISTICS 20;
ALTER TABLE ONLY public.documents ALTER COLUMN pages SET STATISTICS 20;
ALTER TABLE ONLY public.documents ALTER COLUMN attempts SET STATISTICS 20;
ALTER TABLE ONLY public.documents ALTER COLUMN commit_token SET STATISTICS 20;
ALTER TABLE ONLY public.documents ALTER COLUMN charge_id SET STATISTICS 20;
ALTER TABLE ONLY public.documents ALTER COLUMN content_hash SET STATISTICS 20;
ALTER TABLE ONLY public.documents ALTER COLUMN mime SET STATISTICS 20;
ALTER TABLE ONLY public.documents ALTER COLUMN options SET STATISTICS 20;
ALTER TABLE ONLY public.documents ALTER COLUMN error_code SET STATISTICS 20;
ALTER TABLE ONLY public.documents ALTER COLUMN error_message SET STATISTICS 20;
ALTER TABLE ONLY public.documents ALTER COLUMN submitted_at SET STATISTICS 20;
ALTER TABLE ONLY public.documents ALTER COLUMN finished_at SET STATISTICS 20;
CREATE VIEW public.chunks_v1 AS
 SELECT s.name AS dataset,
    d.uri,
    c.ordinal,
    c.text,
    c.heading_path,
    c.page_from,
    c.page_to,
    c.tokens,
    s.model,
    c.embedding
   FROM ((public.chunks c
     JOIN public.documents d ON ((d.id = c.document_id)))
     JOIN public.datasets s ON ((s.id = d.dataset_id)));
CREATE TABLE public.cluster (
    name text NOT NULL,
    single boolean DEFAULT true NOT NULL,
    CONSTRAINT cluster_single_check CHECK (single)
);
CREATE TABLE public.credit_accounts (
    id bigint NOT NULL,
    name text NOT NULL,
    balance bigint DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT credit_accounts_name_check CHECK ((name <> ''::text)),
    CONSTRAINT credit_balance_not_negative CHECK ((balance >= 0))
);
ALTER TABLE public.credit_accounts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.credit_accounts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.credit_charges (
    transaction_id bigint NOT NULL,
    account_id bigint NOT NULL,
    dataset_id bigint,
    documents bigint NOT NULL,
    cost bigint NOT NULL,
    refunded bigint DEFAULT 0 NOT NULL,
    CONSTRAINT credit_charges_cost_check CHECK ((cost > 0)),
    CONSTRAINT credit_charges_documents_check CHECK ((documents > 0)),
    CONSTRAINT credit_refunds_within_charge CHECK (((refunded >= 0) AND (refunded <= (documents * cost))))
);
CREATE TABLE public.credit_refunds (
    charge_id bigint NOT NULL,
    document_id bigint NOT NULL,
    transaction_id bigint NOT NULL,
    amount bigint NOT NULL
);
CREATE TABLE public.credit_transactions (
    id bigint NOT NULL,
    account_id bigint NOT NULL,
    type text NOT NULL,
    amount bigint NOT NULL,
    description text NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    charge_id bigint,
    idempotency_key text,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT credit_refund_names_its_charge CHECK (((type = 'refund'::text) = (charge_id IS NOT NULL))),
    CONSTRAINT credit_sign CHECK (((type = 'batch_deduction'::text) = (amount < 0))),
    CONSTRAINT credit_transactions_type_check CHECK ((type = ANY (ARRAY['grant'::text, 'batch_deduction'::text, 'refund'::text])))
);
ALTER TABLE public.credit_transactions ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.credit_transactions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.database_identity (
    the_only_one boolean DEFAULT true NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT database_identity_the_only_one_check CHECK (the_only_one)
);
CREATE TABLE public.dataset_progress (
    dataset_id bigint NOT NULL,
    node text NOT NULL,
    ready bigint DEFAULT 0 NOT NULL,
    failed bigint DEFAULT 0 NOT NULL,
    cancelled bigint DEFAULT 0 NOT NULL,
    chunks bigint DEFAULT 0 NOT NULL,
    images bigint DEFAULT 0 NOT NULL,
    tokens bigint DEFAULT 0 NOT NULL,
    refunded bigint DEFAULT 0 NOT NULL
)
WITH (fillfactor='50');
ALTER TABLE public.datasets ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.datasets_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE VIEW public.datasets_v1 AS
 SELECT s.name AS dataset,
    a.name AS account,
    s.status,
    s.total,
    p.ready,
    p.failed,
    p.cancelled,
    (((s.total - p.ready) - p.failed) - p.cancelled) AS remaining,
    p.chunks,
    p.images,
    p.tokens,
    s.model,
    s.dimensions,
    s.credit_transaction_id,
    s.created_at,
    s.finished_at
   FROM ((public.datasets s
     JOIN public.credit_accounts a ON ((a.id = s.account_id)))
     CROSS JOIN LATERAL ( SELECT (COALESCE(sum(dataset_progress.ready), (0)::numeric))::bigint AS ready,
            (COALESCE(sum(dataset_progress.failed), (0)::numeric))::bigint AS failed,
            (COALESCE(sum(dataset_progress.cancelled), (0)::numeric))::bigint AS cancelled,
            (COALESCE(sum(dataset_progress.chunks), (0)::numeric))::bigint AS chunks,
            (COALESCE(sum(dataset_progress.images), (0)::numeric))::bigint AS images,
            (COALESCE(sum(dataset_progress.tokens), (0)::numeric))::bigint AS tokens
           FROM public.dataset_progress
          WHERE (dataset_progress.dataset_id = s.id)) p);
ALTER TABLE public.documents ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.documents_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.queue_leases (
    token bigint NOT NULL,
    document_id bigint NOT NULL,
    dataset_id bigint NOT NULL,
    priority smallint NOT NULL,
    failures smallint NOT NULL,
    losses smallint NOT NULL,
    node text NOT NULL,
    incarnation bigint NOT NULL,
    claimed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    deadline timestamp with time zone NOT NULL,
    begun boolean DEFAULT false NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='2000000000', autovacuum_vacuum_insert_threshold='-1');
CREATE VIEW public.documents_v1 AS
 SELECT s.name AS dataset,
    d.uri,
        CASE
            WHEN ((d.status = 'queued'::text) AND (l.token IS NOT NULL)) THEN 'processing'::text
            ELSE d.status
        END AS status,
    d.error_code,
    d.error_message,
    d.chunks,
    d.images,
    d.size,
    encode(d.content_hash, 'hex'::text) AS content_hash,
    d.attempts,
    d.finished_at
   FROM ((public.documents d
     JOIN public.datasets s ON ((s.id = d.dataset_id)))
     LEFT JOIN public.queue_leases l ON ((l.document_id = d.id)));
CREATE TABLE public.image_texts (
    dataset_id bigint NOT NULL,
    sha256 text NOT NULL,
    languages text NOT NULL,
    text text NOT NULL
);
CREATE TABLE public.images (
    document_id bigint NOT NULL,
    ordinal integer NOT NULL,
    page integer NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    size bigint NOT NULL,
    mime text NOT NULL,
    sha256 text NOT NULL,
    text text NOT NULL
);
CREATE TABLE public.leaders (
    role text NOT NULL,
    node text NOT NULL,
    incarnation bigint NOT NULL,
    epoch bigint NOT NULL,
    renewed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
CREATE SEQUENCE public.node_incarnations
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
CREATE TABLE public.nodes (
    name text NOT NULL,
    incarnation bigint NOT NULL,
    address text NOT NULL,
    roles text[] NOT NULL,
    state text NOT NULL,
    version text NOT NULL,
    pid integer NOT NULL,
    capacity integer NOT NULL,
    started_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    heartbeat_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    actors jsonb,
    protocol integer DEFAULT 0 NOT NULL,
    link_id text DEFAULT ''::text NOT NULL,
    CONSTRAINT nodes_state_check CHECK ((state = ANY (ARRAY['running'::text, 'draining'::text, 'stopped'::text])))
);
CREATE TABLE public.queue_dead (
    document_id bigint NOT NULL,
    dataset_id bigint NOT NULL,
    error_code text NOT NULL,
    error_message text NOT NULL,
    failures smallint NOT NULL,
    losses smallint NOT NULL,
    died_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
CREATE TABLE public.queue_ready (
    dataset_id bigint NOT NULL,
    priority smallint NOT NULL,
    run_at timestamp with time zone NOT NULL,
    document_id bigint NOT NULL,
    failures smallint DEFAULT 0 NOT NULL,
    losses smallint DEFAULT 0 NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='2000000000', autovacuum_vacuum_insert_threshold='-1');
CREATE SEQUENCE public.queue_tokens
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 100;
CREATE TABLE public.schema_migrations (
    version integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.uncharged_retries (
    dataset_id bigint NOT NULL,
    idempotency_key text NOT NULL,
    documents bigint NOT NULL
);
INSERT INTO public.chunks VALUES (2, 0, 0, 0, 53, '| station | month | level in cm |
| --- | --- | --- |
| upper weir | March | 193 |
| upper weir | April | 171 |
| lower weir | March | 88 |', '{}', '{-0.18018176,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,-0.18018176,0,0,0,0,0,-0.09009088,0,0,0.18018176,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,-0.09009088,0,0,0,0,-0.30511245,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0.18018176,0,0,0,0,0,-0.18018176,0.09009088,0,0,0,0,0,0,0,0,0.04504544,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0.09009088,0,0,0,0,0,0,0,0,0.09009088,0,0,0,0,0,0,0,-0.6726903,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,-0.09009088,0,0,0,0,0,0,0,0,0.09009088,0,0,0,0,0,0,0.18018176,0,0,0,0,-0.09009088,0,0,0,0,0,0,0,0,0,0.15255623,0,0,0,0,0.09009088,0.18018176,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,-0.15255623,0,0,-0.18018176,0,0,0,0,0,0,0,0,0,0,0,0.09009088,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0.18018176,0,0,0,0,0.18018176,0,0}');
INSERT INTO public.chunks VALUES (3, 0, 0, 0, 46, 'A lock lifts a boat from one reach of a canal to the next. Its chamber is filled through paddles in the upper gates and emptied through those in the lower ones, and nobody pumps: the water falls by itself.', '{}', '{0,0,0,0,0,0,0,0,0,0,0,0.08472491,0.08472491,0,0.16944982,0.08472491,0,0,0,0,0,0,-0.08472491,0,0,0,0,-0.16944982,0,0.16944982,-0.0718176,0.08472491,0.08472491,0,0,-0.08472491,0,0,0,0,0,0,0,0,0,0,0,0,0,0,-0.08472491,0,0,-0.16944982,0,0,0,-0.16944982,-0.042362455,0.16944982,0,0,0,0,0,0,0,0.16944982,0,0,0.08472491,0.16944982,0,0,0,-0.08472491,0,0,0,0,0,0,-0.08472491,-0.16944982,0,0,0,0,0,0,0,0,0.16944982,0,0,0,0.28693944,0,0.16944982,0,0,0,0,0,-0.08472491,0,0,0,0,0,0.15637703,0,0.08472491,0,0,0,0,0,0,-0.16944982,0,0,0,-0.08472491,0,0,0,0,0,0,0.08637969,0,-0.042362455,0,0.16944982,0.08472491,0,-0.16944982,0,0,-0.16944982,0,0,-0.08472491,0,0,0,0,0,0,0,0,0.08472491,0,0,-0.042362455,0,0,0,0.08472491,0,0,0,0,0,-0.16944982,-0.08472491,0,-0.08472491,0,0.08472491,0,0,0,0,0,0,0,0.08472491,0,0,0,0,0,-0.042362455,0,0,0,0,0,0,0,0,0,0,0.16944982,0,0,0.08472491,0,0,0,0,-0.10110726,0,0,0,0,0,-0.16944982,0,0,0,-0.16944982,0.08472491,0,0.08472491,0,0,0,0,-0.08472491,-0.08472491,0,0,0,0,0,0,0.08472491,0,0,-0.16944982,0,0,0,0,0,0,0,-0.2541747,0.08472491,0,0,0,0,0,0,0,0.08472491,-0.042362455,0,0,-0.08472491,0,0}');
INSERT INTO public.chunks VALUES (4, 0, 0, 0, 28, 'The lower mill
The lower mill stands where the leat meets the river. Its wheel is undershot and turns best in spring.', '{"The lower mill"}', '{0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0.104343005,0,0,0,0,0,0,0,0.3533804,-0.052171502,0,0,0,0,0,0.104343005,0,0,0,0,0,0,-0.104343005,0.20868601,0,0,0,0,0,0.20868601,0,0,0,0,0,0,0,-0.052171502,0,0,0,-0.104343005,0,0,0,0,0,0,0,0.1766902,0,0,-0.31302902,0.104343005,0,0,0,0,0,0,0.104343005,0,0,0,0.20868601,0,0,0,0,0.104343005,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0.052171502,0,0,0,0,0,0,-0.20868601,0,0,0,0,0,0.104343005,0,0,0,0,0,0,0,0,0.104343005,0,0,0,0,0,0,0.20868601,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0.20868601,0,0,0,0,0,0.104343005,0,0,-0.20868601,-0.104343005,-0.20868601,0,0,0,0,-0.104343005,0.104343005,0,0,0,0,0,0,0,0,0.3533804,0,0,0,-0.20868601,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,-0.1245187,0,0,0,0,0,0,0,0,0,0,0.104343005,0,0,0,0,0,0,0,0.104343005,0,0,0,0,0,0.104343005,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,-0.1766902,0,0}');
INSERT INTO public.chunks VALUES (4, 1, 0, 0, 28, 'Repairs
In 1887 the floats were replaced by ones of elm, which do not rot where they are always wet.', '{"The lower mill",Repairs}', '{0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,-0.123796895,0,0.061898448,0,0,-0.123796895,0,0.123796895,0,0.24759379,0,0,0,-0.123796895,0,0,0,0,0,0,0.24759379,0,0,0,0,0,0,0,0,0,0,0,0,-0.24759379,0,0,0,0,0,0,-0.061898448,0,0,0,0,-0.123796895,0,0,0,0,0.061898448,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0.24759379,0,0,0,0,-0.123796895,0,0,0,0,0,-0.123796895,0,0,0,0,0,0,0.061898448,0,0,0,0,0,0,0.24759379,0,0,0,0,0,0.24759379,0,0,0,0,-0.123796895,0,0,0,0,0,0,0,0,0,0,0,0,-0.37139067,0,0,0,0,0,0,0,0,0,0,-0.061898448,0,0,-0.061898448,0,0,0,-0.061898448,-0.123796895,0,0,-0.123796895,0,0,0,0,0,-0.24759379,0,0,0,0,0,0,0,0,0,0,0,0,0,-0.24759379,-0.061898448,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,-0.061898448,0,0,0,0,0,0,0,-0.123796895,0,-0.123796895,0,0,0,0,0,0,0,0,0,0,0,0,0,0,-0.24759379,0,0,0,0,0,0,0.123796895,0,0,-0.123796895,0,0,0,0,0,0,0,0.24759379,0,0,0,0,0,0,0,0,0}');
INSERT INTO public.chunks VALUES (5, 0, 0, 0, 28, 'The lower mill
The lower mill stands where the leat meets the river. Its wheel is undershot and turns best in spring.', '{"The lower mill"}', '{0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0.104343005,0,0,0,0,0,0,0,0.3533804,-0.052171502,0,0,0,0,0,0.104343005,0,0,0,0,0,0,-0.104343005,0.20868601,0,0,0,0,0,0.20868601,0,0,0,0,0,0,0,-0.052171502,0,0,0,-0.104343005,0,0,0,0,0,0,0,0.1766902,0,0,-0.31302902,0.104343005,0,0,0,0,0,0,0.104343005,0,0,0,0.20868601,0,0,0,0,0.104343005,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0.052171502,0,0,0,0,0,0,-0.20868601,0,0,0,0,0,0.104343005,0,0,0,0,0,0,0,0,0.104343005,0,0,0,0,0,0,0.20868601,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0.20868601,0,0,0,0,0,0.104343005,0,0,-0.20868601,-0.104343005,-0.20868601,0,0,0,0,-0.104343005,0.104343005,0,0,0,0,0,0,0,0,0.3533804,0,0,0,-0.20868601,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,-0.1245187,0,0,0,0,0,0,0,0,0,0,0.104343005,0,0,0,0,0,0,0,0.104343005,0,0,0,0,0,0.104343005,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,-0.1766902,0,0}');
INSERT INTO public.chunks VALUES (5, 1, 0, 0, 28, 'Repairs
In 1887 the floats were replaced by ones of elm, which do not rot where they are always wet.', '{"The lower mill",Repairs}', '{0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,-0.123796895,0,0.061898448,0,0,-0.123796895,0,0.123796895,0,0.24759379,0,0,0,-0.123796895,0,0,0,0,0,0,0.24759379,0,0,0,0,0,0,0,0,0,0,0,0,-0.24759379,0,0,0,0,0,0,-0.061898448,0,0,0,0,-0.123796895,0,0,0,0,0.061898448,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0.24759379,0,0,0,0,-0.123796895,0,0,0,0,0,-0.123796895,0,0,0,0,0,0,0.061898448,0,0,0,0,0,0,0.24759379,0,0,0,0,0,0.24759379,0,0,0,0,-0.123796895,0,0,0,0,0,0,0,0,0,0,0,0,-0.37139067,0,0,0,0,0,0,0,0,0,0,-0.061898448,0,0,-0.061898448,0,0,0,-0.061898448,-0.123796895,0,0,-0.123796895,0,0,0,0,0,-0.24759379,0,0,0,0,0,0,0,0,0,0,0,0,0,-0.24759379,-0.061898448,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,-0.061898448,0,0,0,0,0,0,0,-0.123796895,0,-0.123796895,0,0,0,0,0,0,0,0,0,0,0,0,0,0,-0.24759379,0,0,0,0,0,0,0.123796895,0,0,-0.123796895,0,0,0,0,0,0,0,0.24759379,0,0,0,0,0,0,0,0,0}');
INSERT INTO public.chunks VALUES (9, 0, 0, 0, 46, 'A lock lifts a boat from one reach of a canal to the next. Its chamber is filled through paddles in the upper gates and emptied through those in the lower ones, and nobody pumps: the water falls by itself.', '{}', '{0,0,0,0,0,0,0,0,0,0,0,0.08472491,0.08472491,0,0.16944982,0.08472491,0,0,0,0,0,0,-0.08472491,0,0,0,0,-0.16944982,0,0.16944982,-0.0718176,0.08472491,0.08472491,0,0,-0.08472491,0,0,0,0,0,0,0,0,0,0,0,0,0,0,-0.08472491,0,0,-0.16944982,0,0,0,-0.16944982,-0.042362455,0.16944982,0,0,0,0,0,0,0,0.16944982,0,0,0.08472491,0.16944982,0,0,0,-0.08472491,0,0,0,0,0,0,-0.08472491,-0.16944982,0,0,0,0,0,0,0,0,0.16944982,0,0,0,0.28693944,0,0.16944982,0,0,0,0,0,-0.08472491,0,0,0,0,0,0.15637703,0,0.08472491,0,0,0,0,0,0,-0.16944982,0,0,0,-0.08472491,0,0,0,0,0,0,0.08637969,0,-0.042362455,0,0.16944982,0.08472491,0,-0.16944982,0,0,-0.16944982,0,0,-0.08472491,0,0,0,0,0,0,0,0,0.08472491,0,0,-0.042362455,0,0,0,0.08472491,0,0,0,0,0,-0.16944982,-0.08472491,0,-0.08472491,0,0.08472491,0,0,0,0,0,0,0,0.08472491,0,0,0,0,0,-0.042362455,0,0,0,0,0,0,0,0,0,0,0.16944982,0,0,0.08472491,0,0,0,0,-0.10110726,0,0,0,0,0,-0.16944982,0,0,0,-0.16944982,0.08472491,0,0.08472491,0,0,0,0,-0.08472491,-0.08472491,0,0,0,0,0,0,0.08472491,0,0,-0.16944982,0,0,0,0,0,0,0,-0.2541747,0.08472491,0,0,0,0,0,0,0,0.08472491,-0.042362455,0,0,-0.08472491,0,0}');
INSERT INTO public.chunks VALUES (11, 0, 0, 0, 46, 'A lock lifts a boat from one reach of a canal to the next. Its chamber is filled through paddles in the upper gates and emptied through those in the lower ones, and nobody pumps: the water falls by itself.', '{}', '{0,0,0,0,0,0,0,0,0,0,0,0.08472491,0.08472491,0,0.16944982,0.08472491,0,0,0,0,0,0,-0.08472491,0,0,0,0,-0.16944982,0,0.16944982,-0.0718176,0.08472491,0.08472491,0,0,-0.08472491,0,0,0,0,0,0,0,0,0,0,0,0,0,0,-0.08472491,0,0,-0.16944982,0,0,0,-0.16944982,-0.042362455,0.16944982,0,0,0,0,0,0,0,0.16944982,0,0,0.08472491,0.16944982,0,0,0,-0.08472491,0,0,0,0,0,0,-0.08472491,-0.16944982,0,0,0,0,0,0,0,0,0.16944982,0,0,0,0.28693944,0,0.16944982,0,0,0,0,0,-0.08472491,0,0,0,0,0,0.15637703,0,0.08472491,0,0,0,0,0,0,-0.16944982,0,0,0,-0.08472491,0,0,0,0,0,0,0.08637969,0,-0.042362455,0,0.16944982,0.08472491,0,-0.16944982,0,0,-0.16944982,0,0,-0.08472491,0,0,0,0,0,0,0,0,0.08472491,0,0,-0.042362455,0,0,0,0.08472491,0,0,0,0,0,-0.16944982,-0.08472491,0,-0.08472491,0,0.08472491,0,0,0,0,0,0,0,0.08472491,0,0,0,0,0,-0.042362455,0,0,0,0,0,0,0,0,0,0,0.16944982,0,0,0.08472491,0,0,0,0,-0.10110726,0,0,0,0,0,-0.16944982,0,0,0,-0.16944982,0.08472491,0,0.08472491,0,0,0,0,-0.08472491,-0.08472491,0,0,0,0,0,0,0.08472491,0,0,-0.16944982,0,0,0,0,0,0,0,-0.2541747,0.08472491,0,0,0,0,0,0,0,0.08472491,-0.042362455,0,0,-0.08472491,0,0}');
INSERT INTO public.credit_accounts OVERRIDING SYSTEM VALUE VALUES (1, 'default', 999910, '2026-11-30 13:54:02.178324+00');
INSERT INTO public.credit_accounts OVERRIDING SYSTEM VALUE VALUES (13, 'team', 4015, '2026-11-30 13:54:15.518279+00');
INSERT INTO public.credit_charges VALUES (2, 1, 1, 4, 10, 10);
INSERT INTO public.credit_charges VALUES (4, 1, 2, 2, 10, 10);
INSERT INTO public.credit_charges VALUES (6, 1, 2, 1, 10, 10);
INSERT INTO public.credit_charges VALUES (8, 1, 4, 2, 10, 10);
INSERT INTO public.credit_charges VALUES (10, 1, 4, 1, 10, 10);
INSERT INTO public.credit_charges VALUES (12, 1, 5, 2, 10, 10);
INSERT INTO public.credit_charges VALUES (14, 1, 5, 1, 10, 0);
INSERT INTO public.credit_charges VALUES (15, 1, 6, 2, 10, 0);
INSERT INTO public.credit_charges VALUES (17, 13, NULL, 200, 5, 15);
INSERT INTO public.credit_refunds VALUES (2, 1, 3, 10);
INSERT INTO public.credit_refunds VALUES (4, 6, 5, 10);
INSERT INTO public.credit_refunds VALUES (6, 6, 7, 10);
INSERT INTO public.credit_refunds VALUES (8, 10, 9, 10);
INSERT INTO public.credit_refunds VALUES (10, 10, 11, 10);
INSERT INTO public.credit_refunds VALUES (12, 12, 13, 10);
INSERT INTO public.credit_transactions OVERRIDING SYSTEM VALUE VALUES (1, 1, 'grant', 1000000, 'initial grant', '{}', NULL, 'initial-grant', '2026-11-30 13:54:02.259002+00');
INSERT INTO public.credit_transactions OVERRIDING SYSTEM VALUE VALUES (2, 1, 'batch_deduction', -40, 'dataset archive: 4 documents', '{"documents": 4, "dataset_id": 1, "cost_per_document": 10}', NULL, NULL, '2026-11-30 13:54:02.375318+00');
INSERT INTO public.credit_transactions OVERRIDING SYSTEM VALUE VALUES (3, 1, 'refund', 10, 'refund of failed documents', '{"documents": 1}', 2, NULL, '2026-11-30 13:54:02.564662+00');
INSERT INTO public.credit_transactions OVERRIDING SYSTEM VALUE VALUES (4, 1, 'batch_deduction', -20, 'dataset again: 2 documents', '{"documents": 2, "dataset_id": 2, "cost_per_document": 10}', NULL, NULL, '2026-11-30 13:54:03.991568+00');
INSERT INTO public.credit_transactions OVERRIDING SYSTEM VALUE VALUES (5, 1, 'refund', 10, 'refund of failed documents', '{"documents": 1}', 4, NULL, '2026-11-30 13:54:04.256029+00');
INSERT INTO public.credit_transactions OVERRIDING SYSTEM VALUE VALUES (6, 1, 'batch_deduction', -10, 'dataset again: 1 documents', '{"documents": 1, "dataset_id": 2, "cost_per_document": 10}', NULL, NULL, '2026-11-30 13:54:05.464169+00');
INSERT INTO public.credit_transactions OVERRIDING SYSTEM VALUE VALUES (7, 1, 'refund', 10, 'refund of failed documents', '{"documents": 1}', 6, NULL, '2026-11-30 13:54:05.557984+00');
INSERT INTO public.credit_transactions OVERRIDING SYSTEM VALUE VALUES (8, 1, 'batch_deduction', -20, 'dataset cancelled: 2 documents', '{"documents": 2, "dataset_id": 4, "cost_per_document": 10}', NULL, NULL, '2026-11-30 13:54:06.715114+00');
INSERT INTO public.credit_transactions OVERRIDING SYSTEM VALUE VALUES (9, 1, 'refund', 10, 'refund of failed documents', '{"documents": 1}', 8, NULL, '2026-11-30 13:54:06.897+00');
INSERT INTO public.credit_transactions OVERRIDING SYSTEM VALUE VALUES (10, 1, 'batch_deduction', -10, 'retry of dataset cancelled: 1 documents', '{"documents": 1, "dataset_id": 4, "cost_per_document": 10}', NULL, NULL, '2026-11-30 13:54:08.031675+00');
INSERT INTO public.credit_transactions OVERRIDING SYSTEM VALUE VALUES (11, 1, 'refund', 10, 'refund of documents that were cancelled', '{"documents": 1}', 10, NULL, '2026-11-30 13:54:08.737889+00');
INSERT INTO public.credit_transactions OVERRIDING SYSTEM VALUE VALUES (12, 1, 'batch_deduction', -20, 'dataset paused: 2 documents', '{"documents": 2, "dataset_id": 5, "cost_per_document": 10}', NULL, NULL, '2026-11-30 13:54:09.631236+00');
INSERT INTO public.credit_transactions OVERRIDING SYSTEM VALUE VALUES (13, 1, 'refund', 10, 'refund of failed documents', '{"documents": 1}', 12, NULL, '2026-11-30 13:54:09.883455+00');
INSERT INTO public.credit_transactions OVERRIDING SYSTEM VALUE VALUES (14, 1, 'batch_deduction', -10, 'retry of dataset paused: 1 documents', '{"documents": 1, "dataset_id": 5, "cost_per_document": 10}', NULL, NULL, '2026-11-30 13:54:10.971604+00');
INSERT INTO public.credit_transactions OVERRIDING SYSTEM VALUE VALUES (15, 1, 'batch_deduction', -20, 'dataset waiting: 2 documents', '{"documents": 2, "dataset_id": 6, "cost_per_document": 10}', NULL, NULL, '2026-11-30 13:54:12.372995+00');
INSERT INTO public.credit_transactions OVERRIDING SYSTEM VALUE VALUES (16, 13, 'grant', 5000, 'grant', '{}', NULL, NULL, '2026-11-30 13:54:15.523803+00');
INSERT INTO public.credit_transactions OVERRIDING SYSTEM VALUE VALUES (17, 13, 'batch_deduction', -1000, 'batch deduction', '{"documents": 200, "dataset_id": null, "cost_per_document": 5}', NULL, 'first', '2026-11-30 13:54:16.119204+00');
INSERT INTO public.credit_transactions OVERRIDING SYSTEM VALUE VALUES (18, 13, 'refund', 15, 'refund of failed documents', '{"documents": 3, "cost_per_document": 5}', 17, 'refund/17/3', '2026-11-30 13:54:17.611344+00');
INSERT INTO public.database_identity VALUES (true, '2bd3e89e-fed6-493a-ab67-4048feaf85d8');
INSERT INTO public.dataset_progress VALUES (1, 'local', 3, 1, 0, 4, 0, 155, 0);
INSERT INTO public.dataset_progress VALUES (2, 'submit', 0, -1, 0, 0, 0, 0, 0);
INSERT INTO public.dataset_progress VALUES (2, 'local', 1, 2, 0, 2, 0, 56, 0);
INSERT INTO public.dataset_progress VALUES (4, 'local', 1, 1, 0, 1, 0, 46, 0);
INSERT INTO public.dataset_progress VALUES (4, 'submit', 0, -1, 1, 0, 0, 0, 0);
INSERT INTO public.dataset_progress VALUES (5, 'local', 1, 1, 0, 1, 0, 46, 0);
INSERT INTO public.dataset_progress VALUES (5, 'submit', 0, -1, 0, 0, 0, 0, 0);
INSERT INTO public.datasets OVERRIDING SYSTEM VALUE VALUES (1, 'archive', 1, 'ready', 'hashing-v1', 256, 4, 3, 1, 0, 2, '2026-11-30 13:54:02.330815+00', '2026-11-30 13:54:02.678914+00', '2026-11-30 13:54:02.678914+00', NULL);
INSERT INTO public.datasets OVERRIDING SYSTEM VALUE VALUES (2, 'again', 1, 'ready', 'hashing-v1', 256, 2, 1, 1, 0, 6, '2026-11-30 13:54:03.947306+00', '2026-11-30 13:54:05.581607+00', '2026-11-30 13:54:05.581607+00', NULL);
INSERT INTO public.datasets OVERRIDING SYSTEM VALUE VALUES (4, 'cancelled', 1, 'cancelled', 'hashing-v1', 256, 2, 1, 0, 1, 10, '2026-11-30 13:54:06.656183+00', '2026-11-30 13:54:08.731646+00', '2026-11-30 13:54:08.731646+00', NULL);
INSERT INTO public.datasets OVERRIDING SYSTEM VALUE VALUES (5, 'paused', 1, 'processing', 'hashing-v1', 256, 2, 1, 1, 0, 14, '2026-11-30 13:54:09.603713+00', '2026-11-30 13:54:10.99299+00', NULL, '2026-11-30 13:54:11.762515+00');
INSERT INTO public.datasets OVERRIDING SYSTEM VALUE VALUES (6, 'waiting', 1, 'processing', 'hashing-v1', 256, 2, 0, 0, 0, 15, '2026-11-30 13:54:12.328887+00', '2026-11-30 13:54:12.378797+00', NULL, NULL);
INSERT INTO public.documents OVERRIDING SYSTEM VALUE VALUES (1, 1, 'file://@DOCUMENTS@/broken.bin', 'failed', 8, 0, 0, 0, 0, 1, 1, 2, NULL, '', 'chunk=512/64 images=eng', 'unsupported_format', 'binary data of an unknown format is not supported; convert it to one of plain text, Markdown, HTML, CSV, PDF, Word (DOCX), OpenDocument text (ODT), OpenDocument spreadsheet (ODS), OpenDocument presentation (ODP), OpenDocument drawing (ODG), electronic book (EPUB), Rich Text Format (RTF), PNG image, JPEG image, TIFF image, WebP image, GIF image, BMP image, PowerPoint (PPTX), Excel (XLSX), e-mail message (EML), mailbox (mbox), JSON, JSON Lines, XML, reStructuredText, Word 97-2003 document (DOC), PowerPoint 97-2003 presentation (PPT)', '2026-11-30 13:54:02.359014+00', '2026-11-30 13:54:02.555618+00');
INSERT INTO public.documents OVERRIDING SYSTEM VALUE VALUES (2, 1, 'file://@DOCUMENTS@/gauges.csv', 'ready', 88, 1, 0, 53, 0, 1, 2, 2, '\xf8d1678f3bb09244b14b85d21a5d3db0f9df5729f0b37ebd4d5cf02475da036e', 'text/csv', 'chunk=512/64 images=eng', NULL, NULL, '2026-11-30 13:54:02.359692+00', '2026-11-30 13:54:02.672345+00');
INSERT INTO public.documents OVERRIDING SYSTEM VALUE VALUES (3, 1, 'file://@DOCUMENTS@/locks.txt', 'ready', 206, 1, 0, 46, 0, 1, 3, 2, '\x0414fe57d626219195c655218bdf2312b99a6c6be8ed4da11507c949a4bf6147', 'text/plain', 'chunk=512/64 images=eng', NULL, NULL, '2026-11-30 13:54:02.359715+00', '2026-11-30 13:54:02.672363+00');
INSERT INTO public.documents OVERRIDING SYSTEM VALUE VALUES (4, 1, 'file://@DOCUMENTS@/mill.md', 'ready', 227, 2, 0, 56, 0, 1, 4, 2, '\xa8065369d518f45edef240450dd7b6391c468151cc85b2f39e98a3ece4cd605b', 'text/markdown', 'chunk=512/64 images=eng', NULL, NULL, '2026-11-30 13:54:02.35973+00', '2026-11-30 13:54:02.672368+00');
INSERT INTO public.documents OVERRIDING SYSTEM VALUE VALUES (5, 2, 'file://@DOCUMENTS@/mill.md', 'ready', 227, 2, 0, 56, 0, 1, 101, 4, '\xa8065369d518f45edef240450dd7b6391c468151cc85b2f39e98a3ece4cd605b', 'text/markdown', 'chunk=512/64 images=eng', NULL, NULL, '2026-11-30 13:54:03.977203+00', '2026-11-30 13:54:04.085757+00');
INSERT INTO public.documents OVERRIDING SYSTEM VALUE VALUES (6, 2, 'file://@DOCUMENTS@/broken.bin', 'failed', 8, 0, 0, 0, 0, 2, 201, 6, NULL, '', 'chunk=512/64 images=eng', 'unsupported_format', 'binary data of an unknown format is not supported; convert it to one of plain text, Markdown, HTML, CSV, PDF, Word (DOCX), OpenDocument text (ODT), OpenDocument spreadsheet (ODS), OpenDocument presentation (ODP), OpenDocument drawing (ODG), electronic book (EPUB), Rich Text Format (RTF), PNG image, JPEG image, TIFF image, WebP image, GIF image, BMP image, PowerPoint (PPTX), Excel (XLSX), e-mail message (EML), mailbox (mbox), JSON, JSON Lines, XML, reStructuredText, Word 97-2003 document (DOC), PowerPoint 97-2003 presentation (PPT)', '2026-11-30 13:54:05.409977+00', '2026-11-30 13:54:05.545409+00');
INSERT INTO public.documents OVERRIDING SYSTEM VALUE VALUES (9, 4, 'file://@DOCUMENTS@/locks.txt', 'ready', 206, 1, 0, 46, 0, 1, 301, 8, '\x0414fe57d626219195c655218bdf2312b99a6c6be8ed4da11507c949a4bf6147', 'text/plain', 'chunk=512/64 images=eng', NULL, NULL, '2026-11-30 13:54:06.68326+00', '2026-11-30 13:54:07.046617+00');
INSERT INTO public.documents OVERRIDING SYSTEM VALUE VALUES (10, 4, 'file://@DOCUMENTS@/broken.bin', 'cancelled', 8, 0, 0, 0, 0, 1, 302, 10, NULL, '', 'chunk=512/64 images=eng', 'cancelled', 'its dataset was cancelled', '2026-11-30 13:54:07.997428+00', '2026-11-30 13:54:08.721685+00');
INSERT INTO public.documents OVERRIDING SYSTEM VALUE VALUES (11, 5, 'file://@DOCUMENTS@/locks.txt', 'ready', 206, 1, 0, 46, 0, 1, 401, 12, '\x0414fe57d626219195c655218bdf2312b99a6c6be8ed4da11507c949a4bf6147', 'text/plain', 'chunk=512/64 images=eng', NULL, NULL, '2026-11-30 13:54:09.616256+00', '2026-11-30 13:54:09.684644+00');
INSERT INTO public.documents OVERRIDING SYSTEM VALUE VALUES (12, 5, 'file://@DOCUMENTS@/broken.bin', 'queued', 8, 0, 0, 0, 0, 1, 402, 14, NULL, '', 'chunk=512/64 images=eng', NULL, NULL, '2026-11-30 13:54:10.933418+00', NULL);
INSERT INTO public.documents OVERRIDING SYSTEM VALUE VALUES (13, 6, 'file://@DOCUMENTS@/mill.md', 'queued', 227, 0, 0, 0, 0, 1, NULL, 15, NULL, NULL, 'chunk=512/64 images=eng', NULL, NULL, '2026-11-30 13:54:12.360297+00', NULL);
INSERT INTO public.documents OVERRIDING SYSTEM VALUE VALUES (14, 6, 'file://@DOCUMENTS@/locks.txt', 'queued', 206, 0, 0, 0, 0, 1, NULL, 15, NULL, NULL, 'chunk=512/64 images=eng', NULL, NULL, '2026-11-30 13:54:12.360916+00', NULL);
INSERT INTO public.leaders VALUES ('reaper', 'local', 6, 6, '2026-11-30 13:54:14.30783+00');
INSERT INTO public.leaders VALUES ('ledger', 'local', 6, 6, '2026-11-30 13:54:14.308247+00');
INSERT INTO public.leaders VALUES ('status_aggregator', 'local', 6, 6, '2026-11-30 13:54:14.310552+00');
INSERT INTO public.nodes VALUES ('local', 6, '', '{all}', 'stopped', '0.1.0', 25770, 100, '2026-11-30 13:54:12.286441+00', '2026-11-30 13:54:14.969567+00', '[]', 4, '');
INSERT INTO public.queue_ready VALUES (5, 0, '2026-11-30 13:54:10.933447+00', 12, 0, 0);
INSERT INTO public.queue_ready VALUES (6, 0, '2026-11-30 13:54:15.81243+00', 13, 1, 0);
INSERT INTO public.queue_ready VALUES (6, 0, '2026-11-30 13:54:15.812512+00', 14, 1, 0);
INSERT INTO public.schema_migrations VALUES (1, 'core', '41cb2ccec0c748c0c5f68e6087f0c8b3734c7be72ddc955aac93fd4161756b72', '2026-11-30 13:54:01.62272+00');
INSERT INTO public.schema_migrations VALUES (2, 'views', '38766953ce30a4b001f6910ad07e2d041bf66f694b2ad8da44c5a63761803dd5', '2026-11-30 13:54:01.782303+00');
INSERT INTO public.schema_migrations VALUES (3, 'control', '2816508fe764e562df4bd6011f4ce675c24e73d564995dc9cf4fae0b0272b9be', '2026-11-30 13:54:01.842802+00');
INSERT INTO public.schema_migrations VALUES (4, 'begun', 'e10693d20beb43bd5b2cce3be7355ccb10c9c0d09c9652e695dd72abdce7e8f8', '2026-11-30 13:54:01.866308+00');
INSERT INTO public.schema_migrations VALUES (5, 'lease_index', 'd597253b12c9cb436a88a1a89cf346cee899b4b0121c206ec8f19300d56679af', '2026-11-30 13:54:01.911025+00');
INSERT INTO public.schema_migrations VALUES (6, 'embedding_statistics', '0fea599f71fe4eb6a42f2028427e8e1543086fbdd48c25aaf2de94f7e4f787fd', '2026-11-30 13:54:01.946464+00');
INSERT INTO public.schema_migrations VALUES (7, 'cluster', 'f06eca8f0e5dc058706784686bace8539c0c805e9e175d99ddc966f872bb3c55', '2026-11-30 13:54:01.950355+00');
INSERT INTO public.schema_migrations VALUES (8, 'image_texts', 'e101cb12dc11812521a27d0b197b7d03f7c5ae1d10e3afddf71f08923b3204d5', '2026-11-30 13:54:01.9749+00');
INSERT INTO public.schema_migrations VALUES (9, 'uncharged_retries', '1fb8bb376abf628a27786374bad0c3672234c9dd1c90aa78474a61d849b222b5', '2026-11-30 13:54:01.987252+00');
INSERT INTO public.schema_migrations VALUES (10, 'database_identity', 'bad529b1f9df42552e38223ca75ce283a6e159f6944e75bb2e949171ae69ab7d', '2026-11-30 13:54:02.002947+00');
INSERT INTO public.schema_migrations VALUES (11, 'queue_autovacuum', '227e7e8f1b55ace58270a69f95a6939ef56d31a34ad325d3425011e71d17c1d4', '2026-11-30 13:54:02.006+00');
INSERT INTO public.schema_migrations VALUES (12, 'statistics', 'f224b8e0652630b47c653ea3b0dca53282f2dea6cc13638cc983cf86849bddee', '2026-11-30 13:54:02.014642+00');
INSERT INTO public.schema_migrations VALUES (13, 'documents_fillfactor', 'd6a33f5817935f65988544cc33cce7339276ca3fdad7bb8527f21a7dbe1f40af', '2026-11-30 13:54:02.027827+00');
SELECT pg_catalog.setval('public.credit_accounts_id_seq', 13, true);
SELECT pg_catalog.setval('public.credit_transactions_id_seq', 18, true);
SELECT pg_catalog.setval('public.datasets_id_seq', 6, true);
SELECT pg_catalog.setval('public.documents_id_seq', 14, true);
SELECT pg_catalog.setval('public.node_incarnations', 6, true);
SELECT pg_catalog.setval('public.queue_tokens', 600, true);
ALTER TABLE ONLY public.checkpoints
    ADD CONSTRAINT checkpoints_pkey PRIMARY KEY (document_id, kind, piece);
ALTER TABLE ONLY public.chunks
    ADD CONSTRAINT chunks_pkey PRIMARY KEY (document_id, ordinal);
ALTER TABLE ONLY public.cluster
    ADD CONSTRAINT cluster_pkey PRIMARY KEY (single);
ALTER TABLE ONLY public.credit_accounts
    ADD CONSTRAINT credit_accounts_name_key UNIQUE (name);
ALTER TABLE ONLY public.credit_accounts
    ADD CONSTRAINT credit_accounts_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.credit_charges
    ADD CONSTRAINT credit_charges_pkey PRIMARY KEY (transaction_id);
ALTER TABLE ONLY public.credit_refunds
    ADD CONSTRAINT credit_refunds_pkey PRIMARY KEY (charge_id, document_id);
ALTER TABLE ONLY public.credit_transactions
    ADD CONSTRAINT credit_transactions_account_id_idempotency_key_key UNIQUE (account_id, idempotency_key);
ALTER TABLE ONLY public.credit_transactions
    ADD CONSTRAINT credit_transactions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.database_identity
    ADD CONSTRAINT database_identity_pkey PRIMARY KEY (the_only_one);
ALTER TABLE ONLY public.dataset_progress
    ADD CONSTRAINT dataset_progress_pkey PRIMARY KEY (dataset_id, node);
ALTER TABLE ONLY public.datasets
    ADD CONSTRAINT datasets_name_key UNIQUE (name);
ALTER TABLE ONLY public.datasets
    ADD CONSTRAINT datasets_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.documents
    ADD CONSTRAINT documents_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.image_texts
    ADD CONSTRAINT image_texts_pkey PRIMARY KEY (dataset_id, sha256, languages);
ALTER TABLE ONLY public.images
    ADD CONSTRAINT images_pkey PRIMARY KEY (document_id, ordinal);
ALTER TABLE ONLY public.leaders
    ADD CONSTRAINT leaders_pkey PRIMARY KEY (role);
ALTER TABLE ONLY public.nodes
    ADD CONSTRAINT nodes_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.queue_dead
    ADD CONSTRAINT queue_dead_pkey PRIMARY KEY (document_id);
ALTER TABLE ONLY public.queue_leases
    ADD CONSTRAINT queue_leases_pkey PRIMARY KEY (token);
ALTER TABLE ONLY public.queue_ready
    ADD CONSTRAINT queue_ready_pkey PRIMARY KEY (dataset_id, priority, run_at, document_id);
ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);
ALTER TABLE ONLY public.uncharged_retries
    ADD CONSTRAINT uncharged_retries_pkey PRIMARY KEY (dataset_id, idempotency_key);
CREATE INDEX credit_transactions_account_id_id_idx ON public.credit_transactions USING btree (account_id, id);
CREATE INDEX datasets_processing ON public.datasets USING btree (id) WHERE (status = 'processing'::text);
CREATE UNIQUE INDEX documents_uri ON public.documents USING btree (dataset_id, md5(uri));
ALTER INDEX public.documents_uri ALTER COLUMN 2 SET STATISTICS 20;
CREATE INDEX queue_leases_document ON public.queue_leases USING btree (document_id);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.credit_transactions FOR EACH ROW EXECUTE FUNCTION public.credit_transactions_are_append_only();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON public.credit_transactions FOR EACH STATEMENT EXECUTE FUNCTION public.credit_transactions_are_append_only();
ALTER TABLE ONLY public.credit_charges
    ADD CONSTRAINT credit_charges_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.credit_accounts(id);
ALTER TABLE ONLY public.credit_charges
    ADD CONSTRAINT credit_charges_transaction_id_fkey FOREIGN KEY (transaction_id) REFERENCES public.credit_transactions(id);
ALTER TABLE ONLY public.credit_transactions
    ADD CONSTRAINT credit_transactions_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.credit_accounts(id);
ALTER TABLE ONLY public.credit_transactions
    ADD CONSTRAINT credit_transactions_charge_id_fkey FOREIGN KEY (charge_id) REFERENCES public.credit_transactions(id);
ALTER TABLE ONLY public.datasets
    ADD CONSTRAINT datasets_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.credit_accounts(id);
