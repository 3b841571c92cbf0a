-- Numbers of claims that were given on one timeline are not given again on the next: what a failover without synchronous standbys, or a
-- restore to an earlier moment, takes back are claims too, and whoever holds one of them must not pass for another one's.

-- codeforge_first_fence is below all numbers of claims of this timeline and above those of the ones before it; 0 on the first.
create or replace function public.codeforge_first_fence() returns bigint language plpgsql stable as $$ -- each claim asks: it is planned once
begin
  return (('x' || pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 1, 8))::bit(32)::bigint - 1) << 32;
end
$$;
revoke execute on function public.codeforge_first_fence() from public, anon, authenticated;
grant execute on function public.codeforge_first_fence() to service_role;

-- codeforge_claim_jobs as before, but for that, and that it weighs nothing where it finds a place for all jobs that are ready, as servers do
-- that keep up: it takes a third of its time.
create or replace function public.codeforge_claim_jobs(p_worker text, p_claim uuid, p_lease double precision, p_want int, p_policy json, p_only uuid[] default null,
  p_held uuid[] default null, p_again boolean default false) returns json
language plpgsql set search_path = '' as $$
declare
  v_history bigint := public.codeforge_first_fence();
  v_now timestamptz;
  v_worker text := concat_ws(' ', p_worker, p_claim);
  v_most jsonb := coalesce(p_policy -> 'running', '{}');
  v_priority jsonb := coalesce(p_policy -> 'priority', '{}');
  v_per_user bigint := nullif((p_policy ->> 'running_per_user')::bigint, 0);
  v_patience interval := make_interval(secs => (p_policy ->> 'patience')::double precision);
  v_suspect bigint := public.codeforge_limit('suspect_crashes');
  v_suspect_runs boolean;
  v_few constant int := 8;
  v_walk constant int := 128;
  v_agents text[];
  v_users uuid[];
  v_pick uuid[];
  v_found int := 0;
  v_jobs json;
  v_claimed int;
  v_only uuid[];
  v_all uuid[];
  v_fit int;
  v_suspects boolean;
