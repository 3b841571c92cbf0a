-- What every job calls is in PL/pgSQL, which keeps its plans: a function in SQL that does not become part of its caller is parsed and
-- planned each time.

-- codeforge_tell as before. It names what it uses by schema, and needs no setting of its own.
create or replace function public.codeforge_tell(p_job uuid, p_project uuid, p_user uuid) returns void language plpgsql as $$
begin
  if coalesce(pg_catalog.current_setting('codeforge.tell', true), '') <> 'off' then
    perform pg_catalog.pg_notify('codeforge_events', pg_catalog.concat(p_job, '/', p_project, '/', p_user));
  end if;
end
$$;

-- codeforge_ready_users walks the users who have ready jobs, by agent type, from a random one on: two probes of an index for each. At
-- most so many.
create or replace function public.codeforge_ready_users(p_most int) returns table (agent_type text, user_id uuid) language plpgsql volatile rows 10 set search_path = '' as $$
begin
  return query with recursive start as materialized (select chr(97 + (random() * 25)::int) as agent_type, gen_random_uuid() as user_id),
  walk (agent_type, user_id, wrapped, n) as (
    select s.agent_type, s.user_id, false, 0 from start s
    union all
    select x.agent_type, x.user_id, x.wrapped, w.n + 1 from walk w, start s, lateral (
      (select j.agent_type, j.user_id, w.wrapped from public.agent_jobs j where j.status = 'queued' and j.due_at is not null and not j.behind
        and (j.agent_type, j.user_id) > (w.agent_type, w.user_id) order by j.agent_type, j.user_id limit 1)
      union all
      (select j.agent_type, j.user_id, true from public.agent_jobs j where not w.wrapped and j.status = 'queued' and j.due_at is not null and not j.behind
        order by j.agent_type, j.user_id limit 1)
      limit 1) x
    where w.n < p_most and not (x.wrapped and (x.agent_type, x.user_id) > (s.agent_type, s.user_id))
  )
  select w.agent_type, w.user_id from walk w where w.n > 0;
end
$$;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 35';
notify pgrst, 'reload schema';
