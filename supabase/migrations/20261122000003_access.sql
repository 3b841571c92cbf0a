-- Who may do what. The Data API is a second door to these tables, open to every user with a token, so whatever the API
-- checks and SQL cannot is closed there: jobs, revisions, events and messages are read only; files change only
-- through the API, where each change is a revision; of a project a user changes title, description and stack.

do $$
declare
  t text;
  p record;
  own constant text := 'user_id = (select auth.uid())';
  in_own constant text := 'exists (select from public.projects p where p.id = project_id and p.user_id = (select auth.uid()))';
begin
  grant usage on schema public to anon, authenticated, service_role;

  foreach t in array array['profiles', 'projects', 'project_files', 'agent_jobs', 'chat_messages', 'learning_roadmaps', 'daily_sessions',
    'waitlist', 'job_aliases', 'job_events', 'idempotency_keys', 'project_revisions', 'file_revisions'] loop
    execute format('alter table public.%I enable row level security', t);
    execute format('grant select, insert, update, delete on public.%I to service_role', t);
    -- For a service_role without BYPASSRLS.
    execute format('drop policy if exists codeforge_service on public.%I', t);
    execute format('create policy codeforge_service on public.%I to service_role using (true) with check (true)', t);
  end loop;

  foreach t in array array['projects', 'project_files', 'agent_jobs', 'chat_messages'] loop
    execute format('revoke insert, update, truncate, references, trigger on public.%I from public, anon, authenticated', t);
    execute format('grant select on public.%I to authenticated', t);
  end loop;
  revoke delete on public.project_files, public.agent_jobs, public.chat_messages from public, anon, authenticated;
  grant delete on public.projects to authenticated;
  grant insert (id, user_id, title, description, mode, requirements_spec, architecture_spec, tech_stack), update (title, description, tech_stack) on public.projects to authenticated;
  foreach t in array array['job_aliases', 'job_events', 'project_revisions', 'file_revisions', 'idempotency_keys'] loop
    execute format('revoke all on public.%I from public, anon, authenticated', t);
    if t <> 'idempotency_keys' then
      execute format('grant select on public.%I to authenticated', t);
    end if;
  end loop;
  grant select, insert, update on public.profiles to authenticated;
  grant select, insert, update, delete on public.learning_roadmaps, public.daily_sessions to authenticated;
  grant insert on public.waitlist to anon, authenticated;

  -- Policies that ask for auth.uid() row by row, as whoever comes, get the same meaning at a hundredth of the cost.
  for p in
    select tablename, policyname, qual, with_check from pg_catalog.pg_policies
    where schemaname = 'public' and roles = array['public']::name[] and coalesce(qual, '') || coalesce(with_check, '') like '%auth.uid()%'
      and coalesce(qual, '') || coalesce(with_check, '') not ilike '%select auth.uid()%'
      and tablename in ('projects', 'project_files', 'agent_jobs', 'chat_messages', 'learning_roadmaps', 'daily_sessions')
  loop
    execute format('alter policy %I on public.%I to authenticated', p.policyname, p.tablename)
      || coalesce(' using (' || replace(p.qual, 'auth.uid()', '(select auth.uid())') || ')', '')
      || coalesce(' with check (' || replace(p.with_check, 'auth.uid()', '(select auth.uid())') || ')', '');
  end loop;

  -- Ours where there is none yet for the same command.
  for p in
    select * from (values
      ('profiles', 'select', 'true', null),
      ('profiles', 'insert', null, 'id = (select auth.uid())'),
      ('profiles', 'update', 'id = (select auth.uid())', 'id = (select auth.uid())'),
      ('projects', 'select', own, null),
      ('projects', 'insert', null, own),
      ('projects', 'update', own, own),
      ('projects', 'delete', own, null),
      ('project_files', 'select', in_own, null),
      ('agent_jobs', 'select', own, null),
      ('chat_messages', 'select', in_own, null),
      ('learning_roadmaps', 'all', in_own, in_own),
      ('daily_sessions', 'all', in_own, in_own),
      ('job_aliases', 'select', own, null),
      ('job_events', 'select', own, null),
      ('project_revisions', 'select', in_own, null),
      ('file_revisions', 'select', in_own, null)
    ) as v (tab, cmd, qual, checked)
    where not exists (select from pg_catalog.pg_policies e where e.schemaname = 'public' and e.tablename = v.tab
      and e.policyname <> 'codeforge_service' and lower(e.cmd) in (v.cmd, 'all'))
  loop
    execute format('create policy codeforge_own_%s on public.%I for %s to authenticated', p.cmd, p.tab, p.cmd)
      || coalesce(' using (' || p.qual || ')', '') || coalesce(' with check (' || p.checked || ')', '');
  end loop;
  if not exists (select from pg_catalog.pg_policies where schemaname = 'public' and tablename = 'waitlist' and policyname <> 'codeforge_service') then
    create policy codeforge_join on public.waitlist for insert to anon, authenticated with check (true);
  end if;
  if to_regclass('public.pattern_embeddings') is not null then
    alter table public.pattern_embeddings enable row level security;
    grant select, insert, update, delete on public.pattern_embeddings to service_role;
    grant select on public.pattern_embeddings to authenticated;
    drop policy if exists codeforge_service on public.pattern_embeddings;
    create policy codeforge_service on public.pattern_embeddings to service_role using (true) with check (true);
    if not exists (select from pg_catalog.pg_policies where schemaname = 'public' and tablename = 'pattern_embeddings' and policyname <> 'codeforge_service') then
      create policy codeforge_read on public.pattern_embeddings for select to authenticated using (true);
    end if;
  end if;
  -- The list of migrations lies in a schema that the Data API serves.
  if to_regclass('public.codeforge_migrations') is not null then
    alter table public.codeforge_migrations enable row level security;
    revoke all on public.codeforge_migrations from public, anon, authenticated;
  end if;
