-- Proposals: what a job would change, until somebody applies or rejects it. With them what a project and a job choose, marks of
-- revisions, and submissions that do not wait for others.

alter table public.projects add column if not exists apply text not null default 'auto' constraint codeforge_apply check (apply in ('auto', 'review'));
grant insert (apply) on public.projects to authenticated; -- see codeforge_create_project
alter table public.agent_jobs
  add column if not exists apply text not null default 'auto',
  add column if not exists retry_of uuid,
  add column if not exists proposal jsonb; -- {base, message, verified, files_changed, created_at}, of the files below

-- The files that the proposal of a job changes. Their texts are in file_contents.
create table if not exists public.proposal_files (
  job_id uuid not null references public.agent_jobs (id) on delete cascade,
  path text collate "C" not null,
  project_id uuid not null,
  user_id uuid not null,
  language text not null, -- empty: as it is
  hash bytea, -- null: deleted
  primary key (job_id, path),
  foreign key (project_id, hash) references public.file_contents (project_id, hash)
);
create index if not exists proposal_files_of_content on public.proposal_files (project_id, hash);
alter table public.proposal_files enable row level security;
revoke all on public.proposal_files from public, anon, authenticated;
grant select, insert, update, delete on public.proposal_files to service_role;
grant select on public.proposal_files to authenticated;
drop policy if exists codeforge_service on public.proposal_files;
create policy codeforge_service on public.proposal_files to service_role using (true) with check (true);
drop policy if exists codeforge_own_select on public.proposal_files;
create policy codeforge_own_select on public.proposal_files for select to authenticated using (user_id = (select auth.uid()));

-- A text goes with the last row that has it.
create or replace function public.codeforge_sweep_content() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  delete from public.file_contents c where c.project_id = old.project_id and c.hash = old.hash
    and not exists (select from public.file_revisions r where r.project_id = old.project_id and r.hash = old.hash)
    and not exists (select from public.job_files f where f.project_id = old.project_id and f.hash = old.hash)
    and not exists (select from public.proposal_files f where f.project_id = old.project_id and f.hash = old.hash);
  return null;
end
$$;
drop trigger if exists codeforge_sweep_deleted on public.proposal_files;
create trigger codeforge_sweep_deleted after delete on public.proposal_files for each row when (old.hash is not null)
  execute function public.codeforge_sweep_content();

-- codeforge_jobs as before, with what is new.
drop function if exists public.codeforge_jobs();
create or replace function public.codeforge_jobs() returns table (id uuid, project_id uuid, user_id uuid, agent_type text, status text, progress double precision,
  input_context json, result jsonb, error text, clarification_data json, revision bigint, base bigint, fence bigint, failures int, crashes int, due_at timestamptz,
  created_at timestamptz, updated_at timestamptz, started_at timestamptz, completed_at timestamptz, seq bigint,
  apply text, retry_of uuid, proposal jsonb) language sql stable as $$
  select j.id, j.project_id, j.user_id, j.agent_type, j.status,
    case when j.status = 'running' then coalesce((select e.progress from public.job_events e where e.job_id = j.id order by e.seq desc limit 1), j.progress) else j.progress end,
    j.input_context, j.result, j.error, j.clarification_data, j.revision, j.base, j.fence, j.failures, j.crashes, j.due_at,
    j.created_at, j.updated_at, j.started_at, j.completed_at, j.seq, j.apply, j.retry_of, j.proposal
  from public.agent_jobs j
$$;

-- codeforge_own_project as before; who comes too late is told the newest revision.
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
    raise exception using errcode = 'PT409', message = format('the project is at revision %s, not %s', p.revision, p_if_revision), hint = 'revision', detail = p.revision;
  end if;
  return p;
end
$$;

-- codeforge_create_project stores {title, description, mode, requirements_spec, architecture_spec, tech_stack, apply} as the user, who may.
create or replace function public.codeforge_create_project(p_user uuid, p_id uuid, p_project json) returns json language plpgsql set search_path = '' as $$
declare p public.projects;
begin
  insert into public.projects (id, user_id, title, description, mode, requirements_spec, architecture_spec, tech_stack, apply)
    select p_id, p_user, n.title, n.description, n.mode, n.requirements_spec, n.architecture_spec, n.tech_stack, coalesce(n.apply, 'auto')
    from json_to_record(p_project) as n (title text, description text, mode text, requirements_spec jsonb, architecture_spec jsonb, tech_stack text[], apply text)
    returning * into p;
  return row_to_json(p);
