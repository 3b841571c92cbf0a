-- A job that plans a roadmap stores it with its end.

-- codeforge_finish_job returns {job, seq, at, next}: seq is the number of the first event, next a job that may start now.
create or replace function public.codeforge_finish_job(p_job uuid, p_fence bigint, p_outcome json, p_types text[], p_data text[], p_times timestamptz[]) returns json
language plpgsql set search_path = '' as $$
declare
  j public.agent_jobs;
  o record;
  v_now timestamptz := public.codeforge_now();
  v_seq bigint;
begin
  select * into o from json_to_record(p_outcome) as (status text, progress double precision, result jsonb, error text, question json, failed boolean,
    run_at timestamptz, chat json, proposal json, roadmap jsonb);
  perform public.codeforge_check_documents(p_outcome);
  -- Who takes a job out of a project's line must see whoever puts one in, or neither would wake it. Of two roadmaps the later one stays.
  perform from public.projects p where p.id = (select project_id from public.agent_jobs where id = p_job and (changes_files or o.proposal is not null or o.roadmap is not null)) for no key update;
  select * into j from public.agent_jobs where id = p_job and fence = p_fence and status = 'running' for no key update;
  if not found then
    raise exception using errcode = 'PT412', message = 'the claim is lost';
  end if;

  if o.status in ('failed', 'waiting_for_input') and o.proposal is not null then
    perform public.codeforge_propose(j, o.proposal);
  end if;
  if o.status = 'completed' and o.roadmap is not null then
    perform public.codeforge_put_roadmap(j.project_id, j.id, o.roadmap);
  end if;
  if o.status in ('completed', 'failed', 'waiting_for_input') then
    perform public.codeforge_add_messages(j.project_id, o.chat);
  end if;

  update public.agent_jobs a set status = o.status, progress = o.progress, result = coalesce(o.result, a.result), error = nullif(o.error, ''),
    failures = a.failures + coalesce(o.failed, false)::int,
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

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 46';
notify pgrst, 'reload schema';
