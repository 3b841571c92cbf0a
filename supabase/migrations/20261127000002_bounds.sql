-- What one user may have. The limits stand in one row, which servers write when they start, and the rules are triggers, so
-- that they hold at both doors and in the transaction that would break them. All of a user's that is counted is counted
-- under the lock of the profile, which is taken after any other.

create table if not exists public.codeforge_quota (
  id boolean primary key default true check (id), -- one row
  projects int not null default 0,                -- 0: no limit
  revisions_a_day int not null default 0,
  open_jobs int not null default 0
);
insert into public.codeforge_quota default values on conflict do nothing;

-- How many revisions a user made on the last day, in UTC, that saw any.
create table if not exists public.revision_days (
  user_id uuid primary key,
  day date not null,
  revisions int not null
);
alter table public.codeforge_quota enable row level security;
alter table public.revision_days enable row level security;
revoke all on public.codeforge_quota, public.revision_days from public, anon, authenticated;

create index if not exists agent_jobs_open_of_user on public.agent_jobs (user_id) where due_at is not null;

create or replace function public.codeforge_set_quota(p_projects int, p_revisions_a_day int, p_open_jobs int) returns void
language sql security definer set search_path = '' as $$
  update public.codeforge_quota set projects = p_projects, revisions_a_day = p_revisions_a_day, open_jobs = p_open_jobs
    where (projects, revisions_a_day, open_jobs) is distinct from (p_projects, p_revisions_a_day, p_open_jobs)
$$;

-- Refusals: PT413 or PT429, hint: which quota, detail: the limit.
create or replace function public.codeforge_room_for_project() returns trigger language plpgsql security definer set search_path = '' as $$
declare v_most int;
begin
  select projects into v_most from public.codeforge_quota;
  if v_most > 0 then
    perform from public.profiles where id = new.user_id for no key update;
    if (select count(*) from (select from public.projects where user_id = new.user_id limit v_most) p) >= v_most then
      raise exception using errcode = 'PT413', message = format('a user has at most %s projects', v_most), hint = 'projects', detail = v_most;
    end if;
  end if;
  return new;
end
$$;

create or replace function public.codeforge_room_for_job() returns trigger language plpgsql security definer set search_path = '' as $$
declare q public.codeforge_quota;
begin
  select * into q from public.codeforge_quota;
  if q.open_jobs > 0 then
    perform from public.profiles where id = new.user_id for no key update;
    if (select count(*) from (select from public.agent_jobs where user_id = new.user_id and due_at is not null limit q.open_jobs) j) >= q.open_jobs then
      raise exception using errcode = 'PT429', message = format('a user has at most %s open jobs', q.open_jobs), hint = 'open_jobs', detail = q.open_jobs;
    end if;
  end if;
  -- Its revision would be one too many: said now, not after it was paid for.
  if q.revisions_a_day > 0 and new.changes_files and exists (select from public.revision_days d where d.user_id = new.user_id
      and d.day >= (public.codeforge_now() at time zone 'utc')::date and d.revisions >= q.revisions_a_day) then
    raise exception using errcode = 'PT429', message = format('a user makes at most %s revisions a day', q.revisions_a_day), hint = 'revisions_a_day', detail = q.revisions_a_day;
  end if;
  return new;
end
$$;

create or replace function public.codeforge_count_revision() returns trigger language plpgsql security definer set search_path = '' as $$
declare
  v_most int;
  v_made int;
begin
  select revisions_a_day into v_most from public.codeforge_quota;
  if v_most > 0 then
    insert into public.revision_days as d (user_id, day, revisions)
      select p.user_id, (public.codeforge_now() at time zone 'utc')::date, 1 from public.projects p where p.id = new.project_id
      on conflict (user_id) do update set day = greatest(d.day, excluded.day), revisions = case when d.day < excluded.day then 1 else d.revisions + 1 end
      returning revisions into v_made;
    if v_made > v_most and new.job_id is null then
      raise exception using errcode = 'PT429', message = format('a user makes at most %s revisions a day', v_most), hint = 'revisions_a_day', detail = v_most;
    end if;
  end if;
  return new;
end
$$;

drop trigger if exists codeforge_room on public.projects;
create trigger codeforge_room before insert on public.projects for each row execute function public.codeforge_room_for_project();
drop trigger if exists codeforge_room on public.agent_jobs;
create trigger codeforge_room before insert on public.agent_jobs for each row when (new.due_at is not null) execute function public.codeforge_room_for_job();
drop trigger if exists codeforge_room_again on public.agent_jobs;
create trigger codeforge_room_again before update on public.agent_jobs for each row
  when (old.status = 'waiting_for_input' and new.status = 'queued') execute function public.codeforge_room_for_job();
