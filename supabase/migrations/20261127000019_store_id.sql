-- The database has a name of its own, by which servers that have it open, and no others, meet elsewhere.

-- codeforge_store_id is the same for every connection to this database, however it is reached, and another one for each other database:
-- a copy that was restored elsewhere is another one, a standby that was promoted is the same. Where the system's identifier may not be
-- read, the database and its owner's number have to do.
create or replace function public.codeforge_store_id() returns json language plpgsql stable set search_path = '' as $$
declare
  v_system text := '';
  v_database text;
begin
  select d.oid::text || '/' || d.datdba::text into v_database from pg_catalog.pg_database d where d.datname = current_database();
  begin
    select c.system_identifier::text into v_system from pg_catalog.pg_control_system() c;
  exception when insufficient_privilege then
    null;
  end;
  return to_json(md5(v_system || '/' || v_database));
end
$$;

revoke execute on function public.codeforge_store_id() from public, anon, authenticated;
grant execute on function public.codeforge_store_id() to service_role;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 28';
notify pgrst, 'reload schema';