end
$$;

-- codeforge_update_project applies the keys that p_patch has.
create or replace function public.codeforge_update_project(p_user uuid, p_project uuid, p_patch jsonb, p_if_revision bigint default null) returns json
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
    apply = case when p_patch ? 'apply' then p_patch ->> 'apply' else apply end,
    tech_stack = case when not p_patch ? 'tech_stack' then tech_stack
      when jsonb_typeof(p_patch -> 'tech_stack') = 'array' then array(select jsonb_array_elements_text(p_patch -> 'tech_stack')) end
  where id = p_project returning * into p;
  return row_to_json(p);
end
$$;

create or replace function public.codeforge_restore_revision(p_user uuid, p_project uuid, p_number bigint, p_if_revision bigint default null)
returns json language plpgsql set search_path = '' as $$
declare v_verified boolean;
begin
  perform public.codeforge_own_project(p_user, p_project, false, null);
  select verified into v_verified from public.project_revisions where project_id = p_project and number = p_number;
  if not found then
    raise exception using errcode = 'PT404', message = 'Revision not found', hint = 'Revision', detail = p_number;
  end if;
  perform public.codeforge_own_project(p_user, p_project, true, p_if_revision);
  return public.codeforge_revision_json(public.codeforge_put_files(p_project, null, 'user', 'Restore revision ' || p_number, (
    select coalesce(json_agg(c), '[]') from (
      select o.path, o.content, o.language, false as delete from public.codeforge_files_at(p_project, p_number) o
      union all
      select f.path, '', '', true from public.project_files f where f.project_id = p_project
        and not exists (select from public.codeforge_files_at(p_project, p_number) o where o.path = f.path collate "C")
    ) c), true, true, v_verified));
end
$$;

-- codeforge_end_job ends a job otherwise than by its worker, with its event, and returns {job, seq, at, data, next}; data is that of the
-- event. The caller holds the locks of project and job.
create or replace function public.codeforge_end_job(j public.agent_jobs, p_status text) returns json language plpgsql set search_path = '' as $$
declare
  v_now timestamptz := public.codeforge_now();
  v_progress double precision;
  v_seq bigint;
  v_data json;
begin
  if p_status = 'completed' then
    v_progress := 100;
  else
    select progress into v_progress from public.job_events where job_id = j.id order by seq desc limit 1;
  end if;
  update public.agent_jobs a set status = p_status, progress = coalesce(v_progress, a.progress), due_at = null, completed_at = v_now where a.id = j.id returning * into j;
  v_data := public.codeforge_state(j.id, p_status, j.progress);
  v_seq := public.codeforge_add_events(j.id, j.user_id, j.progress, array[case p_status when 'completed' then 'complete' else p_status end], array[v_data::text], null);
  return json_build_object('job', j, 'seq', v_seq, 'at', v_now, 'data', v_data,
    'next', case when j.changes_files then public.codeforge_next_in_line(j.project_id) end);
end
$$;

-- codeforge_own_job finds a job of a user by its id or an alias, and locks it after its project.
create or replace function public.codeforge_own_job(p_user uuid, p_job uuid) returns public.agent_jobs language plpgsql set search_path = '' as $$
declare
  j public.agent_jobs;
  v_job uuid := public.codeforge_find_job(p_job);
begin
  perform from public.projects where id = (select project_id from public.agent_jobs where id = v_job and user_id = p_user) for no key update;
  select * into j from public.agent_jobs where id = v_job and user_id = p_user for no key update;
  if not found then
    raise exception using errcode = 'PT404', message = 'Job not found', hint = 'Job', detail = p_job;
  end if;
  return j;
end
$$;

-- codeforge_open_job is one that can be cancelled.
create or replace function public.codeforge_open_job(p_user uuid, p_job uuid) returns public.agent_jobs language plpgsql set search_path = '' as $$
declare j public.agent_jobs;
begin
  j := public.codeforge_own_job(p_user, p_job);
  if j.status in ('completed', 'failed', 'cancelled') then
    raise exception using errcode = 'PT400', message = format('job is %s and cannot be cancelled', j.status), hint = 'status';
  end if;
  return j;
