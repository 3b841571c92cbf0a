-- The text of a file is kept once in a project, whatever paths and revisions have it: rows of file_revisions name it by its hash.
-- This file only makes the places, which takes no time; the next one fills them.

create table if not exists public.file_contents (
  project_id uuid not null references public.projects (id) on delete cascade,
  hash bytea not null, -- SHA-256
  user_id uuid not null, -- whose project it is
  size int not null, -- in bytes
  content text not null,
  primary key (project_id, hash)
);
alter table public.file_revisions add column if not exists hash bytea; -- null: deleted
alter table public.file_revisions add column if not exists size int;
alter table public.file_revisions alter column content drop not null; -- what is written there moves on to file_contents

-- The bytes in file_contents, by user.
create table if not exists public.stored_bytes (
  user_id uuid primary key references public.profiles (id) on delete cascade,
  bytes bigint not null
);
alter table public.codeforge_quota add column if not exists bytes bigint not null default 0;

alter table public.file_contents enable row level security;
alter table public.stored_bytes enable row level security;
revoke all on public.file_contents, public.stored_bytes from public, anon, authenticated;
grant select, insert, update, delete on public.file_contents to service_role;
grant select on public.file_contents to authenticated;
drop policy if exists codeforge_service on public.file_contents;
create policy codeforge_service on public.file_contents to service_role using (true) with check (true);
drop policy if exists codeforge_own_select on public.file_contents;
create policy codeforge_own_select on public.file_contents for select to authenticated using (user_id = (select auth.uid()));

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 15';
notify pgrst, 'reload schema';
