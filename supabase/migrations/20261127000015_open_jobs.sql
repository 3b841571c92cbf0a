-- Jobs that have not ended are told of once: those whose beginning comes after the last number are told of by that. And a change
-- of a job names it, as its events do.

create or replace function public.codeforge_log_job() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into public.change_log (owner, of_user, kind, ref, state, at) values (new.project_id, false, 'job', new.id, new.status, public.codeforge_now());
  if tg_op = 'INSERT' then
    insert into public.change_log (owner, of_user, kind, ref, state, at) values (new.user_id, true, 'job', new.id, new.status, public.codeforge_now());
  end if;
  perform public.codeforge_tell(new.id, new.project_id, new.user_id);
  return null;
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
          and not exists (select from public.change_log c where c.owner = v_owner and c.of_user = v_of_user and c.kind = 'job' and c.ref = j.id::text
            and (c.number is null or c.number > v_last) and c.state = 'queued')
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

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 24';
notify pgrst, 'reload schema';
