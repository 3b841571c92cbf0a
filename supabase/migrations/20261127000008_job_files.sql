-- The files of a project that the newest claim of a job changed, as they are in its working tree. Their texts are in file_contents.
create table if not exists public.job_files (
  job_id uuid not null references public.agent_jobs (id) on delete cascade,
  path text collate "C" not null,
  project_id uuid not null,
  user_id uuid not null,
  fence bigint not null, -- number of the claim
  hash bytea, -- null: deleted
  primary key (job_id, path),
  foreign key (project_id, hash) references public.file_contents (project_id, hash)
);
create index if not exists job_files_of_content on public.job_files (project_id, hash);
alter table public.job_files enable row level security;
revoke all on public.job_files from public, anon, authenticated;
grant select, insert, update, delete on public.job_files to service_role;
grant select on public.job_files to authenticated;
drop policy if exists codeforge_service on public.job_files;
create policy codeforge_service on public.job_files to service_role using (true) with check (true);
drop policy if exists codeforge_own_select on public.job_files;
create policy codeforge_own_select on public.job_files for select to authenticated using (user_id = (select auth.uid()));

-- A text goes with the last row that has it.
create or replace function public.codeforge_sweep_content() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  delete from public.file_contents c where c.project_id = old.project_id and c.hash = old.hash
    and not exists (select from public.file_revisions r where r.project_id = old.project_id and r.hash = old.hash)
    and not exists (select from public.job_files f where f.project_id = old.project_id and f.hash = old.hash);
  return null;
end
$$;
drop trigger if exists codeforge_sweep_deleted on public.job_files;
create trigger codeforge_sweep_deleted after delete on public.job_files for each row when (old.hash is not null)
  execute function public.codeforge_sweep_content();
drop trigger if exists codeforge_sweep_changed on public.job_files;
create trigger codeforge_sweep_changed after update on public.job_files for each row when (old.hash is not null and old.hash is distinct from new.hash)
  execute function public.codeforge_sweep_content();

-- codeforge_record_events returns {seq, at}: the number of the first event, and its time. p_files are what the events tell of the
-- working tree: [{path, content, delete}], each path once.
drop function if exists public.codeforge_record_events(uuid, bigint, double precision, text[], text[], timestamptz[]);
create or replace function public.codeforge_record_events(p_job uuid, p_fence bigint, p_progress double precision, p_types text[], p_data text[], p_times timestamptz[],
  p_files json default null) returns json
language plpgsql set search_path = '' as $$
declare
  j public.agent_jobs;
  v_now timestamptz := public.codeforge_now();
  v_progress double precision;
  v_seq bigint;
  v_stored bigint;
begin
  select * into j from public.agent_jobs where id = p_job and fence = p_fence and status = 'running' for no key update;
  if not found then
    raise exception using errcode = 'PT412', message = 'the claim is lost';
  end if;
  v_progress := p_progress;
  if p_progress < 0 then
    select e.progress into v_progress from public.job_events e where e.job_id = p_job order by e.seq desc limit 1;
  end if;
  v_seq := public.codeforge_add_events(p_job, j.user_id, coalesce(v_progress, j.progress), p_types, p_data, p_times);
  -- Every change of the row goes to all who watch it: once a second is enough for progress.
  if cardinality(p_types) = 0 and p_progress >= 0 then
    update public.job_events e set progress = p_progress where e.job_id = p_job and e.seq = v_seq - 1;
  end if;
  if v_progress <> j.progress and j.updated_at <= v_now - interval '1 second' then
    update public.agent_jobs set progress = v_progress where id = p_job;
  end if;
  if p_files is not null then
    with file as materialized (
      select path, coalesce(content, '') as content, case when not coalesce(delete, false) then sha256(convert_to(coalesce(content, ''), 'UTF8')) end as hash
      from json_to_recordset(p_files) as (path text, content text, delete boolean)
    ), stored as (
      insert into public.file_contents (project_id, hash, user_id, size, content)
        select j.project_id, f.hash, p.user_id, octet_length(f.content), f.content from file f, public.projects p where f.hash is not null and p.id = j.project_id
        order by f.hash on conflict do nothing returning size
    ), put as (
      insert into public.job_files (job_id, path, project_id, user_id, fence, hash) select p_job, path, j.project_id, j.user_id, p_fence, hash from file
        on conflict (job_id, path) do update set fence = excluded.fence, hash = excluded.hash
    )
    select sum(size) into v_stored from stored;
    perform public.codeforge_count_bytes(j.project_id, v_stored, false);
  end if;
  return json_build_object('seq', v_seq, 'at', v_now);
end
$$;

-- codeforge_read_working returns [{path, deleted, size, hash, content}], as many as make p_bytes (0: all), by path.
create or replace function public.codeforge_read_working(p_user uuid, p_job uuid, p_after text, p_bytes bigint, p_contents boolean) returns setof json language sql stable as $$
  select (select coalesce(json_agg(json_build_object('path', f.path, 'deleted', f.hash is null, 'size', f.size, 'hash', encode(f.hash, 'hex'), 'content',
      case when p_contents then (select c.content from public.file_contents c where c.project_id = f.project_id and c.hash = f.hash) end) order by f.path), '[]')
    from (
      select w.project_id, w.path, w.hash, coalesce(c.size, 0) as size, sum(coalesce(c.size, 0)) over (order by w.path rows between unbounded preceding and 1 preceding) as before
      from public.job_files w left join public.file_contents c on c.project_id = w.project_id and c.hash = w.hash
      where w.job_id = j.id and w.fence = j.fence and w.path > p_after collate "C") f
    where p_bytes = 0 or coalesce(f.before, 0) < p_bytes)
  from public.agent_jobs j where j.id = coalesce((select a.job_id from public.job_aliases a where a.alias = p_job), p_job) and j.user_id = p_user
$$;

-- codeforge_sweep_working forgets the working files of at most so many jobs, and says of how many.
create or replace function public.codeforge_sweep_working(p_before timestamptz, p_limit int) returns json language plpgsql set search_path = '' as $$
declare n bigint;
begin
  with old as materialized (
    select f.job_id from (select distinct job_id from public.job_files) f join public.agent_jobs j on j.id = f.job_id
      where j.completed_at < p_before and j.status in ('completed', 'failed', 'cancelled') limit p_limit
  ), gone as (delete from public.job_files f using old where f.job_id = old.job_id)
  select count(*) into n from old;
  return to_json(n);
end
$$;

revoke execute on function public.codeforge_record_events(uuid, bigint, double precision, text[], text[], timestamptz[], json),
  public.codeforge_read_working(uuid, uuid, text, bigint, boolean), public.codeforge_sweep_working(timestamptz, int) from public, anon, authenticated;
grant execute on function public.codeforge_record_events(uuid, bigint, double precision, text[], text[], timestamptz[], json),
  public.codeforge_read_working(uuid, uuid, text, bigint, boolean), public.codeforge_sweep_working(timestamptz, int) to service_role;
grant execute on function public.codeforge_read_working(uuid, uuid, text, bigint, boolean) to authenticated;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 17';
notify pgrst, 'reload schema';
