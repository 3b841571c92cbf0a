-- Files that are no text, or too long for one, are blobs: their bytes lie in file_contents beside the texts, each once in a project, and
-- no list, diff or restore moves them. Beside a revision lie what a check of it came to, its screenshots and its lock of packages.

alter table public.file_contents
  alter column content drop not null,
  add column if not exists bytes bytea; -- of a blob; then content is null
do $$
begin
  if not exists (select from pg_catalog.pg_constraint where conrelid = 'public.file_contents'::regclass and conname = 'file_contents_one') then
    alter table public.file_contents add constraint file_contents_one check ((content is null) <> (bytes is null)) not valid;
  end if;
end
$$;

-- Of a blob the content is null, as clients know it of an empty file, and these are not.
alter table public.project_files
  add column if not exists encoding text, -- base64
  add column if not exists hash text,     -- SHA-256 in hexadecimal
  add column if not exists size bigint;

alter table public.project_revisions
  add column if not exists evidence jsonb,
  add column if not exists lock bytea; -- its hash in file_contents; a revision has that of the one before, or its own
create index if not exists project_revisions_of_content on public.project_revisions (project_id, lock) where lock is not null;
do $$
begin
  if not exists (select from pg_catalog.pg_constraint where conrelid = 'public.project_revisions'::regclass and conname = 'project_revisions_lock') then
    alter table public.project_revisions add constraint project_revisions_lock foreign key (project_id, lock) references public.file_contents (project_id, hash);
  end if;
end
$$;

create table if not exists public.revision_screenshots (
  project_id uuid not null references public.projects (id) on delete cascade,
  revision bigint not null,
  page text collate "C" not null,
  width int not null,
  user_id uuid not null,
  type text not null,
  hash bytea not null,
  primary key (project_id, revision, page, width),
  foreign key (project_id, hash) references public.file_contents (project_id, hash)
);
create index if not exists revision_screenshots_of_content on public.revision_screenshots (project_id, hash);

-- What was put and is in no revision yet.
create table if not exists public.blob_puts (
  project_id uuid not null references public.projects (id) on delete cascade,
  hash bytea not null,
  user_id uuid not null,
  size bigint not null,
  at timestamptz not null,
  primary key (project_id, hash),
  foreign key (project_id, hash) references public.file_contents (project_id, hash)
);
create index if not exists blob_puts_by_age on public.blob_puts (at);

do $$
declare t text;
begin
  foreach t in array array['revision_screenshots', 'blob_puts'] loop
    execute format('alter table public.%I enable row level security', t);
    execute format('revoke all on public.%I from public, anon, authenticated', t);
    execute format('grant select, insert, update, delete on public.%I to service_role', t);
    execute format('grant select on public.%I to authenticated', t);
    execute format('drop policy if exists codeforge_service on public.%I', t);
    execute format('create policy codeforge_service on public.%I to service_role using (true) with check (true)', t);
    execute format('drop policy if exists codeforge_own_select on public.%I', t);
    execute format('create policy codeforge_own_select on public.%I for select to authenticated using (user_id = (select auth.uid()))', t);
  end loop;
end
$$;

-- What a row has goes with the last row that has it.
create or replace function public.codeforge_sweep_hash(p_project uuid, p_hash bytea) returns void language sql security definer set search_path = '' as $$
  delete from public.file_contents c where c.project_id = p_project and c.hash = p_hash
    and not exists (select from public.file_revisions r where r.project_id = p_project and r.hash = p_hash)
    and not exists (select from public.job_files f where f.project_id = p_project and f.hash = p_hash)
    and not exists (select from public.proposal_files f where f.project_id = p_project and f.hash = p_hash)
    and not exists (select from public.project_revisions r where r.project_id = p_project and r.lock = p_hash)
    and not exists (select from public.revision_screenshots s where s.project_id = p_project and s.hash = p_hash)
    and not exists (select from public.blob_puts b where b.project_id = p_project and b.hash = p_hash)
$$;
create or replace function public.codeforge_sweep_content() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform public.codeforge_sweep_hash(old.project_id, old.hash);
  return null;
end
$$;
create or replace function public.codeforge_sweep_lock() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform public.codeforge_sweep_hash(old.project_id, old.lock);
  return null;
end
$$;
do $$
declare r record;
begin
  for r in
    select * from (values ('revision_screenshots', 'hash', 'content'), ('blob_puts', 'hash', 'content'), ('project_revisions', 'lock', 'lock')) as v (tab, col, what)
  loop
    execute format('drop trigger if exists codeforge_sweep_deleted on public.%I', r.tab);
    execute format('create trigger codeforge_sweep_deleted after delete on public.%1$I for each row when (old.%2$I is not null) execute function public.codeforge_sweep_%3$s()', r.tab, r.col, r.what);
    execute format('drop trigger if exists codeforge_sweep_changed on public.%I', r.tab);
    execute format('create trigger codeforge_sweep_changed after update on public.%1$I for each row when (old.%2$I is not null and old.%2$I is distinct from new.%2$I) execute function public.codeforge_sweep_%3$s()',
      r.tab, r.col, r.what);
  end loop;
end
$$;

-- Limits. Refusals: PT413, hint: of what, detail: the limit and what there would be.
alter table public.codeforge_quota
  add column if not exists blob bigint not null default 0,
  add column if not exists long_text bigint not null default 0,
  add column if not exists project_blobs bigint not null default 0;

drop function if exists public.codeforge_set_quota(int, int, int, bigint);
create or replace function public.codeforge_set_quota(p_projects int, p_revisions_a_day int, p_open_jobs int, p_bytes bigint default null,
  p_blob bigint default null, p_long_text bigint default null, p_project_blobs bigint default null) returns void
language sql security definer set search_path = '' as $$
  update public.codeforge_quota q set projects = p_projects, revisions_a_day = p_revisions_a_day, open_jobs = p_open_jobs, bytes = n.bytes, blob = n.blob,
      long_text = n.long_text, project_blobs = n.project_blobs
    from (select coalesce(p_bytes, bytes) as bytes, coalesce(p_blob, blob) as blob, coalesce(p_long_text, long_text) as long_text,
      coalesce(p_project_blobs, project_blobs) as project_blobs from public.codeforge_quota) n
    where (q.projects, q.revisions_a_day, q.open_jobs, q.bytes, q.blob, q.long_text, q.project_blobs)
      is distinct from (p_projects, p_revisions_a_day, p_open_jobs, n.bytes, n.blob, n.long_text, n.project_blobs)
