-- Profiles, the waitlist, and what a project of mode student has: one roadmap, and sessions. Their tables are older than this file.

-- Whose a session is, and what it counts in what its user stores: set by triggers. Sessions from before count nothing.
alter table public.daily_sessions add column if not exists user_id uuid;
alter table public.daily_sessions add column if not exists size int not null default 0;
alter table public.daily_sessions alter column concepts_covered set default '{}';
create index if not exists daily_sessions_newest on public.daily_sessions (project_id, created_at desc, id desc);
create index if not exists waitlist_by_time on public.waitlist (created_at);

-- Both doors write here, and none more than this. Rows from before that break a rule stay.
do $$
declare c record;
begin
  for c in
    select * from (values
      ('profiles', 'codeforge_username', 'check (char_length(username) <= 50)'),
      ('profiles', 'codeforge_full_name', 'check (char_length(full_name) <= 200)'),
      ('profiles', 'codeforge_avatar_url', 'check (char_length(avatar_url) <= 500)'),
      ('waitlist', 'codeforge_email', 'check (octet_length(email) <= 254)'),
      -- jsonb takes more than the text that it was.
      ('learning_roadmaps', 'codeforge_modules', 'check (pg_column_size(modules) <= 1000000)'),
      ('daily_sessions', 'codeforge_transcript', 'check (pg_column_size(transcript) <= 1000000)'),
      ('daily_sessions', 'codeforge_concepts', 'check (pg_column_size(concepts_covered) <= 50000)')
    ) as v (tab, name, def)
  loop
    if not exists (select from pg_catalog.pg_constraint where conrelid = ('public.' || c.tab)::regclass and conname = c.name) then
      execute format('alter table public.%I add constraint %I %s not valid', c.tab, c.name, c.def);
    end if;
  end loop;
end
$$;

create or replace function public.codeforge_room_for_session() returns trigger language plpgsql security definer set search_path = '' as $$
declare v_before int := 0;
begin
  if tg_op = 'UPDATE' then
    v_before := old.size;
  end if;
  select p.user_id into new.user_id from public.projects p where p.id = new.project_id;
  new.size := 500 + coalesce(octet_length(new.transcript::text), 0) + coalesce(octet_length(array_to_string(new.concepts_covered, '')), 0);
  if new.size < v_before then
    update public.stored_bytes set bytes = bytes - (v_before - new.size) where user_id = new.user_id;
  end if;
  perform public.codeforge_count_bytes(new.project_id, new.size - v_before, true);
  return new;
end
$$;
drop trigger if exists codeforge_room on public.daily_sessions;
create trigger codeforge_room before insert or update on public.daily_sessions for each row execute function public.codeforge_room_for_session();
drop trigger if exists codeforge_uncount on public.daily_sessions;
create trigger codeforge_uncount after delete on public.daily_sessions referencing old table as gone for each statement execute function public.codeforge_uncount_bytes();

-- A project has one roadmap; older ones of an earlier backend stay until it is replaced. What users write themselves is bounded.
create or replace function public.codeforge_room_for_roadmap() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if (select count(*) from public.learning_roadmaps where project_id = new.project_id) >= 20 then
    raise exception using errcode = 'PT413', message = 'a project has at most 20 roadmaps';
  end if;
  return new;
end
$$;
drop trigger if exists codeforge_room on public.learning_roadmaps;
create trigger codeforge_room before insert on public.learning_roadmaps for each row execute function public.codeforge_room_for_roadmap();

-- Anybody may join the waitlist, so only so many do in an hour. Who is on it already is told the same.
create or replace function public.codeforge_room_on_waitlist() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if (select count(*) from (select from public.waitlist where created_at > public.codeforge_now() - interval '1 hour' limit public.codeforge_limit('waitlist')) w)
    >= public.codeforge_limit('waitlist') then
    raise exception using errcode = 'PT429', message = 'too many join the waitlist', hint = 'waitlist', detail = public.codeforge_limit('waitlist');
  end if;
  return new;
end
$$;
drop trigger if exists codeforge_room on public.waitlist;
create trigger codeforge_room before insert on public.waitlist for each row execute function public.codeforge_room_on_waitlist();

-- codeforge_join_waitlist does as much for an address that is there, so that nobody learns by the time which are.
create or replace function public.codeforge_join_waitlist(p_email text) returns void language sql set search_path = '' as $$
  insert into public.waitlist as w (email, created_at) values (p_email, public.codeforge_now()) on conflict (email) do update set created_at = w.created_at
$$;

-- codeforge_limit as before, and waitlist.
create or replace function public.codeforge_limit(p_name text) returns bigint language sql immutable as $$
  select case p_name when 'files' then 2000 when 'tree_bytes' then 32000000 when 'path' then 500 when 'path_segment' then 255 when 'content' then 100000
    when 'title' then 200 when 'description' then 1000 when 'suspect_crashes' then 2 when 'kept_screenshots' then 50 when 'waitlist' then 1000 end::bigint
