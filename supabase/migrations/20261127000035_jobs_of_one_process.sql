-- A job whose work can be done in one process alone is claimed by it as it is submitted.

drop function if exists public.codeforge_submit_job(uuid, uuid, uuid, text, boolean, text, text, text, uuid, uuid, text, text);

-- codeforge_submit_job returns {job, fresh, cancelled}: those are {job, seq, at, data}, with the data of their one event. p_input is text, so that it is stored as it came.
-- p_worker: it is claimed by that worker for p_lease seconds.
create or replace function public.codeforge_submit_job(p_user uuid, p_job uuid, p_project uuid, p_agent text, p_changes_files boolean, p_input text,
  p_key text default null, p_message text default null, p_message_id uuid default null,
  p_retry_of uuid default null, p_apply text default null, p_if_busy text default null,
  p_worker text default null, p_lease double precision default null)
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
  if p_worker is not null then
    update public.agent_jobs set status = 'running', worker = p_worker, fence = public.codeforge_first_fence() + 1, due_at = v_now + make_interval(secs => p_lease), started_at = v_now,
      base = (select p.revision from public.projects p where p.id = p_project) where id = p_job returning * into j;
  end if;
  return json_build_object('job', j, 'fresh', true, 'cancelled', to_json(v_cancelled));
end
$$;

revoke execute on function public.codeforge_submit_job(uuid, uuid, uuid, text, boolean, text, text, text, uuid, uuid, text, text, text, double precision) from public, anon, authenticated;
grant execute on function public.codeforge_submit_job(uuid, uuid, uuid, text, boolean, text, text, text, uuid, uuid, text, text, text, double precision) to service_role;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 44';
notify pgrst, 'reload schema';