end
$$;

create or replace function public.codeforge_cancel_job(p_user uuid, p_job uuid) returns json language plpgsql set search_path = '' as $$
begin
  return public.codeforge_end_job(public.codeforge_open_job(p_user, p_job), 'cancelled');
end
$$;

create or replace function public.codeforge_add_messages(p_project uuid, p_chat json) returns void language plpgsql set search_path = '' as $$
begin
  insert into public.chat_messages (id, project_id, role, content, is_thinking, metadata, created_at)
    select coalesce(m.id, gen_random_uuid()), p_project, m.role, m.content, coalesce(m.is_thinking, false), m.metadata, public.codeforge_now()
    from json_to_recordset(coalesce(p_chat, '[]')) as m (id uuid, role text, content text, is_thinking boolean, metadata jsonb);
end
$$;

-- codeforge_submit_job returns {job, fresh, cancelled}: those are {job, seq, at, data}, with the data of their one event. p_input is text, so that it is stored as it came.
drop function if exists public.codeforge_submit_job(uuid, uuid, uuid, text, boolean, text, text, text, uuid);
create or replace function public.codeforge_submit_job(p_user uuid, p_job uuid, p_project uuid, p_agent text, p_changes_files boolean, p_input text,
  p_key text default null, p_message text default null, p_message_id uuid default null,
  p_retry_of uuid default null, p_apply text default null, p_if_busy text default null)
returns json language plpgsql set search_path = '' as $$
declare
  j public.agent_jobs;
  v_now timestamptz := public.codeforge_now();
  v_status text;
  v_cancelled json[] := '{}';
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
  if p_retry_of is not null and not exists (select from public.agent_jobs where id = public.codeforge_find_job(p_retry_of) and user_id = p_user and project_id = p_project) then
    raise exception using errcode = 'PT404', message = 'Job not found', hint = 'Job', detail = p_retry_of;
  end if;
  if p_changes_files and p_if_busy in ('reject', 'cancel_running') then
    -- But for this one: it may have been submitted by a call whose answer was lost.
    for j in
      select * from public.agent_jobs where project_id = p_project and changes_files and due_at is not null and id <> p_job
      order by (status = 'running') desc, seq for no key update
    loop
      if p_if_busy = 'reject' then
        raise exception using errcode = 'PT409', message = format('job %s is at work on this project', j.id), hint = 'job_id', detail = j.id;
      end if;
      v_cancelled := v_cancelled || public.codeforge_end_job(j, 'cancelled');
    end loop;
  end if;
  insert into public.agent_jobs (id, project_id, user_id, agent_type, changes_files, status, progress, input_context, due_at, created_at, updated_at, retry_of, apply)
    values (p_job, p_project, p_user, p_agent, p_changes_files, 'queued', 0, p_input::json, v_now, v_now, v_now, p_retry_of,
      coalesce(p_apply, (select apply from public.projects where id = p_project))) returning * into j;
  insert into public.job_events (job_id, seq, user_id, type, data, progress, created_at)
    values (p_job, 1, p_user, 'progress', public.codeforge_state(p_job, 'queued', 0), 0, v_now);
  if p_message <> '' then
    insert into public.chat_messages (id, project_id, role, content, is_thinking, metadata, created_at)
      values (coalesce(p_message_id, gen_random_uuid()), p_project, 'user', p_message, false, null, v_now);
  end if;
  return json_build_object('job', j, 'fresh', true, 'cancelled', to_json(v_cancelled));
end
$$;

-- codeforge_check_documents refuses what Realtime would cut: it sends rows whole, up to about 1 MB.
create or replace function public.codeforge_check_documents(p_outcome json) returns void language plpgsql immutable set search_path = '' as $$
begin
  if octet_length(p_outcome ->> 'result') > 500000 then
    raise exception using errcode = 'PT413', message = format('the result of a job has at most 500000 bytes, this has %s', octet_length(p_outcome ->> 'result'));
  end if;
  if coalesce(octet_length(p_outcome ->> 'requirements'), 0) + coalesce(octet_length(p_outcome ->> 'architecture'), 0) > 600000 then
    raise exception using errcode = 'PT413', message = 'the documents of a project have at most 600000 bytes together';
  end if;
