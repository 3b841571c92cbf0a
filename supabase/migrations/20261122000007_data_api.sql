-- Generated: see the test that compares it. A change belongs into the program's own migration.
-- What a store reads with that has only the Data API: each read is one request, of one moment, and never cut at the API's
-- cap on rows. All run as whoever calls them, so with a user's token row level security decides; the owner is asked for
-- besides, which is what decides under the service key. The last two take no user and are for the service key alone.

-- codeforge_job_json is a job's row. Its progress while it runs is that of its newest event; the row lags behind.
create or replace function public.codeforge_job_json(j public.agent_jobs) returns json
language sql stable set search_path = '' as $$
  select row_to_json(r) from (
    select j.id, j.project_id, j.user_id, j.agent_type, j.status, j.input_context, j.result, j.error, j.clarification_data, j.revision, j.base, j.fence,
      j.failures, j.crashes, j.due_at, j.created_at, j.updated_at, j.started_at, j.completed_at,
      case when j.status = 'running' then (select e.progress from public.job_events e where e.job_id = j.id order by e.seq desc limit 1) else j.progress end as progress
  ) r
$$;

-- codeforge_read_job finds a job by its id or an alias; null: none.
create or replace function public.codeforge_read_job(p_user uuid, p_job uuid) returns json
language sql stable set search_path = '' as $$
  select public.codeforge_job_json(j) from public.agent_jobs j
  where j.id = coalesce((select a.job_id from public.job_aliases a where a.alias = p_job), p_job) and j.user_id = p_user
$$;

-- codeforge_read_jobs returns {total, jobs}, newest first; null: no such project.
create or replace function public.codeforge_read_jobs(p_user uuid, p_project uuid, p_limit int, p_offset int) returns json
language sql stable set search_path = '' as $$
  select json_build_object('total', (select count(*) from public.agent_jobs where project_id = p.id),
    'jobs', (select coalesce(json_agg(public.codeforge_job_json(j) order by j.seq desc), '[]') from (
      select * from public.agent_jobs where project_id = p.id order by seq desc limit p_limit offset p_offset) j))
  from public.projects p where p.id = p_project and p.user_id = p_user
$$;

-- codeforge_read_events returns {job_id, events}, in order; null: no such job.
create or replace function public.codeforge_read_events(p_user uuid, p_job uuid, p_after bigint, p_limit int) returns json
language sql stable set search_path = '' as $$
  select json_build_object('job_id', j.id,
    'events', (select coalesce(json_agg(json_build_object('seq', e.seq, 'type', e.type, 'data', e.data, 'at', e.created_at) order by e.seq), '[]') from (
      select * from public.job_events where job_id = j.id and seq > p_after order by seq limit p_limit) e))
  from public.agent_jobs j where j.id = coalesce((select a.job_id from public.job_aliases a where a.alias = p_job), p_job) and j.user_id = p_user
$$;

-- codeforge_read_messages returns {messages}: the newest, oldest first; null: no such project.
create or replace function public.codeforge_read_messages(p_user uuid, p_project uuid, p_limit int) returns json
language sql stable set search_path = '' as $$
  select json_build_object('messages', (
    select coalesce(json_agg(json_build_object('id', m.id, 'project_id', m.project_id, 'role', m.role, 'content', m.content,
      'is_thinking', coalesce(m.is_thinking, false), 'metadata', m.metadata, 'created_at', m.created_at) order by m.created_at, m.id), '[]')
    from (select * from public.chat_messages where project_id = p.id order by created_at desc, id desc limit p_limit) m))
  from public.projects p where p.id = p_project and p.user_id = p_user
$$;

-- codeforge_read_files returns {revision, files}, without files while the project is at revision p_unless; null: no such project.
create or replace function public.codeforge_read_files(p_user uuid, p_project uuid, p_contents boolean, p_unless bigint) returns json
language sql stable set search_path = '' as $$
  select json_build_object('revision', p.revision, 'files', (
    select coalesce(json_agg(json_build_object('id', f.id, 'project_id', f.project_id, 'path', f.path, 'language', f.language, 'version', f.version,
      'size', octet_length(f.content), 'revision', f.revision, 'created_at', f.created_at, 'updated_at', f.updated_at, 'content', case when p_contents then f.content end) order by f.path collate "C"), '[]')
    from public.project_files f where f.project_id = p.id and p.revision <> p_unless))
  from public.projects p where p.id = p_project and p.user_id = p_user
$$;

-- codeforge_read_file returns {file}, which is null when there is none; null: no such project.
create or replace function public.codeforge_read_file(p_user uuid, p_project uuid, p_path text) returns json
language sql stable set search_path = '' as $$
  select json_build_object('file', (select json_build_object('id', f.id, 'project_id', f.project_id, 'path', f.path, 'language', f.language, 'version', f.version,
      'size', octet_length(f.content), 'revision', f.revision, 'created_at', f.created_at, 'updated_at', f.updated_at, 'content', f.content) from public.project_files f where f.project_id = p.id and f.path = p_path))
  from public.projects p where p.id = p_project and p.user_id = p_user
