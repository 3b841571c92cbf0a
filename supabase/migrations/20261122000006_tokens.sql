-- Tokens of our own, for machines that act for a user. Only their hashes are kept. They end with their user.

create table if not exists public.api_tokens (
  id uuid primary key,
  user_id uuid not null references public.profiles (id) on delete cascade,
  name text not null,
  hint text not null,
  hash bytea not null unique check (octet_length(hash) = 32),
  scopes text[] not null,
  created_at timestamptz not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  used_at timestamptz
);
create index if not exists api_tokens_of_user on public.api_tokens (user_id, created_at desc, id desc);
alter table public.api_tokens enable row level security;
revoke all on public.api_tokens from public, anon, authenticated;
grant select, insert, update, delete on public.api_tokens to service_role;
drop policy if exists codeforge_service on public.api_tokens;
create policy codeforge_service on public.api_tokens to service_role using (true) with check (true);
