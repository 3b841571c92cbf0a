-- What changed, in the order of commits: in a project, and, of a user, the jobs that began; whoever wrote it. A row says what it
-- was and holds nothing of it. Numbers are given when somebody reads: what is there then has been committed, and what comes to
-- light later gets a later number. So writers wait for nobody, and what nobody reads costs one row. The newest 1,000 of each owner
-- are kept (codeforge.KeptChanges).
create table if not exists public.change_log (
  id bigint generated always as identity primary key,
  owner uuid not null, -- a project, or a user: clients choose ids of projects, so one may be that of a user
  of_user boolean not null,
  number bigint, -- of the owner's, from 1 without gaps; null: not read yet
  kind text not null,
  ref text not null, -- number of the revision, id of the message or job; of a project the names of the fields
  state text not null, -- of a job
  at timestamptz not null
);
create unique index if not exists change_log_of_owner on public.change_log (owner, of_user, number);

-- Those whose changes somebody has read, with the newest number.
create table if not exists public.change_readers (
  owner uuid not null,
  of_user boolean not null,
  last bigint not null,
  primary key (owner, of_user)
);

do $$
declare t text;
begin
  foreach t in array array['change_log', 'change_readers'] loop
    execute format('alter table public.%I enable row level security', t);
    execute format('revoke all on public.%I from public, anon, authenticated', t);
    execute format('grant select, insert, update, delete on public.%I to service_role', t);
    execute format('drop policy if exists codeforge_service on public.%I', t);
    execute format('create policy codeforge_service on public.%I to service_role using (true) with check (true)', t);
  end loop;
end
$$;

-- codeforge_tell sends servers the news that a job, a project or jobs of a user have something new: "job/project/user". Servers that
-- tell each other otherwise set codeforge.tell to off.
create or replace function public.codeforge_tell(p_job uuid, p_project uuid, p_user uuid) returns void language sql set search_path = '' as $$
  select pg_notify('codeforge_events', concat(p_job, '/', p_project, '/', p_user)) where coalesce(current_setting('codeforge.tell', true), '') <> 'off'
$$;

create or replace function public.codeforge_log_job() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into public.change_log (owner, of_user, kind, ref, state, at) values (new.project_id, false, 'job', new.id, new.status, public.codeforge_now());
  if tg_op = 'INSERT' then
    insert into public.change_log (owner, of_user, kind, ref, state, at) values (new.user_id, true, 'job', new.id, new.status, public.codeforge_now());
  end if;
  perform public.codeforge_tell(null, new.project_id, new.user_id);
  return null;
end
$$;

create or replace function public.codeforge_log_revision() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into public.change_log (owner, of_user, kind, ref, state, at) values (new.project_id, false, 'revision', new.number, '', public.codeforge_now());
  perform public.codeforge_tell(null, new.project_id, null);
  return null;
end
$$;

create or replace function public.codeforge_log_message() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into public.change_log (owner, of_user, kind, ref, state, at) values (new.project_id, false, 'message', new.id, '', public.codeforge_now());
  perform public.codeforge_tell(null, new.project_id, null);
  return null;
end
$$;

create or replace function public.codeforge_log_project() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'DELETE' then
    delete from public.change_readers where owner = old.id and not of_user;
    delete from public.change_log where owner = old.id and not of_user;
  else
    insert into public.change_log (owner, of_user, kind, ref, state, at) values (new.id, false, 'project', concat_ws(' ',
      case when new.title is distinct from old.title then 'title' end, case when new.description is distinct from old.description then 'description' end,
      case when new.mode is distinct from old.mode then 'mode' end, case when new.status is distinct from old.status then 'status' end,
      case when new.requirements_spec is distinct from old.requirements_spec then 'requirements_spec' end,
      case when new.architecture_spec is distinct from old.architecture_spec then 'architecture_spec' end,
      case when new.tech_stack is distinct from old.tech_stack then 'tech_stack' end, case when new.apply is distinct from old.apply then 'apply' end),
      '', public.codeforge_now());
  end if;
  perform public.codeforge_tell(null, old.id, null);
  return null;
end
$$;

