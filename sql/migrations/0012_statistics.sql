-- ANALYZE comes as often as a tenth of a table is new, every few seconds while a load begins. Of 30,000 rows each time,
-- which is what the default of 100 reads, it was a fifth of the server's CPU time at 2,000 documents/s. What plans ask
-- here (how large is a dataset, how selective a URI) 6,000 rows tell as well.
do $$
declare
  target record;
begin
  for target in
    select a.attrelid::regclass as owner, a.attname as name from pg_attribute a
    where a.attrelid in ('documents'::regclass, 'chunks'::regclass) and a.attnum > 0 and not a.attisdropped
      and a.attstattarget <> 0
  loop
    execute format('alter table %s alter column %I set statistics 20', target.owner, target.name);
  end loop;
end $$;
alter index documents_uri alter column 2 set statistics 20;
