-- Every function, each once. The steps that must be one transaction are called by servers, over a connection of their own or
-- through the Data API, and only as service_role; whoever acts for a user names that user's verified id, and the owner is
-- checked in the same statement that does the work. What only reads runs as whoever calls it, so with a user's identity row
-- level security decides; the owner is asked for besides, which is what decides under the service key.
--
-- Refusals have an SQLSTATE of their own, which the Data API also turns into the HTTP status of its digits:
--   PT400 a field breaks a rule (hint: the field)   PT404 not there or not theirs (hint: what, detail: its id)
--   PT409 stale or in the wrong state               PT412 the claim is lost     PT413 too large
--
-- Locks are taken in one order, project before job, so no two of these wait for each other. The row of a project is
-- locked by all that change its files and by all that put a job into its line or take one out.

-- What servers call answers with JSON, or nothing. Steps are in PL/pgSQL, which plans a statement once for each connection. An SQL
-- function is planned at each call, unless it has no search_path of its own and becomes part of the statement that calls it:
-- that is how reads are made, as queries that answer with one row or none.

-- Those of earlier versions, some with other answers, go first.
do $$
declare f regprocedure;
begin
  for f in
    select oid::regprocedure from pg_catalog.pg_proc where pronamespace = 'public'::regnamespace and proname like 'codeforge\_%'
      and prorettype <> 'trigger'::regtype and proname not in ('codeforge_now', 'codeforge_limit') -- which triggers use
  loop
    execute format('drop function %s', f);
  end loop;
end
$$;

-- codeforge_limit is what the program knows as a constant too.
create or replace function public.codeforge_limit(p_name text) returns bigint language sql immutable as $$
  select case p_name when 'files' then 2000 when 'tree_bytes' then 32000000 when 'path' then 500 when 'path_segment' then 255 when 'content' then 100000
    when 'title' then 200 when 'description' then 1000 when 'suspect_crashes' then 2 end::bigint
$$;

-- codeforge_file_json is a file as it is or was. No row is put together for it, so without p_content no content is read.
create function public.codeforge_file_json(f public.project_files, p_content boolean) returns json language sql stable as $$
  select json_build_object('id', f.id, 'project_id', f.project_id, 'path', f.path, 'language', f.language, 'version', f.version, 'size', octet_length(f.content),
    'revision', f.revision, 'created_at', f.created_at, 'updated_at', f.updated_at, 'content', case when p_content then f.content end)
$$;
create function public.codeforge_file_json(f public.file_revisions, p_content boolean) returns json language sql stable as $$
  select json_build_object('id', f.file_id, 'project_id', f.project_id, 'path', f.path, 'language', f.language, 'version', f.version, 'size', octet_length(f.content),
    'revision', f.revision, 'created_at', f.file_created_at, 'updated_at', f.created_at, 'content', case when p_content then f.content end)
$$;

create function public.codeforge_revision_json(r public.project_revisions) returns json
language sql stable as $$
  select json_build_object('revision', r.number, 'job_id', r.job_id, 'author', r.author, 'message', r.message, 'files_changed', r.files_changed, 'created_at', r.created_at)
$$;

create function public.codeforge_ensure_profile(p_user uuid) returns void language plpgsql set search_path = '' as $$
begin
  if pg_catalog.has_table_privilege('auth.users', 'insert') then -- a stand-in: nobody else fills it
    insert into auth.users (id) values (p_user) on conflict do nothing;
  end if;
  insert into public.profiles (id, skill_level) values (p_user, 'beginner') on conflict (id) do nothing;
end
$$;

-- codeforge_own_project finds a project of a user and locks it against changes of its files and its line.
create function public.codeforge_own_project(p_user uuid, p_project uuid, p_writable boolean, p_if_revision bigint) returns public.projects
language plpgsql set search_path = '' as $$
declare p public.projects;
begin
  select * into p from public.projects where id = p_project and user_id = p_user for no key update;
  if not found then
    raise exception using errcode = 'PT404', message = 'Project not found', hint = 'Project', detail = coalesce(p_project::text, '');
  end if;
  if p_writable and p.status = 'archived' then
    raise exception using errcode = 'PT409', message = 'the project is archived: set its status to another one first';
  end if;
  if p_if_revision <> p.revision then
    raise exception using errcode = 'PT409', message = format('the project is at revision %s, not %s', p.revision, p_if_revision);
  end if;
  return p;
end
$$;

-- codeforge_create_project stores {title, description, mode, requirements_spec, architecture_spec, tech_stack} as the user, who may.
create function public.codeforge_create_project(p_user uuid, p_id uuid, p_project json) returns json language plpgsql set search_path = '' as $$
declare p public.projects;
begin
  insert into public.projects (id, user_id, title, description, mode, requirements_spec, architecture_spec, tech_stack)
    select p_id, p_user, n.title, n.description, n.mode, n.requirements_spec, n.architecture_spec, n.tech_stack
    from json_to_record(p_project) as n (title text, description text, mode text, requirements_spec jsonb, architecture_spec jsonb, tech_stack text[])
    returning * into p;
  return row_to_json(p);
end
$$;