end
$$;

-- codeforge_propose puts a proposal {base, changes, message, verified} in place of the one that a job has. Its texts are never refused: they
-- were paid for. The caller holds the locks of project and job.
create or replace function public.codeforge_propose(j public.agent_jobs, p_proposal json) returns void language plpgsql set search_path = '' as $$
declare
  n record;
  v_files bigint;
  v_stored bigint;
begin
  select * into n from json_to_record(p_proposal) as (base bigint, changes json, message text, verified boolean);
  delete from public.proposal_files where job_id = j.id;
  with file as materialized (
    select distinct on (path) path collate "C" as path, coalesce(content, '') as content, coalesce(language, '') as language,
      case when not coalesce(delete, false) then sha256(convert_to(coalesce(content, ''), 'UTF8')) end as hash
    from rows from (json_to_recordset(n.changes) as (path text, content text, language text, delete boolean)) with ordinality
      as c (path, content, language, delete, place)
    order by path, place desc
  ), stored as (
    insert into public.file_contents (project_id, hash, user_id, size, content)
      select j.project_id, f.hash, p.user_id, octet_length(f.content), f.content from file f, public.projects p where f.hash is not null and p.id = j.project_id
      order by f.hash on conflict do nothing returning size
  ), put as (
    insert into public.proposal_files (job_id, path, project_id, user_id, language, hash) select j.id, path, j.project_id, j.user_id, language, hash from file returning 1
  )
  select (select count(*) from put), (select sum(size) from stored) into v_files, v_stored;
  perform public.codeforge_count_bytes(j.project_id, v_stored, false);
  update public.agent_jobs set proposal = case when v_files > 0 then jsonb_build_object('base', n.base, 'message', n.message, 'verified', n.verified,
    'files_changed', v_files, 'created_at', public.codeforge_now()) end where id = j.id;
end
$$;

create or replace function public.codeforge_drop_proposal(p_job uuid) returns void language plpgsql set search_path = '' as $$
begin
  delete from public.proposal_files where job_id = p_job;
  update public.agent_jobs set proposal = null where id = p_job and proposal is not null;
end
$$;

-- codeforge_keep_stage returns {revision, kept, seq, at}: kept tells whether it was kept now, then seq is the number of the first event.
create or replace function public.codeforge_keep_stage(p_job uuid, p_fence bigint, p_stage json, p_types text[], p_data text[], p_times timestamptz[]) returns json
language plpgsql set search_path = '' as $$
declare
  j public.agent_jobs;
  s record;
  rev public.project_revisions;
  v_now timestamptz := public.codeforge_now();
  v_newest bigint;
  v_kept bigint;
  v_progress double precision;
  v_seq bigint;
begin
  select * into s from json_to_record(p_stage) as (stage text, round int, base bigint, changes json, message text, requirements jsonb, architecture jsonb,
    project_status text, progress double precision, proposal boolean);
  perform public.codeforge_check_documents(p_stage);
  select p.revision into v_newest from public.projects p where p.id = (select project_id from public.agent_jobs where id = p_job) for no key update;
  select * into j from public.agent_jobs where id = p_job and fence = p_fence and status = 'running' for no key update;
  if not found then
    raise exception using errcode = 'PT412', message = 'the claim is lost';
  end if;
  select revision into v_kept from public.job_stages where job_id = p_job and stage = s.stage and round = s.round;
  if found then
    return json_build_object('revision', v_kept, 'kept', false);
  end if;

  if s.proposal then
    perform public.codeforge_propose(j, json_build_object('base', s.base, 'changes', s.changes, 'message', s.message, 'verified', true));
  elsif json_array_length(s.changes) > 0 then
    if v_newest <> s.base then
      raise exception using errcode = 'PT409', message = format('the project is at revision %s, not %s', v_newest, s.base), hint = 'revision', detail = v_newest;
    end if;
    rev := public.codeforge_put_files(j.project_id, j.id, j.agent_type, s.message, s.changes, true, false, true);
  end if;
  insert into public.job_stages (job_id, stage, round, user_id, revision) values (p_job, s.stage, s.round, j.user_id, coalesce(rev.number, 0));
  perform public.codeforge_specify(j.project_id, s.requirements, s.architecture, s.project_status);
  select greatest(e.progress, s.progress) into v_progress from public.job_events e where e.job_id = p_job order by e.seq desc limit 1;
  if rev.number is not null then -- every change of the row goes to all who watch it
    update public.agent_jobs set revision = rev.number, progress = coalesce(v_progress, progress) where id = p_job;
  end if;
  v_seq := public.codeforge_add_events(p_job, j.user_id, coalesce(v_progress, j.progress), p_types, p_data, p_times);
  return json_build_object('revision', coalesce(rev.number, 0), 'kept', true, 'seq', v_seq, 'at', v_now);
