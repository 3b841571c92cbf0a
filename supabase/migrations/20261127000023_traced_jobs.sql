-- Who reads a job reads the trace of the request that submitted it too, as who claims it does.
drop function if exists public.codeforge_jobs();
create or replace function public.codeforge_jobs() returns table (id uuid, project_id uuid, user_id uuid, agent_type text, status text, progress double precision,
  input_context json, result jsonb, error text, clarification_data json, revision bigint, base bigint, fence bigint, failures int, crashes int, due_at timestamptz,
  created_at timestamptz, updated_at timestamptz, started_at timestamptz, completed_at timestamptz, seq bigint,
  apply text, retry_of uuid, proposal jsonb, traceparent text) language sql stable as $$
  select j.id, j.project_id, j.user_id, j.agent_type, j.status,
    case when j.status = 'running' then coalesce((select e.progress from public.job_events e where e.job_id = j.id order by e.seq desc limit 1), j.progress) else j.progress end,
    j.input_context, j.result, j.error, j.clarification_data, j.revision, j.base, j.fence, j.failures, j.crashes, j.due_at,
    j.created_at, j.updated_at, j.started_at, j.completed_at, j.seq, j.apply, j.retry_of, j.proposal, j.traceparent
  from public.agent_jobs j
$$;

revoke execute on function public.codeforge_jobs() from public, anon;
grant execute on function public.codeforge_jobs() to authenticated, service_role;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 32';
notify pgrst, 'reload schema';
