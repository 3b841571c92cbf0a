-- Which job is next is decided in one place, codeforge_claim_jobs, for all servers: they say how many they have places for.
-- Claims are made one after the other, so that limits hold whoever claims.

-- behind: another job of the project, which changes its files as this one does, is before it. The one that is not is the head of
-- the line: it runs, or it is the oldest. Rows are kept so by triggers, under the lock of the project.
alter table public.agent_jobs add column if not exists behind boolean not null default false;
create index if not exists agent_jobs_ready on public.agent_jobs (agent_type, user_id, seq) where status = 'queued' and due_at is not null and not behind;
create index if not exists agent_jobs_running on public.agent_jobs (due_at, agent_type, user_id) where status = 'running' and due_at is not null;
create index if not exists agent_jobs_head on public.agent_jobs (project_id) where changes_files and due_at is not null and not behind;

-- codeforge_enter_line says where in its line a job begins.
create or replace function public.codeforge_enter_line() returns trigger language plpgsql security definer set search_path = '' as $$
declare h record;
begin
  perform from public.projects where id = new.project_id for no key update;
  new.behind := false;
  for h in
    select id, seq, status from public.agent_jobs where project_id = new.project_id and changes_files and due_at is not null and not behind and id <> new.id
  loop
    if h.status = 'running' or h.seq < new.seq then
      new.behind := true;
    else
      update public.agent_jobs set behind = true where id = h.id;
    end if;
  end loop;
  return new;
end
$$;

-- codeforge_leave_line lets the next one of the line begin.
create or replace function public.codeforge_leave_line() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  update public.agent_jobs set behind = false where id = (
    select j.id from public.agent_jobs j where j.project_id = old.project_id and j.changes_files and j.due_at is not null and j.id <> old.id order by j.seq limit 1)
    and behind and not exists (
    select from public.agent_jobs h where h.project_id = old.project_id and h.changes_files and h.due_at is not null and not h.behind and h.id <> old.id);
  return null;
end
$$;

drop trigger if exists codeforge_enter_line on public.agent_jobs;
create trigger codeforge_enter_line before insert on public.agent_jobs for each row when (new.changes_files and new.due_at is not null)
  execute function public.codeforge_enter_line();
drop trigger if exists codeforge_enter_line_again on public.agent_jobs;
create trigger codeforge_enter_line_again before update on public.agent_jobs for each row when (new.changes_files and old.due_at is null and new.due_at is not null)
  execute function public.codeforge_enter_line();
drop trigger if exists codeforge_leave_line on public.agent_jobs;
create trigger codeforge_leave_line after update on public.agent_jobs for each row when (old.changes_files and not old.behind and old.due_at is not null and new.due_at is null)
  execute function public.codeforge_leave_line();
drop trigger if exists codeforge_leave_line_gone on public.agent_jobs;
create trigger codeforge_leave_line_gone after delete on public.agent_jobs for each row when (old.changes_files and not old.behind and old.due_at is not null)
  execute function public.codeforge_leave_line();

update public.agent_jobs j set behind = true from (
    select id, row_number() over (partition by project_id order by (status = 'running') desc, seq) as n from public.agent_jobs where changes_files and due_at is not null) l
  where l.id = j.id and l.n > 1 and j.status = 'queued' and not j.behind;

-- codeforge_ready_users walks the users who have ready jobs, by agent type, from a random one on: two probes of an index for each. At
-- most so many.
create or replace function public.codeforge_ready_users(p_most int) returns table (agent_type text, user_id uuid) language sql volatile set search_path = '' as $$
  with recursive start as materialized (select chr(97 + (random() * 25)::int) as agent_type, gen_random_uuid() as user_id),
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
  select w.agent_type, w.user_id from walk w where w.n > 0
$$;

