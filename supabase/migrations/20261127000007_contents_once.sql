-- Contents move from file_revisions to file_contents. Readers go on meanwhile; whoever changes files waits.
lock table public.file_revisions in share row exclusive mode;

insert into public.file_contents (project_id, hash, user_id, size, content)
  select r.project_id, sha256(convert_to(r.content, 'UTF8')), p.user_id, octet_length(r.content), r.content
  from public.file_revisions r join public.projects p on p.id = r.project_id where r.content is not null and not r.deleted on conflict do nothing;
update public.file_revisions set content = null, hash = case when not deleted then sha256(convert_to(content, 'UTF8')) end,
  size = case when deleted then 0 else octet_length(content) end where content is not null;
insert into public.stored_bytes (user_id, bytes) select user_id, sum(size) from public.file_contents group by user_id
  on conflict (user_id) do update set bytes = excluded.bytes;

create index if not exists file_revisions_of_content on public.file_revisions (project_id, hash);
do $$
begin
  if not exists (select from pg_catalog.pg_constraint where conrelid = 'public.file_revisions'::regclass and conname = 'file_revisions_content') then
    alter table public.file_revisions add constraint file_revisions_content foreign key (project_id, hash) references public.file_contents (project_id, hash);
  end if;
end
$$;

-- codeforge_count_bytes counts what was stored for the owner of a project, and refuses what is too much if it was made by hand.
create or replace function public.codeforge_count_bytes(p_project uuid, p_bytes bigint, p_by_hand boolean) returns void
language plpgsql security definer set search_path = '' as $$
declare
  v_most bigint;
  v_bytes bigint;
begin
  if p_bytes > 0 then
    insert into public.stored_bytes as b (user_id, bytes) select p.user_id, p_bytes from public.projects p where p.id = p_project
      on conflict (user_id) do update set bytes = b.bytes + excluded.bytes returning bytes into v_bytes;
    select bytes into v_most from public.codeforge_quota;
    if p_by_hand and v_most > 0 and v_bytes > v_most then
      raise exception using errcode = 'PT413', message = format('a user stores at most %s bytes', v_most), hint = 'bytes', detail = v_most;
    end if;
  end if;
end
$$;

-- A job whose revision would be too much is refused now, not after it was paid for.
create or replace function public.codeforge_room_for_bytes() returns trigger language plpgsql security definer set search_path = '' as $$
declare v_most bigint;
begin
  select bytes into v_most from public.codeforge_quota;
  if v_most > 0 and exists (select from public.stored_bytes where user_id = new.user_id and bytes >= v_most) then
    raise exception using errcode = 'PT413', message = format('a user stores at most %s bytes', v_most), hint = 'bytes', detail = v_most;
  end if;
  return new;
end
$$;

drop function if exists public.codeforge_set_quota(int, int, int);
create or replace function public.codeforge_set_quota(p_projects int, p_revisions_a_day int, p_open_jobs int, p_bytes bigint default null) returns void
language sql security definer set search_path = '' as $$
  update public.codeforge_quota set projects = p_projects, revisions_a_day = p_revisions_a_day, open_jobs = p_open_jobs, bytes = coalesce(p_bytes, bytes)
    where (projects, revisions_a_day, open_jobs, bytes) is distinct from (p_projects, p_revisions_a_day, p_open_jobs, coalesce(p_bytes, bytes))
$$;

-- codeforge_keep_content moves to file_contents what others than codeforge_put_files write into file_revisions, as codeforge_add_outside
-- does. While all migrations are run once more, on a database that a server uses, codeforge_count_bytes is not there and
-- codeforge_put_files is the old one, which reads no content: then nothing can be written.
create or replace function public.codeforge_keep_content() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  new.hash := case when not new.deleted then sha256(convert_to(new.content, 'UTF8')) end;
  new.size := case when new.deleted then 0 else octet_length(new.content) end;
  if not new.deleted then
    insert into public.file_contents (project_id, hash, user_id, size, content)
      select p.id, new.hash, p.user_id, new.size, new.content from public.projects p where p.id = new.project_id on conflict do nothing;
    perform public.codeforge_count_bytes(new.project_id, case when found then new.size else 0 end, true);
  end if;
  new.content := null;
  return new;
