-- What a user has is told in pages, and deleted for good.

-- codeforge_put_profile applies the keys that p_patch has to the profile of a user, which begins as p_first where there is none, and
-- returns it. Where users are none but ours, making the user has made an empty one.
create or replace function public.codeforge_put_profile(p_user uuid, p_patch jsonb, p_first jsonb) returns json language plpgsql set search_path = '' as $$
declare
  r public.profiles;
  v_first jsonb := '{}';
begin
  select * into r from public.profiles where id = p_user;
  if not found then
    v_first := p_first;
  elsif p_patch = '{}' then
    return row_to_json(r);
  end if;
  if pg_catalog.has_table_privilege('auth.users', 'insert') then -- a stand-in: nobody else fills it
    insert into auth.users (id) values (p_user) on conflict do nothing;
  end if;
  insert into public.profiles as t (id, username, full_name, avatar_url, skill_level, created_at, updated_at)
    select p_user, v ->> 'username', v ->> 'full_name', v ->> 'avatar_url', v ->> 'skill_level', public.codeforge_now(), public.codeforge_now() from (select v_first || p_patch as v) n
    on conflict (id) do update set username = coalesce(p_patch ->> 'username', t.username), full_name = coalesce(p_patch ->> 'full_name', t.full_name, v_first ->> 'full_name'),
      avatar_url = coalesce(p_patch ->> 'avatar_url', t.avatar_url, v_first ->> 'avatar_url'), skill_level = coalesce(p_patch ->> 'skill_level', t.skill_level, v_first ->> 'skill_level')
    returning * into r;
  return row_to_json(r);
exception when unique_violation then -- of the name, since there is no other but the one that is handled
  raise exception using errcode = 'PT400', message = 'is taken: choose another one', hint = 'username';
end
$$;

-- codeforge_change_roadmap as before; a negative number is that of no module. It sets the step, or
-- the option chosen in a module (p_option). Each is one statement, and neither writes what the other does.
create or replace function public.codeforge_change_roadmap(p_user uuid, p_project uuid, p_field text, p_module int, p_option text default null) returns json
language plpgsql set search_path = '' as $$
declare r public.learning_roadmaps;
begin
  perform public.codeforge_own_student(p_user, p_project);
  update public.learning_roadmaps l set current_step_index = case when p_option is null then p_module else l.current_step_index end,
    modules = case when p_option is null then l.modules else jsonb_set(l.modules, array[p_module::text, 'chosen_option'], to_jsonb(p_option)) end
    where l.id = (select n.id from public.codeforge_newest_roadmap(p_project) n) and p_module >= 0
      and case when p_option is null then l.modules -> p_module is not null else jsonb_typeof(l.modules -> p_module) = 'object' end
    returning * into r;
  if found then
    return row_to_json(r);
  end if;
  select * into r from public.codeforge_newest_roadmap(p_project);
  if not found then
    raise exception using errcode = 'PT404', message = 'Roadmap not found', hint = 'Roadmap', detail = p_project::text;
  end if;
  if p_module >= 0 and (case when p_option is null then r.modules -> p_module is not null else jsonb_typeof(r.modules -> p_module) = 'object' end) then
    raise exception using errcode = 'PT409', message = 'The roadmap was replaced meanwhile: read it again';
  end if;
  raise exception using errcode = 'PT400', hint = p_field,
    message = format('must be less than %s, the number of modules of the roadmap', case jsonb_typeof(r.modules) when 'array' then jsonb_array_length(r.modules) else 0 end);
end
$$;

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

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 47';
notify pgrst, 'reload schema';
