-- What models answered to the calls of a job is read by its owner, through the server: the table itself stays the system's.

-- codeforge_read_answer returns {entry}: what the journal has of a call of a job, null where it has nothing (any more).
create or replace function public.codeforge_read_answer(p_user uuid, p_job uuid, p_call int) returns setof json language sql stable as $$
  select json_build_object('entry', (select e.entry from public.llm_journal e where e.job_id = k.id and e.number = p_call order by e.created_at desc limit 1))
  from (select coalesce((select a.job_id from public.job_aliases a where a.alias = p_job), p_job) as id) k
  where exists (select from public.agent_jobs j where j.id = k.id and j.user_id = p_user)
$$;
revoke execute on function public.codeforge_read_answer(uuid, uuid, int) from public, anon, authenticated;
grant execute on function public.codeforge_read_answer(uuid, uuid, int) to service_role;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 52';
notify pgrst, 'reload schema';