$$;

create or replace function public.codeforge_over(p_what text, p_most bigint, p_bytes bigint) returns void language plpgsql set search_path = '' as $$
begin
  if p_most > 0 and p_bytes > p_most then
    raise exception using errcode = 'PT413', message = format('%s: at most %s bytes, not %s', p_what, p_most, p_bytes), hint = p_what, detail = format('%s %s', p_most, p_bytes);
  end if;
end
$$;

-- codeforge_check_put refuses one blob, or text, that is too large, and too many that are in no revision.
create or replace function public.codeforge_check_put(p_project uuid, p_size bigint, p_text boolean) returns void language plpgsql security definer set search_path = '' as $$
declare q public.codeforge_quota;
begin
  select * into q from public.codeforge_quota;
  perform public.codeforge_over('blob', q.blob, p_size);
  if p_text then
    perform public.codeforge_over('text', q.long_text, p_size);
  end if;
  if q.project_blobs > 0 then
    perform public.codeforge_over('puts', q.project_blobs, (select coalesce(sum(size), 0)::bigint from public.blob_puts where project_id = p_project));
  end if;
end
$$;

-- codeforge_check_blobs refuses a project that comes to have too many bytes of blobs. One that has too many may shrink.
create or replace function public.codeforge_check_blobs(p_project uuid, p_before bigint) returns void language plpgsql security definer set search_path = '' as $$
declare
  v_most bigint;
  v_bytes bigint;
begin
  select project_blobs into v_most from public.codeforge_quota;
  if v_most > 0 then
    select coalesce(sum(size), 0) into v_bytes from public.project_files where project_id = p_project and hash is not null;
    if v_bytes > (select coalesce(sum(f.size), 0) from public.codeforge_tree_at(p_project, p_before) f where f.hash is not null) then
      perform public.codeforge_over('blobs', v_most, v_bytes);
    end if;
  end if;
end
$$;

create or replace function public.codeforge_no_blob() returns void language plpgsql set search_path = '' as $$
begin
  raise exception using errcode = 'PT400', message = 'names no blob of the project: put its bytes first', hint = 'hash';
end
$$;

-- codeforge_check_named refuses changes that name what the project does not have.
create or replace function public.codeforge_check_named(p_project uuid, p_changes json) returns void language plpgsql set search_path = '' as $$
begin
  if exists (select from json_to_recordset(p_changes) as n (hash text, delete boolean) where n.hash <> '' and not coalesce(n.delete, false)
      and not exists (select from public.file_contents c where c.project_id = p_project and c.hash = decode(n.hash, 'hex'))) then
    perform public.codeforge_no_blob();
  end if;
end
$$;

-- codeforge_store_blob stores {text} or {base64}, unless the project has it.
create or replace function public.codeforge_store_blob(p_project uuid, p_blob json, out hash bytea, out size bigint, out stored bigint) language plpgsql set search_path = '' as $$
declare
  v_text text := p_blob ->> 'text';
  v_bytes bytea := case when v_text is null then decode(p_blob ->> 'base64', 'base64') end;
begin
  hash := sha256(coalesce(v_bytes, convert_to(v_text, 'UTF8')));
  size := octet_length(coalesce(v_bytes, convert_to(v_text, 'UTF8')));
  insert into public.file_contents (project_id, hash, user_id, size, content, bytes)
    select p.id, codeforge_store_blob.hash, p.user_id, codeforge_store_blob.size, v_text, v_bytes from public.projects p where p.id = p_project on conflict do nothing;
  stored := case when found then size else 0 end;
end
$$;

-- codeforge_put_blob keeps {text} or {base64} for files that are to come. p_text tells that it is a text, of any length.
create or replace function public.codeforge_put_blob(p_user uuid, p_project uuid, p_blob json, p_text boolean) returns void language plpgsql set search_path = '' as $$
declare b record;
begin
  perform public.codeforge_own_project(p_user, p_project, false, null);
  select * into b from public.codeforge_store_blob(p_project, p_blob);
  if b.stored > 0 or not exists (select from public.file_revisions r where r.project_id = p_project and r.hash = b.hash) then
    insert into public.blob_puts (project_id, hash, user_id, size, at) values (p_project, b.hash, p_user, b.size, public.codeforge_now())
      on conflict (project_id, hash) do update set at = excluded.at;
  end if;
  perform public.codeforge_check_put(p_project, b.size, p_text);
  perform public.codeforge_count_bytes(p_project, b.stored, true);
end
$$;

create or replace function public.codeforge_blob_json(c public.file_contents) returns json language sql stable as $$
  select json_build_object('text', c.content, 'base64', encode(c.bytes, 'base64'))
$$;

-- codeforge_read_blob returns {blob}, which is null when there is none.
create or replace function public.codeforge_read_blob(p_user uuid, p_project uuid, p_hash text) returns setof json language sql stable as $$
  select json_build_object('blob', (select public.codeforge_blob_json(c) from public.file_contents c where c.project_id = p.id and c.hash = decode(p_hash, 'hex')))
  from public.projects p where p.id = p_project and p.user_id = p_user
$$;

-- codeforge_put_screenshots puts [{page, width, type, hash}] in place of those that a revision has, and drops those of old ones.
create or replace function public.codeforge_put_screenshots(p_project uuid, p_number bigint, p_shots json) returns void language plpgsql set search_path = '' as $$
begin
  if exists (select from json_to_recordset(p_shots) as s (hash text)
      where not exists (select from public.file_contents c where c.project_id = p_project and c.hash = decode(s.hash, 'hex'))) then
    perform public.codeforge_no_blob();
  end if;
  -- New ones come first: what is in both must not go in between.
  insert into public.revision_screenshots (project_id, revision, page, width, user_id, type, hash)
    select p.id, p_number, s.page, s.width, p.user_id, s.type, decode(s.hash, 'hex') from json_to_recordset(p_shots) as s (page text, width int, type text, hash text), public.projects p
      where p.id = p_project
    on conflict (project_id, revision, page, width) do update set type = excluded.type, hash = excluded.hash;
  delete from public.revision_screenshots o where o.project_id = p_project and o.revision = p_number
    and not exists (select from json_to_recordset(p_shots) as s (page text, width int) where s.page = o.page and s.width = o.width);
  delete from public.blob_puts b using json_to_recordset(p_shots) as s (hash text) where b.project_id = p_project and b.hash = decode(s.hash, 'hex');
  delete from public.revision_screenshots where project_id = p_project and revision <=
    (select distinct revision from public.revision_screenshots where project_id = p_project order by revision desc limit 1 offset public.codeforge_limit('kept_screenshots'));
