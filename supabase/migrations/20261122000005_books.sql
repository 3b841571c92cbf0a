-- Journal, ledger and budgets of model calls. Amounts are micro-dollars, spans microseconds. Nothing here refers to a job, a
-- project or a user by a foreign key: what was paid for stays in the books when they are gone.

-- Every attempt of a model call.
create table if not exists public.llm_calls (
  seq bigint generated always as identity primary key,
  id uuid not null unique,
  job_id uuid,
  project_id uuid,
  user_id uuid,
  agent text not null,
  call int not null,
  attempt int not null,
  provider text not null,
  model text not null,
  served text not null,
  input_tokens bigint not null,
  cached_read_tokens bigint not null,
  cache_write_tokens bigint not null,
  output_tokens bigint not null,
  reasoning_tokens bigint not null,
  usage_missing boolean not null,
  usage_partial boolean not null,
  cost bigint not null,
  estimated boolean not null,
  error_kind text not null,
  status int not null,
  finish text not null,
  first_token bigint not null,
  latency bigint not null,
  at timestamptz not null
);
create index if not exists llm_calls_of_user on public.llm_calls (user_id, at);
create index if not exists llm_calls_of_project on public.llm_calls (project_id, at);
create index if not exists llm_calls_of_job on public.llm_calls (job_id);

-- The answers that jobs got, as they came, so that a job which runs again gets them again.
create table if not exists public.llm_journal (
  job_id uuid not null,
  number int not null,
  hash text not null,
  created_at timestamptz not null,
  entry text not null,
  primary key (job_id, number, hash)
);
create index if not exists llm_journal_by_age on public.llm_journal (created_at);

-- Ceilings that were set over the API; those of the configuration are not stored.
create table if not exists public.budget_limits (
  scope text not null,
  id uuid not null,
  most bigint not null,
  primary key (scope, id)
);

-- What was spent, and what running calls may still cost, in each period that has a ceiling. period is its first day in UTC,
-- 1970-01-01 for the whole life of a job. A row is made when the first call under a ceiling comes, with what the ledger
-- says was spent before.
create table if not exists public.budget_periods (
  scope text not null,
  id uuid not null,
  period date not null,
  spent bigint not null,
  reserved bigint not null,
  primary key (scope, id, period)
);

-- Reservations, one row for each period that one counts against. One that lapsed has no worst case any more: its prompt
-- was booked as spent, and it is kept for a day, so that a record which comes late replaces that guess.
create table if not exists public.budget_holds (
  hold uuid not null,
  scope text not null,
  id uuid not null,
  period date not null,
  worst bigint not null,
  prompt bigint not null,
  lapses timestamptz not null,
  primary key (hold, scope, id, period)
);
create index if not exists budget_holds_by_end on public.budget_holds (scope, id, lapses);

-- Users read their own calls. All else is the system's.
do $$
declare t text;
begin
  foreach t in array array['llm_calls', 'llm_journal', 'budget_limits', 'budget_periods', 'budget_holds'] loop
    execute format('alter table public.%I enable row level security', t);
    execute format('revoke all on public.%I from public, anon, authenticated', t);
    execute format('grant select, insert, update, delete on public.%I to service_role', t);
    execute format('drop policy if exists codeforge_service on public.%I', t);
    execute format('create policy codeforge_service on public.%I to service_role using (true) with check (true)', t);
  end loop;
  grant select on public.llm_calls to authenticated;
  drop policy if exists codeforge_own_select on public.llm_calls;
  create policy codeforge_own_select on public.llm_calls for select to authenticated using (user_id = (select auth.uid()));
end
$$;
