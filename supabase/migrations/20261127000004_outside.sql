-- Files that another program writes past these functions, with the service key or rights of its own, are revisions too:
-- one for each of its transactions and projects. So whoever asks whether anything changed hears of it, and jobs, history and
-- restores know it. What codeforge_put_files writes is a revision already, and says so.
--
-- Such a program locks the row of a file before that of its project, and codeforge_put_files the other way round. Where two
-- meet over one file, the database ends one of them after a second; if it is ours, it is tried again.

-- codeforge_outside_number is the revision that what is written outside in this transaction belongs to.
create or replace function public.codeforge_outside_number(p_project uuid) returns bigint
language sql set search_path = '' as $$
  select p.revision + (r.number is null)::int from public.projects p
  left join public.project_revisions r on r.project_id = p.id and r.number = p.revision and r.xmin = pg_current_xact_id()::xid
  where p.id = p_project
$$;

create or replace function public.codeforge_number_outside() returns trigger language plpgsql security definer set search_path = '' as $$
declare v_version bigint;
begin
  perform from public.projects where id = new.project_id for no key update;
  select r.version into v_version from public.file_revisions r where r.project_id = new.project_id and r.path = new.path order by r.revision desc limit 1;
  if tg_op = 'UPDATE' then
    v_version := greatest(v_version, old.version);
  end if;
  new.version := greatest(new.version, coalesce(v_version, 0) + 1);
  new.revision := coalesce(public.codeforge_outside_number(new.project_id), 0);
  return new;
end
$$;

-- codeforge_add_outside adds one file as it is now to a revision, or its deletion. A project that goes away takes its files along.
create or replace function public.codeforge_add_outside(f public.project_files, p_deleted boolean) returns void language plpgsql set search_path = '' as $$
declare
  v_now timestamptz := public.codeforge_now();
  v_number bigint;
begin
  perform from public.projects where id = f.project_id for no key update;
  if not found then
    return;
  end if;
  v_number := public.codeforge_outside_number(f.project_id);
  insert into public.project_revisions (project_id, number, author, message, files_changed, created_at)
    values (f.project_id, v_number, 'user', 'Changed outside of CodeForge', 0, v_now) on conflict do nothing;
  update public.projects set revision = v_number where id = f.project_id and revision < v_number;
  update public.file_revisions set deleted = p_deleted, file_id = f.id, language = coalesce(f.language, ''), version = f.version + p_deleted::int,
    content = case when p_deleted then '' else coalesce(f.content, '') end where project_id = f.project_id and path = f.path and revision = v_number;
  if not found then
    insert into public.file_revisions (project_id, path, revision, file_id, deleted, language, version, content, file_created_at, created_at)
      values (f.project_id, f.path, v_number, f.id, p_deleted, coalesce(f.language, ''), f.version + p_deleted::int,
        case when p_deleted then '' else coalesce(f.content, '') end, f.created_at, v_now);
    update public.project_revisions set files_changed = files_changed + 1 where project_id = f.project_id and number = v_number;
  end if;
end
$$;

create or replace function public.codeforge_keep_outside() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'DELETE' or tg_op = 'UPDATE' and (new.project_id, new.path) <> (old.project_id, old.path) then
    perform public.codeforge_add_outside(old, true);
  end if;
  if tg_op <> 'DELETE' then
    perform public.codeforge_add_outside(new, false);
  end if;
  return null;
end
$$;

revoke execute on function public.codeforge_outside_number(uuid), public.codeforge_number_outside(), public.codeforge_add_outside(public.project_files, boolean),
  public.codeforge_keep_outside() from public, anon, authenticated;
grant execute on function public.codeforge_outside_number(uuid), public.codeforge_number_outside(), public.codeforge_add_outside(public.project_files, boolean),
  public.codeforge_keep_outside() to service_role;

do $$
declare
  r record;
  outside constant text := $c$coalesce(current_setting('codeforge.writing', true), '') <> 'on'$c$;
begin
  for r in
    select * from (values
      ('codeforge_number_insert', 'before insert', '', 'number'),
      ('codeforge_number_update', 'before update', ' and (new.project_id, new.path, new.content, new.language, new.version) is distinct from (old.project_id, old.path, old.content, old.language, old.version)', 'number'),
      ('codeforge_keep_insert', 'after insert', '', 'keep'),
      ('codeforge_keep_update', 'after update', ' and new.version <> old.version', 'keep'),
      ('codeforge_keep_delete', 'after delete', '', 'keep')
    ) as v (name, event, changed, what)
  loop
    execute format('drop trigger if exists %I on public.project_files', r.name);
    execute format('create trigger %I %s on public.project_files for each row when (%s%s) execute function public.codeforge_%s_outside()', r.name, r.event, outside, r.changed, r.what);
  end loop;
end
$$;

-- A job that another program ends is due no more: it would be run after its end.
create or replace function public.codeforge_touch_job() returns trigger language plpgsql set search_path = '' as $$
begin
  new.updated_at := public.codeforge_now();
  if new.status = 'running' then
    new.started_at := coalesce(old.started_at, new.started_at, new.updated_at);
  end if;
  if new.status in ('completed', 'failed', 'cancelled') then
    new.completed_at := coalesce(old.completed_at, new.updated_at);
    new.due_at := null;
  end if;
  return new;
end
$$;

-- What was written outside before now. Every write leaves its time; those of ours leave the same one in both tables.
update public.project_files f set version = f.version + 1
  where not exists (select from public.file_revisions r where r.project_id = f.project_id and r.path = f.path and r.created_at >= f.updated_at)
    and coalesce(f.content, '') is distinct from (select case when not r.deleted then r.content end from public.file_revisions r
      where r.project_id = f.project_id and r.path = f.path order by r.revision desc limit 1);
select public.codeforge_add_outside(jsonb_populate_record(null::public.project_files, jsonb_build_object('id', h.file_id, 'project_id', h.project_id, 'path', h.path,
    'language', h.language, 'version', h.version, 'created_at', h.file_created_at)), true)
  from (select distinct on (project_id, path) * from public.file_revisions order by project_id, path, revision desc) h
  where not h.deleted and not exists (select from public.project_files f where f.project_id = h.project_id and f.path = h.path collate "default");

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 13';
notify pgrst, 'reload schema';
