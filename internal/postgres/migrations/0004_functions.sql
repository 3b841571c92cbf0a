-- +goose Up
-- The steps that must be one transaction. Both stores call them, this one and the one that goes through the Data API, and
-- only as service_role; whoever acts for a user names that user's verified id, and the owner is checked in the same
-- statement that does the work.
--
-- Refusals have an SQLSTATE of their own, which the Data API also turns into the HTTP status of its digits:
--   PT400 a field breaks a rule (hint: the field)   PT404 not there or not theirs (hint: what, detail: its id)
--   PT409 stale or in the wrong state               PT412 the claim is lost     PT413 too large
--
-- Locks are taken in one order, project before job, so no two of these wait for each other. The row of a project is
-- locked by all that change its files and by all that put a job into its line or take one out.

-- +goose StatementBegin
create or replace function public.codeforge_ensure_profile(p_user uuid) returns void language plpgsql set search_path = '' as $$
begin
  if pg_catalog.has_table_privilege('auth.users', 'insert') then -- a stand-in: nobody else fills it
    insert into auth.users (id) values (p_user) on conflict do nothing;
  end if;
  insert into public.profiles (id, skill_level) values (p_user, 'beginner') on conflict (id) do nothing;
end
$$;
-- +goose StatementEnd

-- codeforge_own_project finds a project of a user and locks it against changes of its files and its line.
-- +goose StatementBegin
create or replace function public.codeforge_own_project(p_user uuid, p_project uuid, p_writable boolean, p_if_revision bigint) returns public.projects
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
-- +goose StatementEnd

-- codeforge_update_project applies the keys that p_patch has.
-- +goose StatementBegin
create or replace function public.codeforge_update_project(p_user uuid, p_project uuid, p_patch jsonb, p_if_revision bigint default null)
returns public.projects language plpgsql set search_path = '' as $$
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
  return p;
end
$$;
-- +goose StatementEnd

-- codeforge_put_files makes a revision of changes, which are {id, path, content, language, fallback, delete}: id is for a
-- path that never was, fallback its language when it has none. Of several for one path the last one counts. With
-- p_only_real changes that change nothing are left out; if none is left there is a revision only with p_always. The
-- caller holds the project's lock.
-- +goose StatementBegin
create or replace function public.codeforge_put_files(p_project uuid, p_job uuid, p_author text, p_message text, p_changes json, p_only_real boolean, p_always boolean)
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
  if rev.files_changed = 0 and not p_always then
    return null;
  end if;

  -- octet_length reads no content: the size stands in the row.
  select count(*), coalesce(sum(octet_length(content)), 0) into v_files, v_bytes from public.project_files where project_id = p_project;
  if v_files > 2000 then
    raise exception using errcode = 'PT413', message = format('a project has at most 2000 files, this would make %s', v_files);
  end if;
  if v_bytes > 32000000 then
    raise exception using errcode = 'PT413', message = format('all files of a project have at most 32000000 bytes, this would make %s', v_bytes);
  end if;
  insert into public.project_revisions values (rev.*);
  update public.projects set revision = rev.number, updated_at = rev.created_at where id = p_project;
  return rev;
end
$$;
-- +goose StatementEnd