-- codeforge_update_project applies the keys that p_patch has.
create function public.codeforge_update_project(p_user uuid, p_project uuid, p_patch jsonb, p_if_revision bigint default null) returns json
language plpgsql set search_path = '' as $$
declare p public.projects;
begin
  p := public.codeforge_own_project(p_user, p_project, false, p_if_revision);
  update public.projects set
    title = case when p_patch ? 'title' then p_patch ->> 'title' else title end,
    description = case when p_patch ? 'description' then p_patch ->> 'description' else description end,
    status = case when p_patch ? 'status' then p_patch ->> 'status' else status end,
    requirements_spec = case when p_patch ? 'requirements_spec' then nullif(p_patch -> 'requirements_spec', 'null') else requirements_spec end,
    architecture_spec = case when p_patch ? 'architecture_spec' then nullif(p_patch -> 'architecture_spec', 'null') else architecture_spec end,
    tech_stack = case when not p_patch ? 'tech_stack' then tech_stack
      when jsonb_typeof(p_patch -> 'tech_stack') = 'array' then array(select jsonb_array_elements_text(p_patch -> 'tech_stack')) end
  where id = p_project returning * into p;
  return row_to_json(p);
end
$$;

-- codeforge_put_files makes a revision of changes, which are {id, path, content, language, fallback, delete}: id is for a
-- path that never was, fallback its language when it has none. Of several for one path the last one counts. With
-- p_only_real changes that change nothing are left out; if none is left there is a revision only with p_always. The
-- caller holds the project's lock.
create function public.codeforge_put_files(p_project uuid, p_job uuid, p_author text, p_message text, p_changes json, p_only_real boolean, p_always boolean)
returns public.project_revisions language plpgsql set search_path = '' as $$
declare
  rev public.project_revisions;
  v_files bigint;
  v_bytes bigint;
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
  ), kept as (
    insert into public.file_revisions (project_id, path, revision, file_id, deleted, language, version, content, file_created_at, created_at)
      select p_project, path, rev.number, file_id, delete, language, version, content, file_created_at, rev.created_at from real
      returning 1
  )
  select count(*) into rev.files_changed from kept;
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
  insert into public.project_revisions values (rev.*);
  update public.projects set revision = rev.number, updated_at = rev.created_at where id = p_project;
  return rev;
end
$$;

-- codeforge_write_file puts (p_change->delete: removes) one file as a revision of its own and returns its row without the content.
create function public.codeforge_write_file(p_user uuid, p_project uuid, p_change json,
  p_must_exist boolean default false, p_if_version bigint default null, p_if_revision bigint default null)
returns json language plpgsql set search_path = '' as $$
declare
  v_version bigint;
  v_path text := p_change ->> 'path';
  v_there boolean;
begin
  perform public.codeforge_own_project(p_user, p_project, true, p_if_revision);
  select version into v_version from public.project_files where project_id = p_project and path = v_path;
  v_there := found;
  if p_if_version <> coalesce(v_version, 0) then
    raise exception using errcode = 'PT409', message = case when v_there then format('the file is at version %s, not %s', v_version, p_if_version)
      else 'the file does not exist' end;
  end if;
  if p_must_exist and not v_there then
    raise exception using errcode = 'PT404', message = 'File not found', hint = 'File', detail = v_path;
  end if;
  perform public.codeforge_put_files(p_project, null, 'user', case when (p_change ->> 'delete')::boolean then 'Delete '
    when v_there then 'Update ' else 'Create ' end || v_path, json_build_array(p_change), false, true);
  return (select public.codeforge_file_json(f, false) from public.project_files f where f.project_id = p_project and f.path = v_path);
end
$$;

-- codeforge_files_at is all files as they were in a revision.
create function public.codeforge_files_at(p_project uuid, p_revision bigint) returns setof public.file_revisions
language sql stable as $$
  select * from (
    select distinct on (path) * from public.file_revisions where project_id = p_project and revision <= p_revision order by path, revision desc
  ) s where not deleted order by path
$$;

create function public.codeforge_restore_revision(p_user uuid, p_project uuid, p_number bigint, p_if_revision bigint default null)
returns json language plpgsql set search_path = '' as $$
begin
  perform public.codeforge_own_project(p_user, p_project, false, null);
  if not exists (select from public.project_revisions where project_id = p_project and number = p_number) then
    raise exception using errcode = 'PT404', message = 'Revision not found', hint = 'Revision', detail = p_number;
  end if;
  perform public.codeforge_own_project(p_user, p_project, true, p_if_revision);
  return public.codeforge_revision_json(public.codeforge_put_files(p_project, null, 'user', 'Restore revision ' || p_number, (
    select coalesce(json_agg(c), '[]') from (
      select o.path, o.content, o.language, false as delete from public.codeforge_files_at(p_project, p_number) o
      union all
      select f.path, '', '', true from public.project_files f where f.project_id = p_project
        and not exists (select from public.codeforge_files_at(p_project, p_number) o where o.path = f.path collate "C")
    ) c), true, true));
end
$$;

-- codeforge_state is the data of the events that are made here.
create function public.codeforge_state(p_job uuid, p_status text, p_progress double precision) returns json
language sql stable as $$
  select format('{"job_id":"%s","status":"%s","progress":%s}', p_job, p_status, p_progress)::json
$$;

-- codeforge_in_the_way tells whether a job must wait for another. One that changes files waits for the one of its project
-- that is at work, and for older ones; one that is at work waits for none, so that its lapsed lease can be taken over. One
-- that crashed that often waits for another such that is at work, since one of them may be what brings servers down.
create function public.codeforge_in_the_way(j public.agent_jobs) returns boolean language plpgsql stable set search_path = '' as $$
begin
  return j.changes_files and exists (
      select from public.agent_jobs o where o.project_id = j.project_id and o.changes_files and o.due_at is not null and o.id <> j.id
        and (o.status = 'running' or (o.seq < j.seq and j.status <> 'running')))
    or j.crashes >= public.codeforge_limit('suspect_crashes') and exists (
      select from public.agent_jobs o where o.due_at > public.codeforge_now() and o.status = 'running' and o.crashes >= public.codeforge_limit('suspect_crashes') and o.id <> j.id);
