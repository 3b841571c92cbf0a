-- Architectures that worked, found again by the nearness of their vectors. The table is an earlier backend's where it had one; where
-- there is no extension vector, vectors are arrays, which are compared one by one. What belongs to a project goes with it.

create table if not exists public.pattern_embeddings (
  id uuid primary key default gen_random_uuid(),
  project_type text not null,
  embedding real[],
  metadata jsonb,
  success_score double precision not null default 0,
  created_at timestamptz not null default now()
);
-- Rows without a project are an earlier backend's, which had one model.
alter table public.pattern_embeddings add column if not exists project_id uuid references public.projects (id) on delete cascade,
  add column if not exists user_id uuid, add column if not exists job_id uuid,
  add column if not exists model text not null default 'openai:text-embedding-3-small',
  add column if not exists outline text not null default ''; -- its owner's alone
create unique index if not exists pattern_embeddings_of_project on public.pattern_embeddings (project_id, model);
create index if not exists pattern_embeddings_newest on public.pattern_embeddings (model, created_at);

-- Users read of all what cannot quote anybody: neither outlines nor vectors, which tell much of a text.
alter table public.pattern_embeddings enable row level security;
revoke all on public.pattern_embeddings from public, anon, authenticated;
grant select (id, project_type, metadata, success_score, created_at) on public.pattern_embeddings to authenticated;
grant select, insert, update, delete on public.pattern_embeddings to service_role;
drop policy if exists codeforge_service on public.pattern_embeddings;
create policy codeforge_service on public.pattern_embeddings to service_role using (true) with check (true);
do $$
begin
  if not exists (select from pg_catalog.pg_policies where schemaname = 'public' and tablename = 'pattern_embeddings' and policyname <> 'codeforge_service') then
    create policy codeforge_read on public.pattern_embeddings for select to authenticated using (true);
  end if;
end
$$;

