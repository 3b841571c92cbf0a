-- The usual table of jobs.
create table public.agent_jobs (
  id uuid default uuid_generate_v4() primary key,
  project_id uuid references public.projects (id) on delete cascade not null,
  user_id uuid references public.profiles (id) on delete cascade not null,
  agent_type text not null,
  status text default 'queued' not null check (status in ('queued', 'running', 'completed', 'failed', 'waiting_for_input', 'cancelled')),
  progress float default 0.0 not null,
  result jsonb,
  error text,
  celery_task_id text,
  created_at timestamptz default now() not null,
  updated_at timestamptz default now() not null,
  started_at timestamptz,
  completed_at timestamptz
);
create index idx_agent_jobs_project on public.agent_jobs (project_id);
create index idx_agent_jobs_user on public.agent_jobs (user_id);
create index idx_agent_jobs_status on public.agent_jobs (status) where status not in ('completed', 'failed', 'cancelled');
alter table public.agent_jobs enable row level security;
create policy "Read own jobs" on public.agent_jobs for select using (auth.uid() = user_id);
create function public.handle_agent_job_updated_at() returns trigger language plpgsql as $$
begin
  if new.status = 'running' and old.status <> 'running' then
    new.started_at = now();
  end if;
  if new.status in ('completed', 'failed', 'cancelled') and old.status not in ('completed', 'failed', 'cancelled') then
    new.completed_at = now();
  end if;
  return new;
end $$;
create trigger on_agent_job_updated before update on public.agent_jobs for each row execute function public.handle_agent_job_updated_at();
create trigger update_agent_jobs_updated_at before update on public.agent_jobs for each row execute function update_updated_at_column();
alter publication supabase_realtime add table public.agent_jobs;
insert into public.agent_jobs (id, project_id, user_id, agent_type, status, progress, result, error, created_at, updated_at, started_at, completed_at) values
  ('c3000000-0000-4000-8000-000000000003', 'a1000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'code', 'running', 40, null, null, '2026-01-06', '2026-01-06', '2026-01-06', null),
  ('c1000000-0000-4000-8000-000000000001', 'a1000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'research', 'completed', 100, '{"app_name": "Tea"}', null, '2026-01-04', '2026-01-04', '2026-01-04', '2026-01-04'),
  ('c2000000-0000-4000-8000-000000000002', 'a1000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'builder', 'failed', 20, null, 'no luck', '2026-01-05', '2026-01-05', '2026-01-05', '2026-01-05');
