-- Generated: see the test that compares it. A change belongs into the program's own migration.
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

-- codeforge_create_token stores {id, name, hint, hash, scopes, created_at, expires_at}; the hash is \x and hexadecimal digits.
create or replace function public.codeforge_create_token(p_user uuid, p_token jsonb) returns void language plpgsql set search_path = '' as $$
begin
  perform public.codeforge_ensure_profile(p_user);
  insert into public.api_tokens (id, user_id, name, hint, hash, scopes, created_at, expires_at)
    select t.id, p_user, t.name, t.hint, t.hash, t.scopes, t.created_at, t.expires_at from jsonb_populate_record(null::public.api_tokens, p_token) t;
end
$$;

-- codeforge_use_token finds a token by its hash and notes that it was used now, if the note is older than a minute. Revoked and
-- expired ones are found as well.
create or replace function public.codeforge_use_token(p_hash bytea, p_now timestamptz) returns setof public.api_tokens
language sql set search_path = '' as $$
  with noted as (
    update public.api_tokens set used_at = p_now where hash = p_hash and (used_at is null or used_at < p_now - interval '1 minute')
    returning *
  )
  select * from noted
  union all
  select * from public.api_tokens t where t.hash = p_hash and not exists (select from noted)
$$;

-- codeforge_revoke_token ends a token for good.
create or replace function public.codeforge_revoke_token(p_user uuid, p_token uuid, p_now timestamptz) returns void language plpgsql set search_path = '' as $$
begin
  update public.api_tokens set revoked_at = coalesce(revoked_at, p_now) where id = p_token and user_id = p_user;
  if not found then
    raise exception using errcode = 'PT404', message = 'Token not found', hint = 'Token', detail = coalesce(p_token::text, '');
  end if;
end
$$;

revoke execute on function public.codeforge_create_token(uuid, jsonb), public.codeforge_use_token(bytea, timestamptz), public.codeforge_revoke_token(uuid, uuid, timestamptz) from public, anon, authenticated;
grant execute on function public.codeforge_create_token(uuid, jsonb), public.codeforge_use_token(bytea, timestamptz), public.codeforge_revoke_token(uuid, uuid, timestamptz) to service_role;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 6';
notify pgrst, 'reload schema';
