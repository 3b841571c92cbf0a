-- A database as an earlier CodeForge left it, with rows of two users.
create table public.profiles (
  id uuid not null primary key references auth.users on delete cascade,
  username text unique,
  full_name text,
  avatar_url text,
  skill_level text check (skill_level in ('beginner', 'intermediate', 'advanced')),
  created_at timestamptz default now() not null,
  updated_at timestamptz default now() not null
);
create table public.projects (
  id uuid default uuid_generate_v4() primary key,
  user_id uuid references public.profiles (id) on delete cascade not null,
  title text not null,
  description text,
  mode text check (mode in ('builder', 'student')) not null,
  status text default 'planning' not null,
  requirements_spec jsonb,
  architecture_spec jsonb,
  tech_stack text[],
  created_at timestamptz default now() not null,
  updated_at timestamptz default now() not null,
  constraint projects_status_check check (status in ('planning', 'in-progress', 'building', 'completed', 'archived'))
);
create table public.project_files (
  id uuid default uuid_generate_v4() primary key,
  project_id uuid references public.projects (id) on delete cascade not null,
  path text not null,
  content text,
  language text,
  version int default 1 not null,
  created_at timestamptz default now() not null,
  updated_at timestamptz default now() not null,
  unique (project_id, path)
);
create table public.learning_roadmaps (
  id uuid default uuid_generate_v4() primary key,
  project_id uuid references public.projects (id) on delete cascade not null,
  modules jsonb not null,
  current_step_index int default 0 not null,
  created_at timestamptz default now() not null
);
create table public.daily_sessions (
  id uuid default uuid_generate_v4() primary key,
  project_id uuid references public.projects (id) on delete cascade not null,
  transcript jsonb,
  concepts_covered text[],
  created_at timestamptz default now() not null
);
create table public.chat_messages (
  id uuid default uuid_generate_v4() primary key,
  project_id uuid references public.projects (id) on delete cascade not null,
  role text not null check (role in ('user', 'assistant', 'system')),
  content text not null,
  is_thinking boolean default false,
  created_at timestamptz default now() not null,
  metadata jsonb default '{}'
);
create table public.waitlist (email text primary key, created_at timestamptz default now() not null);

create index idx_projects_user_id on public.projects (user_id);
create index idx_projects_mode on public.projects (mode);
create index idx_project_files_project_id on public.project_files (project_id);
create index idx_project_files_path on public.project_files (path);
create index idx_learning_roadmaps_project_id on public.learning_roadmaps (project_id);
create index idx_chat_messages_project on public.chat_messages (project_id);

create function update_updated_at_column() returns trigger language plpgsql as $$
begin
  new.updated_at = now();
  return new;
end $$;
create trigger update_profiles_updated_at before update on public.profiles for each row execute function update_updated_at_column();
create trigger update_projects_updated_at before update on public.projects for each row execute function update_updated_at_column();
create trigger update_project_files_updated_at before update on public.project_files for each row execute function update_updated_at_column();

alter table public.profiles enable row level security;
alter table public.projects enable row level security;
alter table public.project_files enable row level security;
alter table public.learning_roadmaps enable row level security;
alter table public.daily_sessions enable row level security;
alter table public.chat_messages enable row level security;
alter table public.waitlist enable row level security;

create policy "Profiles for everyone" on public.profiles for select using (true);
create policy "Insert own profile" on public.profiles for insert with check (auth.uid() = id);
create policy "Update own profile" on public.profiles for update using (auth.uid() = id);
create policy "View own projects" on public.projects for select using (auth.uid() = user_id);
create policy "Insert own projects" on public.projects for insert with check (auth.uid() = user_id);
create policy "Update own projects" on public.projects for update using (auth.uid() = user_id);
create policy "Delete own projects" on public.projects for delete using (auth.uid() = user_id);
create policy "View files" on public.project_files for select
  using (exists (select 1 from public.projects where id = project_files.project_id and user_id = auth.uid()));
