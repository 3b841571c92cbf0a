-- Generated: see the test that compares it. A change belongs into the program's own migration.
-- Journal, ledger and budgets of model calls. Amounts are micro-dollars, spans microseconds. Nothing here refers to a job, a
-- project or a user by a foreign key: what was paid for stays in the books when they are gone.

-- Every attempt of a model call.
create table if not exists public.llm_calls (
  seq bigint generated always as identity primary key,
  id uuid not null unique,
  job_id uuid,
  project_id uuid,
  user_id uuid,
  agent text not null,
  call int not null,
  attempt int not null,
  provider text not null,
  model text not null,
  served text not null,
  input_tokens bigint not null,
  cached_read_tokens bigint not null,
  cache_write_tokens bigint not null,
  output_tokens bigint not null,
  reasoning_tokens bigint not null,
  usage_missing boolean not null,
  usage_partial boolean not null,
  cost bigint not null,
  estimated boolean not null,
  error_kind text not null,
  status int not null,
  finish text not null,
  first_token bigint not null,
  latency bigint not null,
  at timestamptz not null
);
create index if not exists llm_calls_of_user on public.llm_calls (user_id, at);
create index if not exists llm_calls_of_project on public.llm_calls (project_id, at);
create index if not exists llm_calls_of_job on public.llm_calls (job_id);

-- The answers that jobs got, as they came, so that a job which runs again gets them again.
create table if not exists public.llm_journal (
  job_id uuid not null,
  number int not null,
  hash text not null,
  created_at timestamptz not null,
  entry text not null,
  primary key (job_id, number, hash)
);
create index if not exists llm_journal_by_age on public.llm_journal (created_at);

-- Ceilings that were set over the API; those of the configuration are not stored.
create table if not exists public.budget_limits (
  scope text not null,
  id uuid not null,
  most bigint not null,
  primary key (scope, id)
);

-- What was spent, and what running calls may still cost, in each period that has a ceiling. period is its first day in UTC,
-- 1970-01-01 for the whole life of a job. A row is made when the first call under a ceiling comes, with what the ledger
-- says was spent before.
create table if not exists public.budget_periods (
  scope text not null,
  id uuid not null,
  period date not null,
  spent bigint not null,
  reserved bigint not null,
  primary key (scope, id, period)
);

-- Reservations, one row for each period that one counts against. One that lapsed has no worst case any more: its prompt
-- was booked as spent, and it is kept for a day, so that a record which comes late replaces that guess.
create table if not exists public.budget_holds (
  hold uuid not null,
  scope text not null,
  id uuid not null,
  period date not null,
  worst bigint not null,
  prompt bigint not null,
  lapses timestamptz not null,
  primary key (hold, scope, id, period)
);
create index if not exists budget_holds_by_end on public.budget_holds (scope, id, lapses);

-- Users read their own calls. All else is the system's.
do $$
declare t text;
begin
  foreach t in array array['llm_calls', 'llm_journal', 'budget_limits', 'budget_periods', 'budget_holds'] loop
    execute format('alter table public.%I enable row level security', t);
    execute format('revoke all on public.%I from public, anon, authenticated', t);
    execute format('grant select, insert, update, delete on public.%I to service_role', t);
    execute format('drop policy if exists codeforge_service on public.%I', t);
    execute format('create policy codeforge_service on public.%I to service_role using (true) with check (true)', t);
  end loop;
  grant select on public.llm_calls to authenticated;
  drop policy if exists codeforge_own_select on public.llm_calls;
  create policy codeforge_own_select on public.llm_calls for select to authenticated using (user_id = (select auth.uid()));
end
$$;

-- codeforge_put_journal returns what stands under the key when that is another entry than this one: the first one wins.
create or replace function public.codeforge_put_journal(p_job uuid, p_number int, p_hash text, p_entry text) returns text
language plpgsql set search_path = '' as $$
begin
  insert into public.llm_journal (job_id, number, hash, created_at, entry) values (p_job, p_number, p_hash, public.codeforge_now(), p_entry) on conflict do nothing;
  if found then
    return null;
  end if;
  return (select j.entry from public.llm_journal j where j.job_id = p_job and j.number = p_number and j.hash = p_hash);
end
$$;

-- codeforge_sweep_journal deletes the answers of ended jobs that are older than p_before, p_limit of them at most.
create or replace function public.codeforge_sweep_journal(p_before timestamptz, p_limit int) returns bigint
language sql set search_path = '' as $$
  with old as (
    delete from public.llm_journal where (job_id, number, hash) in (
      select e.job_id, e.number, e.hash from public.llm_journal e where e.created_at < p_before
        and not exists (select from public.agent_jobs j where j.id = e.job_id and j.status not in ('completed', 'failed', 'cancelled')) limit p_limit) returning 1)
  select count(*) from old
