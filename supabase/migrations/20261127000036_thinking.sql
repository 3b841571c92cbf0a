-- While a job runs, a line of the conversation says so, for whoever reads or watches it, here or over Realtime. It is there from the claim
-- on, and goes with the job's state: in the transaction that says what became of it, whichever that is.
create index if not exists chat_messages_thinking on public.chat_messages (project_id) where is_thinking;

create or replace function public.codeforge_think() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'UPDATE' and new.status = 'running' then
    insert into public.chat_messages (id, project_id, role, content, is_thinking, metadata, created_at)
      values (gen_random_uuid(), new.project_id, 'assistant', 'Thinking', true, jsonb_build_object('agent_type', new.agent_type, 'job_id', new.id), public.codeforge_now());
  else
    delete from public.chat_messages m where m.project_id = old.project_id and m.is_thinking and m.metadata ->> 'job_id' = old.id::text;
  end if;
  return null;
end
$$;
-- What another program says that runs, it tells of itself.
drop trigger if exists codeforge_think on public.agent_jobs;
create trigger codeforge_think after update of status on public.agent_jobs for each row
  when (new.status = 'running' and old.status <> 'running' and new.fence > old.fence and new.agent_type not in ('noop', 'github_export')) execute function public.codeforge_think();
drop trigger if exists codeforge_think_no_more on public.agent_jobs;
create trigger codeforge_think_no_more after update of status on public.agent_jobs for each row
  when (old.status = 'running' and new.status <> 'running') execute function public.codeforge_think();
drop trigger if exists codeforge_think_gone on public.agent_jobs;
create trigger codeforge_think_gone after delete on public.agent_jobs for each row when (old.status = 'running') execute function public.codeforge_think();

-- That a line is gone is a change, too: one that names what is not there. Who watches the lines of a project over Realtime is told of it
-- by its filter, which needs the whole row.
create or replace function public.codeforge_log_gone_message() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into public.change_log (owner, of_user, kind, ref, state, at)
    select p.id, false, 'message', old.id, '', public.codeforge_now() from public.projects p where p.id = old.project_id;
  if found then
    perform public.codeforge_tell(null, old.project_id, null);
  end if;
  return null;
end
$$;
drop trigger if exists codeforge_log_delete on public.chat_messages;
create trigger codeforge_log_delete after delete on public.chat_messages for each row execute function public.codeforge_log_gone_message();
do $$
begin
  if (select relreplident <> 'f' from pg_catalog.pg_class where oid = 'public.chat_messages'::regclass) then
    alter table public.chat_messages replica identity full;
  end if;
end
$$;

-- codeforge_read_messages returns {messages, cursor}: the newest, or the newest of those before another one, oldest first; of one role (null:
-- all), and without those that say that a job runs. cursor says whether that other one is there.
drop function if exists public.codeforge_read_messages(uuid, uuid, int);
create or replace function public.codeforge_read_messages(p_user uuid, p_project uuid, p_limit int, p_before uuid default null, p_role text default null, p_settled boolean default false)
returns setof json language sql stable as $$
  select json_build_object('cursor', p_before is null or exists (select from public.chat_messages b where b.id = p_before and b.project_id = p.id), 'messages', (
    select coalesce(json_agg(json_build_object('id', m.id, 'project_id', m.project_id, 'role', m.role, 'content', m.content,
      'is_thinking', coalesce(m.is_thinking, false), 'metadata', m.metadata, 'created_at', m.created_at) order by m.created_at, m.id), '[]')
    from (select * from public.chat_messages c where c.project_id = p.id and (p_role is null or c.role = p_role) and not (p_settled and coalesce(c.is_thinking, false))
        and (p_before is null or (c.created_at, c.id) < (select b.created_at, b.id from public.chat_messages b where b.id = p_before and b.project_id = p.id))
      order by c.created_at desc, c.id desc limit p_limit) m))
  from public.projects p where p.id = p_project and p.user_id = p_user
$$;

revoke execute on function public.codeforge_think(), public.codeforge_log_gone_message(), public.codeforge_read_messages(uuid, uuid, int, uuid, text, boolean) from public, anon, authenticated;
grant execute on function public.codeforge_think(), public.codeforge_log_gone_message(), public.codeforge_read_messages(uuid, uuid, int, uuid, text, boolean) to service_role;
grant execute on function public.codeforge_read_messages(uuid, uuid, int, uuid, text, boolean) to authenticated;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 45';
notify pgrst, 'reload schema';
