-- What a user has done in all projects: jobs, and what models were asked for them. A profile that is there is read, not written.

-- Jobs of a user are listed by state, newest first. The index has what the one by user alone was for.
create index if not exists agent_jobs_of_user_by_status on public.agent_jobs (user_id, status, seq desc);
drop index if exists public.agent_jobs_of_user;

-- codeforge_read_user_jobs returns {jobs, next}, newest first: those before a place, in some states, of an agent and of a project (null:
-- any). next is the place where the next page begins (null: there is none). At most p_walk jobs are looked at, so a page may hold fewer than
-- p_limit where many are passed over.
create or replace function public.codeforge_read_user_jobs(p_user uuid, p_states text[], p_agent text, p_project uuid, p_before bigint, p_limit int, p_walk int)
returns setof json language sql stable as $$
  with walked as materialized (
    select * from (
      select a.seq, a.id, a.status, a.agent_type from public.agent_jobs a
      where p_project is not null and a.project_id = p_project and a.user_id = p_user and a.seq < p_before order by a.seq desc limit p_walk) of_project
    union all
    select * from (
      select w.* from unnest(p_states) s cross join lateral (
        select a.seq, a.id, a.status, a.agent_type from public.agent_jobs a
        where p_project is null and a.user_id = p_user and a.status = s and a.seq < p_before order by a.seq desc limit p_walk) w
      order by w.seq desc limit p_walk) of_states
  ), wanted as materialized (
    select w.seq, w.id from walked w where w.status = any (p_states) and (p_agent is null or w.agent_type = p_agent)
  ), page as materialized (
    select w.seq, w.id from wanted w order by w.seq desc limit p_limit
  )
  select json_build_object(
    'jobs', (select coalesce(json_agg(j order by j.seq desc), '[]') from page k cross join lateral (select * from public.codeforge_jobs() c where c.id = k.id) j),
    'next', case when (select count(*) from wanted) > p_limit then (select min(seq) from page)
      when (select count(*) from walked) >= p_walk then (select min(seq) from walked) end)
  where p_project is null or exists (select from public.projects p where p.id = p_project and p.user_id = p_user)
$$;

-- codeforge_read_calls returns {job_id, agent, calls}: what models were asked for a job, after a place and in order. fallback tells that
-- another model was asked than the one that the call went to first. A job that was swept is known as long as its calls are.
create or replace function public.codeforge_read_calls(p_user uuid, p_job uuid, p_after bigint, p_limit int) returns setof json language sql stable as $$
  select json_build_object('job_id', k.id, 'agent', (select j.agent_type from public.agent_jobs j where j.id = k.id and j.user_id = p_user), 'calls', (
    select coalesce(json_agg(c order by c.seq), '[]') from (
      select * from (
        select l.seq, l.id, l.agent, l.call, l.attempt, l.provider, l.model, l.served, l.input_tokens, l.cached_read_tokens, l.cache_write_tokens, l.output_tokens,
          l.reasoning_tokens, l.usage_missing, l.cost + l.own_cost as cost, l.estimated, l.error_kind, l.status, l.finish, l.first_token, l.latency, l.at, l.own_key,
          (l.provider, l.model) is distinct from (first_value(l.provider) over asked, first_value(l.model) over asked) as fallback
        from public.llm_calls l where l.job_id = k.id and l.user_id = p_user window asked as (partition by l.call order by l.seq)) l
      where l.seq > p_after order by l.seq limit p_limit) c))
  from (select coalesce((select a.job_id from public.job_aliases a where a.alias = p_job), p_job) as id) k
  where exists (select from public.agent_jobs j where j.id = k.id and j.user_id = p_user) or exists (select from public.llm_calls l where l.job_id = k.id and l.user_id = p_user)
$$;

-- codeforge_read_profile finds the profile of a user.
create or replace function public.codeforge_read_profile(p_user uuid) returns setof json language sql stable as $$
  select row_to_json(p) from public.profiles p where p.id = p_user
$$;

revoke execute on function public.codeforge_read_user_jobs(uuid, text[], text, uuid, bigint, int, int), public.codeforge_read_calls(uuid, uuid, bigint, int),
  public.codeforge_read_profile(uuid) from public, anon, authenticated;
grant execute on function public.codeforge_read_user_jobs(uuid, text[], text, uuid, bigint, int, int), public.codeforge_read_calls(uuid, uuid, bigint, int),
  public.codeforge_read_profile(uuid) to service_role;
grant execute on function public.codeforge_read_user_jobs(uuid, text[], text, uuid, bigint, int, int), public.codeforge_read_calls(uuid, uuid, bigint, int) to authenticated;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 49';
notify pgrst, 'reload schema';
