-- Servers that read of replicas ask here how far the primary is, and how far a replica.

-- The history that the database is in: a number that grows with each promotion of a standby. Who reads it on a replica knows that the
-- replica follows that history.
create table if not exists public.codeforge_timeline (
  one boolean primary key default true check (one),
  timeline bigint not null
);
insert into public.codeforge_timeline (timeline) values (0) on conflict do nothing;
alter table public.codeforge_timeline enable row level security;
revoke all on public.codeforge_timeline from public, anon, authenticated;
grant select, update on public.codeforge_timeline to service_role;
drop policy if exists codeforge_service on public.codeforge_timeline;
create policy codeforge_service on public.codeforge_timeline to service_role using (true) with check (true);

-- codeforge_log_position returns {timeline, lsn} of a primary: what was committed before is before that place in its write-ahead log.
create or replace function public.codeforge_log_position() returns json language plpgsql volatile set search_path = '' as $$
declare
  v_lsn pg_lsn := pg_catalog.pg_current_wal_insert_lsn();
  v_timeline bigint := ('x' || substr(pg_catalog.pg_walfile_name(v_lsn), 1, 8))::bit(32)::bigint;
begin
  if (select t.timeline from public.codeforge_timeline t) <> v_timeline then
    update public.codeforge_timeline t set timeline = v_timeline where t.timeline <> v_timeline;
  end if;
  return json_build_object('timeline', v_timeline, 'lsn', (v_lsn - '0/0'::pg_lsn)::bigint);
end
$$;

-- codeforge_replayed returns {standby, timeline, lsn} of a replica: what was committed there before that place can be seen.
create or replace function public.codeforge_replayed() returns json language sql stable set search_path = '' as $$
  select json_build_object('standby', pg_catalog.pg_is_in_recovery(), 'timeline', (select t.timeline from public.codeforge_timeline t),
    'lsn', coalesce((pg_catalog.pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint, 0))
$$;

revoke execute on function public.codeforge_log_position(), public.codeforge_replayed() from public, anon, authenticated;
grant execute on function public.codeforge_log_position(), public.codeforge_replayed() to service_role;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 41';
notify pgrst, 'reload schema';