$$;

-- codeforge_budgets_above is the budgets above a call at a time, the narrowest first. This function and codeforge_standings have no
-- search_path of their own, so that they become part of the statements that use them, which are planned once.
create or replace function public.codeforge_budgets_above(p_job uuid, p_project uuid, p_user uuid, p_at timestamptz) returns table (n int, scope text, id uuid, period date)
language sql stable as $$
  select b.* from (values
    (1, 'job', p_job, date '1970-01-01'),
    (2, 'project_day', p_project, (p_at at time zone 'UTC')::date),
    (3, 'project_month', p_project, date_trunc('month', p_at at time zone 'UTC')::date),
    (4, 'user_day', p_user, (p_at at time zone 'UTC')::date),
    (5, 'user_month', p_user, date_trunc('month', p_at at time zone 'UTC')::date)) as b (n, scope, id, period)
  where b.id is not null
$$;

-- codeforge_spent_before sums the ledger for a period that had no ceiling until now.
create or replace function public.codeforge_spent_before(p_scope text, p_id uuid, p_period date) returns bigint
language sql stable set search_path = '' as $$
  select coalesce(sum(s.cost), 0)::bigint from (
    select c.cost from public.llm_calls c where p_scope = 'job' and c.job_id = p_id
    union all
    select c.cost from public.llm_calls c where p_scope in ('project_day', 'project_month') and c.project_id = p_id and c.at >= p_period::timestamp at time zone 'UTC'
    union all
    select c.cost from public.llm_calls c where p_scope in ('user_day', 'user_month') and c.user_id = p_id and c.at >= p_period::timestamp at time zone 'UTC') s
$$;

-- codeforge_standings is where those budgets above a call stand now that have a ceiling: the lower one of the
-- configuration's for the scope (p_limits, by scope) and its own. What lapsed counts as booked, whether it is or not.
create or replace function public.codeforge_standings(p_job uuid, p_project uuid, p_user uuid, p_limits jsonb)
returns table (n int, scope text, id uuid, period date, most bigint, spent bigint, reserved bigint)
language sql stable as $$
  select b.n, b.scope, b.id, b.period, least((p_limits ->> b.scope)::bigint, l.most),
    coalesce(p.spent, public.codeforge_spent_before(b.scope, b.id, b.period)) + coalesce(h.prompts, 0), coalesce(p.reserved, 0) - coalesce(h.worsts, 0)
  from public.codeforge_budgets_above(p_job, p_project, p_user, public.codeforge_now()) b
  left join public.budget_limits l on l.scope = b.scope and l.id = b.id
  left join public.budget_periods p on p.scope = b.scope and p.id = b.id and p.period = b.period
  left join lateral (
    select sum(h.prompt)::bigint as prompts, sum(h.worst)::bigint as worsts from public.budget_holds h
    where h.scope = b.scope and h.id = b.id and h.period = b.period and h.worst > 0 and h.lapses < public.codeforge_now()) h on true
  where l.most is not null or p_limits ? b.scope
  order by b.n
$$;

-- codeforge_reserve holds the worst case of a call against every ceiling above it: {hold}, or {over: {scope, id, limit, spent, held}}
-- when one has no room, having held nothing, or null when there is no ceiling.
create or replace function public.codeforge_reserve(p_hold uuid, p_job uuid, p_project uuid, p_user uuid, p_limits jsonb, p_worst bigint, p_prompt bigint, p_lapses timestamptz)
returns json language plpgsql set search_path = '' as $$
declare
  v_now timestamptz := public.codeforge_now();
  v_over record;
  v_held int;
