-- Which job is next, as codeforge.ClaimPolicy says: what waits for long is claimed by age. What claims and places cost does not grow with
-- the queue.

-- codeforge_claim_jobs returns {jobs, more, next}: the jobs that are claimed now, whether others were due as well, and in how many seconds
-- one may become due. p_policy is {running: {type: most}, priority: {type: n}, running_per_user, patience}. p_again says that the call is made again
-- because its answer was lost: then what it claimed is what it was. The order is that of codeforge.ClaimPolicy.
--
-- A claim costs little however many jobs are queued: it looks at the users who have ready jobs, not at the jobs. Where there are more
-- than v_walk of those (by agent type) it looks at so many, from a random one on, and at the oldest jobs: then it is exact only if among
-- these there are jobs of enough users who have none running.
create or replace function public.codeforge_claim_jobs(p_worker text, p_claim uuid, p_lease double precision, p_want int, p_policy json, p_only uuid[] default null,
  p_held uuid[] default null, p_again boolean default false) returns json
language plpgsql set search_path = '' as $$
declare
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
  if v_pick is null or p_want < 1 then
    v_pick := '{}';
  end if;

  with picked as (
    select p.id, p.n from unnest(v_pick[1:p_want]) with ordinality as p (id, n)
  ), claimed as (
    update public.agent_jobs a set status = 'running', worker = v_worker, fence = a.fence + 1, due_at = v_now + make_interval(secs => p_lease),
      crashes = a.crashes + (a.status = 'running')::int, started_at = coalesce(a.started_at, v_now),
      base = coalesce(a.base, (select p.revision from public.projects p where p.id = a.project_id))
      from picked p where a.id = p.id and a.due_at <= v_now and (a.status = 'queued' and not a.behind or a.status = 'running') returning a.*, p.n
  )
  select coalesce(json_agg(to_json(c) order by c.n), '[]'), count(*) into v_jobs, v_claimed from claimed c;
  return json_build_object('jobs', v_jobs, 'more', v_claimed < v_found, 'next',
    (select extract(epoch from j.due_at - v_now) from public.agent_jobs j where j.due_at > v_now order by j.due_at limit 1));
end
$$;

-- codeforge_queue_places returns {id: {place, waiting_for}} of those among jobs that are queued: how many ready ones have their turn before,
-- as things stand, of the 1,000 oldest and of 200 of the user's own. p_policy is as above, and has nobody_claims, in seconds.
create or replace function public.codeforge_queue_places(p_jobs uuid[], p_policy json) returns json language plpgsql stable set search_path = '' as $$
declare
  v_now timestamptz := public.codeforge_now();
  v_most jsonb := coalesce(p_policy -> 'running', '{}');
  v_priority jsonb := coalesce(p_policy -> 'priority', '{}');
  v_per_user bigint := nullif((p_policy ->> 'running_per_user')::bigint, 0);
  v_suspect bigint := public.codeforge_limit('suspect_crashes');
begin
  return (
    with asked as materialized (
      select * from public.agent_jobs where id = any (p_jobs) and status = 'queued' and due_at is not null
    ), running as materialized (
      select r.agent_type, r.user_id, count(*) as n, count(*) filter (where r.crashes >= v_suspect and r.due_at > v_now) as suspects
        from public.agent_jobs r where r.status = 'running' and r.due_at is not null group by 1, 2
    ), ready as (
      select o.id, o.seq, o.agent_type, o.user_id from (
        select * from public.agent_jobs a where a.due_at is not null and a.due_at <= v_now order by a.due_at limit 1000) o where o.status = 'queued' and not o.behind
      union
      select o.id, o.seq, o.agent_type, o.user_id from (select distinct k.user_id from asked k) u cross join lateral (
        select * from public.agent_jobs a where a.user_id = u.user_id and a.due_at is not null limit 200) o where o.status = 'queued' and not o.behind
      union
      select k.id, k.seq, k.agent_type, k.user_id from asked k
    ), turns as (
      select r.*, coalesce((v_priority ->> r.agent_type)::int, 0) as priority,
        (select coalesce(sum(x.n), 0) from running x where x.user_id = r.user_id)
          + row_number() over (partition by r.user_id order by coalesce((v_priority ->> r.agent_type)::int, 0) desc, r.seq) as turn
      from ready r
    ), ordered as (
      select t.id, row_number() over (order by t.priority desc, t.turn, t.seq) as place from turns t
    )
    select coalesce(json_object_agg(k.id, json_build_object('place', o.place, 'waiting_for', case
        when k.behind then 'project'
        when k.due_at > v_now then 'retry'
        when k.crashes >= v_suspect and exists (select from running x where x.suspects > 0) then 'recovery'
        when (select sum(x.n) from running x where x.user_id = k.user_id) >= v_per_user then 'user_limit'
        when coalesce((select sum(x.n) from running x where x.agent_type = k.agent_type), 0) >= (v_most ->> k.agent_type)::bigint then 'agent_limit'
        when not exists (select from running) and v_now - k.due_at >= make_interval(secs => (p_policy ->> 'nobody_claims')::double precision) then 'no_worker_running'
        else 'free_worker' end)), '{}')
    from asked k join ordered o on o.id = k.id);
end
$$;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 30';
notify pgrst, 'reload schema';