end
$$;

create function public.codeforge_next_in_line(p_project uuid) returns uuid language plpgsql stable set search_path = '' as $$
begin
  return (select j.id from public.agent_jobs j where j.project_id = p_project and j.changes_files and j.due_at <= public.codeforge_now()
    and not public.codeforge_in_the_way(j) order by j.seq limit 1);
end
$$;

-- codeforge_find_job resolves an alias.
create function public.codeforge_find_job(p_id uuid) returns uuid language plpgsql stable set search_path = '' as $$
begin
  return coalesce((select job_id from public.job_aliases where alias = p_id), p_id);
end
$$;

-- codeforge_add_events appends to a job's log and tells whoever listens. It returns the number of the first one. Data is
-- text, so that it is stored as it came; a time that is null is now. The caller holds the lock of the job's row.
create function public.codeforge_add_events(p_job uuid, p_user uuid, p_progress double precision, p_types text[], p_data text[], p_times timestamptz[]) returns bigint
language plpgsql set search_path = '' as $$
declare v_last bigint;
begin
  select seq into v_last from public.job_events where job_id = p_job order by seq desc limit 1;
  v_last := coalesce(v_last, 0);
  insert into public.job_events (job_id, seq, user_id, type, data, progress, created_at)
    select p_job, v_last + e.n, p_user, e.type, e.data::json, p_progress, coalesce(e.at, public.codeforge_now())
    from unnest(p_types, p_data, p_times) with ordinality as e (type, data, at, n);
  perform pg_notify('codeforge_events', p_job::text);
  return v_last + 1;
end
$$;

-- codeforge_submit_job returns {job, fresh}. p_input is text, so that it is stored as it came.
create function public.codeforge_submit_job(p_user uuid, p_job uuid, p_project uuid, p_agent text, p_changes_files boolean, p_input text,
  p_key text default null, p_message text default null, p_message_id uuid default null)
returns json language plpgsql set search_path = '' as $$
declare
  j public.agent_jobs;
  v_now timestamptz := public.codeforge_now();
  v_status text;
begin
  if p_key is not null then
    insert into public.idempotency_keys (user_id, key, job_id, created_at) values (p_user, p_key, p_job, v_now) on conflict do nothing;
    if not found then
      select a.* into j from public.idempotency_keys k join public.agent_jobs a on a.id = k.job_id where k.user_id = p_user and k.key = p_key;
      if not found then -- deleted in this moment
        raise exception using errcode = '40001', message = 'the first job with this key is being deleted';
      end if;
      if j.project_id <> p_project or j.agent_type <> p_agent or j.input_context::text <> p_input then
        raise exception using errcode = 'PT409', message = 'this idempotency key was used for another request';
      end if;
      return json_build_object('job', j, 'fresh', false);
    end if;
  end if;
  if p_changes_files then
    -- The line of a project is in the order of seq only if whoever takes a number is alone until it can be seen.
    perform public.codeforge_own_project(p_user, p_project, true, null);
  else
    select status into v_status from public.projects where id = p_project and user_id = p_user;
    if not found or v_status = 'archived' then
      perform public.codeforge_own_project(p_user, p_project, true, null);
    end if;
  end if;
  insert into public.agent_jobs (id, project_id, user_id, agent_type, changes_files, status, progress, input_context, due_at, created_at, updated_at)
    values (p_job, p_project, p_user, p_agent, p_changes_files, 'queued', 0, p_input::json, v_now, v_now, v_now) returning * into j;
  insert into public.job_events (job_id, seq, user_id, type, data, progress, created_at)
    values (p_job, 1, p_user, 'progress', public.codeforge_state(p_job, 'queued', 0), 0, v_now);
  if p_message <> '' then
    insert into public.chat_messages (id, project_id, role, content, is_thinking, metadata, created_at)
      values (coalesce(p_message_id, gen_random_uuid()), p_project, 'user', p_message, false, null, v_now);
  end if;
  return json_build_object('job', j, 'fresh', true);
end
$$;

-- codeforge_claim_job returns the job, or null when it is not due. A queue may know it by an alias. A claim that has a name, and
-- is made again because its answer was lost, is the one that was made.
create function public.codeforge_claim_job(p_job uuid, p_worker text, p_lease double precision, p_claim uuid default null) returns json
language plpgsql set search_path = '' as $$
declare
  j public.agent_jobs;
  v_now timestamptz := public.codeforge_now();
  v_worker text := concat_ws(' ', p_worker, p_claim);
begin
  select * into j from public.agent_jobs where id = public.codeforge_find_job(p_job);
  if p_claim is not null and j.worker = v_worker and j.status = 'running' then
    return row_to_json(j);
  end if;
  if j.due_at is null or j.due_at > v_now then
    return null;
  end if;
  if j.changes_files then
    perform from public.projects where id = j.project_id for no key update; -- one claim in this line at a time
  end if;
  if j.crashes >= public.codeforge_limit('suspect_crashes') then
    perform pg_advisory_xact_lock(7208430191); -- and one of such a job anywhere
  end if;
  update public.agent_jobs a set status = 'running', worker = v_worker, fence = a.fence + 1, due_at = v_now + make_interval(secs => p_lease),
    crashes = a.crashes + (a.status = 'running')::int, started_at = coalesce(a.started_at, v_now),
    base = coalesce(a.base, (select p.revision from public.projects p where p.id = a.project_id))
    where a.id = j.id and a.due_at <= v_now and not public.codeforge_in_the_way(a) returning * into j;
  if not found then
    return null;
  end if;
  return row_to_json(j);
