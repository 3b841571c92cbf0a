-- Commits that were pushed are kept as they came: packs of objects of git, among the contents, by the revision that each became.

create table if not exists public.git_packs (
  project_id uuid not null references public.projects (id) on delete cascade,
  revision bigint not null,
  place int not null,
  user_id uuid not null,
  commit_id bytea not null, -- the same in all of a revision
  hash bytea not null,
  primary key (project_id, revision, place),
  foreign key (project_id, hash) references public.file_contents (project_id, hash)
);
create index if not exists git_packs_of_content on public.git_packs (project_id, hash);
alter table public.git_packs enable row level security;
revoke all on public.git_packs from public, anon, authenticated;
grant select, insert, update, delete on public.git_packs to service_role;
grant select on public.git_packs to authenticated;
drop policy if exists codeforge_service on public.git_packs;
create policy codeforge_service on public.git_packs to service_role using (true) with check (true);
drop policy if exists codeforge_own_select on public.git_packs;
create policy codeforge_own_select on public.git_packs for select to authenticated using (user_id = (select auth.uid()));

create or replace function public.codeforge_sweep_hash(p_project uuid, p_hash bytea) returns void language sql security definer set search_path = '' as $$
  delete from public.file_contents c where c.project_id = p_project and c.hash = p_hash
    and not exists (select from public.file_revisions r where r.project_id = p_project and r.hash = p_hash)
    and not exists (select from public.job_files f where f.project_id = p_project and f.hash = p_hash)
    and not exists (select from public.proposal_files f where f.project_id = p_project and f.hash = p_hash)
    and not exists (select from public.project_revisions r where r.project_id = p_project and r.lock = p_hash)
    and not exists (select from public.revision_screenshots s where s.project_id = p_project and s.hash = p_hash)
    and not exists (select from public.blob_puts b where b.project_id = p_project and b.hash = p_hash)
    and not exists (select from public.git_packs g where g.project_id = p_project and g.hash = p_hash)
$$;
drop trigger if exists codeforge_sweep_deleted on public.git_packs;
create trigger codeforge_sweep_deleted after delete on public.git_packs for each row execute function public.codeforge_sweep_content();

-- codeforge_read_git_revisions returns {newest, revisions}: those after a number, with what each changed and what was pushed with it; as
-- many as make p_rows rows, or more.
create or replace function public.codeforge_read_git_revisions(p_user uuid, p_project uuid, p_after bigint, p_rows int) returns setof json language sql stable as $$
  select json_build_object('newest', p.revision, 'revisions', (
    with page as (
      select * from (
        select r.number, r.job_id, r.author, r.message, r.files_changed, r.created_at,
          sum(r.files_changed + 1) over (order by r.number rows between unbounded preceding and 1 preceding) as before
        from public.project_revisions r where r.project_id = p.id and r.number > p_after) r
      where coalesce(r.before, 0) < p_rows
    ), files as (
      select f.revision, json_agg(json_build_object('path', f.path, 'hash', encode(f.hash, 'hex'), 'size', f.size) order by f.path) as list
      from public.file_revisions f where f.project_id = p.id and f.revision > p_after and f.revision <= (select max(number) from page) group by f.revision
    ), packs as (
      select g.revision, min(encode(g.commit_id, 'hex')) as commit, json_agg(encode(g.hash, 'hex') order by g.place) as list
      from public.git_packs g where g.project_id = p.id and g.revision > p_after and g.revision <= (select max(number) from page) group by g.revision
    )
    select coalesce(json_agg(json_build_object('revision', r.number, 'job_id', r.job_id, 'author', r.author, 'message', r.message, 'files_changed', r.files_changed,
      'created_at', r.created_at, 'files', f.list, 'commit', g.commit, 'packs', g.list) order by r.number), '[]')
    from page r left join files f on f.revision = r.number left join packs g on g.revision = r.number))
  from public.projects p where p.id = p_project and p.user_id = p_user
$$;

-- codeforge_read_contents returns {contents}, by the hashes that the project has.
create or replace function public.codeforge_read_contents(p_user uuid, p_project uuid, p_hashes json) returns setof json language sql stable as $$
  select json_build_object('contents', (
    select coalesce(json_object_agg(encode(c.hash, 'hex'), public.codeforge_blob_json(c)), '{}')
    from public.file_contents c where c.project_id = p.id and c.hash in (select decode(h, 'hex') from json_array_elements_text(p_hashes) h)))
  from public.projects p where p.id = p_project and p.user_id = p_user
$$;

-- codeforge_push_revisions makes revisions of {head, revisions: [{changes, message, verified, evidence, commit, packs}]}, and returns them.
create or replace function public.codeforge_push_revisions(p_user uuid, p_project uuid, p_push json) returns json language plpgsql set search_path = '' as $$
declare
  c record;
  rev public.project_revisions;
  v_made json[] := '{}';
begin
  perform public.codeforge_own_project(p_user, p_project, true, (p_push ->> 'head')::bigint);
  for c in select r.value, r.value ->> 'message' as message, r.value -> 'changes' as changes, (r.value ->> 'verified')::boolean as verified, r.value ->> 'commit' as commit, r.value -> 'packs' as packs
      from json_array_elements(p_push -> 'revisions') with ordinality as r (value, place) order by r.place loop
    rev := public.codeforge_put_files(p_project, null, 'user', c.message, c.changes, true, true, c.verified, c.value);
    if exists (select from json_array_elements_text(c.packs) h where not exists (select from public.file_contents f where f.project_id = p_project and f.hash = decode(h, 'hex'))) then
      perform public.codeforge_no_blob();
    end if;
    insert into public.git_packs (project_id, revision, place, user_id, commit_id, hash)
      select p.id, rev.number, h.place, p.user_id, decode(c.commit, 'hex'), decode(h.hash, 'hex') from json_array_elements_text(c.packs) with ordinality as h (hash, place), public.projects p
      where p.id = p_project;
    delete from public.blob_puts b using public.git_packs g where b.project_id = p_project and g.project_id = p_project and g.revision = rev.number and g.hash = b.hash;
    v_made := v_made || public.codeforge_revision_json(rev);
  end loop;
  return array_to_json(v_made);
end
$$;

do $$
declare f regprocedure;
begin
  foreach f in array array['public.codeforge_read_git_revisions(uuid, uuid, bigint, int)', 'public.codeforge_read_contents(uuid, uuid, json)',
    'public.codeforge_push_revisions(uuid, uuid, json)']::regprocedure[] loop
    execute format('revoke execute on function %s from public, anon, authenticated', f);
    execute format('grant execute on function %s to service_role', f);
  end loop;
  foreach f in array array['public.codeforge_read_git_revisions(uuid, uuid, bigint, int)', 'public.codeforge_read_contents(uuid, uuid, json)']::regprocedure[] loop
    execute format('grant execute on function %s to authenticated', f);
  end loop;
end
$$;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 37';
notify pgrst, 'reload schema';
