-- Servers that keep what they read of this database elsewhere, all of them together, ask here under which number, and whether nothing
-- kept is to be used now: a server that wrote and cannot say so there says it here.

create table if not exists public.codeforge_cache (
  one boolean primary key default true check (one),
  epoch bigint not null default 1,
  suspended_at timestamptz not null default '-infinity',
  suspended_until timestamptz not null default '-infinity'
);
insert into public.codeforge_cache default values on conflict do nothing;
alter table public.codeforge_cache enable row level security;
revoke all on public.codeforge_cache from public, anon, authenticated;
grant select, update on public.codeforge_cache to service_role;
drop policy if exists codeforge_service on public.codeforge_cache;
create policy codeforge_service on public.codeforge_cache to service_role using (true) with check (true);

create or replace function public.codeforge_cache_epoch() returns json language sql volatile set search_path = '' as $$
  select json_build_object('number', c.epoch, 'suspended', c.suspended_until > clock_timestamp(),
    'since_ms', case when c.suspended_until > clock_timestamp() then floor(extract(epoch from clock_timestamp() - c.suspended_at) * 1000)::bigint else 0 end)
  from public.codeforge_cache c
$$;

-- codeforge_suspend_cache has nobody use what is kept for so long from now on. Unless that is so already a new number begins, under
-- which nothing is kept yet. Of several that suspend at once the second waits for the row, and goes by what the first has made of it.
create or replace function public.codeforge_suspend_cache(p_ms bigint) returns json language plpgsql volatile set search_path = '' as $$
begin
  update public.codeforge_cache c set
    epoch = c.epoch + case when c.suspended_until > clock_timestamp() then 0 else 1 end,
    suspended_at = case when c.suspended_until > clock_timestamp() then c.suspended_at else clock_timestamp() end,
    suspended_until = greatest(c.suspended_until, clock_timestamp() + p_ms * interval '1 millisecond');
  return public.codeforge_cache_epoch();
end
$$;

-- codeforge_cache_writers names logins beside those of superusers, of the tables' owner and of whoever asks that may write projects as
-- users do: what is kept would not know of it.
create or replace function public.codeforge_cache_writers() returns json language sql stable set search_path = '' as $$
  select coalesce(json_agg(r.rolname order by r.rolname), '[]')
  from pg_catalog.pg_roles r
  where r.rolcanlogin and not r.rolsuper and r.rolname <> session_user
    and r.oid <> (select t.relowner from pg_catalog.pg_class t where t.oid = 'public.projects'::regclass)
    and (pg_catalog.pg_has_role(r.oid, 'authenticated', 'member') or pg_catalog.has_table_privilege(r.oid, 'public.projects', 'insert, update, delete'))
$$;

revoke execute on function public.codeforge_cache_epoch(), public.codeforge_suspend_cache(bigint), public.codeforge_cache_writers() from public, anon, authenticated;
grant execute on function public.codeforge_cache_epoch(), public.codeforge_suspend_cache(bigint), public.codeforge_cache_writers() to service_role;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 33';
notify pgrst, 'reload schema';