end
$$;

-- codeforge_renew_leases returns the claims that are lost. Progress that the rows lack is written along. Every change of a
-- row goes to all who watch it, so a lease that was renewed within the last second stays as it is.
create function public.codeforge_renew_leases(p_jobs uuid[], p_fences bigint[], p_lease double precision) returns json
language plpgsql set search_path = '' as $$
declare v_lost json;
begin
  with held as (
    select * from unnest(p_jobs, p_fences) as h (job_id, fence)
  ), kept as (
    select j.id from held join public.agent_jobs j on j.id = held.job_id and j.fence = held.fence and j.status = 'running' for no key update of j
  ), renewed as (
    update public.agent_jobs j set due_at = public.codeforge_now() + make_interval(secs => p_lease),
      progress = coalesce((select e.progress from public.job_events e where e.job_id = j.id order by e.seq desc limit 1), j.progress)
    from kept where j.id = kept.id and j.due_at < public.codeforge_now() + make_interval(secs => p_lease - 1)
  )
  select coalesce(json_agg(h), '[]') into v_lost from held h where h.job_id not in (select id from kept);
  return v_lost;
end
$$;

-- codeforge_record_events returns {seq, at}: the number of the first event, and its time.
create function public.codeforge_record_events(p_job uuid, p_fence bigint, p_progress double precision, p_types text[], p_data text[], p_times timestamptz[]) returns json
language plpgsql set search_path = '' as $$
declare
  j public.agent_jobs;
  v_now timestamptz := public.codeforge_now();
  v_progress double precision;
  v_seq bigint;
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
  return json_build_object('seq', v_seq, 'at', v_now);
end
$$;

-- codeforge_finish_job returns {job, seq, at, next}: seq is the number of the first event, next a job that may start now.
create function public.codeforge_finish_job(p_job uuid, p_fence bigint, p_outcome json, p_types text[], p_data text[], p_times timestamptz[]) returns json
language plpgsql set search_path = '' as $$
declare
  j public.agent_jobs;
  o record;
  rev public.project_revisions;
  v_now timestamptz := public.codeforge_now();
  v_seq bigint;
begin
  select * into o from json_to_record(p_outcome) as (status text, progress double precision, result jsonb, error text, question json, failed boolean,
    run_at timestamptz, changes json, message text, requirements jsonb, architecture jsonb, project_status text, chat json);
  -- Realtime sends rows whole, and cuts those near 1 MB.
  if octet_length(p_outcome ->> 'result') > 500000 then
    raise exception using errcode = 'PT413', message = format('the result of a job has at most 500000 bytes, this has %s', octet_length(p_outcome ->> 'result'));
  end if;
  if coalesce(octet_length(p_outcome ->> 'requirements'), 0) + coalesce(octet_length(p_outcome ->> 'architecture'), 0) > 600000 then
    raise exception using errcode = 'PT413', message = 'the documents of a project have at most 600000 bytes together';
  end if;
  if o.status = 'completed' then
    perform from public.projects p where p.id = (select project_id from public.agent_jobs where id = p_job) for no key update;
  end if;
  select * into j from public.agent_jobs where id = p_job and fence = p_fence and status = 'running' for no key update;
  if not found then
    raise exception using errcode = 'PT412', message = 'the claim is lost';
  end if;

  if o.status = 'completed' then
    if json_array_length(coalesce(o.changes, '[]')) > 0 then
      rev := public.codeforge_put_files(j.project_id, j.id, j.agent_type, coalesce(o.message, ''), o.changes, true, false);
    end if;
    if o.requirements is not null or o.architecture is not null or coalesce(o.project_status, '') <> '' then
      update public.projects set requirements_spec = coalesce(o.requirements, requirements_spec), architecture_spec = coalesce(o.architecture, architecture_spec),
        status = case when status = 'archived' then status else coalesce(nullif(o.project_status, ''), status) end where id = j.project_id;
    end if;
  end if;
  if o.status in ('completed', 'failed') then
    insert into public.chat_messages (id, project_id, role, content, is_thinking, metadata, created_at)
      select coalesce(m.id, gen_random_uuid()), j.project_id, m.role, m.content, coalesce(m.is_thinking, false), m.metadata, v_now
      from json_to_recordset(coalesce(o.chat, '[]')) as m (id uuid, role text, content text, is_thinking boolean, metadata jsonb);
  end if;

  update public.agent_jobs a set status = o.status, progress = o.progress, result = coalesce(o.result, a.result), error = nullif(o.error, ''),
    failures = a.failures + coalesce(o.failed, false)::int, revision = coalesce(rev.number, a.revision),
    clarification_data = case when o.question is null then a.clarification_data
      else format('{"questions":%s,"answers":%s}', o.question, coalesce(a.clarification_data ->> 'answers', '[]'))::json end,
    due_at = case when o.status = 'queued' then greatest(o.run_at, v_now) end,
    completed_at = case when o.status in ('completed', 'failed', 'cancelled') then v_now end
    where id = p_job returning * into j;
  v_seq := public.codeforge_add_events(p_job, j.user_id, o.progress, p_types, p_data, p_times);
  return json_build_object('job', j, 'seq', v_seq, 'at', v_now,
    'next', case when j.changes_files then nullif(public.codeforge_next_in_line(j.project_id), j.id) end);
end
$$;