end
$$;

create or replace function public.codeforge_screenshots_json(p_project uuid, p_number bigint) returns json language sql stable as $$
  select coalesce(json_agg(json_build_object('page', s.page, 'width', s.width, 'type', s.type, 'hash', encode(s.hash, 'hex')) order by s.page, s.width), '[]')
  from public.revision_screenshots s where s.project_id = p_project and s.revision = p_number
$$;

-- codeforge_read_screenshots returns {screenshots}, and null when there is no such revision.
create or replace function public.codeforge_read_screenshots(p_user uuid, p_project uuid, p_number bigint) returns setof json language sql stable as $$
  select json_build_object('screenshots', (select public.codeforge_screenshots_json(r.project_id, r.number) from public.project_revisions r where r.project_id = p.id and r.number = p_number))
  from public.projects p where p.id = p_project and p.user_id = p_user
$$;

-- codeforge_read_screenshot returns {revision, screenshot, blob}: whether there is that revision, and null where there is none.
create or replace function public.codeforge_read_screenshot(p_user uuid, p_project uuid, p_number bigint, p_page text, p_width int) returns setof json language sql stable as $$
  select json_build_object('revision', exists (select from public.project_revisions r where r.project_id = p.id and r.number = p_number),
    'screenshot', case when s.hash is not null then json_build_object('page', s.page, 'width', s.width, 'type', s.type, 'hash', encode(s.hash, 'hex')) end,
    'blob', (select public.codeforge_blob_json(c) from public.file_contents c where c.project_id = s.project_id and c.hash = s.hash))
  from public.projects p
  left join public.revision_screenshots s on s.project_id = p.id and s.revision = p_number and s.page = p_page collate "C" and s.width = p_width
  where p.id = p_project and p.user_id = p_user
$$;

-- codeforge_read_lock returns {blob}: the lock of a revision, for 0 of the newest.
create or replace function public.codeforge_read_lock(p_user uuid, p_project uuid, p_number bigint) returns setof json language sql stable as $$
  select json_build_object('blob', (
    select public.codeforge_blob_json(c) from public.project_revisions r join public.file_contents c on c.project_id = r.project_id and c.hash = r.lock
    where r.project_id = p.id and r.number = case p_number when 0 then p.revision else p_number end))
  from public.projects p where p.id = p_project and p.user_id = p_user
$$;

-- codeforge_mark_checked notes {evidence, lock, screenshots} beside a revision; the lock is that of before where there is none.
drop function if exists public.codeforge_mark_verified(uuid, uuid, bigint, boolean);
create or replace function public.codeforge_mark_checked(p_user uuid, p_project uuid, p_number bigint, p_verified boolean, p_beside json) returns void
language plpgsql set search_path = '' as $$
declare
  v_lock bytea;
  v_stored bigint;
begin
  perform public.codeforge_own_project(p_user, p_project, false, null);
  if not exists (select from public.project_revisions where project_id = p_project and number = p_number) then
    raise exception using errcode = 'PT404', message = 'Revision not found', hint = 'Revision', detail = p_number;
  end if;
  if p_beside ->> 'lock' is not null then
    select b.hash, b.stored into v_lock, v_stored from public.codeforge_store_blob(p_project, p_beside -> 'lock') b;
  end if;
  update public.project_revisions set verified = p_verified, evidence = (p_beside ->> 'evidence')::jsonb, lock = coalesce(v_lock, lock)
    where project_id = p_project and number = p_number
      and (verified, evidence, lock) is distinct from (p_verified, (p_beside ->> 'evidence')::jsonb, coalesce(v_lock, lock));
  perform public.codeforge_put_screenshots(p_project, p_number, coalesce(p_beside -> 'screenshots', '[]'));
  perform public.codeforge_count_bytes(p_project, v_stored, false);
end
$$;

-- The functions of before, with blobs. Whether what a hash names is a blob, its row in file_contents tells.

create or replace function public.codeforge_limit(p_name text) returns bigint language sql immutable as $$
  select case p_name when 'files' then 2000 when 'tree_bytes' then 32000000 when 'path' then 500 when 'path_segment' then 255 when 'content' then 100000
    when 'title' then 200 when 'description' then 1000 when 'suspect_crashes' then 2 when 'kept_screenshots' then 50 end::bigint
$$;

create or replace function public.codeforge_file_json(f public.project_files, p_content boolean) returns json language sql stable as $$
  select json_build_object('id', f.id, 'project_id', f.project_id, 'path', f.path, 'language', f.language, 'version', f.version, 'size', coalesce(f.size, octet_length(f.content)),
    'hash', f.hash, 'revision', f.revision, 'created_at', f.created_at, 'updated_at', f.updated_at, 'content', case when p_content then f.content end)
$$;
create or replace function public.codeforge_file_json(f public.file_revisions, p_content boolean) returns json language sql stable as $$
  select json_build_object('id', f.file_id, 'project_id', f.project_id, 'path', f.path, 'language', f.language, 'version', f.version, 'size', f.size,
    'hash', (select encode(c.hash, 'hex') from public.file_contents c where c.project_id = f.project_id and c.hash = f.hash and c.content is null),
    'revision', f.revision, 'created_at', f.file_created_at, 'updated_at', f.created_at,
    'content', case when p_content then coalesce(f.content, (select c.content from public.file_contents c where c.project_id = f.project_id and c.hash = f.hash)) end)
$$;

create or replace function public.codeforge_revision_json(r public.project_revisions) returns json
language sql stable as $$
  select json_build_object('revision', r.number, 'job_id', r.job_id, 'author', r.author, 'message', r.message, 'files_changed', r.files_changed,
    'verified', r.verified, 'evidence', r.evidence, 'created_at', r.created_at)
$$;

-- codeforge_tree_at is the files of a project as they were in a revision; hash is that of a blob, in hexadecimal.
create or replace function public.codeforge_tree_at(p_project uuid, p_revision bigint) returns table (id uuid, path text, language text, version bigint, content text,
  hash text, size int, revision bigint, created_at timestamptz, updated_at timestamptz) language sql stable as $$
  select s.file_id, s.path, s.language, s.version, c.content, case when c.content is null then encode(c.hash, 'hex') end, s.size, s.revision, s.file_created_at, s.created_at from (
    select distinct on (path) * from public.file_revisions where project_id = p_project and revision <= p_revision order by path, revision desc
  ) s left join public.file_contents c on c.project_id = s.project_id and c.hash = s.hash where not s.deleted order by s.path