$$;

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

-- codeforge_newest_roadmap is that of a project; no row: there is none.
create or replace function public.codeforge_newest_roadmap(p_project uuid) returns setof public.learning_roadmaps language sql stable set search_path = '' as $$
  select * from public.learning_roadmaps where project_id = p_project order by created_at desc, id desc limit 1
$$;

-- codeforge_put_roadmap makes modules the roadmap of a project, in place of all that it had.
create or replace function public.codeforge_put_roadmap(p_project uuid, p_id uuid, p_modules jsonb) returns json language plpgsql set search_path = '' as $$
declare r public.learning_roadmaps;
begin
  delete from public.learning_roadmaps where project_id = p_project;
  insert into public.learning_roadmaps (id, project_id, modules, current_step_index, created_at) values (p_id, p_project, p_modules, 0, public.codeforge_now())
    returning * into r;
  return row_to_json(r);
end
$$;

-- codeforge_read_student returns {mode, roadmap, sessions, minutes} of a project.
create or replace function public.codeforge_read_student(p_user uuid, p_project uuid) returns setof json language sql stable as $$
  select json_build_object('mode', p.mode,
    'roadmap', (select row_to_json(r) from public.learning_roadmaps r where r.project_id = p.id order by r.created_at desc, r.id desc limit 1),
    'sessions', (select count(*) from public.daily_sessions s where s.project_id = p.id),
    'minutes', (select coalesce(sum(s.duration_minutes), 0) from public.daily_sessions s where s.project_id = p.id))
  from public.projects p where p.id = p_project and p.user_id = p_user
$$;

-- codeforge_own_student finds a student's project of a user.
create or replace function public.codeforge_own_student(p_user uuid, p_project uuid) returns void language plpgsql set search_path = '' as $$
declare v_mode text;
begin
  select mode into v_mode from public.projects where id = p_project and user_id = p_user;
  if not found then
    raise exception using errcode = 'PT404', message = 'Project not found', hint = 'Project', detail = coalesce(p_project::text, '');
  end if;
  if v_mode <> 'student' then
    raise exception using errcode = 'PT400', message = 'must be student: this project is one of another mode, and has no roadmap, sessions or choices', hint = 'mode';
  end if;
end
$$;

-- codeforge_change_roadmap sets the step, or the option chosen in a module (p_option); a negative number is that of no module. Each is one
-- statement, and neither writes what the other does.
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

-- codeforge_add_session stores {id, transcript, concepts_covered, duration_minutes}, once.
create or replace function public.codeforge_add_session(p_user uuid, p_project uuid, p_session jsonb) returns json language plpgsql set search_path = '' as $$
declare d public.daily_sessions;
begin
  perform public.codeforge_own_student(p_user, p_project);
  select * into d from public.daily_sessions where id = (p_session ->> 'id')::uuid and project_id = p_project;
  if found then
    return row_to_json(d);
  end if;
  insert into public.daily_sessions (id, project_id, transcript, concepts_covered, duration_minutes, created_at)
    select n.id, p_project, n.transcript, n.concepts_covered, n.duration_minutes, public.codeforge_now() from jsonb_populate_record(null::public.daily_sessions, p_session) n
    returning * into d;
  return row_to_json(d);
end
$$;

-- codeforge_read_sessions returns {mode, sessions}: the newest, or those before one of them, newest first.
create or replace function public.codeforge_read_sessions(p_user uuid, p_project uuid, p_limit int, p_before uuid default null) returns setof json language sql stable as $$
  select json_build_object('mode', p.mode, 'sessions', (select coalesce(json_agg(s order by s.created_at desc, s.id desc), '[]') from (
    select id, project_id, transcript, coalesce(concepts_covered, '{}') as concepts_covered, duration_minutes, created_at from public.daily_sessions
    where project_id = p.id and (p_before is null or (created_at, id) < (select b.created_at, b.id from public.daily_sessions b where b.id = p_before and b.project_id = p.id))
    order by created_at desc, id desc limit p_limit) s))
  from public.projects p where p.id = p_project and p.user_id = p_user
$$;

do $$
declare f record;
begin
  for f in
    select oid::regprocedure as call, proname ~ '_read_' as users from pg_catalog.pg_proc where pronamespace = 'public'::regnamespace and proname in ('codeforge_room_for_session',
      'codeforge_room_for_roadmap', 'codeforge_room_on_waitlist', 'codeforge_join_waitlist', 'codeforge_put_profile', 'codeforge_newest_roadmap', 'codeforge_put_roadmap',
      'codeforge_read_student', 'codeforge_own_student', 'codeforge_change_roadmap', 'codeforge_add_session', 'codeforge_read_sessions')
  loop
    execute format('revoke execute on function %s from public, anon, authenticated', f.call);
    execute format('grant execute on function %s to service_role', f.call);
    if f.users then
      execute format('grant execute on function %s to authenticated', f.call);
    end if;
  end loop;
end
$$;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 38';
notify pgrst, 'reload schema';