create policy "Insert files" on public.project_files for insert
  with check (exists (select 1 from public.projects where id = project_files.project_id and user_id = auth.uid()));
create policy "Update files" on public.project_files for update
  using (exists (select 1 from public.projects where id = project_files.project_id and user_id = auth.uid()));
create policy "Delete files" on public.project_files for delete
  using (exists (select 1 from public.projects where id = project_files.project_id and user_id = auth.uid()));
create policy "Manage roadmaps" on public.learning_roadmaps for all
  using (exists (select 1 from public.projects where id = learning_roadmaps.project_id and user_id = auth.uid()));
create policy "Manage sessions" on public.daily_sessions for all
  using (exists (select 1 from public.projects where id = daily_sessions.project_id and user_id = auth.uid()));
create policy "Read messages" on public.chat_messages for select
  using (exists (select 1 from public.projects where id = chat_messages.project_id and user_id = auth.uid()));
create policy "Public insert" on public.waitlist for insert with check (true);
create policy "Service role" on public.waitlist using (auth.role() = 'service_role');

create function public.handle_new_user() returns trigger language plpgsql security definer as $$
begin
  insert into public.profiles (id, username, skill_level) values (new.id, new.raw_user_meta_data ->> 'username', 'beginner');
  return new;
end $$;
create trigger on_auth_user_created after insert on auth.users for each row execute function public.handle_new_user();

create publication supabase_realtime;
alter publication supabase_realtime add table public.projects;
alter publication supabase_realtime add table public.chat_messages;

insert into auth.users (id, email, raw_user_meta_data) values
  ('a0000000-0000-4000-8000-000000000001', 'a@example.com', '{"username": "ann"}'),
  ('b0000000-0000-4000-8000-000000000002', 'b@example.com', '{"username": "bob"}');
insert into public.projects (id, user_id, title, description, mode, status, requirements_spec, tech_stack, created_at, updated_at) values
  ('a1000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'Ann''s shop', 'Sells tea', 'builder', 'in-progress', '{"app_name": "Tea"}', '{next,tailwind}', '2026-01-01', '2026-01-05'),
  ('a2000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000001', 'Ann''s course', null, 'student', 'planning', null, null, '2026-01-02', '2026-01-02'),
  ('b1000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-000000000002', 'Bob''s blog', '', 'builder', 'archived', null, '{}', '2026-01-03', '2026-01-03');
insert into public.project_files (id, project_id, path, content, language, version, created_at, updated_at) values
  ('f1000000-0000-4000-8000-000000000001', 'a1000000-0000-4000-8000-000000000001', 'src/page.tsx', 'export default 1', 'tsx', 3, '2026-01-03', '2026-01-04'),
  ('f2000000-0000-4000-8000-000000000002', 'a1000000-0000-4000-8000-000000000001', 'src/empty.ts', null, null, 1, '2026-01-03', '2026-01-03'),
  ('f3000000-0000-4000-8000-000000000003', 'a1000000-0000-4000-8000-000000000001', '../../etc/passwd', 'root', 'text', 1, '2026-01-03', '2026-01-03'),
  ('f4000000-0000-4000-8000-000000000004', 'b1000000-0000-4000-8000-000000000001', 'src/b.ts', 'b', 'typescript', 1, '2026-01-03', '2026-01-03');
insert into public.chat_messages (project_id, role, content, created_at) values
  ('a1000000-0000-4000-8000-000000000001', 'user', 'make it green', '2026-01-04'),
  ('a1000000-0000-4000-8000-000000000001', 'assistant', 'done', '2026-01-05');
insert into public.learning_roadmaps (project_id, modules) values ('a2000000-0000-4000-8000-000000000002', '[{"title": "One"}]');
insert into public.daily_sessions (project_id, transcript) values ('a2000000-0000-4000-8000-000000000002', '[]');
insert into public.waitlist (email) values ('w@example.com');
