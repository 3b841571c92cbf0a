-- Projects are copied, as they are or as they were: files with what is known of them, but no history, conversation or jobs.

-- The copies that were asked for with a key, so that asking again finds the first.
create table if not exists public.project_copies (
  user_id uuid not null,
  key text not null,
  project_id uuid not null references public.projects (id) on delete cascade deferrable initially deferred,
  request text not null, -- what was asked for
  created_at timestamptz not null,
  primary key (user_id, key)
);
create index if not exists project_copies_of_project on public.project_copies (project_id);
alter table public.project_copies enable row level security;
revoke all on public.project_copies from public, anon, authenticated;
grant select, insert, update, delete on public.project_copies to service_role;
drop policy if exists codeforge_service on public.project_copies;
create policy codeforge_service on public.project_copies to service_role using (true) with check (true);

-- codeforge_copy_project makes a project of the files that another one of the user has in a revision (0: the newest), and returns {project,
-- fresh}. Texts and blobs are copied, since what a project has goes with it; revisions do not change, so nothing else waits for that.
create or replace function public.codeforge_copy_project(p_user uuid, p_id uuid, p_from uuid, p_revision bigint, p_title text, p_key text, p_request text) returns json
language plpgsql set search_path = '' as $$
declare
  src public.projects;
  p public.projects;
  rev public.project_revisions;
  k public.project_copies;
  v_stored bigint;
  v_files json;
begin
  if p_key is not null then
    insert into public.project_copies (user_id, key, project_id, request, created_at) values (p_user, p_key, p_id, p_request, public.codeforge_now()) on conflict do nothing;
    if not found then
      select * into k from public.project_copies where user_id = p_user and key = p_key;
      select * into p from public.projects where id = k.project_id;
      if not found then -- deleted in this moment
        raise exception using errcode = '40001', message = 'the first project with this key is being deleted';
      end if;
      if k.request <> p_request then
        raise exception using errcode = 'PT409', message = 'this idempotency key was used for another request';
      end if;
      return json_build_object('project', p, 'fresh', false);
    end if;
  end if;
  select * into src from public.projects where id = p_from and user_id = p_user for key share;
  if not found then
    raise exception using errcode = 'PT404', message = 'Project not found', hint = 'Project', detail = p_from;
  end if;
  select * into rev from public.project_revisions where project_id = p_from and number = case p_revision when 0 then src.revision else p_revision end;
  if not found and p_revision <> 0 then
    raise exception using errcode = 'PT404', message = 'Revision not found', hint = 'Revision', detail = p_revision;
  end if;
  insert into public.projects (id, user_id, title, description, mode, status, requirements_spec, architecture_spec, tech_stack, apply)
    values (p_id, p_user, coalesce(p_title, left('Copy of ' || src.title, public.codeforge_limit('title')::int)), src.description, src.mode,
      case src.status when 'archived' then 'in-progress' else src.status end, src.requirements_spec, src.architecture_spec, src.tech_stack, src.apply);
  if rev.number is not null then
    with file as materialized (
      select distinct on (f.path) f.path, f.deleted, f.hash, f.language from public.file_revisions f where f.project_id = p_from and f.revision <= rev.number order by f.path, f.revision desc
    ), copied as (
      insert into public.file_contents (project_id, hash, user_id, size, content, bytes)
        select p_id, c.hash, p_user, c.size, c.content, c.bytes from public.file_contents c where c.project_id = p_from
          and c.hash in (select f.hash from file f where not f.deleted union select rev.lock union
            select s.hash from public.revision_screenshots s where s.project_id = p_from and s.revision = rev.number)
        returning size
    )
    select sum(size), (select coalesce(json_agg(json_build_object('path', f.path, 'hash', encode(f.hash, 'hex'), 'language', f.language)), '[]') from file f where not f.deleted)
      into v_stored, v_files from copied;
    perform public.codeforge_count_bytes(p_id, v_stored, true);
    perform public.codeforge_put_files(p_id, null, 'user', format('Copy of revision %s of project %s', rev.number, p_from), v_files, true, true, rev.verified,
      json_build_object('evidence', rev.evidence, 'lock_hash', encode(rev.lock, 'hex'), 'screenshots', public.codeforge_screenshots_json(p_from, rev.number)));
  end if;
  select * into p from public.projects where id = p_id;
  return json_build_object('project', p, 'fresh', true);
end
$$;

revoke execute on function public.codeforge_copy_project(uuid, uuid, uuid, bigint, text, text, text) from public, anon, authenticated;
grant execute on function public.codeforge_copy_project(uuid, uuid, uuid, bigint, text, text, text) to service_role;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 51';
notify pgrst, 'reload schema';