$$;

create or replace function public.codeforge_revision_json(r public.project_revisions) returns json
language sql stable set search_path = '' as $$
  select json_build_object('revision', r.number, 'job_id', r.job_id, 'author', r.author, 'message', r.message, 'files_changed', r.files_changed, 'created_at', r.created_at)
$$;

-- codeforge_read_revisions returns {total, revisions}, newest first; null: no such project. Numbers have no gaps.
create or replace function public.codeforge_read_revisions(p_user uuid, p_project uuid, p_limit int, p_offset bigint) returns json
language sql stable set search_path = '' as $$
  select json_build_object('total', p.revision, 'revisions', (
    select coalesce(json_agg(public.codeforge_revision_json(r) order by r.number desc), '[]') from (
      select * from public.project_revisions where project_id = p.id and number <= p.revision - p_offset order by number desc limit p_limit) r))
  from public.projects p where p.id = p_project and p.user_id = p_user
$$;

create or replace function public.codeforge_tree_json(p_project uuid, p_number bigint) returns json
language sql stable set search_path = '' as $$
  select coalesce(json_agg(json_build_object('id', r.file_id, 'project_id', r.project_id, 'path', r.path, 'language', r.language, 'version', r.version,
      'size', octet_length(r.content), 'revision', r.revision, 'created_at', r.file_created_at, 'updated_at', r.created_at, 'content', r.content) order by r.path), '[]')
  from (select distinct on (path) * from public.file_revisions where project_id = p_project and revision <= p_number order by path, revision desc) r
  where not r.deleted
$$;

-- codeforge_read_revision returns {revision, files}, all as it was then; {} when there is no such revision; null: no such project.
create or replace function public.codeforge_read_revision(p_user uuid, p_project uuid, p_number bigint) returns json
language sql stable set search_path = '' as $$
  select coalesce((select json_build_object('revision', public.codeforge_revision_json(r), 'files', public.codeforge_tree_json(p.id, p_number))
    from public.project_revisions r where r.project_id = p.id and r.number = p_number), '{}')
  from public.projects p where p.id = p_project and p.user_id = p_user
$$;

-- codeforge_read_deltas returns {revision, deltas} of {path, old, new}; {} when there is no such revision; null: no such project.
create or replace function public.codeforge_read_deltas(p_user uuid, p_project uuid, p_number bigint) returns json
language sql stable set search_path = '' as $$
  select coalesce((select json_build_object('revision', public.codeforge_revision_json(r), 'deltas', (
      select coalesce(json_agg(json_build_object('path', n.path,
        'old', (select case when not o.deleted then json_build_object('id', o.file_id, 'project_id', o.project_id, 'path', o.path, 'language', o.language, 'version', o.version,
      'size', octet_length(o.content), 'revision', o.revision, 'created_at', o.file_created_at, 'updated_at', o.created_at, 'content', o.content) end from public.file_revisions o
          where o.project_id = n.project_id and o.path = n.path and o.revision < n.revision order by o.revision desc limit 1),
        'new', case when not n.deleted then json_build_object('id', n.file_id, 'project_id', n.project_id, 'path', n.path, 'language', n.language, 'version', n.version,
      'size', octet_length(n.content), 'revision', n.revision, 'created_at', n.file_created_at, 'updated_at', n.created_at, 'content', n.content) end) order by n.path), '[]')
      from public.file_revisions n where n.project_id = p.id and n.revision = p_number))
    from public.project_revisions r where r.project_id = p.id and r.number = p_number), '{}')
  from public.projects p where p.id = p_project and p.user_id = p_user
$$;

-- codeforge_snapshot is all files of a project at a revision; null: no such project.
create or replace function public.codeforge_snapshot(p_project uuid, p_number bigint) returns json
language sql stable set search_path = '' as $$
  select public.codeforge_tree_json(p.id, p_number) from public.projects p where p.id = p_project
$$;

-- codeforge_claimed_project is the project of a claim that holds; null: it does not.
create or replace function public.codeforge_claimed_project(p_job uuid, p_fence bigint) returns json
language sql stable set search_path = '' as $$
  select row_to_json(p) from public.projects p join public.agent_jobs j on j.project_id = p.id where j.id = p_job and j.fence = p_fence and j.status = 'running'
$$;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 7';

do $$
declare f record;
begin
  for f in
    select oid::regprocedure as call, proname in ('codeforge_snapshot', 'codeforge_claimed_project', 'codeforge_schema') as system
    from pg_catalog.pg_proc where pronamespace = 'public'::regnamespace
      and (proname like 'codeforge\_read\_%' or proname like 'codeforge\_%\_json' or proname in ('codeforge_snapshot', 'codeforge_claimed_project', 'codeforge_schema'))
  loop
    execute format('revoke execute on function %s from public, anon, authenticated', f.call);
    execute format('grant execute on function %s to service_role', f.call);
    if not f.system then
      execute format('grant execute on function %s to authenticated', f.call);
    end if;
  end loop;
end
$$;

-- The Data API knows what was there when it last looked.
notify pgrst, 'reload schema';