-- codeforge_cancel_job returns {job, seq, at, data, next}; data is that of its one event.
create function public.codeforge_cancel_job(p_user uuid, p_job uuid) returns json
language plpgsql set search_path = '' as $$
declare
  j public.agent_jobs;
  v_now timestamptz := public.codeforge_now();
  v_progress double precision;
  v_seq bigint;
  v_data json;
begin
  select * into j from public.agent_jobs where id = public.codeforge_find_job(p_job) and user_id = p_user for no key update;
  if not found then
    raise exception using errcode = 'PT404', message = 'Job not found', hint = 'Job', detail = p_job;
  end if;
  if j.status in ('completed', 'failed', 'cancelled') then
    raise exception using errcode = 'PT400', message = format('job is %s and cannot be cancelled', j.status), hint = 'status';
  end if;
  select progress into v_progress from public.job_events where job_id = j.id order by seq desc limit 1;
  v_progress := coalesce(v_progress, j.progress);
  update public.agent_jobs set status = 'cancelled', progress = v_progress, due_at = null, completed_at = v_now where id = j.id returning * into j;
  v_data := public.codeforge_state(j.id, 'cancelled', v_progress);
  v_seq := public.codeforge_add_events(j.id, j.user_id, v_progress, array['cancelled'], array[v_data::text], null);
  return json_build_object('job', j, 'seq', v_seq, 'at', v_now, 'data', v_data,
    'next', case when j.changes_files then public.codeforge_next_in_line(j.project_id) end);
end
$$;

-- codeforge_respond_job returns {job, seq, at, data}. p_answers is text, so that it is stored as it came.
create function public.codeforge_respond_job(p_user uuid, p_job uuid, p_alias uuid, p_answers text) returns json
language plpgsql set search_path = '' as $$
declare
  j public.agent_jobs;
  v_now timestamptz := public.codeforge_now();
  v_seq bigint;
  v_data json;
begin
  select * into j from public.agent_jobs where id = public.codeforge_find_job(p_job) and user_id = p_user for no key update;
  if not found then
    raise exception using errcode = 'PT404', message = 'Job not found', hint = 'Job', detail = p_job;
  end if;
  if j.status <> 'waiting_for_input' then
    raise exception using errcode = 'PT400', message = format('job is %s and waits for no answer', j.status), hint = 'status';
  end if;
  update public.agent_jobs set status = 'queued', due_at = v_now, base = null,
    clarification_data = format('{"questions":%s,"answers":[%s]}', coalesce(clarification_data ->> 'questions', '[]'), (
      select string_agg(a.value::text, ',' order by a.part, a.n) from (
        select 1 as part, value, n from json_array_elements(coalesce(clarification_data -> 'answers', '[]'::json)) with ordinality as o (value, n)
        union all
        select 2, value, n from json_array_elements(p_answers::json) with ordinality as o (value, n)
      ) a))::json
    where id = j.id returning * into j;
  insert into public.job_aliases (alias, job_id, user_id) values (p_alias, j.id, p_user);
  v_data := public.codeforge_state(j.id, 'queued', j.progress);
  v_seq := public.codeforge_add_events(j.id, j.user_id, j.progress, array['progress'], array[v_data::text], null);
  return json_build_object('job', j, 'seq', v_seq, 'at', v_now, 'data', v_data);
end
$$;

-- codeforge_due_jobs returns {ids, queued, next}. A queued job that was written later than now says that the clock was set
-- back since: its time means nothing, and it is due.
create function public.codeforge_due_jobs(p_limit int) returns json language plpgsql set search_path = '' as $$
declare v_now timestamptz := public.codeforge_now();
begin
  update public.agent_jobs set due_at = v_now where due_at > v_now and updated_at > v_now and status = 'queued';
  return json_build_object(
    'ids', (select coalesce(json_agg(d.id order by d.seq), '[]') from (
      select j.id, j.seq from public.agent_jobs j where j.due_at <= v_now and (not j.changes_files and j.crashes < public.codeforge_limit('suspect_crashes') or not public.codeforge_in_the_way(j))
      order by j.seq limit p_limit) d),
    'queued', (select count(*) from public.agent_jobs where due_at is not null and status = 'queued'),
    'next', (select min(due_at) from public.agent_jobs where due_at > v_now));
end
$$;

-- codeforge_release_jobs and the sweeps return how many rows they changed.
create function public.codeforge_release_jobs() returns json language plpgsql set search_path = '' as $$
declare n bigint;
begin
  update public.agent_jobs set status = 'queued', due_at = public.codeforge_now(), crashes = crashes + 1 where due_at is not null and status = 'running';
  get diagnostics n = row_count;
  return to_json(n);
end
$$;

create function public.codeforge_sweep_jobs(p_before timestamptz, p_limit int) returns json language plpgsql set search_path = '' as $$
declare n bigint;
begin
  delete from public.agent_jobs where id in (
    select id from public.agent_jobs where completed_at < p_before and status in ('completed', 'failed', 'cancelled') limit p_limit);
  get diagnostics n = row_count;
  return to_json(n);
end
$$;

-- codeforge_get_journal returns an entry.
create function public.codeforge_get_journal(p_job uuid, p_number int, p_hash text) returns setof json language sql stable as $$
  select to_json(entry) from public.llm_journal where job_id = p_job and number = p_number and hash = p_hash
$$;

-- codeforge_put_journal returns what stands under the key when that is another entry than this one: the first one wins.
create function public.codeforge_put_journal(p_job uuid, p_number int, p_hash text, p_entry text) returns json
language plpgsql set search_path = '' as $$
begin
  insert into public.llm_journal (job_id, number, hash, created_at, entry) values (p_job, p_number, p_hash, public.codeforge_now(), p_entry) on conflict do nothing;
  if found then
    return null;
  end if;
  return (select to_json(j.entry) from public.llm_journal j where j.job_id = p_job and j.number = p_number and j.hash = p_hash);
