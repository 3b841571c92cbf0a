-- What a Supabase project has before anything of ours: roles, the schema auth with its three functions, the table of
-- users. On a plain Postgres stand-ins are made; what exists is left alone.

do $$
declare r text;
begin
  foreach r in array array['anon', 'authenticated', 'service_role'] loop
    if not exists (select from pg_catalog.pg_roles where rolname = r) then
      begin
        execute format('create role %I nologin noinherit', r);
      exception
        when duplicate_object or unique_violation then null; -- a migration of another database was faster
        when insufficient_privilege then
          raise exception 'role % is missing and this login may not create it', r
            using hint = 'as a superuser: create role anon nologin; create role authenticated nologin; create role service_role nologin; grant anon, authenticated, service_role to ' || quote_ident(current_user);
      end;
    end if;
    if not pg_catalog.pg_has_role(current_user, r, 'member') then
      execute format('grant %I to %I', r, current_user);
    end if;
  end loop;

  if to_regnamespace('auth') is null then
    create schema auth;
    grant usage on schema auth to anon, authenticated, service_role;
  end if;
  if to_regclass('auth.users') is null then
    create table auth.users (
      id uuid primary key,
      email text,
      raw_user_meta_data jsonb,
      created_at timestamptz not null default now()
    );
    -- Nobody signs up here: a user becomes known with the first project (codeforge_ensure_profile).
    grant select, insert on auth.users to service_role;
  end if;
  -- The older setting of one claim wins when it is set. After a transaction that set one it is '' and not null.
  if to_regprocedure('auth.jwt()') is null then
    create function auth.jwt() returns jsonb language sql stable as
      'select coalesce(nullif(current_setting(''request.jwt.claim'', true), ''''), nullif(current_setting(''request.jwt.claims'', true), ''''))::jsonb';
  end if;
  if to_regprocedure('auth.uid()') is null then
    create function auth.uid() returns uuid language sql stable as
      'select coalesce(nullif(current_setting(''request.jwt.claim.sub'', true), ''''), nullif(current_setting(''request.jwt.claims'', true), '''')::jsonb ->> ''sub'')::uuid';
  end if;
  if to_regprocedure('auth.role()') is null then
    create function auth.role() returns text language sql stable as
      'select coalesce(nullif(current_setting(''request.jwt.claim.role'', true), ''''), nullif(current_setting(''request.jwt.claims'', true), '''')::jsonb ->> ''role'')';
  end if;
end
$$;
