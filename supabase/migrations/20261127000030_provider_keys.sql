-- Keys for providers of models that users bring along, and what they paid for. The keys are sealed by servers; nobody else is to try them.

create table if not exists public.provider_keys (
  user_id uuid not null references public.profiles (id) on delete cascade,
  provider text not null,
  hint text not null, -- how it ends
  sealed bytea not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (user_id, provider)
);
alter table public.provider_keys enable row level security;
revoke all on public.provider_keys from public, anon, authenticated;
grant select, insert, update, delete on public.provider_keys to service_role;
drop policy if exists codeforge_service on public.provider_keys;
create policy codeforge_service on public.provider_keys to service_role using (true) with check (true);

-- Of a call with a user's own key cost is 0, which is what budgets count, and own_cost what the user paid.
alter table public.llm_calls add column if not exists own_key boolean not null default false, add column if not exists own_cost bigint not null default 0;

-- codeforge_put_key puts a user's key for a provider in place of the one before.
create or replace function public.codeforge_put_key(p_user uuid, p_provider text, p_hint text, p_sealed bytea) returns json
language plpgsql set search_path = '' as $$
declare
  k public.provider_keys;
  v_now timestamptz := public.codeforge_now();
begin
  perform public.codeforge_ensure_profile(p_user);
  insert into public.provider_keys (user_id, provider, hint, sealed, created_at, updated_at) values (p_user, p_provider, p_hint, p_sealed, v_now, v_now)
    on conflict (user_id, provider) do update set hint = excluded.hint, sealed = excluded.sealed, updated_at = excluded.updated_at
    returning * into k;
  return json_build_object('provider', k.provider, 'hint', k.hint, 'created_at', k.created_at, 'updated_at', k.updated_at);
end
$$;

-- codeforge_list_keys returns what may be shown of a user's keys, by provider.
create or replace function public.codeforge_list_keys(p_user uuid) returns setof json language sql stable as $$
  select coalesce(json_agg(json_build_object('provider', k.provider, 'hint', k.hint, 'created_at', k.created_at, 'updated_at', k.updated_at) order by k.provider collate "C"), '[]')
  from public.provider_keys k where k.user_id = p_user
$$;

-- codeforge_delete_key deletes a user's key for a provider.
create or replace function public.codeforge_delete_key(p_user uuid, p_provider text) returns void
language plpgsql set search_path = '' as $$
begin
  delete from public.provider_keys k where k.user_id = p_user and k.provider = p_provider;
  if not found then
    raise exception using errcode = 'PT404', message = 'Key not found', hint = 'Key', detail = p_provider;
  end if;
end
$$;

-- codeforge_sealed_keys returns [{user_id, provider, sealed}]: those of a user, or (null) the p_limit after one, in the order of users and providers.
create or replace function public.codeforge_sealed_keys(p_user uuid, p_after_user uuid, p_after_provider text, p_limit int) returns setof json language sql stable as $$
  select coalesce(json_agg(json_build_object('user_id', s.user_id, 'provider', s.provider, 'sealed', s.sealed) order by s.user_id, s.provider), '[]') from (
    select k.user_id, k.provider, k.sealed from public.provider_keys k
    where (p_user is null or k.user_id = p_user) and (p_after_user is null or (k.user_id, k.provider) > (p_after_user, p_after_provider))
    order by k.user_id, k.provider limit p_limit) s
$$;

-- codeforge_reseal_key puts another seal in place of one, unless it is not the one that was read.
create or replace function public.codeforge_reseal_key(p_user uuid, p_provider text, p_sealed bytea, p_new_sealed bytea) returns void
language sql set search_path = '' as $$
  update public.provider_keys set sealed = p_new_sealed where user_id = p_user and provider = p_provider and sealed = p_sealed
$$;

revoke execute on function public.codeforge_put_key(uuid, text, text, bytea), public.codeforge_list_keys(uuid), public.codeforge_delete_key(uuid, text),
  public.codeforge_sealed_keys(uuid, uuid, text, int), public.codeforge_reseal_key(uuid, text, bytea, bytea) from public, anon, authenticated;