$$;

create or replace function public.codeforge_snapshot(p_project uuid, p_number bigint) returns setof json language sql stable as $$
  select coalesce((select json_agg(json_build_object('id', f.id, 'project_id', p.id, 'path', f.path, 'language', f.language, 'version', f.version, 'size', f.size, 'hash', f.hash,
    'revision', f.revision, 'created_at', f.created_at, 'updated_at', f.updated_at, 'content', f.content)) from public.codeforge_tree_at(p.id, p_number) f), '[]')
  from public.projects p where p.id = p_project
$$;

create or replace function public.codeforge_read_tree(p_user uuid, p_project uuid, p_number bigint, p_after text, p_bytes bigint, p_contents boolean) returns setof json
language sql stable as $$
  select case when p_number = 0 and p.revision = 0 then '{"none": true}' else coalesce((
    select json_build_object('revision', public.codeforge_revision_json(r), 'files', (
      select coalesce(json_agg(json_build_object('id', f.file_id, 'project_id', p.id, 'path', f.path, 'language', f.language, 'version', f.version, 'size', f.size, 'hash', f.blob,
        'revision', f.revision, 'created_at', f.file_created_at, 'updated_at', f.created_at, 'content',
        case when p_contents then coalesce(f.content, (select c.content from public.file_contents c where c.project_id = p.id and c.hash = f.hash)) end) order by f.path), '[]')
      from (
        select *, sum(case when blob is null then size else 0 end) over (order by path rows between unbounded preceding and 1 preceding) as before from (
          select v.path collate "C" as path, v.id as file_id, v.language, v.version::bigint as version, v.revision, v.created_at as file_created_at, v.updated_at as created_at,
            v.content, null::bytea as hash, v.hash as blob, coalesce(v.size, octet_length(v.content), 0) as size
          from public.project_files v where p_number = 0 and v.project_id = p.id and v.path collate "C" > p_after
          union all
          select o.path, o.file_id, o.language, o.version, o.revision, o.file_created_at, o.created_at, o.content, o.hash,
            (select encode(c.hash, 'hex') from public.file_contents c where c.project_id = p.id and c.hash = o.hash and c.content is null), o.size from (
            select distinct on (path) * from public.file_revisions where p_number <> 0 and project_id = p.id and revision <= p_number and path > p_after collate "C"
            order by path, revision desc) o
          where not o.deleted) v) f
      where p_bytes = 0 or coalesce(f.before, 0) < p_bytes))
    from public.project_revisions r where r.project_id = p.id and r.number = case p_number when 0 then p.revision else p_number end), '{}') end
  from public.projects p where p.id = p_project and p.user_id = p_user
$$;

-- codeforge_read_text_size is what a state of a file takes of a page: nothing if it is a blob.
create or replace function public.codeforge_read_text_size(f public.file_revisions) returns bigint language sql stable as $$
  select case when exists (select from public.file_contents c where c.project_id = f.project_id and c.hash = f.hash and c.content is null) then 0 else coalesce(f.size, 0) end
$$;

create or replace function public.codeforge_read_changes(p_user uuid, p_project uuid, p_number bigint, p_after text, p_bytes bigint, p_contents boolean) returns setof json
language sql stable as $$
  select coalesce((select json_build_object('revision', public.codeforge_revision_json(r), 'deltas', (
      select coalesce(json_agg(json_build_object('path', (c.n).path,
        'old', case when not (c.o).deleted then public.codeforge_file_json(c.o, p_contents) end,
        'new', case when not (c.n).deleted then public.codeforge_file_json(c.n, p_contents) end) order by (c.n).path), '[]')
      from (
        select n, l.o, sum(public.codeforge_read_text_size(n) + public.codeforge_read_text_size(l.o)) over (order by n.path rows between unbounded preceding and 1 preceding) as before
        from public.file_revisions n
        left join lateral (select v as o from public.file_revisions v where v.project_id = n.project_id and v.path = n.path and v.revision < n.revision
          order by v.revision desc limit 1) l on true
        where n.project_id = p.id and n.revision = p_number and n.path > p_after) c
      where p_bytes = 0 or coalesce(c.before, 0) < p_bytes))
    from public.project_revisions r where r.project_id = p.id and r.number = p_number), '{}')
  from public.projects p where p.id = p_project and p.user_id = p_user
$$;

create or replace function public.codeforge_read_proposal(p_user uuid, p_job uuid, p_after text, p_bytes bigint, p_contents boolean) returns setof json
language sql stable as $$
  select case when j.proposal is null then '{}' else json_build_object('proposal', j.proposal, 'deltas', (
      select coalesce(json_agg(json_build_object('path', d.path,
        'old', case when not (d.o).deleted then public.codeforge_file_json(d.o, p_contents) end,
        'new', case when d.hash is not null then json_build_object('project_id', j.project_id, 'path', d.path, 'size', d.size, 'hash', case when d.blob then encode(d.hash, 'hex') end,
          'language', coalesce(nullif(d.language, ''), case when not (d.o).deleted then (d.o).language end, ''), 'content',
          case when p_contents then (select c.content from public.file_contents c where c.project_id = j.project_id and c.hash = d.hash) end) end) order by d.path), '[]')
      from (
        select f.path, f.hash, f.language, c.size, c.content is null as blob, l.o,
          sum(case when c.content is null then 0 else c.size end + public.codeforge_read_text_size(l.o)) over (order by f.path rows between unbounded preceding and 1 preceding) as before
        from public.proposal_files f
        left join public.file_contents c on c.project_id = f.project_id and c.hash = f.hash
        left join lateral (select v as o from public.file_revisions v where v.project_id = j.project_id and v.path = f.path and v.revision <= (j.proposal ->> 'base')::bigint
          order by v.revision desc limit 1) l on true
        where f.job_id = j.id and f.path > p_after collate "C") d
      where p_bytes = 0 or coalesce(d.before, 0) < p_bytes)) end
  from public.agent_jobs j where j.id = coalesce((select a.job_id from public.job_aliases a where a.alias = p_job), p_job) and j.user_id = p_user