do $$
declare r record;
begin
  for r in
    select * from (values
      ('codeforge_log_insert', 'agent_jobs', 'insert', '', 'job'),
      ('codeforge_log_state', 'agent_jobs', 'update', $c$when (old.status is distinct from new.status and new.status <> 'running')$c$, 'job'),
      ('codeforge_log_insert', 'project_revisions', 'insert', '', 'revision'),
      ('codeforge_log_insert', 'chat_messages', 'insert', '', 'message'),
      ('codeforge_log_delete', 'projects', 'delete', '', 'project'),
      ('codeforge_log_fields', 'projects', 'update', $c$when ((old.title, old.description, old.mode, old.status, old.requirements_spec, old.architecture_spec, old.tech_stack, old.apply)
        is distinct from (new.title, new.description, new.mode, new.status, new.requirements_spec, new.architecture_spec, new.tech_stack, new.apply))$c$, 'project')
    ) as v (name, tab, event, condition, what)
  loop
    execute format('drop trigger if exists %I on public.%I', r.name, r.tab);
    execute format('create trigger %I after %s on public.%I for each row %s execute function public.codeforge_log_%s()', r.name, r.event, r.tab, r.condition, r.what);
  end loop;
end
$$;

-- codeforge_number_changes numbers what nobody has read yet, keeps the newest, and returns the newest number. Of an owner
-- whose changes nobody ever read, nobody can have missed any: then those that are there are dropped.
create or replace function public.codeforge_number_changes(p_owner uuid, p_of_user boolean) returns bigint language plpgsql set search_path = '' as $$
declare
  v_last bigint;
  v_more bigint;
begin
  select n.last into v_last from public.change_readers n where n.owner = p_owner and n.of_user = p_of_user;
  if found and not exists (select from public.change_log c where c.owner = p_owner and c.of_user = p_of_user and c.number is null) then
    return v_last;
  end if;
  insert into public.change_readers (owner, of_user, last) values (p_owner, p_of_user, 0) on conflict do nothing;
  if found then
    delete from public.change_log c where c.owner = p_owner and c.of_user = p_of_user;
    return 0;
  end if;
  select n.last into v_last from public.change_readers n where n.owner = p_owner and n.of_user = p_of_user for update;
  with new as (select c.id, row_number() over (order by c.id) as place from public.change_log c where c.owner = p_owner and c.of_user = p_of_user and c.number is null)
    update public.change_log c set number = v_last + new.place from new where c.id = new.id;
  get diagnostics v_more = row_count;
  if v_more > 0 then
    v_last := v_last + v_more;
    update public.change_readers n set last = v_last where n.owner = p_owner and n.of_user = p_of_user;
    delete from public.change_log c where c.owner = p_owner and c.of_user = p_of_user and c.number <= v_last - 1000;
  end if;
  return v_last;
end
$$;

-- codeforge_changes returns {last, kept, list, open}: a part of what changed in a project, or (null) of the jobs of the user, after
-- a number; from -1 on nothing but the jobs that have not ended. null: the project is not theirs.
create or replace function public.codeforge_changes(p_user uuid, p_project uuid, p_after bigint, p_limit int, p_text int, p_open int) returns json
language plpgsql set search_path = '' as $$
declare
  v_owner constant uuid := coalesce(p_project, p_user);
  v_of_user constant boolean := p_project is null;
  v_last bigint;
begin
  if p_project is not null and not exists (select from public.projects p where p.id = p_project and p.user_id = p_user) then
    return null;
  end if;
  v_last := public.codeforge_number_changes(v_owner, v_of_user);
  return json_build_object(
    'last', v_last,
    'kept', coalesce((select c.number from public.change_log c where c.owner = v_owner and c.of_user = v_of_user and c.number is not null order by c.number limit 1), v_last + 1),
    'open', case when p_after < 0 then (
      select coalesce(json_agg(o order by o.seq desc), '[]') from (
        select j.id, j.project_id, j.agent_type, j.status, j.progress, j.seq,
          (select coalesce(max(e.seq), 0) from public.job_events e where e.job_id = j.id) as events
        from public.agent_jobs j where j.user_id = p_user and (p_project is null or j.project_id = p_project) and j.status in ('queued', 'running', 'waiting_for_input')
        order by j.seq desc limit p_open) o) end,
    'list', case when p_after >= 0 then (
      select coalesce(json_agg(json_build_object('number', c.number, 'kind', c.kind, 'ref', c.ref, 'state', c.state, 'at', c.at,
        'project_id', j.project_id, 'agent', j.agent_type, 'revision', case when r.number is not null then public.codeforge_revision_json(r) end,
        'message', case when m.id is not null then json_build_object('id', m.id, 'project_id', m.project_id, 'role', m.role, 'content', left(m.content, p_text),
          'is_thinking', coalesce(m.is_thinking, false), 'metadata', m.metadata, 'created_at', m.created_at) end,
        'truncated', char_length(m.content) > p_text) order by c.number), '[]')
      from (select * from public.change_log where owner = v_owner and of_user = v_of_user and number > p_after order by number limit p_limit) c
      left join public.agent_jobs j on c.kind = 'job' and j.id = case when c.kind = 'job' then c.ref::uuid end
      left join public.project_revisions r on c.kind = 'revision' and r.project_id = v_owner and r.number = case when c.kind = 'revision' then c.ref::bigint end
      left join public.chat_messages m on c.kind = 'message' and m.id = case when c.kind = 'message' then c.ref::uuid end) end);
