-- Generated: see the test that compares it. A change belongs into the program's own migration.
-- River, the queue that carries the ids of jobs between servers, has a schema of its own, which the Data API does not serve.
-- Its tables are made by its own migrations, which come after these. Losing all of it loses no job: the rows of agent_jobs
-- are the truth, and due ones are looked for now and then.

create schema if not exists codeforge_river;
revoke all on schema codeforge_river from public;
grant usage on schema codeforge_river to service_role;

-- codeforge_queue_schema is the number of River's newest migration that was run.
create or replace function public.codeforge_queue_schema() returns int language plpgsql stable set search_path = '' as $$
begin
  if to_regclass('codeforge_river.river_migration') is null then
    return 0;
  end if;
  return (select coalesce(max(version), 0) from codeforge_river.river_migration);
end
$$;

-- codeforge_enqueue hands a job to River if it is queued, as River's own client would, once for each job. A delivery that is
-- under way does not count: it may have come before this transaction, and found nothing to do. River's client counts it,
-- and would drop this one. One that waits is locked until then, so that it is not fetched too early.
create or replace function public.codeforge_enqueue(p_job uuid) returns void language plpgsql set search_path = '' as $$
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
create or replace function public.codeforge_dispatch(p_answer json) returns json language plpgsql set search_path = '' as $$
begin
  perform public.codeforge_enqueue((p_answer -> 'job' ->> 'id')::uuid);
  if p_answer ->> 'next' is not null then
    perform public.codeforge_enqueue((p_answer ->> 'next')::uuid);
  end if;
  return p_answer;
end
$$;

revoke execute on function public.codeforge_queue_schema(), public.codeforge_enqueue(uuid), public.codeforge_dispatch(json) from public, anon, authenticated;
grant execute on function public.codeforge_queue_schema(), public.codeforge_enqueue(uuid), public.codeforge_dispatch(json) to service_role;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 8';
notify pgrst, 'reload schema';