end
$$;

-- codeforge_sweep_content removes a text with the last state that had it. Where another comes to have it at that moment, the foreign
-- key lets only one of the two happen.
create or replace function public.codeforge_sweep_content() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  delete from public.file_contents c where c.project_id = old.project_id and c.hash = old.hash
    and not exists (select from public.file_revisions r where r.project_id = old.project_id and r.hash = old.hash);
  return null;
end
$$;

create or replace function public.codeforge_uncount_bytes() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  update public.stored_bytes b set bytes = b.bytes - g.bytes from (select user_id, sum(size) as bytes from gone group by user_id) g where b.user_id = g.user_id;
  return null;
end
$$;

drop trigger if exists codeforge_room_bytes on public.agent_jobs;
create trigger codeforge_room_bytes before insert on public.agent_jobs for each row when (new.due_at is not null and new.changes_files)
  execute function public.codeforge_room_for_bytes();
drop trigger if exists codeforge_room_bytes_again on public.agent_jobs;
create trigger codeforge_room_bytes_again before update on public.agent_jobs for each row
  when (old.status = 'waiting_for_input' and new.status = 'queued' and new.changes_files) execute function public.codeforge_room_for_bytes();
drop trigger if exists codeforge_keep_content on public.file_revisions;
create trigger codeforge_keep_content before insert or update on public.file_revisions for each row when (new.content is not null)
  execute function public.codeforge_keep_content();
drop trigger if exists codeforge_sweep_deleted on public.file_revisions;
create trigger codeforge_sweep_deleted after delete on public.file_revisions for each row when (old.hash is not null)
  execute function public.codeforge_sweep_content();
drop trigger if exists codeforge_sweep_changed on public.file_revisions;
create trigger codeforge_sweep_changed after update on public.file_revisions for each row when (old.hash is not null and old.hash is distinct from new.hash)
  execute function public.codeforge_sweep_content();
drop trigger if exists codeforge_uncount on public.file_contents;
create trigger codeforge_uncount after delete on public.file_contents referencing old table as gone
  for each statement execute function public.codeforge_uncount_bytes();

-- The functions of before, with contents from where they are now. Where a list is asked for without them, nothing is joined.

create or replace function public.codeforge_file_json(f public.file_revisions, p_content boolean) returns json language sql stable as $$
  select json_build_object('id', f.file_id, 'project_id', f.project_id, 'path', f.path, 'language', f.language, 'version', f.version, 'size', f.size,
    'revision', f.revision, 'created_at', f.file_created_at, 'updated_at', f.created_at,
    'content', case when p_content then coalesce(f.content, (select c.content from public.file_contents c where c.project_id = f.project_id and c.hash = f.hash)) end)
$$;

create or replace function public.codeforge_refuse() returns trigger language plpgsql set search_path = '' as $$
begin
  if tg_table_name = 'project_files' then
    if exists (select from public.file_revisions r where r.project_id = new.project_id and r.path = new.path and r.revision < new.revision
      and not r.deleted and (tg_argv[0] = 'codeforge_path' or r.hash = sha256(convert_to(new.content, 'UTF8')))) then
      return new;
    end if;
  end if;
  raise exception using errcode = '23514', table = tg_table_name, constraint = tg_argv[0],
    message = format('new row for relation "%s" violates check constraint "%s"', tg_table_name, tg_argv[0]);
end
$$;

create or replace function public.codeforge_files_at(p_project uuid, p_revision bigint) returns setof public.file_revisions
language sql stable as $$
  select s.project_id, s.path, s.revision, s.file_id, s.deleted, s.language, s.version, c.content, s.file_created_at, s.created_at, s.hash, s.size from (
    select distinct on (path) * from public.file_revisions where project_id = p_project and revision <= p_revision order by path, revision desc
  ) s left join public.file_contents c on c.project_id = s.project_id and c.hash = s.hash where not s.deleted order by s.path
$$;

