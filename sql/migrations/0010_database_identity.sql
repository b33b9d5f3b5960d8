-- Which database this is, wherever it is reached from: nodes keep what belongs to it apart on their disks.
create table database_identity (
  the_only_one  boolean primary key default true check (the_only_one),
  id            uuid not null default gen_random_uuid()
);
insert into database_identity default values;