end
$$;

-- codeforge_proposed_job is one with a proposal that nobody works on.
create or replace function public.codeforge_proposed_job(p_user uuid, p_job uuid) returns public.agent_jobs language plpgsql set search_path = '' as $$
declare j public.agent_jobs;
begin
  j := public.codeforge_own_job(p_user, p_job);
  if j.proposal is null then
    raise exception using errcode = 'PT404', message = 'Proposal not found', hint = 'Proposal', detail = p_job;
  end if;
  if j.due_at is not null then
    raise exception using errcode = 'PT409', message = format('job is %s: its proposal may change', j.status);
  end if;
  return j;
end
$$;

-- codeforge_end_waiting ends a job if it waits, as codeforge_end_job does; else it has ended, and {job} is the answer.
create or replace function public.codeforge_end_waiting(p_job uuid, p_status text) returns json language plpgsql set search_path = '' as $$
declare j public.agent_jobs;
begin
  select * into j from public.agent_jobs where id = p_job;
  if j.status = 'waiting_for_input' then
    return public.codeforge_end_job(j, p_status);
  end if;
  return json_build_object('job', j);
end
$$;

-- codeforge_change_tree makes a revision of a job of {head, changes, message, verified}, if it changes anything, and returns its number.
create or replace function public.codeforge_change_tree(j public.agent_jobs, p_author text, p_change json) returns bigint language plpgsql set search_path = '' as $$
declare
  c record;
  rev public.project_revisions;
begin
  select * into c from json_to_record(p_change) as (head bigint, changes json, message text, verified boolean);
  perform public.codeforge_own_project(j.user_id, j.project_id, true, c.head);
  rev := public.codeforge_put_files(j.project_id, j.id, p_author, c.message, c.changes, true, false, c.verified);
  return rev.number;
end
$$;

-- codeforge_apply_proposal answers as codeforge_end_waiting. p_change is as above, with {result, chat}.
create or replace function public.codeforge_apply_proposal(p_user uuid, p_job uuid, p_change json) returns json language plpgsql set search_path = '' as $$
declare
  j public.agent_jobs;
  v_revision bigint;
begin
  perform public.codeforge_check_documents(p_change);
  j := public.codeforge_proposed_job(p_user, p_job);
  v_revision := public.codeforge_change_tree(j, j.agent_type, p_change);
  perform public.codeforge_drop_proposal(j.id);
  update public.agent_jobs set revision = coalesce(v_revision, revision),
    result = case when status = 'waiting_for_input' then coalesce((p_change ->> 'result')::jsonb, result) else result end where id = j.id;
  perform public.codeforge_add_messages(j.project_id, p_change -> 'chat');
  return public.codeforge_end_waiting(j.id, 'completed');
end
$$;

-- codeforge_reject_proposal answers as codeforge_end_waiting.
create or replace function public.codeforge_reject_proposal(p_user uuid, p_job uuid, p_chat json) returns json language plpgsql set search_path = '' as $$
declare j public.agent_jobs;
begin
  j := public.codeforge_proposed_job(p_user, p_job);
  perform public.codeforge_drop_proposal(j.id);
  perform public.codeforge_add_messages(j.project_id, p_chat);
  return public.codeforge_end_waiting(j.id, 'cancelled');
end
$$;

-- codeforge_take_back_job answers as codeforge_end_job. p_change is as above.
create or replace function public.codeforge_take_back_job(p_user uuid, p_job uuid, p_change json) returns json language plpgsql set search_path = '' as $$
declare j public.agent_jobs;
begin
  j := public.codeforge_open_job(p_user, p_job);
  perform public.codeforge_change_tree(j, 'user', p_change);
  perform public.codeforge_drop_proposal(j.id);
  update public.agent_jobs set revision = 0 where id = j.id;
  return public.codeforge_end_job(j, 'cancelled');