end
$$;

-- codeforge_sweep_journal deletes the answers of ended jobs that are older than p_before, p_limit of them at most.
create function public.codeforge_sweep_journal(p_before timestamptz, p_limit int) returns json language plpgsql set search_path = '' as $$
declare n bigint;
begin
  delete from public.llm_journal where (job_id, number, hash) in (
    select e.job_id, e.number, e.hash from public.llm_journal e where e.created_at < p_before
      and not exists (select from public.agent_jobs j where j.id = e.job_id and j.status not in ('completed', 'failed', 'cancelled')) limit p_limit);
  get diagnostics n = row_count;
  return to_json(n);
end
$$;

-- codeforge_budgets_above is the budgets above a call at a time, the narrowest first.
create function public.codeforge_budgets_above(p_job uuid, p_project uuid, p_user uuid, p_at timestamptz) returns table (n int, scope text, id uuid, period date)
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
create function public.codeforge_spent_before(p_scope text, p_id uuid, p_period date) returns bigint
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
create function public.codeforge_standings(p_job uuid, p_project uuid, p_user uuid, p_limits jsonb)
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
-- when one has no room, having held nothing, or null when there is no ceiling. What is held already is held once.
create function public.codeforge_reserve(p_hold uuid, p_job uuid, p_project uuid, p_user uuid, p_limits jsonb, p_worst bigint, p_prompt bigint, p_lapses timestamptz)
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
  if exists (select from public.budget_holds h where h.hold = p_hold) then
    return json_build_object('hold', p_hold);
  end if;

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
-- meanwhile in that of the call. The same id again changes nothing.
create function public.codeforge_record_call(p_call jsonb, p_hold uuid default null) returns void
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
    return;
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
end
$$;

-- codeforge_own_budget finds what a budget of a user is for: its id, of a job named by an alias that of the job. A user's
-- own is not asked for here.
create function public.codeforge_own_budget(p_user uuid, p_scope text, p_id uuid) returns uuid
language plpgsql stable set search_path = '' as $$
declare
  v_id uuid;
  v_what text;
begin
  case p_scope
  when 'job' then
    v_what := 'Job';
    select j.id into v_id from public.agent_jobs j where j.id = public.codeforge_find_job(p_id) and j.user_id = p_user;
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
create function public.codeforge_set_budget(p_user uuid, p_scope text, p_id uuid, p_most bigint) returns void
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
create function public.codeforge_budgets(p_user uuid, p_project uuid, p_job uuid, p_limits jsonb) returns json
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
create function public.codeforge_sum_usage(p_user uuid, p_group text, p_project uuid, p_job uuid, p_agent text, p_from timestamptz, p_to timestamptz, p_limit int)
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
    v_job := public.codeforge_find_job(p_job);
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
create function public.codeforge_job_usage(p_user uuid, p_agent text, p_limit int) returns json
language plpgsql stable set search_path = '' as $$
begin
  return (select coalesce(json_agg(u order by u.seq desc), '[]') from (
    select j.seq, j.project_id, count(*) as calls, sum(c.cost)::bigint as cost, bool_or(c.estimated) as estimated, bool_or(c.provider = 'scaffold') as offline,
      case when j.clarification_data is null then (extract(epoch from j.completed_at - j.started_at) * 1000000)::bigint else sum(c.latency)::bigint end as took,
      sum(c.input_tokens)::bigint as input_tokens, sum(c.cached_read_tokens)::bigint as cached_read_tokens, sum(c.cache_write_tokens)::bigint as cache_write_tokens,
      sum(c.output_tokens)::bigint as output_tokens, sum(c.reasoning_tokens)::bigint as reasoning_tokens
    from (
      select o.* from public.agent_jobs o where o.id in (select n.job_id from public.llm_calls n where n.user_id = p_user order by n.at desc limit 1000)
        and o.user_id = p_user and o.agent_type = p_agent and o.status = 'completed' order by o.seq desc limit p_limit) j
    join public.llm_calls c on c.job_id = j.id
    group by j.id, j.seq, j.project_id, j.clarification_data is null, j.completed_at, j.started_at) u);
end
$$;

-- codeforge_create_token stores {id, name, hint, hash, scopes, created_at, expires_at}; the hash is \x and hexadecimal digits.
create function public.codeforge_create_token(p_user uuid, p_token jsonb) returns void language plpgsql set search_path = '' as $$
begin
  perform public.codeforge_ensure_profile(p_user);
  insert into public.api_tokens (id, user_id, name, hint, hash, scopes, created_at, expires_at)
    select t.id, p_user, t.name, t.hint, t.hash, t.scopes, t.created_at, t.expires_at from jsonb_populate_record(null::public.api_tokens, p_token) t;
end
$$;

-- codeforge_use_token finds a token by its hash and notes that it was used now, if the note is older than a minute. Revoked and
-- expired ones are found as well.
create function public.codeforge_use_token(p_hash bytea, p_now timestamptz) returns json language plpgsql set search_path = '' as $$
declare t public.api_tokens;
begin
  update public.api_tokens set used_at = p_now where hash = p_hash and (used_at is null or used_at < p_now - interval '1 minute') returning * into t;
  if not found then
    select * into t from public.api_tokens where hash = p_hash;
  end if;
  return case when found then row_to_json(t) end;
end
$$;

