-- The trace of the request that submitted a job, as W3C's traceparent header; null: nobody traced it. A connection says it by a
-- setting of its transaction, the Data API by that very header, so that no function need hand it through.
alter table public.agent_jobs add column if not exists traceparent text default coalesce(nullif(current_setting('codeforge.traceparent', true), ''),
  nullif(current_setting('request.headers', true), '')::json ->> 'traceparent');
alter table public.agent_jobs alter column traceparent set default coalesce(nullif(current_setting('codeforge.traceparent', true), ''),
  nullif(current_setting('request.headers', true), '')::json ->> 'traceparent');

-- How many jobs wait for people is counted often.
create index if not exists agent_jobs_waiting on public.agent_jobs (agent_type) where status = 'waiting_for_input';

-- codeforge_count_jobs returns, of jobs that have not ended, [{agent, status, jobs, due}], due being for how many seconds the one has
-- been due that has been longest.
create or replace function public.codeforge_count_jobs() returns json language sql stable set search_path = '' as $$
  select coalesce(json_agg(c), '[]') from (
    select j.agent_type as agent, j.status, count(*) as jobs,
      coalesce(extract(epoch from max(public.codeforge_now() - j.due_at) filter (where j.status = 'queued' and j.due_at <= public.codeforge_now())), 0) as due
    from public.agent_jobs j where j.due_at is not null group by 1, 2
    union all
    select j.agent_type, j.status, count(*), 0 from public.agent_jobs j where j.status = 'waiting_for_input' group by 1, 2) c
$$;
revoke execute on function public.codeforge_count_jobs() from public, anon, authenticated;
grant execute on function public.codeforge_count_jobs() to service_role;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 25';
notify pgrst, 'reload schema';