-- codeforge_write_file puts (p_change->delete: removes) one file as a revision of its own and returns its row without the content.
-- +goose StatementBegin
create or replace function public.codeforge_write_file(p_user uuid, p_project uuid, p_change json,
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
  return (select json_build_object('id', f.id, 'project_id', f.project_id, 'path', f.path, 'language', f.language, 'version', f.version,
      'size', octet_length(f.content), 'revision', f.revision, 'created_at', f.created_at, 'updated_at', f.updated_at)
    from public.project_files f where f.project_id = p_project and f.path = v_path);
end
$$;
-- +goose StatementEnd

-- codeforge_files_at is all files as they were in a revision.
create or replace function public.codeforge_files_at(p_project uuid, p_revision bigint) returns setof public.file_revisions
language sql stable set search_path = '' as $$
  select * from (
    select distinct on (path) * from public.file_revisions where project_id = p_project and revision <= p_revision order by path, revision desc
  ) s where not deleted order by path
$$;

-- +goose StatementBegin
create or replace function public.codeforge_restore_revision(p_user uuid, p_project uuid, p_number bigint, p_if_revision bigint default null)
returns public.project_revisions language plpgsql set search_path = '' as $$
begin
  perform public.codeforge_own_project(p_user, p_project, false, null);
  if not exists (select from public.project_revisions where project_id = p_project and number = p_number) then
    raise exception using errcode = 'PT404', message = 'Revision not found', hint = 'Revision', detail = p_number;
  end if;
  perform public.codeforge_own_project(p_user, p_project, true, p_if_revision);
  return public.codeforge_put_files(p_project, null, 'user', 'Restore revision ' || p_number, (
    select coalesce(json_agg(c), '[]') from (
      select o.path, o.content, o.language, false as delete from public.codeforge_files_at(p_project, p_number) o
      union all
      select f.path, '', '', true from public.project_files f where f.project_id = p_project
        and not exists (select from public.codeforge_files_at(p_project, p_number) o where o.path = f.path collate "C")
    ) c), true, true);
end
$$;
-- +goose StatementEnd

-- codeforge_state is the data of the events that are made here.
create or replace function public.codeforge_state(p_job uuid, p_status text, p_progress double precision) returns json
language sql immutable set search_path = '' as $$
  select format('{"job_id":"%s","status":"%s","progress":%s}', p_job, p_status, p_progress)::json
$$;

-- codeforge_in_the_way tells whether a job must wait for another. One that changes files waits for the one of its project
-- that is at work, and for older ones; one that is at work waits for none, so that its lapsed lease can be taken over. One
-- that crashed twice waits for another such that is at work, since one of them may be what brings servers down.
create or replace function public.codeforge_in_the_way(j public.agent_jobs) returns boolean
language sql stable set search_path = '' as $$
  select j.changes_files and exists (
      select from public.agent_jobs o where o.project_id = j.project_id and o.changes_files and o.due_at is not null and o.id <> j.id
        and (o.status = 'running' or (o.seq < j.seq and j.status <> 'running')))
    or j.crashes >= 2 and exists (
      select from public.agent_jobs o where o.due_at > public.codeforge_now() and o.status = 'running' and o.crashes >= 2 and o.id <> j.id)
$$;

create or replace function public.codeforge_next_in_line(p_project uuid) returns uuid
language sql stable set search_path = '' as $$
  select j.id from public.agent_jobs j where j.project_id = p_project and j.changes_files and j.due_at <= public.codeforge_now()
    and not public.codeforge_in_the_way(j) order by j.seq limit 1
$$;

-- codeforge_find_job resolves an alias.
create or replace function public.codeforge_find_job(p_id uuid) returns uuid
language sql stable set search_path = '' as $$
  select coalesce((select job_id from public.job_aliases where alias = p_id), p_id)
$$;

-- codeforge_add_events appends to a job's log and tells whoever listens. It returns the number of the first one. Data is
-- text, so that it is stored as it came; a time that is null is now. The caller holds the lock of the job's row.
-- +goose StatementBegin
create or replace function public.codeforge_add_events(p_job uuid, p_user uuid, p_progress double precision, p_types text[], p_data text[], p_times timestamptz[]) returns bigint
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
-- +goose StatementEnd

-- codeforge_submit_job returns {job, fresh}. p_input is text, so that it is stored as it came.
-- +goose StatementBegin
create or replace function public.codeforge_submit_job(p_user uuid, p_job uuid, p_project uuid, p_agent text, p_changes_files boolean, p_input text,
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
-- +goose StatementEnd

-- codeforge_claim_job returns the job, or null when it is not due. A queue may know it by an alias.
-- +goose StatementBegin
create or replace function public.codeforge_claim_job(p_job uuid, p_worker text, p_lease double precision) returns json
language plpgsql set search_path = '' as $$
declare
  j public.agent_jobs;
  v_now timestamptz := public.codeforge_now();
begin
  select * into j from public.agent_jobs where id = public.codeforge_find_job(p_job) and due_at <= v_now;
  if not found then
    return null;
  end if;
  if j.changes_files then
    perform from public.projects where id = j.project_id for no key update; -- one claim in this line at a time
  end if;
  if j.crashes >= 2 then
    perform pg_advisory_xact_lock(7208430191); -- and one of such a job anywhere
  end if;
  update public.agent_jobs a set status = 'running', worker = p_worker, fence = a.fence + 1, due_at = v_now + make_interval(secs => p_lease),
    crashes = a.crashes + (a.status = 'running')::int, started_at = coalesce(a.started_at, v_now),
    base = coalesce(a.base, (select p.revision from public.projects p where p.id = a.project_id))
    where a.id = j.id and a.due_at <= v_now and not public.codeforge_in_the_way(a) returning * into j;
  if not found then
    return null;
  end if;
  return row_to_json(j);
end
$$;
-- +goose StatementEnd

-- codeforge_renew_leases returns the claims that are lost. Progress that the rows lack is written along. Every change of a
-- row goes to all who watch it, so a lease that was renewed within the last second stays as it is.
create or replace function public.codeforge_renew_leases(p_jobs uuid[], p_fences bigint[], p_lease double precision) returns table (job_id uuid, fence bigint)
language sql set search_path = '' as $$
  with held as (
    select * from unnest(p_jobs, p_fences) as h (id, fence)
  ), kept as (
    select j.id from held join public.agent_jobs j on j.id = held.id and j.fence = held.fence and j.status = 'running' for no key update of j
  ), renewed as (
    update public.agent_jobs j set due_at = public.codeforge_now() + make_interval(secs => p_lease),
      progress = coalesce((select e.progress from public.job_events e where e.job_id = j.id order by e.seq desc limit 1), j.progress)
    from kept where j.id = kept.id and j.due_at < public.codeforge_now() + make_interval(secs => p_lease - 1)
  )
  select h.id, h.fence from held h where h.id not in (select id from kept)
$$;

-- codeforge_record_events returns the number of the first event and its time.
-- +goose StatementBegin
create or replace function public.codeforge_record_events(p_job uuid, p_fence bigint, p_progress double precision, p_types text[], p_data text[], p_times timestamptz[],
  out seq bigint, out at timestamptz) language plpgsql set search_path = '' as $$
declare
  j public.agent_jobs;
  v_progress double precision;
begin
  select * into j from public.agent_jobs where id = p_job and fence = p_fence and status = 'running' for no key update;
  if not found then
    raise exception using errcode = 'PT412', message = 'the claim is lost';
  end if;
  v_progress := p_progress;
  if p_progress < 0 then
    select e.progress into v_progress from public.job_events e where e.job_id = p_job order by e.seq desc limit 1;
  end if;
  at := public.codeforge_now();
  seq := public.codeforge_add_events(p_job, j.user_id, coalesce(v_progress, j.progress), p_types, p_data, p_times);
  -- Every change of the row goes to all who watch it: once a second is enough for progress.
  if cardinality(p_types) = 0 and p_progress >= 0 then
    update public.job_events e set progress = p_progress where e.job_id = p_job and e.seq = codeforge_record_events.seq - 1;
  end if;
  if v_progress <> j.progress and j.updated_at <= at - interval '1 second' then
    update public.agent_jobs set progress = v_progress where id = p_job;
  end if;
end
$$;
-- +goose StatementEnd

-- codeforge_finish_job returns {job, seq, at, next}: seq is the number of the first event, next a job that may start now.
-- +goose StatementBegin
create or replace function public.codeforge_finish_job(p_job uuid, p_fence bigint, p_outcome json, p_types text[], p_data text[], p_times timestamptz[]) returns json
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
-- +goose StatementEnd

-- codeforge_cancel_job returns {job, seq, at, data, next}; data is that of its one event.
-- +goose StatementBegin
create or replace function public.codeforge_cancel_job(p_user uuid, p_job uuid) returns json
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
-- +goose StatementEnd

-- codeforge_respond_job returns {job, seq, at, data}. p_answers is text, so that it is stored as it came.
-- +goose StatementBegin
create or replace function public.codeforge_respond_job(p_user uuid, p_job uuid, p_alias uuid, p_answers text) returns json
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
-- +goose StatementEnd

-- codeforge_due_jobs returns {ids, queued, next}.
create or replace function public.codeforge_due_jobs(p_limit int) returns json
language sql stable set search_path = '' as $$
  select json_build_object(
    'ids', (select coalesce(json_agg(d.id order by d.seq), '[]') from (
      select j.id, j.seq from public.agent_jobs j where j.due_at <= public.codeforge_now() and (not j.changes_files and j.crashes < 2 or not public.codeforge_in_the_way(j))
      order by j.seq limit p_limit) d),
    'queued', (select count(*) from public.agent_jobs where due_at is not null and status = 'queued'),
    'next', (select min(due_at) from public.agent_jobs where due_at > public.codeforge_now()))
$$;

create or replace function public.codeforge_release_jobs() returns bigint
language sql set search_path = '' as $$
  with released as (
    update public.agent_jobs set status = 'queued', due_at = public.codeforge_now(), crashes = crashes + 1
    where due_at is not null and status = 'running' returning 1)
  select count(*) from released
$$;

create or replace function public.codeforge_sweep_jobs(p_before timestamptz, p_limit int) returns bigint
language sql set search_path = '' as $$
  with old as (
    delete from public.agent_jobs where id in (
      select id from public.agent_jobs where completed_at < p_before and status in ('completed', 'failed', 'cancelled') limit p_limit) returning 1)
  select count(*) from old
$$;

-- codeforge_schema is the number of the newest migration that was run, by whatever means: what a login that may not read
-- the list of migrations, and the Data API, can ask.
create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 4';

-- Every function is born executable by all.
-- +goose StatementBegin
do $$
declare f regprocedure;
begin
  for f in
    select oid::regprocedure from pg_catalog.pg_proc where pronamespace = 'public'::regnamespace and proname like 'codeforge\_%'
      and proname not in ('codeforge_now', 'codeforge_touch', 'codeforge_touch_job')
  loop
    execute format('revoke execute on function %s from public, anon, authenticated', f);
    execute format('grant execute on function %s to service_role', f);
  end loop;
end
$$;
-- +goose StatementEnd

-- The Data API keeps a picture of the schema.
notify pgrst, 'reload schema';