-- codeforge_list_tokens returns a user's tokens, newest first.
create function public.codeforge_list_tokens(p_user uuid) returns setof json language sql stable as $$
  select coalesce(json_agg(t order by t.created_at desc, t.id desc), '[]') from public.api_tokens t where t.user_id = p_user
$$;

-- codeforge_revoke_token ends a token for good.
create function public.codeforge_revoke_token(p_user uuid, p_token uuid, p_now timestamptz) returns void language plpgsql set search_path = '' as $$
begin
  update public.api_tokens set revoked_at = coalesce(revoked_at, p_now) where id = p_token and user_id = p_user;
  if not found then
    raise exception using errcode = 'PT404', message = 'Token not found', hint = 'Token', detail = coalesce(p_token::text, '');
  end if;
end
$$;

-- codeforge_read_project returns a row.
create function public.codeforge_read_project(p_user uuid, p_project uuid) returns setof json language sql stable as $$
  select row_to_json(p) from public.projects p where p.id = p_project and p.user_id = p_user
$$;

-- codeforge_read_projects returns {total, projects}, newest first, of a status (null: any but archived) and a mode (null: any).
create function public.codeforge_read_projects(p_user uuid, p_status text, p_mode text, p_limit int, p_offset bigint) returns setof json language sql stable as $$
  select json_build_object(
    'total', (select count(*) from public.projects p where p.user_id = p_user and case when p_status is null then p.status <> 'archived' else p.status = p_status end and (p_mode is null or p.mode = p_mode)),
    'projects', (select coalesce(json_agg(p), '[]') from (
      select * from public.projects p where p.user_id = p_user and case when p_status is null then p.status <> 'archived' else p.status = p_status end and (p_mode is null or p.mode = p_mode)
      order by p.created_at desc, p.id desc limit p_limit offset p_offset) p))
$$;

-- codeforge_jobs is the columns of jobs that a server reads. Progress while a job runs is that of its newest event; the row lags
-- behind.
create function public.codeforge_jobs() returns table (id uuid, project_id uuid, user_id uuid, agent_type text, status text, progress double precision,
  input_context json, result jsonb, error text, clarification_data json, revision bigint, base bigint, fence bigint, failures int, crashes int, due_at timestamptz,
  created_at timestamptz, updated_at timestamptz, started_at timestamptz, completed_at timestamptz, seq bigint) language sql stable as $$
  select j.id, j.project_id, j.user_id, j.agent_type, j.status,
    case when j.status = 'running' then coalesce((select e.progress from public.job_events e where e.job_id = j.id order by e.seq desc limit 1), j.progress) else j.progress end,
    j.input_context, j.result, j.error, j.clarification_data, j.revision, j.base, j.fence, j.failures, j.crashes, j.due_at,
    j.created_at, j.updated_at, j.started_at, j.completed_at, j.seq
  from public.agent_jobs j
$$;

-- codeforge_read_job finds a job by its id or an alias.
create function public.codeforge_read_job(p_user uuid, p_job uuid) returns setof json language sql stable as $$
  select row_to_json(j) from public.codeforge_jobs() j
  where j.id = coalesce((select a.job_id from public.job_aliases a where a.alias = p_job), p_job) and j.user_id = p_user
$$;

-- codeforge_read_jobs returns {total, jobs}, newest first.
create function public.codeforge_read_jobs(p_user uuid, p_project uuid, p_limit int, p_offset int) returns setof json language sql stable as $$
  select json_build_object('total', (select count(*) from public.agent_jobs where project_id = p.id),
    'jobs', (select coalesce(json_agg(j), '[]') from (
      select * from public.codeforge_jobs() j where j.project_id = p.id order by j.seq desc limit p_limit offset p_offset) j))
  from public.projects p where p.id = p_project and p.user_id = p_user
$$;

create function public.codeforge_event_json(e public.job_events) returns json language sql stable as $$
  select json_build_object('seq', e.seq, 'type', e.type, 'data', e.data, 'at', e.created_at)
$$;

-- codeforge_read_events returns {job_id, events}, in order.
create function public.codeforge_read_events(p_user uuid, p_job uuid, p_after bigint, p_limit int) returns setof json language sql stable as $$
  select json_build_object('job_id', j.id, 'events', (
      select coalesce(json_agg(public.codeforge_event_json(e)), '[]') from (
        select * from public.job_events where job_id = j.id and seq > p_after order by seq limit p_limit) e))
  from public.agent_jobs j where j.id = coalesce((select a.job_id from public.job_aliases a where a.alias = p_job), p_job) and j.user_id = p_user
$$;

-- codeforge_newest_events returns the last events of a job, in order.
create function public.codeforge_newest_events(p_job uuid, p_limit int) returns setof json language sql stable as $$
  select coalesce(json_agg(public.codeforge_event_json(e) order by e.seq), '[]') from (select * from public.job_events where job_id = p_job order by seq desc limit p_limit) e
$$;

-- codeforge_job_owner returns {job_id, user_id}, to the system.
create function public.codeforge_job_owner(p_job uuid) returns setof json language sql stable as $$
  select json_build_object('job_id', j.id, 'user_id', j.user_id) from public.agent_jobs j where j.id = public.codeforge_find_job(p_job)
$$;

-- codeforge_read_messages returns {messages}: the newest, oldest first.
create function public.codeforge_read_messages(p_user uuid, p_project uuid, p_limit int) returns setof json language sql stable as $$
  select json_build_object('messages', (
    select coalesce(json_agg(json_build_object('id', m.id, 'project_id', m.project_id, 'role', m.role, 'content', m.content,
      'is_thinking', coalesce(m.is_thinking, false), 'metadata', m.metadata, 'created_at', m.created_at) order by m.created_at, m.id), '[]')
    from (select * from public.chat_messages where project_id = p.id order by created_at desc, id desc limit p_limit) m))
  from public.projects p where p.id = p_project and p.user_id = p_user