end
$$;

-- codeforge_read_proposal returns {proposal, deltas} of {path, old, new}: a page of what it would change against its base, as
-- codeforge_read_changes; {} when there is none.
create or replace function public.codeforge_read_proposal(p_user uuid, p_job uuid, p_after text, p_bytes bigint, p_contents boolean) returns setof json
language sql stable as $$
  select case when j.proposal is null then '{}' else json_build_object('proposal', j.proposal, 'deltas', (
      select coalesce(json_agg(json_build_object('path', d.path,
        'old', case when not (d.o).deleted then public.codeforge_file_json(d.o, p_contents) end,
        'new', case when d.hash is not null then json_build_object('project_id', j.project_id, 'path', d.path, 'size', d.size,
          'language', coalesce(nullif(d.language, ''), case when not (d.o).deleted then (d.o).language end, ''), 'content',
          case when p_contents then (select c.content from public.file_contents c where c.project_id = j.project_id and c.hash = d.hash) end) end) order by d.path), '[]')
      from (
        select f.path, f.hash, f.language, c.size, l.o, sum(coalesce(c.size, 0) + coalesce((l.o).size, 0)) over (order by f.path rows between unbounded preceding and 1 preceding) as before
        from public.proposal_files f
        left join public.file_contents c on c.project_id = f.project_id and c.hash = f.hash
        left join lateral (select v as o from public.file_revisions v where v.project_id = j.project_id and v.path = f.path and v.revision <= (j.proposal ->> 'base')::bigint
          order by v.revision desc limit 1) l on true
        where f.job_id = j.id and f.path > p_after collate "C") d
      where p_bytes = 0 or coalesce(d.before, 0) < p_bytes)) end
  from public.agent_jobs j where j.id = coalesce((select a.job_id from public.job_aliases a where a.alias = p_job), p_job) and j.user_id = p_user
$$;

create or replace function public.codeforge_mark_verified(p_user uuid, p_project uuid, p_number bigint, p_verified boolean) returns void
language plpgsql set search_path = '' as $$
begin
  perform public.codeforge_own_project(p_user, p_project, false, null);
  if not exists (select from public.project_revisions where project_id = p_project and number = p_number) then
    raise exception using errcode = 'PT404', message = 'Revision not found', hint = 'Revision', detail = p_number;
  end if;
  update public.project_revisions set verified = p_verified where project_id = p_project and number = p_number and verified is distinct from p_verified;
end
$$;

do $$
declare
  f regprocedure;
begin
  foreach f in array array['public.codeforge_jobs()', 'public.codeforge_end_job(public.agent_jobs, text)', 'public.codeforge_own_job(uuid, uuid)',
    'public.codeforge_open_job(uuid, uuid)', 'public.codeforge_add_messages(uuid, json)', 'public.codeforge_propose(public.agent_jobs, json)', 'public.codeforge_drop_proposal(uuid)',
    'public.codeforge_submit_job(uuid, uuid, uuid, text, boolean, text, text, text, uuid, uuid, text, text)', 'public.codeforge_proposed_job(uuid, uuid)',
    'public.codeforge_end_waiting(uuid, text)', 'public.codeforge_change_tree(public.agent_jobs, text, json)', 'public.codeforge_apply_proposal(uuid, uuid, json)',
    'public.codeforge_reject_proposal(uuid, uuid, json)', 'public.codeforge_take_back_job(uuid, uuid, json)', 'public.codeforge_read_proposal(uuid, uuid, text, bigint, boolean)',
    'public.codeforge_mark_verified(uuid, uuid, bigint, boolean)', 'public.codeforge_check_documents(json)',
    'public.codeforge_keep_stage(uuid, bigint, json, text[], text[], timestamptz[])']::regprocedure[] loop
    execute format('revoke execute on function %s from public, anon, authenticated', f);
    execute format('grant execute on function %s to service_role', f);
  end loop;
  grant execute on function public.codeforge_jobs(), public.codeforge_read_proposal(uuid, uuid, text, bigint, boolean) to authenticated;
end
$$;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 19';
notify pgrst, 'reload schema';
