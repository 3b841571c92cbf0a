-- Projects are deleted for good, with all that hangs on them, whoever deletes them: by codeforge_delete_project, past it, or with their
-- user. What stays are sums and ids: in the books of model calls, which hold nothing of what was said.

-- codeforge_take_along deletes first what names texts of a project, since no foreign key may stand in the way of their going; all else goes
-- by the foreign keys.
create or replace function public.codeforge_take_along() returns trigger language plpgsql security definer set search_path = '' as $$
declare t regclass;
begin
  delete from public.budget_limits b where b.id = old.id or b.id in (select j.id from public.agent_jobs j where j.project_id = old.id);
  delete from public.budget_periods b where b.id = old.id or b.id in (select j.id from public.agent_jobs j where j.project_id = old.id);
  delete from public.budget_holds b where b.id = old.id or b.id in (select j.id from public.agent_jobs j where j.project_id = old.id);
  perform set_config('codeforge.deleting', 'on', true);
  for t in select c.conrelid from pg_catalog.pg_constraint c where c.contype = 'f' and c.confrelid = 'public.file_contents'::regclass order by c.conrelid loop
    execute format('delete from %s where project_id = $1', t) using old.id;
  end loop;
  perform set_config('codeforge.deleting', '', true);
  return old;
end
$$;

-- A text goes with the last that has it; where a project is deleted all go at once, after what has them.
create or replace function public.codeforge_sweep_content() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if coalesce(current_setting('codeforge.deleting', true), '') <> 'on' then
    perform public.codeforge_sweep_hash(old.project_id, old.hash);
  end if;
  return null;
end
$$;
create or replace function public.codeforge_sweep_lock() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if coalesce(current_setting('codeforge.deleting', true), '') <> 'on' then
    perform public.codeforge_sweep_hash(old.project_id, old.lock);
  end if;
  return null;
end
$$;

-- codeforge_uncount_bytes counts texts that are gone no more; of a user who is gone too there is nothing to count.
create or replace function public.codeforge_uncount_bytes() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  update public.stored_bytes b set bytes = b.bytes - g.bytes from (select user_id, sum(size) as bytes from gone group by user_id) g
    where b.user_id = g.user_id and exists (select from public.profiles p where p.id = g.user_id);
  return null;
end
$$;
drop trigger if exists codeforge_take_along on public.projects;
create trigger codeforge_take_along before delete on public.projects for each row execute function public.codeforge_take_along();

-- codeforge_forget_answers deletes what models answered to jobs that are deleted.
create or replace function public.codeforge_forget_answers() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  delete from public.llm_journal where job_id in (select id from gone);
  return null;
end
$$;
drop trigger if exists codeforge_forget_answers on public.agent_jobs;
create trigger codeforge_forget_answers after delete on public.agent_jobs referencing old table as gone for each statement execute function public.codeforge_forget_answers();
delete from public.llm_journal e where not exists (select from public.agent_jobs j where j.id = e.job_id);

-- codeforge_put_journal returns what stands under the key when that is another entry than this one: the first one wins. Of a job that is
-- gone nothing is kept.
create or replace function public.codeforge_put_journal(p_job uuid, p_number int, p_hash text, p_entry text) returns json
language plpgsql set search_path = '' as $$
begin
  perform from public.agent_jobs where id = p_job for key share;
  if not found then
    return null;
  end if;
  insert into public.llm_journal (job_id, number, hash, created_at, entry) values (p_job, p_number, p_hash, public.codeforge_now(), p_entry) on conflict do nothing;
  if found then
    return null;
  end if;
  return (select to_json(j.entry) from public.llm_journal j where j.job_id = p_job and j.number = p_number and j.hash = p_hash);
end
$$;

-- codeforge_delete_project deletes a user's project. It returns {ended, jobs}: the jobs that had not ended, as codeforge_cancel_job tells
-- of them, and the ids of all. Jobs are locked before the project, as their workers do.
create or replace function public.codeforge_delete_project(p_user uuid, p_project uuid, p_if_revision bigint default null) returns json language plpgsql set search_path = '' as $$
declare
  j public.agent_jobs;
  v_ended json[] := '{}';
  v_jobs json;
begin
  perform from public.agent_jobs a where a.project_id = p_project and a.user_id = p_user order by a.seq for update;
  perform public.codeforge_own_project(p_user, p_project, false, p_if_revision);
  for j in select * from public.agent_jobs a where a.project_id = p_project and a.status in ('queued', 'running', 'waiting_for_input') order by a.seq for update loop
    v_ended := v_ended || public.codeforge_end_job(j, 'cancelled');
  end loop;
  select coalesce(json_agg(a.id), '[]') into v_jobs from public.agent_jobs a where a.project_id = p_project;
  delete from public.projects where id = p_project;
  return json_build_object('ended', to_json(v_ended), 'jobs', v_jobs);
end
$$;

revoke execute on function public.codeforge_take_along(), public.codeforge_forget_answers(), public.codeforge_put_journal(uuid, int, text, text),
  public.codeforge_delete_project(uuid, uuid, bigint) from public, anon, authenticated;
grant execute on function public.codeforge_take_along(), public.codeforge_forget_answers(), public.codeforge_put_journal(uuid, int, text, text),
  public.codeforge_delete_project(uuid, uuid, bigint) to service_role;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 42';
notify pgrst, 'reload schema';