grant execute on function public.codeforge_put_key(uuid, text, text, bytea), public.codeforge_list_keys(uuid), public.codeforge_delete_key(uuid, text),
  public.codeforge_sealed_keys(uuid, uuid, text, int), public.codeforge_reseal_key(uuid, text, bytea, bytea) to service_role;

-- codeforge_record_call books a call, {id, job_id, ...} as llm_calls has them, in place of its reservation p_hold (null: it has
-- none). A budget that the reservation was held against is charged in the period of that time; one that got its ceiling
-- meanwhile in that of the call. The same id again changes nothing.
create or replace function public.codeforge_record_call(p_call jsonb, p_hold uuid default null) returns void
language plpgsql set search_path = '' as $$
declare c public.llm_calls;
begin
  c := jsonb_populate_record(null::public.llm_calls, p_call);
  perform pg_advisory_xact_lock(720843019, hashtext(coalesce(c.user_id, c.project_id, c.job_id)::text)); -- see codeforge_reserve
  insert into public.llm_calls (id, job_id, project_id, user_id, agent, call, attempt, provider, model, served, input_tokens, cached_read_tokens, cache_write_tokens,
      output_tokens, reasoning_tokens, usage_missing, usage_partial, cost, estimated, error_kind, status, finish, first_token, latency, at, own_key, own_cost)
    values (c.id, c.job_id, c.project_id, c.user_id, c.agent, c.call, c.attempt, c.provider, c.model, c.served, c.input_tokens, c.cached_read_tokens, c.cache_write_tokens,
      c.output_tokens, c.reasoning_tokens, c.usage_missing, c.usage_partial, c.cost, c.estimated, c.error_kind, c.status, c.finish, c.first_token, c.latency, c.at, coalesce(c.own_key, false), coalesce(c.own_cost, 0))
    on conflict (id) do nothing;
  if not found then
    return;
  end if;
  if p_hold is not null then
    update public.budget_periods p set spent = p.spent + c.cost - case h.worst when 0 then h.prompt else 0 end, reserved = p.reserved - h.worst
      from public.budget_holds h where h.hold = p_hold and p.scope = h.scope and p.id = h.id and p.period = h.period;
  end if;
  if c.cost <> 0 then
    update public.budget_periods p set spent = p.spent + c.cost from public.codeforge_budgets_above(c.job_id, c.project_id, c.user_id, c.at) b
      where p.scope = b.scope and p.id = b.id and p.period = b.period
        and not exists (select from public.budget_holds h where h.hold = p_hold and h.scope = b.scope);
  end if;
  delete from public.budget_holds h where h.hold = p_hold;
end
$$;

