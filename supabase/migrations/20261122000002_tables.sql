-- Tables, on an empty database or beside what an earlier CodeForge left there. Rows are kept; columns are added; a column
-- is changed in type only where the two older variants of agent_jobs differ.

create table if not exists public.profiles (
  id uuid primary key references auth.users on delete cascade,
  username text unique,
  full_name text,
  avatar_url text,
  skill_level text check (skill_level in ('beginner', 'intermediate', 'advanced')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table if not exists public.projects (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references public.profiles (id) on delete cascade,
  title text not null,
  description text,
  mode text not null check (mode in ('builder', 'student')),
  status text not null default 'planning' constraint projects_status_check check (status in ('planning', 'in-progress', 'building', 'completed', 'archived')),
  requirements_spec jsonb,
  architecture_spec jsonb,
  tech_stack text[],
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
alter table public.projects add column if not exists revision bigint not null default 0;

create table if not exists public.project_files (
  id uuid primary key default gen_random_uuid(),
  project_id uuid not null references public.projects (id) on delete cascade,
  path text not null,
  content text,
  language text,
  version int not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (project_id, path)
);

create table if not exists public.agent_jobs (
  id uuid primary key default gen_random_uuid(),
  project_id uuid not null references public.projects (id) on delete cascade,
  user_id uuid not null references public.profiles (id) on delete cascade,
  agent_type text not null,
  status text not null default 'queued' constraint agent_jobs_status_check check (status in ('queued', 'running', 'completed', 'failed', 'waiting_for_input', 'cancelled')),
  progress double precision not null default 0,
  result jsonb,
  error text,
  celery_task_id text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  started_at timestamptz,
  completed_at timestamptz
);

create table if not exists public.chat_messages (
  id uuid primary key default gen_random_uuid(),
  project_id uuid not null references public.projects (id) on delete cascade,
  role text not null check (role in ('user', 'assistant', 'system')),
  content text not null,
  is_thinking boolean default false,
  created_at timestamptz not null default now(),
  metadata jsonb default '{}'::jsonb
);

create table if not exists public.learning_roadmaps (
  id uuid primary key default gen_random_uuid(),
  project_id uuid not null references public.projects (id) on delete cascade,
  modules jsonb not null,
  current_step_index int not null default 0,
  created_at timestamptz not null default now()
);

create table if not exists public.daily_sessions (
  id uuid primary key default gen_random_uuid(),
  project_id uuid not null references public.projects (id) on delete cascade,
  transcript jsonb,
  concepts_covered text[],
  duration_minutes int not null default 0,
  created_at timestamptz not null default now()
);
alter table public.daily_sessions add column if not exists duration_minutes int not null default 0;

create table if not exists public.waitlist (
  email text primary key,
  created_at timestamptz not null default now()
);

do $$
begin
  if to_regclass('public.pattern_embeddings') is null
    and exists (select from pg_catalog.pg_available_extensions where name = 'vector') then
    begin
      create extension if not exists vector;
      create table public.pattern_embeddings (
        id uuid primary key default gen_random_uuid(),
        project_type text not null,
        embedding vector(1536),
        metadata jsonb,
        success_score double precision not null default 0,
        created_at timestamptz not null default now()
      );
      create index pattern_embeddings_near on public.pattern_embeddings using ivfflat (embedding vector_cosine_ops) with (lists = 100);
    exception when insufficient_privilege or undefined_object then
      raise notice 'extension vector is available but not to this login: no pattern_embeddings';
    end;
  end if;
end
$$;

-- The variant of agent_jobs without users, with whole percents and a structured error becomes the common one.
do $$
declare c record;
begin
  alter table public.agent_jobs disable trigger user; -- what is filled in here is no change of a job
  alter table public.agent_jobs
    add column if not exists user_id uuid references public.profiles (id) on delete cascade,
    add column if not exists celery_task_id text,
    add column if not exists updated_at timestamptz not null default now(),
    add column if not exists started_at timestamptz,
    add column if not exists completed_at timestamptz;
  if exists (select from public.agent_jobs where user_id is null) then
    update public.agent_jobs j set user_id = p.user_id from public.projects p where p.id = j.project_id and j.user_id is null;
  end if;
  alter table public.agent_jobs alter column user_id set not null;
  if (select atttypid <> 'double precision'::regtype from pg_catalog.pg_attribute where attrelid = 'public.agent_jobs'::regclass and attname = 'progress') then
    alter table public.agent_jobs alter column progress drop default;
    alter table public.agent_jobs alter column progress type double precision;
    alter table public.agent_jobs alter column progress set default 0;
  end if;
  if (select atttypid <> 'text'::regtype from pg_catalog.pg_attribute where attrelid = 'public.agent_jobs'::regclass and attname = 'error') then
    alter table public.agent_jobs alter column error type text using coalesce(to_jsonb(error) ->> 'message', to_jsonb(error) #>> '{}');
  end if;
  -- Checks that do not know all agents, or all states, would refuse ours.
  for c in
    select conname, pg_catalog.pg_get_constraintdef(oid) as def from pg_catalog.pg_constraint
    where conrelid = 'public.agent_jobs'::regclass and contype = 'c'
  loop
    if (c.def like '%agent_type%' and c.def not like '%builder%') or (c.def like '%status%' and c.def not like '%waiting_for_input%') then
      execute format('alter table public.agent_jobs drop constraint %I', c.conname);
    end if;
  end loop;
  if not exists (select from pg_catalog.pg_constraint where conrelid = 'public.agent_jobs'::regclass and contype = 'c' and pg_catalog.pg_get_constraintdef(oid) like '%waiting_for_input%') then
    alter table public.agent_jobs add constraint agent_jobs_status_check
      check (status in ('queued', 'running', 'completed', 'failed', 'waiting_for_input', 'cancelled')) not valid;
  end if;

  -- seq is the order of submission: for old rows that of their creation.
  if not exists (select from pg_catalog.pg_attribute where attrelid = 'public.agent_jobs'::regclass and attname = 'seq' and not attisdropped) then
    alter table public.agent_jobs add column seq bigint;
    update public.agent_jobs j set seq = o.n from (select id, row_number() over (order by created_at, id) as n from public.agent_jobs) o where o.id = j.id;
    alter table public.agent_jobs alter column seq set not null;
    execute format('alter table public.agent_jobs alter column seq add generated by default as identity (start with %s)',
      (select coalesce(max(seq), 0) + 1 from public.agent_jobs));
  end if;
  alter table public.agent_jobs enable trigger user;
end
$$;

-- due_at is when a job may be claimed: a queued one at its time, a running one at the end of its lease, others (null)
-- never. Open jobs from before have null: whoever queued them knows their input, we do not.
alter table public.agent_jobs
  add column if not exists input_context json not null default '{}',
  add column if not exists clarification_data json,
  add column if not exists changes_files boolean not null default false,
  add column if not exists due_at timestamptz,
  add column if not exists worker text,
  add column if not exists fence bigint not null default 0,
  add column if not exists failures int not null default 0,
  add column if not exists crashes int not null default 0,
  add column if not exists base bigint,
  add column if not exists revision bigint not null default 0;

create table if not exists public.job_aliases (
  alias uuid primary key,
  job_id uuid not null references public.agent_jobs (id) on delete cascade,
  user_id uuid not null
);

-- progress is that of the job after the event. The job's own row follows about once a second, since every change of it
-- goes to all who watch it.
create table if not exists public.job_events (
  job_id uuid not null references public.agent_jobs (id) on delete cascade,
  seq bigint not null,
  user_id uuid not null,
  type text not null,
  data json not null,
  progress double precision not null,
  created_at timestamptz not null,
  primary key (job_id, seq)
);

-- Deferred: the key is taken before the job is made, so that of two submissions with it one waits for the other.
create table if not exists public.idempotency_keys (
  user_id uuid not null,
  key text not null,
  job_id uuid not null references public.agent_jobs (id) on delete cascade deferrable initially deferred,
  created_at timestamptz not null default now(),
  primary key (user_id, key)
);

create table if not exists public.project_revisions (
  project_id uuid not null references public.projects (id) on delete cascade,
  number bigint not null,
  job_id uuid,
  author text not null,
  message text not null,
  files_changed int not null,
  created_at timestamptz not null,
  primary key (project_id, number)
);

-- Every state that a path ever had. Rows are never changed. The newest also stands in project_files, which others read.
create table if not exists public.file_revisions (
  project_id uuid not null references public.projects (id) on delete cascade,
  path text collate "C" not null,
  revision bigint not null,
  file_id uuid not null,
  deleted boolean not null,
  language text not null,
  version bigint not null,
  content text not null,
  file_created_at timestamptz not null,
  created_at timestamptz not null,
  primary key (project_id, path, revision)
);

-- What the files of a project were before there were revisions is its first one.
do $$
begin
  if not exists (select from pg_catalog.pg_attribute where attrelid = 'public.project_files'::regclass and attname = 'revision' and not attisdropped) then
    alter table public.project_files add column revision bigint not null default 1; -- for the rows that are there
    alter table public.project_files alter column revision set default 0;
    alter table public.projects disable trigger user;
    insert into public.project_revisions (project_id, number, author, message, files_changed, created_at)
      select project_id, 1, 'user', 'Files from before revisions were kept', count(*), max(updated_at) from public.project_files group by project_id;
    insert into public.file_revisions (project_id, path, revision, file_id, deleted, language, version, content, file_created_at, created_at)
      select project_id, path, 1, id, false, coalesce(language, ''), version, coalesce(content, ''), created_at, updated_at from public.project_files;
    update public.projects p set revision = 1 where exists (select from public.project_files f where f.project_id = p.id);
    alter table public.projects enable trigger user;
  end if;
end
$$;

create index if not exists projects_of_user on public.projects (user_id, created_at desc, id desc);
create index if not exists agent_jobs_of_project on public.agent_jobs (project_id, seq desc);
create index if not exists agent_jobs_of_user on public.agent_jobs (user_id);
create index if not exists agent_jobs_due on public.agent_jobs (due_at) where due_at is not null;
create index if not exists agent_jobs_in_line on public.agent_jobs (project_id, seq) where due_at is not null and changes_files;
create index if not exists agent_jobs_ended on public.agent_jobs (completed_at) where completed_at is not null;
create index if not exists job_aliases_of_job on public.job_aliases (job_id);
create index if not exists idempotency_keys_of_job on public.idempotency_keys (job_id);
create index if not exists file_revisions_of_revision on public.file_revisions (project_id, revision);
create index if not exists chat_messages_of_project on public.chat_messages (project_id, created_at desc, id desc);
create index if not exists learning_roadmaps_of_project on public.learning_roadmaps (project_id);
create index if not exists daily_sessions_of_project on public.daily_sessions (project_id);

-- The last wall behind the rules of the program. Rows from before that break them stay, so these are checked for new rows
-- only, unless all old ones pass.
do $$
declare c record;
begin
  for c in
    select * from (values
      ('project_files', 'codeforge_path', $c$check (char_length(path) <= 500
        and path !~ '(^|/)\.{0,2}(/|$)' and path !~ '^[A-Za-z]:' and path !~ '[^/]{255}[^/]'
        and path !~ '[\x01-\x1f\x7f-\x9f\\\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]')$c$),
      ('project_files', 'codeforge_size', $c$check (char_length(content) <= 100000)$c$),
      ('projects', 'codeforge_title', $c$check (char_length(title) <= 200)$c$),
      -- pg_column_size reads the length of what is stored, not the document.
      ('projects', 'codeforge_specs', $c$check (pg_column_size(requirements_spec) <= 1000000 and pg_column_size(architecture_spec) <= 1000000)$c$),
      ('projects', 'codeforge_description', $c$check (char_length(description) <= 1000)$c$),
      ('agent_jobs', 'codeforge_input', $c$check (pg_column_size(input_context) <= 300000)$c$)
    ) as v (tab, name, def)
  loop
    if not exists (select from pg_catalog.pg_constraint where conrelid = ('public.' || c.tab)::regclass and conname = c.name) then
      execute format('alter table public.%I add constraint %I %s not valid', c.tab, c.name, c.def);
      begin
        execute format('alter table public.%I validate constraint %I', c.tab, c.name);
      exception when check_violation then
        raise notice 'rows of % from before break the rule % and stay as they are', c.tab, c.name;
      end;
    end if;
  end loop;
end
$$;
