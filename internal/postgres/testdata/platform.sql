-- What a hosted project has, made by an administrator who is not the login that migrates.
create schema auth;
create table auth.users (
  id uuid primary key,
  email varchar(255),
  raw_user_meta_data jsonb,
  created_at timestamptz default now()
);
create function auth.uid() returns uuid language sql stable as $$
  select coalesce(nullif(current_setting('request.jwt.claim.sub', true), ''), (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'))::uuid
$$;
create function auth.role() returns text language sql stable as $$
  select coalesce(nullif(current_setting('request.jwt.claim.role', true), ''), (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role'))
$$;
create function auth.jwt() returns jsonb language sql stable as $$
  select nullif(current_setting('request.jwt.claims', true), '')::jsonb
$$;
grant usage on schema auth to anon, authenticated, service_role, cf_owner;
grant all on auth.users to cf_owner;
alter default privileges for role cf_owner in schema public grant all on tables to anon, authenticated, service_role;
alter default privileges for role cf_owner in schema public grant all on functions to anon, authenticated, service_role;
alter default privileges for role cf_owner in schema public grant all on sequences to anon, authenticated, service_role;
create extension if not exists "uuid-ossp";