-- codeforge_sum_usage returns {total, groups} of the calls that the arguments select (null: all), at most p_limit groups. Users
-- run it themselves, so row level security has its word as well.
create or replace function public.codeforge_sum_usage(p_user uuid, p_group text, p_project uuid, p_job uuid, p_agent text, p_from timestamptz, p_to timestamptz, p_limit int)
returns json language plpgsql stable set search_path = '' as $$
declare v_job uuid;
begin
  if p_group not in ('day', 'project', 'job', 'model', 'agent') then
    raise exception using errcode = 'PT400', message = 'must be one of day, project, job, model, agent', hint = 'group';
  end if;
  if p_project is not null and not exists (select from public.projects p where p.id = p_project and p.user_id = p_user) then
    raise exception using errcode = 'PT404', message = 'Project not found', hint = 'Project', detail = p_project;
  end if;
  if p_job is not null then
    v_job := public.codeforge_find_job(p_job);
    -- One that was swept is known as long as its calls are.
    if not exists (select from public.agent_jobs j where j.id = v_job and j.user_id = p_user) and not exists (select from public.llm_calls c where c.job_id = v_job and c.user_id = p_user) then
      raise exception using errcode = 'PT404', message = 'Job not found', hint = 'Job', detail = p_job;
    end if;
  end if;
  return (
    with picked as materialized ( -- there are three ways to the rows, of which one is taken
      select c.* from public.llm_calls c where v_job is not null and c.job_id = v_job and c.user_id = p_user and (p_project is null or c.project_id = p_project)
      union all
      select c.* from public.llm_calls c where v_job is null and p_project is not null and c.project_id = p_project and c.user_id = p_user
        and c.at >= coalesce(p_from, '-infinity') and c.at < coalesce(p_to, 'infinity')
      union all
      select c.* from public.llm_calls c where v_job is null and p_project is null and c.user_id = p_user
        and c.at >= coalesce(p_from, '-infinity') and c.at < coalesce(p_to, 'infinity')
    ), sums as (
      select grouping(k.key) as total, k.key, max(c.seq) as newest, count(*) as calls, count(*) filter (where c.error_kind <> '') as failed,
        count(*) filter (where c.usage_missing) as usage_unknown, coalesce(sum(c.cost), 0)::bigint as cost_micro_usd, coalesce(bool_or(c.estimated), false) as cost_estimated,
        (coalesce(sum(c.latency), 0) / 1000)::bigint as latency_ms, coalesce(sum(c.input_tokens), 0)::bigint as input_tokens,
        coalesce(sum(c.cached_read_tokens), 0)::bigint as cached_read_tokens, coalesce(sum(c.cache_write_tokens), 0)::bigint as cache_write_tokens,
        coalesce(sum(c.output_tokens), 0)::bigint as output_tokens, coalesce(sum(c.reasoning_tokens), 0)::bigint as reasoning_tokens,
        count(*) filter (where c.own_key) as own_calls, coalesce(sum(c.own_cost), 0)::bigint as own_cost_micro_usd
      from picked c cross join lateral (select case p_group
        when 'day' then to_char(c.at at time zone 'UTC', 'YYYY-MM-DD')
        when 'project' then coalesce(c.project_id::text, '')
        when 'job' then coalesce(c.job_id::text, '')
        when 'model' then c.provider || ':' || coalesce(nullif(c.served, ''), c.model)
        else c.agent end collate "C" as key) k
      where c.at >= coalesce(p_from, '-infinity') and c.at < coalesce(p_to, 'infinity') and (p_agent is null or c.agent = p_agent)
      group by grouping sets ((), (k.key))
    )
    select json_build_object('total', (select to_json(s) from sums s where s.total = 1), 'groups', (
      select coalesce(json_agg(g), '[]') from (
        select * from sums s where s.total = 0
        order by case p_group when 'day' then s.key end desc, case p_group when 'job' then s.newest end desc, s.cost_micro_usd desc, s.key limit p_limit) g))
  );
end
$$;

-- codeforge_job_usage returns what the newest jobs of a user and an agent type took that completed and called a model, newest
-- first. It looks through the user's newest thousand calls, so it costs the same however many there are. took is in
-- microseconds: from start to end, of a job that waited for input the time of its calls.
create or replace function public.codeforge_job_usage(p_user uuid, p_agent text, p_limit int) returns json
language plpgsql stable set search_path = '' as $$
begin
  return (select coalesce(json_agg(u order by u.seq desc), '[]') from (
    select j.seq, j.project_id, count(*) as calls, sum(c.cost + c.own_cost)::bigint as cost, bool_or(c.estimated) as estimated, bool_or(c.provider = 'scaffold') as offline,
      case when j.clarification_data is null then (extract(epoch from j.completed_at - j.started_at) * 1000000)::bigint else sum(c.latency)::bigint end as took,
      sum(c.input_tokens)::bigint as input_tokens, sum(c.cached_read_tokens)::bigint as cached_read_tokens, sum(c.cache_write_tokens)::bigint as cache_write_tokens,
      sum(c.output_tokens)::bigint as output_tokens, sum(c.reasoning_tokens)::bigint as reasoning_tokens
    from (
      select o.* from public.agent_jobs o where o.id in (select n.job_id from public.llm_calls n where n.user_id = p_user order by n.at desc limit 1000)
        and o.user_id = p_user and o.agent_type = p_agent and o.status = 'completed' order by o.seq desc limit p_limit) j
    join public.llm_calls c on c.job_id = j.id
    group by j.id, j.seq, j.project_id, j.clarification_data is null, j.completed_at, j.started_at) u);
end
$$;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 39';
notify pgrst, 'reload schema';
