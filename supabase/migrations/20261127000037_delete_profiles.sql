-- What a user has is told in pages, and deleted for good.

-- codeforge_join_waitlist does as much for an address that is there, so that nobody learns by the time which are.
create or replace function public.codeforge_join_waitlist(p_email text) returns void language sql set search_path = '' as $$
  insert into public.waitlist as w (email, created_at) values (p_email, public.codeforge_now()) on conflict (email) do update set created_at = w.created_at
$$;

-- codeforge_read_sessions returns {mode, sessions}: the newest, or those before one of them, newest first.
drop function if exists public.codeforge_read_sessions(uuid, uuid, int);
create or replace function public.codeforge_read_sessions(p_user uuid, p_project uuid, p_limit int, p_before uuid default null) returns setof json language sql stable as $$
  select json_build_object('mode', p.mode, 'sessions', (select coalesce(json_agg(s order by s.created_at desc, s.id desc), '[]') from (
    select id, project_id, transcript, coalesce(concepts_covered, '{}') as concepts_covered, duration_minutes, created_at from public.daily_sessions
    where project_id = p.id and (p_before is null or (created_at, id) < (select b.created_at, b.id from public.daily_sessions b where b.id = p_before and b.project_id = p.id))
    order by created_at desc, id desc limit p_limit) s))
  from public.projects p where p.id = p_project and p.user_id = p_user
$$;

-- codeforge_read_messages_before returns {messages}: those before one of them, or the newest, newest first.
create or replace function public.codeforge_read_messages_before(p_user uuid, p_project uuid, p_before uuid, p_limit int) returns setof json language sql stable as $$
  select json_build_object('messages', (
    select coalesce(json_agg(json_build_object('id', m.id, 'project_id', m.project_id, 'role', m.role, 'content', m.content,
      'is_thinking', coalesce(m.is_thinking, false), 'metadata', m.metadata, 'created_at', m.created_at) order by m.created_at desc, m.id desc), '[]')
    from (select * from public.chat_messages where project_id = p.id
      and (p_before is null or (created_at, id) < (select b.created_at, b.id from public.chat_messages b where b.id = p_before and b.project_id = p.id))
      order by created_at desc, id desc limit p_limit) m))
  from public.projects p where p.id = p_project and p.user_id = p_user
$$;

-- codeforge_delete_profile deletes what a user has beside projects, of which there must be none any more. Nobody makes one meanwhile: it
-- would name the profile. What stays are sums: in the books of model calls, of budgets and of a day's revisions.
create or replace function public.codeforge_delete_profile(p_user uuid, p_email text) returns void language plpgsql set search_path = '' as $$
begin
  perform from public.profiles where id = p_user for update;
  if exists (select from public.projects where user_id = p_user) then
    raise exception using errcode = 'PT409', message = 'There are projects still: delete them first';
  end if;
  delete from public.api_tokens where user_id = p_user;
  delete from public.provider_keys where user_id = p_user;
  delete from public.webhooks where user_id = p_user;
  delete from public.waitlist where email = p_email;
  delete from public.profiles where id = p_user;
end
$$;

revoke execute on function public.codeforge_read_sessions(uuid, uuid, int, uuid), public.codeforge_read_messages_before(uuid, uuid, uuid, int),
  public.codeforge_delete_profile(uuid, text) from public, anon, authenticated;
grant execute on function public.codeforge_read_sessions(uuid, uuid, int, uuid), public.codeforge_read_messages_before(uuid, uuid, uuid, int),
  public.codeforge_delete_profile(uuid, text) to service_role;
grant execute on function public.codeforge_read_sessions(uuid, uuid, int, uuid), public.codeforge_read_messages_before(uuid, uuid, uuid, int) to authenticated;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 46';
notify pgrst, 'reload schema';