-- codeforge_reviewed_architectures returns, in the order in which they ended, jobs whose review of their project passed, after one of them,
-- as {job_id, completed_at, score, evidence, project}, but for those of which the project has a pattern of the model already.
create or replace function public.codeforge_reviewed_architectures(p_model text, p_since timestamptz, p_after uuid, p_limit int) returns setof json language sql stable as $$
  select coalesce(json_agg(json_build_object('job_id', a.id, 'completed_at', a.completed_at, 'score', a.score, 'evidence', a.evidence, 'project', json_build_object('id', a.project_id,
      'user_id', a.user_id, 'title', a.title, 'description', a.description, 'tech_stack', a.tech_stack, 'requirements_spec', a.requirements, 'architecture_spec', a.architecture))
    order by a.completed_at, a.id), '[]')
  from (
    select j.id, j.completed_at, coalesce(j.result ->> 'score', j.result #>> '{qa_result,score}', '0')::double precision as score, coalesce(nullif(j.result -> 'evidence', 'null'), r.evidence) as evidence,
      p.id as project_id, p.user_id, p.title, p.description, p.tech_stack, coalesce(nullif(j.result -> 'requirements_spec', 'null'), p.requirements_spec) as requirements,
      coalesce(nullif(j.result -> 'architecture_spec', 'null'), p.architecture_spec) as architecture
    from public.agent_jobs j join public.projects p on p.id = j.project_id
      left join public.project_revisions r on r.project_id = j.project_id and r.number = coalesce(nullif(j.revision, 0), j.base)
    where j.completed_at is not null and (j.completed_at, j.id) > (p_since, p_after) and j.status = 'completed' and j.agent_type in ('builder', 'qa')
      and coalesce(j.result ->> 'passed', j.result #>> '{qa_result,passed}') = 'true' and j.input_context -> 'code' is null
      and not exists (select from public.pattern_embeddings e where e.project_id = j.project_id and e.model = p_model and e.created_at >= j.completed_at)
    order by j.completed_at, j.id limit p_limit) a
$$;

-- codeforge_put_pattern stores {job_id, model, kind, shape, outline, score, created_at} with a vector, {0.1,...}, in place of an older one
-- of the project and the model. Of a project that is gone nothing is stored.
create or replace function public.codeforge_put_pattern(p_project uuid, p_pattern jsonb, p_vector text) returns void language sql set search_path = '' as $$
  insert into public.pattern_embeddings as e (id, project_type, embedding, metadata, success_score, created_at, project_id, user_id, job_id, model, outline)
    select gen_random_uuid(), p_pattern ->> 'kind', p_vector::real[], p_pattern -> 'shape', (p_pattern ->> 'score')::double precision, (p_pattern ->> 'created_at')::timestamptz,
      p.id, p.user_id, (p_pattern ->> 'job_id')::uuid, p_pattern ->> 'model', p_pattern ->> 'outline'
    from public.projects p where p.id = p_project
    on conflict (project_id, model) do update set project_type = excluded.project_type, embedding = excluded.embedding, metadata = excluded.metadata, success_score = excluded.success_score,
      created_at = excluded.created_at, job_id = excluded.job_id, outline = excluded.outline where excluded.created_at >= e.created_at
$$;

-- codeforge_pattern_json is a pattern as a user gets it: one's own whole, of others' what cannot quote. legacy is what an earlier backend noted.
create or replace function public.codeforge_pattern_json(e public.pattern_embeddings, p_user uuid, p_similarity double precision) returns json language sql stable as $$
  select case when e.project_id is null then json_build_object('model', e.model, 'score', e.success_score, 'created_at', e.created_at, 'similarity', p_similarity,
      'legacy', jsonb_build_object('type', e.project_type, 'metadata', e.metadata))
    when e.user_id = p_user then json_build_object('project_id', e.project_id, 'job_id', e.job_id, 'user_id', e.user_id, 'model', e.model, 'shape', e.metadata, 'outline', e.outline,
      'score', e.success_score, 'created_at', e.created_at, 'similarity', p_similarity)
    else json_build_object('user_id', e.user_id, 'model', e.model, 'shape', e.metadata, 'score', e.success_score, 'created_at', e.created_at, 'similarity', p_similarity) end
$$;

-- codeforge_list_patterns returns those of a user's project.
create or replace function public.codeforge_list_patterns(p_user uuid, p_project uuid) returns setof json language sql stable as $$
  select (select coalesce(json_agg(public.codeforge_pattern_json(e, p_user, 0) order by e.model collate "C"), '[]') from public.pattern_embeddings e where e.project_id = p.id)
  from public.projects p where p.id = p_project and p.user_id = p_user
$$;

-- codeforge_near_patterns returns the patterns of a model that are nearest to a vector, of the newest 10,000, or 1,000 where vectors are
-- arrays. All of them are compared: an index that guesses would miss some.
do $do$
declare
  v_vector text;
  v_similarity text := '(select sum(a.x::double precision * a.y) from unnest(n.embedding, p_vector::real[]) as a (x, y))';
  v_most int := 1000;
begin
  select quote_ident(s.nspname) into v_vector from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid join pg_catalog.pg_namespace s on s.oid = t.typnamespace
    where a.attrelid = 'public.pattern_embeddings'::regclass and a.attname = 'embedding' and t.typname = 'vector';
  if found then
    v_similarity := format('1 - (n.embedding operator(%s.<=>) p_vector::real[]::%s.vector)', v_vector, v_vector);
    v_most := 10000;
  end if;
  execute format($f$
    create or replace function public.codeforge_near_patterns(p_user uuid, p_project uuid, p_model text, p_vector text, p_limit int) returns json language sql stable set search_path = '' as $$
      select coalesce(json_agg(public.codeforge_pattern_json(e, p_user, near.similarity) order by near.similarity desc, e.created_at desc, e.id), '[]')
      from (
        select n.id, n.created_at, coalesce(nullif(%s, 'NaN'), 0) as similarity
        from (select i.id, i.created_at, i.embedding from public.pattern_embeddings i
          where i.model = p_model and (i.project_id <> p_project) is not false and i.embedding is not null order by i.created_at desc limit %s) n
        order by similarity desc, n.created_at desc, n.id limit p_limit) near
      join public.pattern_embeddings e on e.id = near.id
    $$ $f$, v_similarity, v_most);
end
$do$;

do $$
declare f record;
begin
  for f in
    select oid::regprocedure as call from pg_catalog.pg_proc where pronamespace = 'public'::regnamespace and proname in ('codeforge_reviewed_architectures', 'codeforge_put_pattern',
      'codeforge_pattern_json', 'codeforge_list_patterns', 'codeforge_near_patterns')
  loop
    execute format('revoke execute on function %s from public, anon, authenticated', f.call);
    execute format('grant execute on function %s to service_role', f.call);
  end loop;
end
$$;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 48';
notify pgrst, 'reload schema';