create or replace function public.codeforge_put_files(p_project uuid, p_job uuid, p_author text, p_message text, p_changes json, p_only_real boolean, p_always boolean)
returns public.project_revisions language plpgsql set search_path = '' as $$
declare
  rev public.project_revisions;
  v_files bigint;
  v_bytes bigint;
  v_stored bigint;
begin
  rev.project_id := p_project;
  rev.job_id := p_job;
  rev.author := p_author;
  rev.message := p_message;
  rev.created_at := public.codeforge_now();
  select revision + 1 into rev.number from public.projects where id = p_project;

  perform set_config('codeforge.writing', 'on', true); -- see the migration called outside
  with change as materialized (
    select distinct on (path) id, path collate "C" as path, coalesce(content, '') as content, nullif(language, '') as language, fallback, coalesce(delete, false) as delete
    from rows from (json_to_recordset(p_changes) as (id uuid, path text, content text, language text, fallback text, delete boolean)) with ordinality
      as c (id, path, content, language, fallback, delete, n)
    order by path, n desc
  ), real as materialized (
    select c.path, c.delete, case when c.delete then '' else c.content end as content,
      case when not c.delete then sha256(convert_to(c.content, 'UTF8')) end as hash,
      coalesce(c.language, f.language, c.fallback, '') as language,
      coalesce(f.id, h.file_id, c.id, gen_random_uuid()) as file_id,
      greatest(f.version, h.version, 0) + 1 as version,
      coalesce(f.created_at, h.file_created_at, rev.created_at) as file_created_at
    from change c
    left join public.project_files f on f.project_id = p_project and f.path = c.path collate "default"
    left join lateral (
      select r.file_id, r.version, r.file_created_at from public.file_revisions r
      where r.project_id = p_project and r.path = c.path order by r.revision desc limit 1
    ) h on true
    where not p_only_real
      or case when c.delete then f.id is not null
        else f.id is null or coalesce(f.content, '') <> c.content or c.language <> coalesce(f.language, '') end
  ), gone as (
    delete from public.project_files f using real where real.delete and f.project_id = p_project and f.path = real.path collate "default"
  ), put as (
    insert into public.project_files (id, project_id, path, content, language, version, revision, created_at, updated_at)
      select file_id, p_project, path, content, language, version, rev.number, file_created_at, rev.created_at from real where not delete
      on conflict (project_id, path) do update set content = excluded.content, language = excluded.language, version = excluded.version,
        revision = excluded.revision, updated_at = excluded.updated_at
  ), stored as (
    insert into public.file_contents (project_id, hash, user_id, size, content)
      select p_project, r.hash, p.user_id, octet_length(r.content), r.content from real r, public.projects p where not r.delete and p.id = p_project
      on conflict do nothing returning size
  ), kept as (
    insert into public.file_revisions (project_id, path, revision, file_id, deleted, language, version, hash, size, file_created_at, created_at)
      select p_project, path, rev.number, file_id, delete, language, version, hash, octet_length(content), file_created_at, rev.created_at from real
      returning 1
  )
  select (select count(*) from kept), (select sum(size) from stored) into rev.files_changed, v_stored;
  perform set_config('codeforge.writing', '', true);
  if rev.files_changed = 0 and not p_always then
    return null;
  end if;

  -- octet_length reads no content: the size stands in the row. A project from before that is over a limit may not grow.
  select count(*), coalesce(sum(octet_length(content)), 0) into v_files, v_bytes from public.project_files where project_id = p_project;
  if v_files > public.codeforge_limit('files') and v_files > (select count(*) from public.codeforge_files_at(p_project, rev.number - 1)) then
    raise exception using errcode = 'PT413', message = format('a project has at most %s files, this would make %s', public.codeforge_limit('files'), v_files);
  end if;
  if v_bytes > public.codeforge_limit('tree_bytes') and v_bytes > (select sum(octet_length(content)) from public.codeforge_files_at(p_project, rev.number - 1)) then
    raise exception using errcode = 'PT413', message = format('all files of a project have at most %s bytes, this would make %s', public.codeforge_limit('tree_bytes'), v_bytes);
  end if;
  perform public.codeforge_count_bytes(p_project, v_stored, p_job is null);
  insert into public.project_revisions values (rev.*);
  update public.projects set revision = rev.number, updated_at = rev.created_at where id = p_project;
  return rev;