begin
  if p_only is not null then
    v_only := array(select public.codeforge_find_job(o) from unnest(p_only) o);
  end if;
  perform pg_advisory_xact_lock(7208430191);
  v_now := public.codeforge_now();
  if p_again then
    select json_agg(j order by j.seq), count(*) into v_jobs, v_claimed from public.agent_jobs j where j.status = 'running' and j.due_at is not null and j.worker = v_worker;
    if v_claimed > 0 then
      return json_build_object('jobs', v_jobs, 'more', true, 'next', null);
    end if;
  end if;
  v_suspect_runs := exists (select from public.agent_jobs where status = 'running' and due_at > v_now and crashes >= v_suspect);

  -- What workers vanished with.
  select array_agg(j.id) into v_pick from (
    select l.id, l.crashes, count(*) filter (where l.crashes >= v_suspect) over (order by l.seq rows unbounded preceding) as suspects from (
      select id, seq, crashes from public.agent_jobs where status = 'running' and due_at <= v_now and (p_held is null or id <> all (p_held))
        and (v_only is null or id = any (v_only)) order by due_at limit p_want + 1) l) j
    where j.crashes < v_suspect or not v_suspect_runs and j.suspects = 1;
  v_found := coalesce(cardinality(v_pick), 0);

  if v_found <= p_want then
    if v_only is null then
      select array_agg(w.agent_type), array_agg(w.user_id) into v_agents, v_users from public.codeforge_ready_users(v_few) w;
      if cardinality(v_users) = v_few then
        select array_agg(w.agent_type), array_agg(w.user_id) into v_agents, v_users from public.codeforge_ready_users(v_walk) w;
      end if;
    end if;
    -- Where there is a place for all that are ready, and nothing bounds what runs, nothing is to be weighed.
    if v_only is null and coalesce(cardinality(v_users), 0) < v_few and v_most = '{}' and v_per_user is null then
      select v_pick || array_agg(j.id order by j.seq), v_found + count(*), coalesce(bool_or(j.crashes >= v_suspect), false) into v_all, v_fit, v_suspects
        from unnest(v_agents, v_users) w (agent_type, user_id) cross join lateral (
          select a.id, a.seq, a.crashes from public.agent_jobs a where a.status = 'queued' and a.due_at is not null and not a.behind
            and a.agent_type = w.agent_type and a.user_id = w.user_id and a.due_at <= v_now order by a.seq limit p_want + 1) j;
    end if;
    if v_fit <= p_want and not v_suspects then
      v_pick := v_all;
      v_found := v_fit;
    else
      with running as materialized (
        select r.agent_type, r.user_id, count(*) as n from public.agent_jobs r where r.status = 'running' and r.due_at is not null group by 1, 2
      ), of_user as materialized (select x.user_id, sum(x.n) as n from running x group by 1
      ), of_agent as materialized (select x.agent_type, sum(x.n) as n from running x group by 1
      ), agents as materialized (
        select t.agent_type, coalesce((v_priority ->> t.agent_type)::int, 0) as priority, (v_most ->> t.agent_type)::bigint as most
        from (select distinct unnest(v_agents) as agent_type union select a.agent_type from public.agent_jobs a where v_only is not null and a.id = any (v_only)) t
      ), ready as (
        select j.id, j.seq, j.agent_type, j.user_id, j.due_at, j.crashes from unnest(v_agents, v_users) w (agent_type, user_id) cross join lateral (
          select a.id, a.seq, a.agent_type, a.user_id, a.due_at, a.crashes from public.agent_jobs a where a.status = 'queued' and a.due_at is not null and not a.behind
            and a.agent_type = w.agent_type and a.user_id = w.user_id and a.due_at <= v_now order by a.seq limit greatest(1, least(p_want + 1, 256 / cardinality(v_users)))) j
        union
        select o.id, o.seq, o.agent_type, o.user_id, o.due_at, o.crashes from (
          select a.id, a.seq, a.agent_type, a.user_id, a.due_at, a.crashes, a.status, a.behind from public.agent_jobs a
            where cardinality(v_users) = v_walk and a.due_at <= v_now and a.due_at is not null order by a.due_at limit 500) o
          where o.status = 'queued' and not o.behind
        union
        select a.id, a.seq, a.agent_type, a.user_id, a.due_at, a.crashes from public.agent_jobs a
          where v_only is not null and a.id = any (v_only) and a.status = 'queued' and a.due_at <= v_now and not a.behind
      ), allowed as (
        select r.*, coalesce(u.n, 0) as running, coalesce(g.priority, 0) as priority, g.most - coalesce(t.n, 0) as room,
          u.n is null and v_now - r.due_at >= v_patience as patient
        from ready r left join of_user u on u.user_id = r.user_id left join of_agent t on t.agent_type = r.agent_type left join agents g on g.agent_type = r.agent_type
        where (r.crashes < v_suspect or not v_suspect_runs) and (v_per_user is null or coalesce(u.n, 0) < v_per_user) and (g.most is null or coalesce(t.n, 0) < g.most)
      ), turns as (
        select a.*, a.running + row_number() over (partition by a.user_id order by a.patient desc, case when not a.patient then a.priority end desc, a.seq) - 1 as turn
        from allowed a
      ), ordered as (
        select o.*, row_number() over (order by o.patient and o.turn = 0 desc, case when not (o.patient and o.turn = 0) then o.priority end desc, o.turn, o.seq) as place
        from turns o
      ), fitting as (
        select o.id, o.place, o.room is null or o.room >= count(*) over (partition by o.agent_type order by o.place) as fits,
          o.crashes < v_suspect or 1 = count(*) filter (where o.crashes >= v_suspect) over (order by o.place rows unbounded preceding) as alone
        from ordered o where o.turn < coalesce(v_per_user, o.turn + 1)
      )
      select v_pick || coalesce(array_agg(f.id order by f.place) filter (where f.fits and f.alone), '{}'), v_found + count(*) into v_pick, v_found from fitting f;
    end if;
  end if;
  if v_pick is null or p_want < 1 then
    v_pick := '{}';
  end if;

  with picked as (
    select p.id, p.n from unnest(v_pick[1:p_want]) with ordinality as p (id, n)
  ), claimed as (
    update public.agent_jobs a set status = 'running', worker = v_worker, fence = greatest(a.fence, v_history) + 1, due_at = v_now + make_interval(secs => p_lease),
      crashes = a.crashes + (a.status = 'running')::int, started_at = coalesce(a.started_at, v_now),
      base = coalesce(a.base, (select p.revision from public.projects p where p.id = a.project_id))
      from picked p where a.id = p.id and a.due_at <= v_now and (a.status = 'queued' and not a.behind or a.status = 'running') returning a.*, p.n
  )
  select coalesce(json_agg(to_json(c) order by c.n), '[]'), count(*) into v_jobs, v_claimed from claimed c;
  return json_build_object('jobs', v_jobs, 'more', v_claimed < v_found, 'next',
    (select extract(epoch from j.due_at - v_now) from public.agent_jobs j where j.due_at > v_now order by j.due_at limit 1));
end
$$;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 43';
notify pgrst, 'reload schema';