drop trigger if exists codeforge_count on public.project_revisions;
create trigger codeforge_count before insert on public.project_revisions for each row execute function public.codeforge_count_revision();

-- codeforge_read_tree returns {revision, files}: a page of the files as they were in a revision, or, for 0, as they are now:
-- those after p_after, up to the one that makes p_bytes (0: no bound). {} when there is no such revision, {none: true} when
-- there is none yet. octet_length of a long text reads its length alone.
create or replace function public.codeforge_read_tree(p_user uuid, p_project uuid, p_number bigint, p_after text, p_bytes bigint, p_contents boolean) returns setof json
language sql stable as $$
  select case when p_number = 0 and p.revision = 0 then '{"none": true}' else coalesce((
    select json_build_object('revision', public.codeforge_revision_json(r), 'files', (
      select coalesce(json_agg(json_build_object('id', f.file_id, 'project_id', p.id, 'path', f.path, 'language', f.language, 'version', f.version, 'size', f.size,
        'revision', f.revision, 'created_at', f.file_created_at, 'updated_at', f.created_at, 'content', case when p_contents then f.content end) order by f.path), '[]')
      from (
        select *, sum(size) over (order by path rows between unbounded preceding and 1 preceding) as before from (
          select v.path collate "C" as path, v.id as file_id, v.language, v.version::bigint as version, v.revision, v.created_at as file_created_at, v.updated_at as created_at,
            v.content, coalesce(octet_length(v.content), 0) as size
          from public.project_files v where p_number = 0 and v.project_id = p.id and v.path collate "C" > p_after
          union all
          select path, file_id, language, version, revision, file_created_at, created_at, content, octet_length(content) from (
            select distinct on (path) * from public.file_revisions where p_number <> 0 and project_id = p.id and revision <= p_number and path > p_after collate "C"
            order by path, revision desc) o
          where not deleted) v) f
      where p_bytes = 0 or coalesce(f.before, 0) < p_bytes))
    from public.project_revisions r where r.project_id = p.id and r.number = case p_number when 0 then p.revision else p_number end), '{}') end
  from public.projects p where p.id = p_project and p.user_id = p_user
$$;

-- codeforge_read_changes returns {revision, deltas} of {path, old, new}: a page of what a revision changed, as above; the
-- bytes of both sides count. {} when there is no such revision.
create or replace function public.codeforge_read_changes(p_user uuid, p_project uuid, p_number bigint, p_after text, p_bytes bigint, p_contents boolean) returns setof json
language sql stable as $$
  select coalesce((select json_build_object('revision', public.codeforge_revision_json(r), 'deltas', (
      select coalesce(json_agg(json_build_object('path', (c.n).path,
        'old', case when not (c.o).deleted then public.codeforge_file_json(c.o, p_contents) end,
        'new', case when not (c.n).deleted then public.codeforge_file_json(c.n, p_contents) end) order by (c.n).path), '[]')
      from (
        select n, l.o, sum(octet_length(n.content) + coalesce(octet_length((l.o).content), 0)) over (order by n.path rows between unbounded preceding and 1 preceding) as before
        from public.file_revisions n
        left join lateral (select v as o from public.file_revisions v where v.project_id = n.project_id and v.path = n.path and v.revision < n.revision
          order by v.revision desc limit 1) l on true
        where n.project_id = p.id and n.revision = p_number and n.path > p_after) c
      where p_bytes = 0 or coalesce(c.before, 0) < p_bytes))
    from public.project_revisions r where r.project_id = p.id and r.number = p_number), '{}')
  from public.projects p where p.id = p_project and p.user_id = p_user
$$;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 11';

-- Every function is born executable by all. What reads as whoever calls it is for users too.
revoke execute on function public.codeforge_set_quota(int, int, int), public.codeforge_room_for_project(), public.codeforge_room_for_job(), public.codeforge_count_revision(),
  public.codeforge_read_tree(uuid, uuid, bigint, text, bigint, boolean), public.codeforge_read_changes(uuid, uuid, bigint, text, bigint, boolean) from public, anon, authenticated;
grant execute on function public.codeforge_set_quota(int, int, int), public.codeforge_room_for_project(), public.codeforge_room_for_job(), public.codeforge_count_revision(),
  public.codeforge_read_tree(uuid, uuid, bigint, text, bigint, boolean), public.codeforge_read_changes(uuid, uuid, bigint, text, bigint, boolean) to service_role;
grant execute on function public.codeforge_read_tree(uuid, uuid, bigint, text, bigint, boolean), public.codeforge_read_changes(uuid, uuid, bigint, text, bigint, boolean) to authenticated;
notify pgrst, 'reload schema';