begin
  if p_worst <= 0 or not exists (
    select from public.codeforge_budgets_above(p_job, p_project, p_user, v_now) b
    where p_limits ? b.scope or exists (select from public.budget_limits l where l.scope = b.scope and l.id = b.id))
  then
    return null;
  end if;
  -- Those who reserve and record for a user take turns: all budgets above a call are that user's, and a period that gets its
  -- first row must not miss a call that is being recorded.
  perform pg_advisory_xact_lock(720843019, hashtext(coalesce(p_user, p_project, p_job)::text));

  -- What lapsed is booked: the prompt as spent, in place of the reservation.
  if exists (select from public.codeforge_budgets_above(p_job, p_project, p_user, v_now) b
    join public.budget_holds h on h.scope = b.scope and h.id = b.id and h.lapses < v_now)
  then
    delete from public.budget_holds h using public.codeforge_budgets_above(p_job, p_project, p_user, v_now) b
      where h.scope = b.scope and h.id = b.id and h.lapses < v_now and h.worst = 0;
    update public.budget_periods p set spent = p.spent + g.prompts, reserved = p.reserved - g.worsts
      from (
        select h.scope, h.id, h.period, sum(h.prompt)::bigint as prompts, sum(h.worst)::bigint as worsts
        from public.codeforge_budgets_above(p_job, p_project, p_user, v_now) b join public.budget_holds h on h.scope = b.scope and h.id = b.id and h.lapses < v_now
        group by h.scope, h.id, h.period) g
      where p.scope = g.scope and p.id = g.id and p.period = g.period;
    update public.budget_holds h set worst = 0, lapses = v_now + interval '24 hours' from public.codeforge_budgets_above(p_job, p_project, p_user, v_now) b
      where h.scope = b.scope and h.id = b.id and h.lapses < v_now;
  end if;

  insert into public.budget_periods (scope, id, period, spent, reserved)
    select s.scope, s.id, s.period, s.spent, 0 from public.codeforge_standings(p_job, p_project, p_user, p_limits) s
    where not exists (select from public.budget_periods p where p.scope = s.scope and p.id = s.id and p.period = s.period);
  select s.* into v_over from public.codeforge_standings(p_job, p_project, p_user, p_limits) s where s.spent + s.reserved + p_worst > s.most order by s.n limit 1;
  if found then
    return json_build_object('over', json_build_object('scope', v_over.scope, 'id', v_over.id, 'limit', v_over.most, 'spent', v_over.spent + v_over.reserved, 'held', v_over.reserved));
  end if;
  with held as (
    update public.budget_periods p set reserved = p.reserved + p_worst from public.codeforge_standings(p_job, p_project, p_user, p_limits) s
    where p.scope = s.scope and p.id = s.id and p.period = s.period and p.spent + p.reserved + p_worst <= s.most
    returning p.scope, p.id, p.period
  ), kept as (
    insert into public.budget_holds (hold, scope, id, period, worst, prompt, lapses) select p_hold, h.scope, h.id, h.period, p_worst, p_prompt, p_lapses from held h returning 1
  )
  select count(*) into v_held from kept;
  if v_held <> (select count(*) from public.codeforge_standings(p_job, p_project, p_user, p_limits)) then
    raise exception using errcode = '40001', message = 'a budget was changed in this moment';
  end if;
  return json_build_object('hold', p_hold);
end
$$;

-- codeforge_record_call books a call, {id, job_id, ...} as llm_calls has them, in place of its reservation p_hold (null: it has
-- none). A budget that the reservation was held against is charged in the period of that time; one that got its ceiling
-- meanwhile in that of the call. The same id again changes nothing, and the answer is false.
create or replace function public.codeforge_record_call(p_call jsonb, p_hold uuid default null) returns boolean
language plpgsql set search_path = '' as $$
declare c public.llm_calls;
begin
  c := jsonb_populate_record(null::public.llm_calls, p_call);
  perform pg_advisory_xact_lock(720843019, hashtext(coalesce(c.user_id, c.project_id, c.job_id)::text)); -- see codeforge_reserve
  insert into public.llm_calls (id, job_id, project_id, user_id, agent, call, attempt, provider, model, served, input_tokens, cached_read_tokens, cache_write_tokens,
      output_tokens, reasoning_tokens, usage_missing, usage_partial, cost, estimated, error_kind, status, finish, first_token, latency, at)
    values (c.id, c.job_id, c.project_id, c.user_id, c.agent, c.call, c.attempt, c.provider, c.model, c.served, c.input_tokens, c.cached_read_tokens, c.cache_write_tokens,
      c.output_tokens, c.reasoning_tokens, c.usage_missing, c.usage_partial, c.cost, c.estimated, c.error_kind, c.status, c.finish, c.first_token, c.latency, c.at)
    on conflict (id) do nothing;
  if not found then
    return false;
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
  return true;
end
$$;

-- codeforge_own_budget finds what a budget of a user is for: its id, of a job named by an alias that of the job. A user's
-- own is not asked for here.
create or replace function public.codeforge_own_budget(p_user uuid, p_scope text, p_id uuid) returns uuid
language plpgsql stable set search_path = '' as $$
declare
  v_id uuid;
  v_what text;