$$;

-- codeforge_read_working as before, with encoding.
create or replace function public.codeforge_read_working(p_user uuid, p_job uuid, p_after text, p_bytes bigint, p_contents boolean) returns setof json language sql stable as $$
  select (select coalesce(json_agg(json_build_object('path', f.path, 'deleted', f.hash is null, 'size', f.size, 'hash', encode(f.hash, 'hex'), 'encoding', case when f.blob then 'base64' end, 'content',
      case when p_contents then (select c.content from public.file_contents c where c.project_id = f.project_id and c.hash = f.hash) end) order by f.path), '[]')
    from (
      select w.project_id, w.path, w.hash, coalesce(c.size, 0) as size, c.hash is not null and c.content is null as blob,
        sum(case when c.content is null then 0 else c.size end) over (order by w.path rows between unbounded preceding and 1 preceding) as before
      from public.job_files w left join public.file_contents c on c.project_id = w.project_id and c.hash = w.hash
      where w.job_id = j.id and w.fence = j.fence and w.path > p_after collate "C") f
    where p_bytes = 0 or coalesce(f.before, 0) < p_bytes)
  from public.agent_jobs j where j.id = coalesce((select a.job_id from public.job_aliases a where a.alias = p_job), p_job) and j.user_id = p_user
$$;

-- codeforge_put_files takes [{id, path, content or hash, language, fallback, delete}], and {evidence, lock or lock_hash, screenshots} for beside.
drop function if exists public.codeforge_put_files(uuid, uuid, text, text, json, boolean, boolean, boolean);
create or replace function public.codeforge_put_files(p_project uuid, p_job uuid, p_author text, p_message text, p_changes json, p_only_real boolean, p_always boolean,
  p_verified boolean default null, p_beside json default null)
returns public.project_revisions language plpgsql set search_path = '' as $$
declare
  rev public.project_revisions;
  v_files bigint;
  v_bytes bigint;
  v_stored bigint;
  v_named boolean;
begin
  rev.project_id := p_project;
  rev.job_id := p_job;
  rev.author := p_author;
  rev.message := p_message;
  rev.verified := p_verified;
  rev.evidence := (p_beside ->> 'evidence')::jsonb;
  rev.created_at := public.codeforge_now();
  select revision + 1 into rev.number from public.projects where id = p_project;

  perform public.codeforge_check_named(p_project, p_changes);
  perform set_config('codeforge.writing', 'on', true); -- see the migration called outside
  with change as materialized (
    select distinct on (path) id, path collate "C" as path, coalesce(content, '') as content, decode(nullif(hash, ''), 'hex') as named, nullif(language, '') as language, fallback,
      coalesce(delete, false) as delete
    from rows from (json_to_recordset(p_changes) as (id uuid, path text, content text, hash text, language text, fallback text, delete boolean)) with ordinality
      as c (id, path, content, hash, language, fallback, delete, n)
    order by path, n desc
  ), found as materialized (
    select c.id, c.path, c.named, c.language, c.fallback, c.delete, coalesce(b.content, c.content) as content, b.hash is not null and b.content is null as blob, b.size
    from change c left join public.file_contents b on b.project_id = p_project and b.hash = c.named and not c.delete
  ), real as materialized (
    select c.path, c.delete, c.named, c.blob, case when c.delete then '' when not c.blob then c.content end as content,
      case when not c.delete then coalesce(c.named, sha256(convert_to(c.content, 'UTF8'))) end as hash,
      case when c.delete then 0 when c.blob then c.size else octet_length(c.content) end as size,
      coalesce(c.language, f.language, c.fallback, '') as language,
      coalesce(f.id, h.file_id, c.id, gen_random_uuid()) as file_id,
      greatest(f.version, h.version, 0) + 1 as version,
      coalesce(f.created_at, h.file_created_at, rev.created_at) as file_created_at
    from found c
    left join public.project_files f on f.project_id = p_project and f.path = c.path collate "default"
    left join lateral (
      select r.file_id, r.version, r.file_created_at from public.file_revisions r
      where r.project_id = p_project and r.path = c.path order by r.revision desc limit 1
    ) h on true
    where not p_only_real
      or case when c.delete then f.id is not null
        else f.id is null or f.hash is distinct from case when c.blob then encode(c.named, 'hex') end or coalesce(f.content, '') <> c.content
          or c.language <> coalesce(f.language, '') end
  ), gone as (
    delete from public.project_files f using real where real.delete and f.project_id = p_project and f.path = real.path collate "default"
  ), put as (
    insert into public.project_files (id, project_id, path, content, encoding, hash, size, language, version, revision, created_at, updated_at)
      select file_id, p_project, path, content, case when blob then 'base64' end, case when blob then encode(hash, 'hex') end, case when blob then size end,
        language, version, rev.number, file_created_at, rev.created_at from real where not delete
      on conflict (project_id, path) do update set content = excluded.content, encoding = excluded.encoding, hash = excluded.hash, size = excluded.size,
        language = excluded.language, version = excluded.version, revision = excluded.revision, updated_at = excluded.updated_at
  ), stored as (
    insert into public.file_contents (project_id, hash, user_id, size, content)
      select p_project, r.hash, p.user_id, r.size, r.content from real r, public.projects p where not r.delete and r.named is null and p.id = p_project
      on conflict do nothing returning size
  ), kept as (
    insert into public.file_revisions (project_id, path, revision, file_id, deleted, language, version, hash, size, file_created_at, created_at)
      select p_project, path, rev.number, file_id, delete, language, version, hash, size, file_created_at, rev.created_at from real
      returning 1
  )
  select (select count(*) from kept), (select coalesce(sum(size), 0) from stored), (select bool_or(named is not null) from real)
    into rev.files_changed, v_stored, v_named;
  perform set_config('codeforge.writing', '', true);
  if rev.files_changed = 0 and not p_always then
    return null;
  end if;

  -- octet_length reads no content: the size stands in the row. A project from before that is over a limit may not grow.
  select count(*), coalesce(sum(octet_length(content)), 0) into v_files, v_bytes from public.project_files where project_id = p_project;
  if v_files > public.codeforge_limit('files') and v_files > (select count(*) from public.codeforge_files_at(p_project, rev.number - 1)) then
    raise exception using errcode = 'PT413', message = format('a project has at most %s files, this would make %s', public.codeforge_limit('files'), v_files);
  end if;
  if v_bytes > public.codeforge_limit('tree_bytes') and v_bytes > (select sum(octet_length(content)) from public.codeforge_files_at(p_project, rev.number - 1)) then
    raise exception using errcode = 'PT413', message = format('all files of a project have at most %s bytes, this would make %s', public.codeforge_limit('tree_bytes'), v_bytes);
  end if;
  if v_named then
    perform public.codeforge_check_blobs(p_project, rev.number - 1);
    delete from public.blob_puts b using public.file_revisions r
      where b.project_id = p_project and r.project_id = p_project and r.revision = rev.number and r.hash = b.hash;
  end if;
  if p_beside ->> 'lock' is not null then
    select b.hash, v_stored + b.stored into rev.lock, v_stored from public.codeforge_store_blob(p_project, p_beside -> 'lock') b;
  else
    rev.lock := coalesce(decode(p_beside ->> 'lock_hash', 'hex'), (select lock from public.project_revisions where project_id = p_project and number = rev.number - 1));
  end if;
  perform public.codeforge_count_bytes(p_project, v_stored, p_job is null);
  insert into public.project_revisions values (rev.*);
  if json_array_length(p_beside -> 'screenshots') > 0 then
    perform public.codeforge_put_screenshots(p_project, rev.number, p_beside -> 'screenshots');
  end if;
  update public.projects set revision = rev.number, updated_at = rev.created_at where id = p_project;
  return rev;
