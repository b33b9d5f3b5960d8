-- Whose database this is: a long-lived node of another cluster is refused at its start.
create table cluster (
  name    text not null,
  single  boolean primary key default true check (single)
);

-- What the links between nodes need to know of a node before they dial it.
alter table nodes
  add column protocol  integer not null default 0,   -- of the messages; nodes of different ones do not link
  add column link_id   text not null default '';     -- how CAF names the process; two alike cannot be told apart