end
$$;

-- codeforge_sweep_changes drops what is older, of at most so many, and says of how many it was.
create or replace function public.codeforge_sweep_changes(p_before timestamptz, p_limit int) returns bigint language plpgsql set search_path = '' as $$
declare
  r record;
  v_dropped bigint;
begin
  for r in
    select distinct o.owner, o.of_user from (select c.owner, c.of_user, c.number, c.at from public.change_log c order by c.id limit p_limit) o
      join public.change_readers n on n.owner = o.owner and n.of_user = o.of_user where o.number is null and o.at < p_before order by o.owner, o.of_user
  loop
    perform public.codeforge_number_changes(r.owner, r.of_user);
  end loop;
  delete from public.change_log c where c.id in (select o.id from (select l.id, l.at from public.change_log l order by l.id limit p_limit) o where o.at < p_before)
    and (c.number is not null or not exists (select from public.change_readers n where n.owner = c.owner and n.of_user = c.of_user));
  get diagnostics v_dropped = row_count;
  return v_dropped;
end
$$;

-- codeforge_sweep_working forgets the working files of at most so many jobs, so many blobs that were put and are in no revision, and
-- as many changes. It says of how many, whichever are most.
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
  return to_json(greatest(v_jobs, v_blobs, public.codeforge_sweep_changes(p_before, p_limit)));
end
$$;

-- codeforge_add_events appends to a job's log and tells whoever listens. It returns the number of the first one. Data is
-- text, so that it is stored as it came; a time that is null is now. The caller holds the lock of the job's row.
create or replace function public.codeforge_add_events(p_job uuid, p_user uuid, p_progress double precision, p_types text[], p_data text[], p_times timestamptz[]) returns bigint
language plpgsql set search_path = '' as $$
declare v_last bigint;
begin
  select seq into v_last from public.job_events where job_id = p_job order by seq desc limit 1;
  v_last := coalesce(v_last, 0);
  insert into public.job_events (job_id, seq, user_id, type, data, progress, created_at)
    select p_job, v_last + e.n, p_user, e.type, e.data::json, p_progress, coalesce(e.at, public.codeforge_now())
    from unnest(p_types, p_data, p_times) with ordinality as e (type, data, at, n);
  perform public.codeforge_tell(p_job, (select j.project_id from public.agent_jobs j where j.id = p_job), p_user);
  return v_last + 1;
end
$$;

revoke execute on function public.codeforge_tell(uuid, uuid, uuid), public.codeforge_log_job(), public.codeforge_log_revision(), public.codeforge_log_message(), public.codeforge_log_project(),
  public.codeforge_number_changes(uuid, boolean), public.codeforge_changes(uuid, uuid, bigint, int, int, int), public.codeforge_sweep_changes(timestamptz, int) from public, anon, authenticated;
grant execute on function public.codeforge_tell(uuid, uuid, uuid), public.codeforge_log_job(), public.codeforge_log_revision(), public.codeforge_log_message(), public.codeforge_log_project(),
  public.codeforge_number_changes(uuid, boolean), public.codeforge_changes(uuid, uuid, bigint, int, int, int), public.codeforge_sweep_changes(timestamptz, int) to service_role;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 23';
notify pgrst, 'reload schema';