end
$$;

-- codeforge_write_file answers with a text as well where the change names it by its hash.
create or replace function public.codeforge_write_file(p_user uuid, p_project uuid, p_change json,
  p_must_exist boolean default false, p_if_version bigint default null, p_if_revision bigint default null)
returns json language plpgsql set search_path = '' as $$
declare
  v_version bigint;
  v_path text := p_change ->> 'path';
  v_there boolean;
begin
  perform public.codeforge_own_project(p_user, p_project, true, p_if_revision);
  select version into v_version from public.project_files where project_id = p_project and path = v_path;
  v_there := found;
  if p_if_version <> coalesce(v_version, 0) then
    raise exception using errcode = 'PT409', message = case when v_there then format('the file is at version %s, not %s', v_version, p_if_version)
      else 'the file does not exist' end;
  end if;
  if p_must_exist and not v_there then
    raise exception using errcode = 'PT404', message = 'File not found', hint = 'File', detail = v_path;
  end if;
  perform public.codeforge_put_files(p_project, null, 'user', case when (p_change ->> 'delete')::boolean then 'Delete '
    when v_there then 'Update ' else 'Create ' end || v_path, json_build_array(p_change), false, true);
  return (select public.codeforge_file_json(f, p_change ->> 'hash' <> '') from public.project_files f where f.project_id = p_project and f.path = v_path);
end
$$;

-- codeforge_write_revision makes a revision by hand of {head, changes, message, verified}, with what lies beside; a head below 0 is whatever the newest is.
create or replace function public.codeforge_write_revision(p_user uuid, p_project uuid, p_change json) returns json language plpgsql set search_path = '' as $$
declare c record;
begin
  select * into c from json_to_record(p_change) as (head bigint, changes json, message text, verified boolean);
  perform public.codeforge_own_project(p_user, p_project, true, case when c.head >= 0 then c.head end);
  return public.codeforge_revision_json(public.codeforge_put_files(p_project, null, 'user', c.message, c.changes, true, true, c.verified, p_change));
end
$$;

create or replace function public.codeforge_restore_revision(p_user uuid, p_project uuid, p_number bigint, p_if_revision bigint default null)
returns json language plpgsql set search_path = '' as $$
declare r public.project_revisions;
begin
  perform public.codeforge_own_project(p_user, p_project, false, null);
  select * into r from public.project_revisions where project_id = p_project and number = p_number;
  if not found then
    raise exception using errcode = 'PT404', message = 'Revision not found', hint = 'Revision', detail = p_number;
  end if;
  perform public.codeforge_own_project(p_user, p_project, true, p_if_revision);
  return public.codeforge_revision_json(public.codeforge_put_files(p_project, null, 'user', 'Restore revision ' || p_number, (
    select coalesce(json_agg(c), '[]') from (
      select o.path, o.content, o.hash, o.language, false as delete from public.codeforge_tree_at(p_project, p_number) o
      union all
      select f.path, '', '', '', true from public.project_files f where f.project_id = p_project
        and not exists (select from public.codeforge_tree_at(p_project, p_number) o where o.path = f.path collate "C")
    ) c), true, true, r.verified, json_build_object('evidence', r.evidence, 'lock_hash', encode(r.lock, 'hex'), 'screenshots', public.codeforge_screenshots_json(p_project, p_number))));
end
$$;

create or replace function public.codeforge_record_events(p_job uuid, p_fence bigint, p_progress double precision, p_types text[], p_data text[], p_times timestamptz[],
  p_files json default null) returns json
language plpgsql set search_path = '' as $$
declare
  j public.agent_jobs;
  v_now timestamptz := public.codeforge_now();
  v_progress double precision;
  v_seq bigint;
  v_stored bigint;
begin
  select * into j from public.agent_jobs where id = p_job and fence = p_fence and status = 'running' for no key update;
  if not found then
    raise exception using errcode = 'PT412', message = 'the claim is lost';
  end if;
  v_progress := p_progress;
  if p_progress < 0 then
    select e.progress into v_progress from public.job_events e where e.job_id = p_job order by e.seq desc limit 1;
  end if;
  v_seq := public.codeforge_add_events(p_job, j.user_id, coalesce(v_progress, j.progress), p_types, p_data, p_times);
  -- Every change of the row goes to all who watch it: once a second is enough for progress.
  if cardinality(p_types) = 0 and p_progress >= 0 then
    update public.job_events e set progress = p_progress where e.job_id = p_job and e.seq = v_seq - 1;
  end if;
  if v_progress <> j.progress and j.updated_at <= v_now - interval '1 second' then
    update public.agent_jobs set progress = v_progress where id = p_job;
  end if;
  if p_files is not null then
    perform public.codeforge_check_named(j.project_id, p_files);
    with file as materialized (
      select path, coalesce(content, '') as content, coalesce(hash, '') <> '' as named,
        case when not coalesce(delete, false) then coalesce(decode(nullif(hash, ''), 'hex'), sha256(convert_to(coalesce(content, ''), 'UTF8'))) end as hash
      from json_to_recordset(p_files) as (path text, content text, hash text, delete boolean)
    ), stored as (
      insert into public.file_contents (project_id, hash, user_id, size, content)
        select j.project_id, f.hash, p.user_id, octet_length(f.content), f.content from file f, public.projects p where f.hash is not null and not f.named and p.id = j.project_id
        order by f.hash on conflict do nothing returning size
    ), put as (
      insert into public.job_files (job_id, path, project_id, user_id, fence, hash) select p_job, path, j.project_id, j.user_id, p_fence, hash from file
        on conflict (job_id, path) do update set fence = excluded.fence, hash = excluded.hash
    )
    select sum(size) into v_stored from stored;
    perform public.codeforge_count_bytes(j.project_id, v_stored, false);
  end if;
  return json_build_object('seq', v_seq, 'at', v_now);
