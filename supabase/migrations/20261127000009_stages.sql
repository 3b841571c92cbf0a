-- What a job has kept so far: once for each stage and round, with the revision that it made (0: none).
create table if not exists public.job_stages (
  job_id uuid not null references public.agent_jobs (id) on delete cascade,
  stage text not null,
  round int not null,
  user_id uuid not null,
  revision bigint not null,
  primary key (job_id, stage, round)
);
alter table public.job_stages enable row level security;
revoke all on public.job_stages from public, anon, authenticated;
grant select, insert, update, delete on public.job_stages to service_role;
grant select on public.job_stages to authenticated;
drop policy if exists codeforge_service on public.job_stages;
create policy codeforge_service on public.job_stages to service_role using (true) with check (true);
drop policy if exists codeforge_own_select on public.job_stages;
create policy codeforge_own_select on public.job_stages for select to authenticated using (user_id = (select auth.uid()));

-- Whether the files of a revision pass a check; null: nobody looked. Those of jobs did.
do $$
begin
  if not exists (select from pg_catalog.pg_attribute where attrelid = 'public.project_revisions'::regclass and attname = 'verified' and not attisdropped) then
    alter table public.project_revisions add column verified boolean;
    update public.project_revisions set verified = true where job_id is not null;
  end if;
end
$$;

create or replace function public.codeforge_revision_json(r public.project_revisions) returns json
language sql stable as $$
  select json_build_object('revision', r.number, 'job_id', r.job_id, 'author', r.author, 'message', r.message, 'files_changed', r.files_changed,
    'verified', r.verified, 'created_at', r.created_at)
$$;

-- codeforge_put_files as before, but for the mark of its revision.
drop function if exists public.codeforge_put_files(uuid, uuid, text, text, json, boolean, boolean);
create or replace function public.codeforge_put_files(p_project uuid, p_job uuid, p_author text, p_message text, p_changes json, p_only_real boolean, p_always boolean,
  p_verified boolean default null)
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
  rev.verified := p_verified;
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

-- codeforge_specify sets what is not null. A project that was archived while the job ran stays so.
create or replace function public.codeforge_specify(p_project uuid, p_requirements jsonb, p_architecture jsonb, p_status text) returns void
language plpgsql set search_path = '' as $$
begin
  if p_requirements is not null or p_architecture is not null or coalesce(p_status, '') <> '' then
    update public.projects set requirements_spec = coalesce(p_requirements, requirements_spec), architecture_spec = coalesce(p_architecture, architecture_spec),
      status = case when status = 'archived' then status else coalesce(nullif(p_status, ''), status) end where id = p_project;
  end if;
end
$$;

do $$
declare f regprocedure;
begin
  foreach f in array array['public.codeforge_put_files(uuid, uuid, text, text, json, boolean, boolean, boolean)',
    'public.codeforge_specify(uuid, jsonb, jsonb, text)']::regprocedure[] loop
    execute format('revoke execute on function %s from public, anon, authenticated', f);
    execute format('grant execute on function %s to service_role', f);
  end loop;
end
$$;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 18';
notify pgrst, 'reload schema';
