-- The other table of jobs: no users, whole percents, a structured error, fewer agents and states, and users may write it.
create table public.agent_jobs (
  id uuid default uuid_generate_v4() primary key,
  project_id uuid references public.projects (id) on delete cascade not null,
  agent_type text not null check (agent_type in ('research', 'wireframe', 'code', 'qa', 'pedagogy', 'roadmap')),
  status text default 'queued' not null check (status in ('queued', 'running', 'completed', 'failed', 'cancelled')),
  progress int default 0 not null check (progress >= 0 and progress <= 100),
  result jsonb,
  error jsonb,
  created_at timestamptz default now() not null,
  updated_at timestamptz default now() not null,
  completed_at timestamptz
);
create index idx_agent_jobs_project_id on public.agent_jobs (project_id);
create trigger update_agent_jobs_updated_at before update on public.agent_jobs for each row execute function update_updated_at_column();
alter table public.agent_jobs enable row level security;
create policy "View jobs" on public.agent_jobs for select
  using (exists (select 1 from public.projects where projects.id = agent_jobs.project_id and projects.user_id = auth.uid()));
create policy "Create jobs" on public.agent_jobs for insert
  with check (exists (select 1 from public.projects where projects.id = agent_jobs.project_id and projects.user_id = auth.uid()));
create policy "Update jobs" on public.agent_jobs for update
  using (exists (select 1 from public.projects where projects.id = agent_jobs.project_id and projects.user_id = auth.uid()));
insert into public.agent_jobs (id, project_id, agent_type, status, progress, result, error, created_at, updated_at, completed_at) values
  ('c3000000-0000-4000-8000-000000000003', 'a1000000-0000-4000-8000-000000000001', 'code', 'running', 40, null, null, '2026-01-06', '2026-01-06', null),
  ('c1000000-0000-4000-8000-000000000001', 'a1000000-0000-4000-8000-000000000001', 'research', 'completed', 100, '{"app_name": "Tea"}', null, '2026-01-04', '2026-01-04', '2026-01-04'),
  ('c2000000-0000-4000-8000-000000000002', 'a1000000-0000-4000-8000-000000000001', 'code', 'failed', 20, null, '{"message": "no luck"}', '2026-01-05', '2026-01-05', '2026-01-05');