end
$$;

create or replace function public.codeforge_propose(j public.agent_jobs, p_proposal json) returns void language plpgsql set search_path = '' as $$
declare
  n record;
  v_files bigint;
  v_stored bigint;
begin
  select * into n from json_to_record(p_proposal) as (base bigint, changes json, message text, verified boolean);
  perform public.codeforge_check_named(j.project_id, n.changes);
  -- What both proposals have must not go in between.
  with file as materialized (
    select distinct on (path) path collate "C" as path, coalesce(content, '') as content, coalesce(language, '') as language, coalesce(hash, '') <> '' as named,
      case when not coalesce(delete, false) then coalesce(decode(nullif(hash, ''), 'hex'), sha256(convert_to(coalesce(content, ''), 'UTF8'))) end as hash
    from rows from (json_to_recordset(n.changes) as (path text, content text, hash text, language text, delete boolean)) with ordinality
      as c (path, content, hash, language, delete, place)
    order by path, place desc
  ), stored as (
    insert into public.file_contents (project_id, hash, user_id, size, content)
      select j.project_id, f.hash, p.user_id, octet_length(f.content), f.content from file f, public.projects p where f.hash is not null and not f.named and p.id = j.project_id
      order by f.hash on conflict do nothing returning size
  ), gone as (
    delete from public.proposal_files p where p.job_id = j.id and not exists (select from file where file.path = p.path)
  ), put as (
    insert into public.proposal_files (job_id, path, project_id, user_id, language, hash) select j.id, path, j.project_id, j.user_id, language, hash from file
      on conflict (job_id, path) do update set language = excluded.language, hash = excluded.hash returning 1
  )
  select (select count(*) from put), (select sum(size) from stored) into v_files, v_stored;
  perform public.codeforge_count_bytes(j.project_id, v_stored, false);
  update public.agent_jobs set proposal = case when v_files > 0 then jsonb_build_object('base', n.base, 'message', n.message, 'verified', n.verified,
    'files_changed', v_files, 'created_at', public.codeforge_now()) end where id = j.id;
end
$$;
drop trigger if exists codeforge_sweep_changed on public.proposal_files;
create trigger codeforge_sweep_changed after update on public.proposal_files for each row when (old.hash is not null and old.hash is distinct from new.hash)
  execute function public.codeforge_sweep_content();

create or replace function public.codeforge_keep_stage(p_job uuid, p_fence bigint, p_stage json, p_types text[], p_data text[], p_times timestamptz[]) returns json
language plpgsql set search_path = '' as $$
declare
  j public.agent_jobs;
  s record;
  rev public.project_revisions;
  v_now timestamptz := public.codeforge_now();
  v_newest bigint;
  v_kept bigint;
  v_progress double precision;
  v_seq bigint;
begin
  select * into s from json_to_record(p_stage) as (stage text, round int, base bigint, changes json, message text, requirements jsonb, architecture jsonb,
    project_status text, progress double precision, proposal boolean);
  perform public.codeforge_check_documents(p_stage);
  select p.revision into v_newest from public.projects p where p.id = (select project_id from public.agent_jobs where id = p_job) for no key update;
  select * into j from public.agent_jobs where id = p_job and fence = p_fence and status = 'running' for no key update;
  if not found then
    raise exception using errcode = 'PT412', message = 'the claim is lost';
  end if;
  select revision into v_kept from public.job_stages where job_id = p_job and stage = s.stage and round = s.round;
  if found then
    return json_build_object('revision', v_kept, 'kept', false);
  end if;

  if s.proposal then
    perform public.codeforge_propose(j, json_build_object('base', s.base, 'changes', s.changes, 'message', s.message, 'verified', true));
  elsif json_array_length(s.changes) > 0 then
    if v_newest <> s.base then
      raise exception using errcode = 'PT409', message = format('the project is at revision %s, not %s', v_newest, s.base), hint = 'revision', detail = v_newest;
    end if;
    rev := public.codeforge_put_files(j.project_id, j.id, j.agent_type, s.message, s.changes, true, false, true, p_stage);
  end if;
  insert into public.job_stages (job_id, stage, round, user_id, revision) values (p_job, s.stage, s.round, j.user_id, coalesce(rev.number, 0));
  perform public.codeforge_specify(j.project_id, s.requirements, s.architecture, s.project_status);
  select greatest(e.progress, s.progress) into v_progress from public.job_events e where e.job_id = p_job order by e.seq desc limit 1;
  if rev.number is not null then -- every change of the row goes to all who watch it
    update public.agent_jobs set revision = rev.number, progress = coalesce(v_progress, progress) where id = p_job;
  end if;
  v_seq := public.codeforge_add_events(p_job, j.user_id, coalesce(v_progress, j.progress), p_types, p_data, p_times);
  return json_build_object('revision', coalesce(rev.number, 0), 'kept', true, 'seq', v_seq, 'at', v_now);
end
$$;

-- codeforge_change_tree makes a revision of a job of {head, changes, message, verified}, with what lies beside, if it changes anything, and returns its number.
create or replace function public.codeforge_change_tree(j public.agent_jobs, p_author text, p_change json) returns bigint language plpgsql set search_path = '' as $$
declare
  c record;
  rev public.project_revisions;
begin
  select * into c from json_to_record(p_change) as (head bigint, changes json, message text, verified boolean);
  perform public.codeforge_own_project(j.user_id, j.project_id, true, c.head);
  rev := public.codeforge_put_files(j.project_id, j.id, p_author, c.message, c.changes, true, false, c.verified, p_change);
  return rev.number;
end
$$;

