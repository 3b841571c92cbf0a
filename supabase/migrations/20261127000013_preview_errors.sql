-- What went wrong in pages of previews, each different one once, the newest of a project.
create table if not exists public.preview_errors (
  project_id uuid not null references public.projects (id) on delete cascade,
  key text not null,
  user_id uuid not null,
  seq bigint generated always as identity,
  revision bigint not null,
  job_id uuid, -- null: of a revision
  kind text not null,
  message text not null,
  file text not null,
  line int not null,
  "column" int not null,
  stack text not null,
  page text not null,
  count int not null,
  first_at timestamptz not null,
  last_at timestamptz not null,
  primary key (project_id, key)
);
alter table public.preview_errors enable row level security;
revoke all on public.preview_errors from public, anon, authenticated;
grant select, insert, update, delete on public.preview_errors to service_role;
grant select on public.preview_errors to authenticated;
drop policy if exists codeforge_service on public.preview_errors;
create policy codeforge_service on public.preview_errors to service_role using (true) with check (true);
drop policy if exists codeforge_own_select on public.preview_errors;
create policy codeforge_own_select on public.preview_errors for select to authenticated using (user_id = (select auth.uid()));

-- codeforge_add_preview_errors counts [{key, revision, job_id, kind, message, file, line, column, stack, page}], and keeps the newest p_most of the project.
create or replace function public.codeforge_add_preview_errors(p_user uuid, p_project uuid, p_errors json, p_most int) returns void language plpgsql set search_path = '' as $$
declare v_now timestamptz := public.codeforge_now();
begin
  perform public.codeforge_own_project(p_user, p_project, false, null);
  insert into public.preview_errors as e (project_id, key, user_id, revision, job_id, kind, message, file, line, "column", stack, page, count, first_at, last_at)
    select p_project, n.key, p_user, (array_agg(n.revision))[1], (array_agg(n.job_id))[1], (array_agg(n.kind))[1], (array_agg(n.message))[1], (array_agg(n.file))[1], (array_agg(n.line))[1],
      (array_agg(n."column"))[1], (array_agg(n.stack))[1], (array_agg(n.page))[1], count(*), v_now, v_now
    from rows from (json_to_recordset(p_errors) as (key text, revision bigint, job_id uuid, kind text, message text, file text, line int, "column" int, stack text, page text)) with ordinality
      as n (key, revision, job_id, kind, message, file, line, "column", stack, page, place)
    group by n.key order by min(n.place)
    on conflict (project_id, key) do update set count = e.count + excluded.count, last_at = excluded.last_at, stack = excluded.stack, page = excluded.page;
  delete from public.preview_errors e where e.project_id = p_project and e.key not in (
    select k.key from public.preview_errors k where k.project_id = p_project order by k.last_at desc, k.seq desc limit p_most);
end
$$;

-- codeforge_read_preview_errors returns those of a revision (0: the newest), or of a job, the newest first.
create or replace function public.codeforge_read_preview_errors(p_user uuid, p_project uuid, p_revision bigint, p_job uuid) returns setof json language sql stable as $$
  select (select coalesce(json_agg(json_build_object('revision', e.revision, 'job_id', coalesce(e.job_id::text, ''), 'kind', e.kind, 'message', e.message, 'file', e.file, 'line', e.line,
      'column', e."column", 'stack', e.stack, 'page', e.page, 'count', e.count, 'first_at', e.first_at, 'last_at', e.last_at) order by e.last_at desc, e.seq desc), '[]')
    from public.preview_errors e where e.project_id = p.id
      and (p_job is null and e.job_id is null and e.revision = case p_revision when 0 then p.revision else p_revision end or e.job_id = p_job))
  from public.projects p where p.id = p_project and p.user_id = p_user
$$;

revoke execute on function public.codeforge_add_preview_errors(uuid, uuid, json, int), public.codeforge_read_preview_errors(uuid, uuid, bigint, uuid) from public, anon, authenticated;
grant execute on function public.codeforge_add_preview_errors(uuid, uuid, json, int), public.codeforge_read_preview_errors(uuid, uuid, bigint, uuid) to service_role;
grant execute on function public.codeforge_read_preview_errors(uuid, uuid, bigint, uuid) to authenticated;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 22';
notify pgrst, 'reload schema';