end
$$;

create or replace function public.codeforge_read_tree(p_user uuid, p_project uuid, p_number bigint, p_after text, p_bytes bigint, p_contents boolean) returns setof json
language sql stable as $$
  select case when p_number = 0 and p.revision = 0 then '{"none": true}' else coalesce((
    select json_build_object('revision', public.codeforge_revision_json(r), 'files', (
      select coalesce(json_agg(json_build_object('id', f.file_id, 'project_id', p.id, 'path', f.path, 'language', f.language, 'version', f.version, 'size', f.size,
        'revision', f.revision, 'created_at', f.file_created_at, 'updated_at', f.created_at, 'content',
        case when p_contents then coalesce(f.content, (select c.content from public.file_contents c where c.project_id = p.id and c.hash = f.hash)) end) order by f.path), '[]')
      from (
        select *, sum(size) over (order by path rows between unbounded preceding and 1 preceding) as before from (
          select v.path collate "C" as path, v.id as file_id, v.language, v.version::bigint as version, v.revision, v.created_at as file_created_at, v.updated_at as created_at,
            v.content, null::bytea as hash, coalesce(octet_length(v.content), 0) as size
          from public.project_files v where p_number = 0 and v.project_id = p.id and v.path collate "C" > p_after
          union all
          select path, file_id, language, version, revision, file_created_at, created_at, content, hash, size from (
            select distinct on (path) * from public.file_revisions where p_number <> 0 and project_id = p.id and revision <= p_number and path > p_after collate "C"
            order by path, revision desc) o
          where not deleted) v) f
      where p_bytes = 0 or coalesce(f.before, 0) < p_bytes))
    from public.project_revisions r where r.project_id = p.id and r.number = case p_number when 0 then p.revision else p_number end), '{}') end
  from public.projects p where p.id = p_project and p.user_id = p_user
$$;

create or replace function public.codeforge_read_changes(p_user uuid, p_project uuid, p_number bigint, p_after text, p_bytes bigint, p_contents boolean) returns setof json
language sql stable as $$
  select coalesce((select json_build_object('revision', public.codeforge_revision_json(r), 'deltas', (
      select coalesce(json_agg(json_build_object('path', (c.n).path,
        'old', case when not (c.o).deleted then public.codeforge_file_json(c.o, p_contents) end,
        'new', case when not (c.n).deleted then public.codeforge_file_json(c.n, p_contents) end) order by (c.n).path), '[]')
      from (
        select n, l.o, sum(n.size + coalesce((l.o).size, 0)) over (order by n.path rows between unbounded preceding and 1 preceding) as before
        from public.file_revisions n
        left join lateral (select v as o from public.file_revisions v where v.project_id = n.project_id and v.path = n.path and v.revision < n.revision
          order by v.revision desc limit 1) l on true
        where n.project_id = p.id and n.revision = p_number and n.path > p_after) c
      where p_bytes = 0 or coalesce(c.before, 0) < p_bytes))
    from public.project_revisions r where r.project_id = p.id and r.number = p_number), '{}')
  from public.projects p where p.id = p_project and p.user_id = p_user
$$;

revoke execute on function public.codeforge_count_bytes(uuid, bigint, boolean), public.codeforge_room_for_bytes(), public.codeforge_set_quota(int, int, int, bigint),
  public.codeforge_keep_content(), public.codeforge_sweep_content(), public.codeforge_uncount_bytes() from public, anon, authenticated;
grant execute on function public.codeforge_count_bytes(uuid, bigint, boolean), public.codeforge_room_for_bytes(), public.codeforge_set_quota(int, int, int, bigint),
  public.codeforge_keep_content(), public.codeforge_sweep_content(), public.codeforge_uncount_bytes() to service_role;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 16';
notify pgrst, 'reload schema';