-- codeforge_claim_jobs returns {jobs, more, next}: the jobs that are claimed now, whether others were due as well, and in how many seconds
-- one may become due. p_policy is {running: {type: most}, priority: {type: n}, running_per_user, patience}. p_again says that the call is made again
-- because its answer was lost: then what it claimed is what it was. The order is that of codeforge.ClaimPolicy.
--
-- Exact as long as ready jobs are those of few users, or the oldest of many are not all of users who have others running: past p_walk
-- users, those with none running are found among the oldest jobs, and from a random user on.
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
  v_walk constant int := 256;
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
    with running as materialized (
      select r.agent_type, r.user_id, count(*) as n from public.agent_jobs r where r.status = 'running' and r.due_at is not null group by 1, 2
    ), users as materialized (
      select w.agent_type, w.user_id, count(*) over () as n from public.codeforge_ready_users(case when v_only is null then v_walk else 0 end) w
    ), ready as (
      select j.id, j.seq, j.agent_type, j.user_id, j.due_at, j.crashes from users w cross join lateral (
        select * from public.agent_jobs a where a.status = 'queued' and a.due_at is not null and not a.behind and a.agent_type = w.agent_type and a.user_id = w.user_id
          and a.due_at <= v_now order by a.seq limit greatest(1, least(p_want + 1, 512 / w.n))) j
      union
      select o.id, o.seq, o.agent_type, o.user_id, o.due_at, o.crashes from (
        select * from public.agent_jobs a where (select count(*) from users) >= v_walk and a.due_at <= v_now and a.due_at is not null order by a.due_at limit 2000) o
        where o.status = 'queued' and not o.behind
      union
      select a.id, a.seq, a.agent_type, a.user_id, a.due_at, a.crashes from public.agent_jobs a
        where v_only is not null and a.id = any (v_only) and a.status = 'queued' and a.due_at <= v_now and not a.behind
    ), allowed as (
      select r.*, u.n as running, coalesce((v_priority ->> r.agent_type)::int, 0) as priority, (v_most ->> r.agent_type)::bigint - t.n as room
      from ready r
      cross join lateral (select coalesce(sum(x.n), 0) as n from running x where x.user_id = r.user_id) u
      cross join lateral (select coalesce(sum(x.n), 0) as n from running x where x.agent_type = r.agent_type) t
      where (r.crashes < v_suspect or not v_suspect_runs) and u.n < coalesce(v_per_user, u.n + 1) and coalesce((v_most ->> r.agent_type)::bigint > t.n, true)
    ), turns as (
      select a.*, a.running + row_number() over (partition by a.user_id order by a.priority desc, a.seq) - 1 as turn,
        a.running = 0 and v_now - a.due_at >= v_patience as patient from allowed a
    ), ordered as (
      select o.*, row_number() over (order by o.patient and o.turn = 0 desc, o.priority desc, o.turn, o.seq) as place from turns o
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

-- codeforge_next_in_line is the head of a line, if it may run now.
create or replace function public.codeforge_next_in_line(p_project uuid) returns uuid language plpgsql stable set search_path = '' as $$
begin
  return (select j.id from public.agent_jobs j where j.project_id = p_project and j.changes_files and j.due_at <= public.codeforge_now() and not j.behind and j.status = 'queued'
    and (j.crashes < public.codeforge_limit('suspect_crashes') or not exists (
      select from public.agent_jobs o where o.status = 'running' and o.due_at > public.codeforge_now() and o.crashes >= public.codeforge_limit('suspect_crashes')))
    limit 1);
end
$$;

-- codeforge_queue_places returns {id: {place, waiting_for}} of those among jobs that are queued: how many ready ones have their turn before,
-- as things stand, of the 2,000 oldest and of the user's own. p_policy is as above, and has nobody_claims, in seconds.
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
        select * from public.agent_jobs a where a.due_at is not null and a.due_at <= v_now order by a.due_at limit 2000) o where o.status = 'queued' and not o.behind
      union
      select o.id, o.seq, o.agent_type, o.user_id from (select distinct k.user_id from asked k) u cross join lateral (
        select * from public.agent_jobs a where a.user_id = u.user_id and a.due_at is not null limit 2000) o where o.status = 'queued' and not o.behind
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

-- codeforge_count_queued returns how many jobs are queued. One that was written later than now says that the clock was set back since:
-- its time means nothing, and it is due.
create or replace function public.codeforge_count_queued() returns json language plpgsql set search_path = '' as $$
declare v_now timestamptz := public.codeforge_now();
begin
  update public.agent_jobs set due_at = v_now where due_at > v_now and updated_at > v_now and status = 'queued';
  return to_json((select count(*) from public.agent_jobs where due_at is not null and status = 'queued'));
end
$$;

drop function if exists public.codeforge_claim_job(uuid, text, double precision, uuid);
drop function if exists public.codeforge_due_jobs(int);
drop function if exists public.codeforge_in_the_way(public.agent_jobs);

do $$
declare f text;
begin
  foreach f in array array['codeforge_enter_line()', 'codeforge_leave_line()', 'codeforge_ready_users(int)', 'codeforge_next_in_line(uuid)',
    'codeforge_claim_jobs(text, uuid, double precision, int, json, uuid[], uuid[], boolean)', 'codeforge_queue_places(uuid[], json)', 'codeforge_count_queued()'] loop
    execute format('revoke execute on function public.%s from public, anon, authenticated', f);
    execute format('grant execute on function public.%s to service_role', f);
  end loop;
end
$$;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 27';
notify pgrst, 'reload schema';