end
$$;

-- The clock of all that is written here: the database's, which all servers share.
create or replace function public.codeforge_now() returns timestamptz language sql stable as 'select pg_catalog.now()';

create or replace function public.codeforge_touch() returns trigger language plpgsql set search_path = '' as $$
begin
  new.updated_at := public.codeforge_now();
  return new;
end
$$;

-- Its name makes it the last of the triggers: an older one starts a job's time anew whenever it runs again.
create or replace function public.codeforge_touch_job() returns trigger language plpgsql set search_path = '' as $$
begin
  new.updated_at := public.codeforge_now();
  if new.status = 'running' then
    new.started_at := coalesce(old.started_at, new.started_at, new.updated_at);
  end if;
  if new.status in ('completed', 'failed', 'cancelled') then
    new.completed_at := coalesce(old.completed_at, new.updated_at);
  end if;
  return new;
end
$$;

do $$
declare t text;
begin
  foreach t in array array['profiles', 'projects', 'project_files'] loop
    if not exists (select from pg_catalog.pg_trigger where tgrelid = ('public.' || t)::regclass and not tgisinternal and tgname in ('zz_codeforge_touch')) then
      execute format('create trigger zz_codeforge_touch before update on public.%I for each row execute function public.codeforge_touch()', t);
    end if;
  end loop;
  if not exists (select from pg_catalog.pg_trigger where tgrelid = 'public.agent_jobs'::regclass and tgname = 'zz_codeforge_touch') then
    create trigger zz_codeforge_touch before update on public.agent_jobs for each row execute function public.codeforge_touch_job();
  end if;
end
$$;

-- Who signs up gets a profile. Where this login may not say so, the profile is made with the first project.
do $$
begin
  if to_regprocedure('public.handle_new_user()') is null then
    create function public.handle_new_user() returns trigger language plpgsql security definer set search_path = '' as $f$
    begin
      insert into public.profiles (id, full_name, avatar_url, skill_level)
        values (new.id, new.raw_user_meta_data ->> 'full_name', new.raw_user_meta_data ->> 'avatar_url', 'beginner')
        on conflict do nothing;
      return new;
    end
    $f$;
    revoke execute on function public.handle_new_user() from public, anon, authenticated;
  end if;
  if not exists (select from pg_catalog.pg_trigger where tgrelid = 'auth.users'::regclass and tgfoid = 'public.handle_new_user()'::regprocedure) then
    create trigger on_auth_user_created after insert on auth.users for each row execute function public.handle_new_user();
  end if;
exception when insufficient_privilege then
  raise notice 'no trigger on auth.users: profiles are made with the first project';
end
$$;

-- What web clients are told of. Deletions of files reach only those who watch a project if the old row is whole.
do $$
declare t text;
begin
  if not exists (select from pg_catalog.pg_publication where pubname = 'supabase_realtime') then
    create publication supabase_realtime;
  end if;
  foreach t in array array['projects', 'agent_jobs', 'project_files', 'chat_messages'] loop
    if not exists (select from pg_catalog.pg_publication_tables where pubname = 'supabase_realtime' and schemaname = 'public' and tablename = t) then
      execute format('alter publication supabase_realtime add table public.%I', t);
    end if;
  end loop;
  if (select relreplident <> 'f' from pg_catalog.pg_class where oid = 'public.project_files'::regclass) then
    alter table public.project_files replica identity full;
  end if;
exception when insufficient_privilege then
  raise notice 'publication supabase_realtime is not ours to change: add projects, agent_jobs, project_files and chat_messages to it';
end
$$;