$$;

-- codeforge_read_files returns {revision, files}, without files while the project is at revision p_unless.
create function public.codeforge_read_files(p_user uuid, p_project uuid, p_contents boolean, p_unless bigint) returns setof json language sql stable as $$
  select json_build_object('revision', p.revision, 'files', (
    select coalesce(json_agg(public.codeforge_file_json(f, p_contents) order by f.path collate "C"), '[]')
    from public.project_files f where f.project_id = p.id and p.revision <> p_unless))
  from public.projects p where p.id = p_project and p.user_id = p_user
$$;

-- codeforge_read_file returns {file}, which is null when there is none.
create function public.codeforge_read_file(p_user uuid, p_project uuid, p_path text) returns setof json language sql stable as $$
  select json_build_object('file', (select public.codeforge_file_json(f, true) from public.project_files f where f.project_id = p.id and f.path = p_path))
  from public.projects p where p.id = p_project and p.user_id = p_user
$$;

-- codeforge_read_revisions returns {total, revisions}, newest first. Numbers have no gaps.
create function public.codeforge_read_revisions(p_user uuid, p_project uuid, p_limit int, p_offset bigint) returns setof json language sql stable as $$
  select json_build_object('total', p.revision, 'revisions', (
    select coalesce(json_agg(public.codeforge_revision_json(r)), '[]') from (
      select * from public.project_revisions where project_id = p.id and number <= p.revision - p_offset order by number desc limit p_limit) r))
  from public.projects p where p.id = p_project and p.user_id = p_user
$$;

-- codeforge_snapshot is all files of a project at a revision, to the system.
create function public.codeforge_snapshot(p_project uuid, p_number bigint) returns setof json language sql stable as $$
  select coalesce((select json_agg(public.codeforge_file_json(f, true)) from public.codeforge_files_at(p.id, p_number) f), '[]') from public.projects p where p.id = p_project
$$;

-- codeforge_claimed_project is the project of a claim that holds, to the system.
create function public.codeforge_claimed_project(p_job uuid, p_fence bigint) returns setof json language sql stable as $$
  select row_to_json(p) from public.projects p join public.agent_jobs j on j.project_id = p.id where j.id = p_job and j.fence = p_fence and j.status = 'running'
$$;

-- codeforge_enqueue hands a job to River if it is queued, as River's own client would, once for each job. A delivery that is
-- under way does not count: it may have come before this transaction, and found nothing to do. River's client counts it,
-- and would drop this one. One that waits is locked until then, so that it is not fetched too early.
create function public.codeforge_enqueue(p_job uuid) returns void language plpgsql set search_path = '' as $$
declare
  v_wait interval;
  v_args text;
begin
  select greatest(j.due_at - public.codeforge_now(), interval '0'), format('{"id":"%s"}', j.id) into v_wait, v_args
    from public.agent_jobs j where j.id = p_job and j.status = 'queued' and j.due_at is not null;
  if not found then
    return;
  end if;
  insert into codeforge_river.river_job as r (kind, args, max_attempts, state, scheduled_at, unique_key, unique_states)
    values ('codeforge_job', v_args::jsonb, 3, case when v_wait > interval '0' then 'scheduled' else 'available' end::codeforge_river.river_job_state, now() + v_wait,
      sha256(convert_to('&kind=codeforge_job&args=' || v_args, 'UTF8')), b'10000001')
    on conflict (unique_key) where unique_key is not null and unique_states is not null and codeforge_river.river_job_state_in_bitmask(unique_states, state)
    do update set state = excluded.state, scheduled_at = excluded.scheduled_at;
  if v_wait = interval '0' then
    perform pg_notify('codeforge_river.river_insert', '{"queue": "default"}');
  end if;
end
$$;

-- codeforge_dispatch hands to River what the answer of a step says is to be done now: its job, if it is queued, and the next in its line.
create function public.codeforge_dispatch(p_answer json) returns json language plpgsql set search_path = '' as $$
begin
  perform public.codeforge_enqueue((p_answer -> 'job' ->> 'id')::uuid);
  if p_answer ->> 'next' is not null then
    perform public.codeforge_enqueue((p_answer ->> 'next')::uuid);
  end if;
  return p_answer;
end
$$;

-- codeforge_schema is the number of the newest migration that was run, by whatever means: what a login that may not read
-- the list of migrations, and the Data API, can ask.
create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 10';

-- Every function is born executable by all, which those stay that triggers use. What acts as whoever calls it is for users too.
do $$
declare f record;
begin
  for f in
    select oid::regprocedure as call, proname ~ '_read_|_json$|_usage$' or proname in ('codeforge_create_project', 'codeforge_files_at', 'codeforge_find_job', 'codeforge_jobs') as users from pg_catalog.pg_proc
    where pronamespace = 'public'::regnamespace and proname like 'codeforge\_%' and proname not in ('codeforge_limit', 'codeforge_now', 'codeforge_touch', 'codeforge_touch_job')
  loop
    execute format('revoke execute on function %s from public, anon, authenticated', f.call);
    execute format('grant execute on function %s to service_role', f.call);
    if f.users then
      execute format('grant execute on function %s to authenticated', f.call);
    end if;
  end loop;
end
$$;

-- The Data API keeps a picture of the schema.
notify pgrst, 'reload schema';