begin
  case p_scope
  when 'job' then
    v_what := 'Job';
    select j.id into v_id from public.agent_jobs j where j.id = coalesce((select a.job_id from public.job_aliases a where a.alias = p_id), p_id) and j.user_id = p_user;
  when 'project_day', 'project_month' then
    v_what := 'Project';
    select p.id into v_id from public.projects p where p.id = p_id and p.user_id = p_user;
  when 'user_day', 'user_month' then
    v_what := 'User';
    v_id := case when p_id = p_user then p_id end;
  else
    raise exception using errcode = 'PT400', message = 'must be one of job, project_day, project_month, user_day, user_month', hint = 'scope';
  end case;
  if v_id is null then
    raise exception using errcode = 'PT404', message = v_what || ' not found', hint = v_what, detail = coalesce(p_id::text, '');
  end if;
  return v_id;
end
$$;

-- codeforge_set_budget sets a user's ceiling; null lifts it.
create or replace function public.codeforge_set_budget(p_user uuid, p_scope text, p_id uuid, p_most bigint) returns void
language plpgsql set search_path = '' as $$
declare v_id uuid := public.codeforge_own_budget(p_user, p_scope, p_id);
begin
  if p_most is null then
    delete from public.budget_limits where scope = p_scope and id = v_id;
  else
    insert into public.budget_limits (scope, id, most) values (p_scope, v_id, p_most) on conflict (scope, id) do update set most = excluded.most;
  end if;
end
$$;

-- codeforge_budgets returns the ceilings in force for a user, and for a project and a job of that user unless they are null.
create or replace function public.codeforge_budgets(p_user uuid, p_project uuid, p_job uuid, p_limits jsonb) returns json
language plpgsql stable set search_path = '' as $$
declare
  v_project uuid := case when p_project is not null then public.codeforge_own_budget(p_user, 'project_day', p_project) end;
  v_job uuid := case when p_job is not null then public.codeforge_own_budget(p_user, 'job', p_job) end;
begin
  return (select coalesce(json_agg(json_build_object('scope', s.scope, 'id', s.id, 'limit_micro_usd', s.most, 'spent_micro_usd', s.spent, 'reserved_micro_usd', s.reserved)
    order by s.n), '[]') from public.codeforge_standings(v_job, v_project, p_user, p_limits) s);
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
    v_job := coalesce((select a.job_id from public.job_aliases a where a.alias = p_job), p_job);
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
        coalesce(sum(c.output_tokens), 0)::bigint as output_tokens, coalesce(sum(c.reasoning_tokens), 0)::bigint as reasoning_tokens
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
language sql stable set search_path = '' as $$
  select coalesce(json_agg(u order by u.seq desc), '[]') from (
    select j.seq, j.project_id, count(*) as calls, sum(c.cost)::bigint as cost, bool_or(c.estimated) as estimated, bool_or(c.provider = 'scaffold') as offline,
      case when j.clarification_data is null then (extract(epoch from j.completed_at - j.started_at) * 1000000)::bigint else sum(c.latency)::bigint end as took,
      sum(c.input_tokens)::bigint as input_tokens, sum(c.cached_read_tokens)::bigint as cached_read_tokens, sum(c.cache_write_tokens)::bigint as cache_write_tokens,
      sum(c.output_tokens)::bigint as output_tokens, sum(c.reasoning_tokens)::bigint as reasoning_tokens
    from (
      select o.* from public.agent_jobs o where o.id in (select n.job_id from public.llm_calls n where n.user_id = p_user order by n.at desc limit 1000)
        and o.user_id = p_user and o.agent_type = p_agent and o.status = 'completed' order by o.seq desc limit p_limit) j
    join public.llm_calls c on c.job_id = j.id
    group by j.id, j.seq, j.project_id, j.clarification_data is null, j.completed_at, j.started_at) u
$$;

do $$
declare f regprocedure;
begin
  for f in
    select oid::regprocedure from pg_catalog.pg_proc where pronamespace = 'public'::regnamespace and proname in ('codeforge_put_journal', 'codeforge_sweep_journal',
      'codeforge_budgets_above', 'codeforge_spent_before', 'codeforge_standings', 'codeforge_reserve', 'codeforge_record_call',
      'codeforge_own_budget', 'codeforge_set_budget', 'codeforge_budgets', 'codeforge_sum_usage', 'codeforge_job_usage')
  loop
    execute format('revoke execute on function %s from public, anon, authenticated', f);
    execute format('grant execute on function %s to service_role', f);
    if f::text ~ 'codeforge_(sum|job)_usage' then
      execute format('grant execute on function %s to authenticated', f);
    end if;
  end loop;
end
$$;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 5';
notify pgrst, 'reload schema';