-- codeforge_sweep_working forgets the working files of at most so many jobs, and so many blobs that were put and are in no revision. It says of how many,
-- whichever are more.
create or replace function public.codeforge_sweep_working(p_before timestamptz, p_limit int) returns json language plpgsql set search_path = '' as $$
declare
  v_jobs bigint;
  v_blobs bigint;
begin
  with old as materialized (
    select f.job_id from (select distinct job_id from public.job_files) f join public.agent_jobs j on j.id = f.job_id
      where j.completed_at < p_before and j.status in ('completed', 'failed', 'cancelled') limit p_limit
  ), gone as (delete from public.job_files f using old where f.job_id = old.job_id)
  select count(*) into v_jobs from old;
  delete from public.blob_puts where (project_id, hash) in (select project_id, hash from public.blob_puts where at < p_before limit p_limit for update skip locked);
  get diagnostics v_blobs = row_count;
  return to_json(greatest(v_jobs, v_blobs));
end
$$;

-- What is written past these functions: a text in place of a blob is a text, and what names no blob of the project is none.
create or replace function public.codeforge_number_outside() returns trigger language plpgsql security definer set search_path = '' as $$
declare v_version bigint;
begin
  perform from public.projects where id = new.project_id for no key update;
  select r.version into v_version from public.file_revisions r where r.project_id = new.project_id and r.path = new.path order by r.revision desc limit 1;
  if tg_op = 'UPDATE' then
    v_version := greatest(v_version, old.version);
  end if;
  new.version := greatest(new.version, coalesce(v_version, 0) + 1);
  new.revision := coalesce(public.codeforge_outside_number(new.project_id), 0);
  new.size := null;
  if new.content is null and new.hash ~ '^[0-9a-f]{64}$' then
    select c.size into new.size from public.file_contents c where c.project_id = new.project_id and c.hash = decode(new.hash, 'hex') and c.content is null;
  end if;
  new.hash := case when new.size is not null then new.hash end;
  new.encoding := case when new.size is not null then 'base64' end;
  return new;
end
$$;

create or replace function public.codeforge_add_outside(f public.project_files, p_deleted boolean) returns void language plpgsql set search_path = '' as $$
declare
  v_now timestamptz := public.codeforge_now();
  v_number bigint;
  v_blob bytea := case when not p_deleted then decode(f.hash, 'hex') end;
  v_content text := case when v_blob is null then case when p_deleted then '' else coalesce(f.content, '') end end;
begin
  perform from public.projects where id = f.project_id for no key update;
  if not found then
    return;
  end if;
  v_number := public.codeforge_outside_number(f.project_id);
  insert into public.project_revisions (project_id, number, author, message, files_changed, lock, created_at)
    values (f.project_id, v_number, 'user', 'Changed outside of CodeForge', 0, (select lock from public.project_revisions where project_id = f.project_id and number = v_number - 1), v_now)
    on conflict do nothing;
  update public.projects set revision = v_number where id = f.project_id and revision < v_number;
  update public.file_revisions set deleted = p_deleted, file_id = f.id, language = coalesce(f.language, ''), version = f.version + p_deleted::int,
    content = v_content, hash = v_blob, size = f.size where project_id = f.project_id and path = f.path and revision = v_number;
  if not found then
    insert into public.file_revisions (project_id, path, revision, file_id, deleted, language, version, content, hash, size, file_created_at, created_at)
      values (f.project_id, f.path, v_number, f.id, p_deleted, coalesce(f.language, ''), f.version + p_deleted::int, v_content, v_blob, f.size, f.created_at, v_now);
    update public.project_revisions set files_changed = files_changed + 1 where project_id = f.project_id and number = v_number;
  end if;
end
$$;

drop trigger if exists codeforge_number_update on public.project_files;
create trigger codeforge_number_update before update on public.project_files for each row
  when (coalesce(current_setting('codeforge.writing', true), '') <> 'on' and (new.project_id, new.path, new.content, new.hash, new.encoding, new.size, new.language, new.version)
    is distinct from (old.project_id, old.path, old.content, old.hash, old.encoding, old.size, old.language, old.version)) execute function public.codeforge_number_outside();

do $$
declare f regprocedure;
begin
  foreach f in array array['public.codeforge_sweep_hash(uuid, bytea)', 'public.codeforge_sweep_lock()', 'public.codeforge_set_quota(int, int, int, bigint, bigint, bigint, bigint)',
    'public.codeforge_over(text, bigint, bigint)', 'public.codeforge_check_put(uuid, bigint, boolean)', 'public.codeforge_check_blobs(uuid, bigint)', 'public.codeforge_no_blob()',
    'public.codeforge_check_named(uuid, json)', 'public.codeforge_store_blob(uuid, json)', 'public.codeforge_put_blob(uuid, uuid, json, boolean)', 'public.codeforge_blob_json(public.file_contents)',
    'public.codeforge_read_blob(uuid, uuid, text)', 'public.codeforge_put_screenshots(uuid, bigint, json)', 'public.codeforge_screenshots_json(uuid, bigint)',
    'public.codeforge_read_screenshots(uuid, uuid, bigint)', 'public.codeforge_read_screenshot(uuid, uuid, bigint, text, int)', 'public.codeforge_read_lock(uuid, uuid, bigint)',
    'public.codeforge_mark_checked(uuid, uuid, bigint, boolean, json)', 'public.codeforge_tree_at(uuid, bigint)', 'public.codeforge_read_text_size(public.file_revisions)',
    'public.codeforge_put_files(uuid, uuid, text, text, json, boolean, boolean, boolean, json)', 'public.codeforge_write_revision(uuid, uuid, json)']::regprocedure[] loop
    execute format('revoke execute on function %s from public, anon, authenticated', f);
    execute format('grant execute on function %s to service_role', f);
  end loop;
  foreach f in array array['public.codeforge_blob_json(public.file_contents)', 'public.codeforge_read_blob(uuid, uuid, text)', 'public.codeforge_screenshots_json(uuid, bigint)',
    'public.codeforge_read_screenshots(uuid, uuid, bigint)', 'public.codeforge_read_screenshot(uuid, uuid, bigint, text, int)', 'public.codeforge_read_lock(uuid, uuid, bigint)',
    'public.codeforge_read_text_size(public.file_revisions)']::regprocedure[] loop
    execute format('grant execute on function %s to authenticated', f);
  end loop;
end
$$;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 21';
notify pgrst, 'reload schema';
