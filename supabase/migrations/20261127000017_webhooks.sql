-- Webhooks: addresses that are told what happens to the projects of a user, or to one project, and the deliveries to them. A delivery
-- is made by triggers, in the transaction that makes its event true, and only where a webhook wants it. Users have no right to
-- either table: the secrets in one are sealed by servers, and nobody else is to try.

create table if not exists public.webhooks (
  id uuid primary key,
  user_id uuid not null references public.profiles (id) on delete cascade,
  project_id uuid references public.projects (id) on delete cascade, -- null: all projects of the user
  seq bigint generated always as identity,
  url text not null,
  description text not null,
  events text[] not null, -- none: all
  enabled boolean not null default true,
  disabled_reason text not null default '', -- '': nobody but the user disabled it
  disabled_at timestamptz,
  secret bytea not null, -- sealed
  old_secret bytea,
  old_secret_until timestamptz,
  failures int not null default 0, -- attempts since the last success, and the first of them
  failing_since timestamptz,
  resume_at timestamptz, -- nothing is sent before
  dropped bigint not null default 0,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index if not exists webhooks_of_user on public.webhooks (user_id) where project_id is null;
create index if not exists webhooks_of_project on public.webhooks (project_id) where project_id is not null;

-- due_at is when a delivery may be claimed; while it is sent, when its lease ends; null: never, since it has ended or its webhook
-- is disabled.
create table if not exists public.webhook_deliveries (
  id uuid primary key default gen_random_uuid(),
  webhook_id uuid not null references public.webhooks (id) on delete cascade,
  seq bigint generated always as identity,
  type text not null,
  status text not null default 'pending' check (status in ('pending', 'delivered', 'failed')),
  data json not null,
  due_at timestamptz,
  sending boolean not null default false,
  fence bigint not null default 0,
  tries int not null default 0,
  attempts jsonb not null default '[]',
  traceparent text, -- of the job that the event is about
  created_at timestamptz not null,
  ended_at timestamptz
);
create index if not exists webhook_deliveries_due on public.webhook_deliveries (webhook_id, due_at) where due_at is not null;
create index if not exists webhook_deliveries_sending on public.webhook_deliveries (webhook_id) where sending;
create index if not exists webhook_deliveries_of_webhook on public.webhook_deliveries (webhook_id, seq);
create index if not exists webhook_deliveries_old on public.webhook_deliveries (created_at) where status = 'pending';
create index if not exists webhook_deliveries_ended on public.webhook_deliveries (ended_at) where ended_at is not null;

alter table public.webhooks enable row level security;
alter table public.webhook_deliveries enable row level security;
revoke all on public.webhooks, public.webhook_deliveries from public, anon, authenticated;
grant select, insert, update, delete on public.webhooks, public.webhook_deliveries to service_role;
drop policy if exists codeforge_service on public.webhooks;
create policy codeforge_service on public.webhooks to service_role using (true) with check (true);
drop policy if exists codeforge_service on public.webhook_deliveries;
create policy codeforge_service on public.webhook_deliveries to service_role using (true) with check (true);

create or replace function public.codeforge_webhook_outbox() returns int language sql immutable as 'select 10000';

-- codeforge_add_deliveries makes a delivery to each webhook of a user, and of the project, that wants an event. One that has too many
-- pending gets none, and that is counted unless the count is being changed: nobody waits for it.
create or replace function public.codeforge_add_deliveries(p_user uuid, p_project uuid, p_type text, p_data json, p_traceparent text default null) returns void
language plpgsql set search_path = '' as $$
declare
  w record;
  v_now timestamptz := public.codeforge_now();
begin
  for w in
    select h.id from public.webhooks h where h.user_id = p_user and h.project_id is null and h.enabled and (h.events = '{}' or p_type = any (h.events))
    union all
    select h.id from public.webhooks h where h.project_id = p_project and h.enabled and (h.events = '{}' or p_type = any (h.events))
  loop
    if exists (select from public.webhook_deliveries d where d.webhook_id = w.id and d.due_at is not null offset public.codeforge_webhook_outbox() - 1) then
      update public.webhooks set dropped = dropped + 1 where id in (select id from public.webhooks where id = w.id for no key update skip locked);
    else
      insert into public.webhook_deliveries (webhook_id, type, data, due_at, created_at, traceparent) values (w.id, p_type, p_data, v_now, v_now, p_traceparent);
    end if;
  end loop;
end
$$;

create or replace function public.codeforge_webhooks_of_job() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if exists (select from public.webhooks where user_id = new.user_id and project_id is null) or exists (select from public.webhooks where project_id = new.project_id) then
    perform public.codeforge_add_deliveries(new.user_id, new.project_id, 'job.' || new.status, json_build_object('job_id', new.id, 'project_id', new.project_id,
      'agent_type', new.agent_type, 'status', new.status, 'revision', new.revision), new.traceparent);
  end if;
  return null;
end
$$;

create or replace function public.codeforge_webhooks_of_revision() returns trigger language plpgsql security definer set search_path = '' as $$
declare
  v_user uuid;
  v_data json;
  v_trace text;
begin
  select user_id into v_user from public.projects where id = new.project_id;
  if exists (select from public.webhooks where user_id = v_user and project_id is null) or exists (select from public.webhooks where project_id = new.project_id) then
    v_data := json_build_object('project_id', new.project_id, 'revision', new.number, 'author', new.author, 'job_id', new.job_id);
    select traceparent into v_trace from public.agent_jobs where id = new.job_id;
    perform public.codeforge_add_deliveries(v_user, new.project_id, 'revision.created', v_data, v_trace);
    if new.job_id is not null then
      perform public.codeforge_add_deliveries(v_user, new.project_id, 'job.kept', v_data, v_trace);
    end if;
  end if;
  return null;
end
$$;

create or replace function public.codeforge_webhooks_of_project() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if exists (select from public.webhooks where user_id = new.user_id and project_id is null) or exists (select from public.webhooks where project_id = new.id) then
    perform public.codeforge_add_deliveries(new.user_id, new.id,
      case when tg_op = 'INSERT' then 'project.created' when new.status = 'archived' and old.status <> 'archived' then 'project.archived' else 'project.updated' end,
      json_build_object('project_id', new.id, 'status', new.status, 'revision', new.revision));
  end if;
  return null;
end
$$;

-- What the server disables is told to the user's others. Deliveries of a disabled one rest until it is enabled.
create or replace function public.codeforge_webhooks_of_webhook() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if new.enabled then
    update public.webhook_deliveries set due_at = public.codeforge_now(), sending = false where webhook_id = new.id and status = 'pending';
    return null;
  end if;
  update public.webhook_deliveries set due_at = null where webhook_id = new.id and due_at is not null;
  if new.disabled_reason <> '' then
    perform public.codeforge_add_deliveries(new.user_id, new.project_id, 'webhook.disabled',
      json_build_object('webhook_id', new.id, 'project_id', new.project_id, 'reason', new.disabled_reason));
  end if;
  return null;
end
$$;

drop trigger if exists codeforge_webhooks on public.agent_jobs;
create trigger codeforge_webhooks after insert on public.agent_jobs for each row when (new.status = 'queued' and new.due_at is not null) execute function public.codeforge_webhooks_of_job();
drop trigger if exists codeforge_webhooks_again on public.agent_jobs;
create trigger codeforge_webhooks_again after update of status on public.agent_jobs for each row
  when (old.status <> new.status and (new.status in ('completed', 'failed', 'cancelled', 'waiting_for_input') or old.status = 'waiting_for_input' and new.status = 'queued'))
  execute function public.codeforge_webhooks_of_job();
drop trigger if exists codeforge_webhooks on public.project_revisions;
create trigger codeforge_webhooks after insert on public.project_revisions for each row execute function public.codeforge_webhooks_of_revision();
drop trigger if exists codeforge_webhooks on public.projects;
create trigger codeforge_webhooks after insert on public.projects for each row execute function public.codeforge_webhooks_of_project();
drop trigger if exists codeforge_webhooks_again on public.projects;
create trigger codeforge_webhooks_again after update of title, description, status, requirements_spec, architecture_spec, tech_stack, apply on public.projects for each row
  when ((old.title, old.description, old.status, old.requirements_spec, old.architecture_spec, old.tech_stack, old.apply)
    is distinct from (new.title, new.description, new.status, new.requirements_spec, new.architecture_spec, new.tech_stack, new.apply))
  execute function public.codeforge_webhooks_of_project();
drop trigger if exists codeforge_webhooks on public.webhooks;
create trigger codeforge_webhooks after update of enabled on public.webhooks for each row when (old.enabled <> new.enabled) execute function public.codeforge_webhooks_of_webhook();

-- codeforge_webhook_json is a webhook without its secrets.
create or replace function public.codeforge_webhook_json(w public.webhooks) returns json language sql stable set search_path = '' as $$
  select json_build_object('id', w.id, 'user_id', w.user_id, 'project_id', coalesce(w.project_id::text, ''), 'url', w.url, 'description', w.description, 'events', w.events,
    'enabled', w.enabled, 'disabled_reason', w.disabled_reason, 'disabled_at', w.disabled_at, 'failures', w.failures, 'failing_since', w.failing_since,
    'pending', (select count(*) from public.webhook_deliveries d where d.webhook_id = w.id and d.status = 'pending'), 'dropped', w.dropped,
    'old_secret_until', case when w.old_secret_until > public.codeforge_now() then w.old_secret_until end, 'created_at', w.created_at, 'updated_at', w.updated_at)
$$;

create or replace function public.codeforge_delivery_json(d public.webhook_deliveries) returns json language sql stable set search_path = '' as $$
  select json_build_object('id', d.id, 'webhook_id', d.webhook_id, 'type', d.type, 'status', d.status, 'data', d.data, 'tries', d.tries, 'attempts', d.attempts,
    'due_at', d.due_at, 'created_at', d.created_at, 'ended_at', d.ended_at)
$$;

-- codeforge_own_webhook finds a webhook of a user, one of p_project if that is given, and locks it.
create or replace function public.codeforge_own_webhook(p_user uuid, p_webhook uuid, p_project uuid) returns public.webhooks language plpgsql set search_path = '' as $$
declare w public.webhooks;
begin
  select * into w from public.webhooks where id = p_webhook and user_id = p_user and (p_project is null or project_id = p_project) for no key update;
  if not found then
    raise exception using errcode = 'PT404', message = 'Webhook not found', hint = 'Webhook', detail = p_webhook;
  end if;
  return w;
end
$$;

-- codeforge_create_webhook stores {id, url, description, events}. Those of a user, and of a project, are counted under its lock.
create or replace function public.codeforge_create_webhook(p_user uuid, p_project uuid, p_webhook jsonb, p_secret bytea, p_most int) returns json
language plpgsql set search_path = '' as $$
declare
  w public.webhooks;
  v_now timestamptz := public.codeforge_now();
begin
  if p_project is null then
    perform public.codeforge_ensure_profile(p_user);
    perform from public.profiles where id = p_user for no key update;
  else
    perform public.codeforge_own_project(p_user, p_project, false, null);
  end if;
  if (select count(*) from public.webhooks h where case when p_project is null then h.user_id = p_user and h.project_id is null else h.project_id = p_project end) >= p_most then
    raise exception using errcode = 'PT413', message = 'too many webhooks', hint = 'webhooks', detail = p_most;
  end if;
  insert into public.webhooks (id, user_id, project_id, url, description, events, secret, created_at, updated_at)
    select n.id, p_user, p_project, n.url, n.description, n.events, p_secret, v_now, v_now from jsonb_populate_record(null::public.webhooks, p_webhook) n
    returning * into w;
  return public.codeforge_webhook_json(w);
end
$$;

-- codeforge_list_webhooks returns those of a user's project, or of the user alone, oldest first.
create or replace function public.codeforge_list_webhooks(p_user uuid, p_project uuid) returns setof json language sql stable as $$
  select coalesce(json_agg(public.codeforge_webhook_json(h) order by h.seq), '[]') from public.webhooks h
  where h.user_id = p_user and h.project_id is not distinct from p_project
  having p_project is null or exists (select from public.projects p where p.id = p_project and p.user_id = p_user)
$$;

create or replace function public.codeforge_read_webhook(p_user uuid, p_webhook uuid, p_project uuid) returns setof json language sql stable as $$
  select public.codeforge_webhook_json(h) from public.webhooks h where h.id = p_webhook and h.user_id = p_user and (p_project is null or h.project_id = p_project)
$$;

-- codeforge_update_webhook applies the keys that p_patch has. A new address, and enabling, forget the failures from before.
create or replace function public.codeforge_update_webhook(p_user uuid, p_webhook uuid, p_project uuid, p_patch jsonb) returns json language plpgsql set search_path = '' as $$
declare
  w public.webhooks;
  v_anew boolean;
begin
  w := public.codeforge_own_webhook(p_user, p_webhook, p_project);
  v_anew := p_patch ->> 'url' <> w.url or p_patch @> '{"enabled": true}';
  update public.webhooks h set
    url = coalesce(p_patch ->> 'url', h.url), description = coalesce(p_patch ->> 'description', h.description),
    events = case when p_patch ? 'events' then array(select jsonb_array_elements_text(p_patch -> 'events')) else h.events end,
    enabled = coalesce((p_patch ->> 'enabled')::boolean, h.enabled),
    disabled_at = case (p_patch ->> 'enabled')::boolean when true then null when false then coalesce(h.disabled_at, public.codeforge_now()) else h.disabled_at end,
    disabled_reason = case when p_patch @> '{"enabled": true}' then '' else h.disabled_reason end,
    failures = case when v_anew then 0 else h.failures end,
    failing_since = case when v_anew then null else h.failing_since end,
    resume_at = case when v_anew then null else h.resume_at end,
    updated_at = public.codeforge_now()
    where h.id = p_webhook returning * into w;
  return public.codeforge_webhook_json(w);
end
$$;

create or replace function public.codeforge_delete_webhook(p_user uuid, p_webhook uuid, p_project uuid) returns void language plpgsql set search_path = '' as $$
begin
  perform public.codeforge_own_webhook(p_user, p_webhook, p_project);
  delete from public.webhooks where id = p_webhook;
end
$$;

-- codeforge_rotate_webhook gives a webhook a new secret; the one before signs too for so many seconds.
create or replace function public.codeforge_rotate_webhook(p_user uuid, p_webhook uuid, p_project uuid, p_secret bytea, p_grace double precision) returns json
language plpgsql set search_path = '' as $$
declare
  w public.webhooks;
  v_now timestamptz := public.codeforge_now();
begin
  w := public.codeforge_own_webhook(p_user, p_webhook, p_project);
  if w.secret <> p_secret then -- else this was done, and its answer was lost
    update public.webhooks h set secret = p_secret, updated_at = v_now, old_secret = case when p_grace > 0 then h.secret end,
      old_secret_until = case when p_grace > 0 then v_now + make_interval(secs => p_grace) end
      where h.id = p_webhook returning * into w;
  end if;
  return public.codeforge_webhook_json(w);
end
$$;

-- codeforge_list_deliveries returns those of a webhook, newest first.
create or replace function public.codeforge_list_deliveries(p_user uuid, p_webhook uuid, p_project uuid, p_status text, p_before uuid, p_limit int) returns setof json
language sql stable as $$
  select (select coalesce(json_agg(public.codeforge_delivery_json(l) order by l.seq desc), '[]') from (
      select d.* from public.webhook_deliveries d where d.webhook_id = h.id and (p_status is null or d.status = p_status)
        and (p_before is null or d.seq < (select b.seq from public.webhook_deliveries b where b.id = p_before and b.webhook_id = h.id))
      order by d.seq desc limit p_limit) l)
  from public.webhooks h where h.id = p_webhook and h.user_id = p_user and (p_project is null or h.project_id = p_project)
$$;

-- codeforge_redeliver has a delivery sent (again) now, or makes one of the type webhook.test if p_delivery is null; p_id is its id.
create or replace function public.codeforge_redeliver(p_user uuid, p_webhook uuid, p_project uuid, p_delivery uuid, p_id uuid) returns json language plpgsql set search_path = '' as $$
declare
  w public.webhooks;
  d public.webhook_deliveries;
  v_now timestamptz := public.codeforge_now();
begin
  w := public.codeforge_own_webhook(p_user, p_webhook, p_project);
  if p_delivery is not null then
    select * into d from public.webhook_deliveries where id = p_delivery and webhook_id = p_webhook for no key update;
    if not found then
      raise exception using errcode = 'PT404', message = 'Delivery not found', hint = 'Delivery', detail = p_delivery;
    end if;
  end if;
  if not w.enabled then
    raise exception using errcode = 'PT409', message = 'the webhook is disabled: update it with enabled true first';
  end if;
  if d.status is distinct from 'pending' and exists (select from public.webhook_deliveries x where x.webhook_id = w.id and x.due_at is not null offset public.codeforge_webhook_outbox() - 1) then
    raise exception using errcode = 'PT429', message = 'too many deliveries wait', hint = 'webhook_outbox', detail = public.codeforge_webhook_outbox();
  end if;
  update public.webhooks set resume_at = null where id = w.id and resume_at is not null; -- somebody wants to see it now
  if p_delivery is null then
    insert into public.webhook_deliveries (id, webhook_id, type, data, due_at, created_at)
      values (p_id, w.id, 'webhook.test', json_build_object('webhook_id', w.id, 'project_id', w.project_id), v_now, v_now)
      on conflict (id) do nothing;
    select * into d from public.webhook_deliveries where id = p_id;
  elsif not (d.sending and d.due_at > v_now) then -- else it is being sent
    update public.webhook_deliveries x set status = 'pending', due_at = v_now, sending = false, tries = 0, ended_at = null where x.id = d.id returning * into d;
  end if;
  return public.codeforge_delivery_json(d);
end
$$;

-- codeforge_claim_deliveries takes deliveries that are due, at most p_want, for p_lease seconds. It goes through at most p_visit
-- webhooks that have something pending, in the order of their ids after p_after, and takes as many of each that p_each are being
-- sent; of one that fails, one at a time. It returns {list, after, wait}: where the next look goes on (null: at the beginning), and
-- in how many seconds something that was seen becomes due.
create or replace function public.codeforge_claim_deliveries(p_after uuid, p_want int, p_each int, p_lease double precision, p_visit int) returns json
language plpgsql set search_path = '' as $$
declare
  w public.webhooks;
  d public.webhook_deliveries;
  v_now timestamptz := public.codeforge_now();
  v_id uuid := coalesce(p_after, '00000000-0000-0000-0000-000000000000');
  v_due timestamptz;
  v_next timestamptz;
  v_room int;
  v_list json[] := '{}';
begin
  for i in 1 .. p_visit loop
    select x.webhook_id, x.due_at into v_id, v_due from public.webhook_deliveries x where x.due_at is not null and x.webhook_id > v_id order by x.webhook_id, x.due_at limit 1;
    if not found then
      v_id := null;
      exit;
    end if;
    if v_due > v_now then
      v_next := least(v_next, v_due);
      continue;
    end if;
    select * into w from public.webhooks where id = v_id and enabled for no key update skip locked;
    if not found then -- another process is at it
      continue;
    end if;
    if w.resume_at > v_now then
      v_next := least(v_next, w.resume_at);
      continue;
    end if;
    v_room := least(p_want - cardinality(v_list), case when w.failures > 1 then 1 else p_each end -
      (select count(*) from public.webhook_deliveries x where x.webhook_id = v_id and x.sending and x.due_at > v_now)::int);
    for d in
      update public.webhook_deliveries x set due_at = v_now + make_interval(secs => p_lease), sending = true, fence = x.fence + 1, tries = x.tries + 1
        where x.id in (select n.id from public.webhook_deliveries n where n.webhook_id = v_id and n.due_at <= v_now order by n.due_at, n.seq limit greatest(v_room, 0) for no key update skip locked)
        returning x.*
    loop
      v_list := v_list || json_build_object('id', d.id, 'webhook_id', d.webhook_id, 'type', d.type, 'status', d.status, 'data', d.data, 'tries', d.tries, 'created_at', d.created_at,
        'due_at', d.due_at, 'fence', d.fence, 'user_id', w.user_id, 'project_id', coalesce(w.project_id::text, ''), 'url', w.url, 'failures', w.failures, 'traceparent', coalesce(d.traceparent, ''),
        'secret', translate(encode(w.secret, 'base64'), E'\n', ''), 'old_secret', case when w.old_secret_until > v_now then translate(encode(w.old_secret, 'base64'), E'\n', '') end);
    end loop;
    exit when cardinality(v_list) >= p_want;
  end loop;
  return json_build_object('list', array_to_json(v_list), 'after', v_id, 'wait', extract(epoch from v_next - v_now));
end
$$;

-- codeforge_record_delivery notes what came of {attempt, status, wait, pause, disable}, unless another claim came since, and
-- returns whether the webhook was disabled. Now and then it forgets what is beyond the newest p_log that ended.
create or replace function public.codeforge_record_delivery(p_delivery uuid, p_fence bigint, p_outcome jsonb, p_attempts int, p_log int, p_disable_after double precision) returns json
language plpgsql set search_path = '' as $$
declare
  w public.webhooks;
  d public.webhook_deliveries;
  v_now timestamptz := public.codeforge_now();
  v_status text := p_outcome ->> 'status';
  v_disable text := p_outcome ->> 'disable';
begin
  select * into w from public.webhooks where id = (select x.webhook_id from public.webhook_deliveries x where x.id = p_delivery) for no key update;
  select * into d from public.webhook_deliveries where id = p_delivery and fence = p_fence and sending for no key update;
  if w.id is null or d.id is null then
    raise exception using errcode = 'PT412', message = 'the claim is lost';
  end if;
  update public.webhook_deliveries x set status = v_status, sending = false, ended_at = case when v_status <> 'pending' then v_now end,
    due_at = case when v_status = 'pending' and w.enabled then v_now + make_interval(secs => (p_outcome ->> 'wait')::double precision) end,
    attempts = case when jsonb_array_length(x.attempts) >= p_attempts then x.attempts - 0 else x.attempts end || (p_outcome -> 'attempt')
    where x.id = p_delivery;
  if d.seq % 64 = 0 then
    delete from public.webhook_deliveries x where x.webhook_id = w.id and x.ended_at is not null
      and x.seq < (select n.seq from public.webhook_deliveries n where n.webhook_id = w.id and n.ended_at is not null order by n.seq desc offset p_log - 1 limit 1);
  end if;
  if v_status = 'delivered' then
    update public.webhooks h set failures = 0, failing_since = null, resume_at = null where h.id = w.id and h.failures > 0;
    return to_json(false);
  end if;
  if v_disable = '' and w.failing_since <= v_now - make_interval(secs => p_disable_after) then
    v_disable := 'failing';
  end if;
  update public.webhooks h set failures = h.failures + 1, failing_since = coalesce(h.failing_since, v_now),
    resume_at = greatest(h.resume_at, v_now + make_interval(secs => (p_outcome ->> 'pause')::double precision)),
    enabled = h.enabled and v_disable = '', disabled_reason = case when h.enabled then v_disable else h.disabled_reason end,
    disabled_at = case when h.enabled and v_disable <> '' then v_now else h.disabled_at end,
    updated_at = case when h.enabled and v_disable <> '' then v_now else h.updated_at end
    where h.id = w.id;
  return to_json(w.enabled and v_disable <> '');
end
$$;

-- codeforge_sweep_deliveries gives up what is pending for p_pending seconds, and forgets what ended p_kept seconds ago. It returns how
-- many were given up.
create or replace function public.codeforge_sweep_deliveries(p_pending double precision, p_kept double precision) returns json language plpgsql set search_path = '' as $$
declare
  v_now timestamptz := public.codeforge_now();
  v_given_up int;
begin
  with old as (
    select d.id from public.webhook_deliveries d where d.status = 'pending' and d.created_at < v_now - make_interval(secs => p_pending)
      and (d.due_at is null or not d.sending or d.due_at <= v_now) for no key update skip locked
  )
  update public.webhook_deliveries d set status = 'failed', due_at = null, sending = false, ended_at = v_now from old where d.id = old.id;
  get diagnostics v_given_up = row_count;
  delete from public.webhook_deliveries d where d.ended_at < v_now - make_interval(secs => p_kept);
  return to_json(v_given_up);
end
$$;

-- codeforge_webhook_backlog returns {pending, oldest}: how many deliveries wait to be sent, and the seconds that the oldest has waited.
create or replace function public.codeforge_webhook_backlog() returns setof json language sql stable as $$
  select json_build_object('pending', count(*), 'oldest', coalesce(extract(epoch from public.codeforge_now() - min(created_at)), 0)) from public.webhook_deliveries where due_at is not null
$$;

do $$
declare f regprocedure;
begin
  for f in
    select oid::regprocedure from pg_catalog.pg_proc where pronamespace = 'public'::regnamespace and proname in ('codeforge_webhook_outbox', 'codeforge_add_deliveries',
      'codeforge_webhooks_of_job', 'codeforge_webhooks_of_revision', 'codeforge_webhooks_of_project', 'codeforge_webhooks_of_webhook', 'codeforge_webhook_json', 'codeforge_delivery_json',
      'codeforge_own_webhook', 'codeforge_create_webhook', 'codeforge_list_webhooks', 'codeforge_read_webhook', 'codeforge_update_webhook', 'codeforge_delete_webhook',
      'codeforge_rotate_webhook', 'codeforge_list_deliveries', 'codeforge_redeliver', 'codeforge_claim_deliveries', 'codeforge_record_delivery',
      'codeforge_sweep_deliveries', 'codeforge_webhook_backlog')
  loop
    execute format('revoke execute on function %s from public, anon, authenticated', f);
    execute format('grant execute on function %s to service_role', f);
  end loop;
end
$$;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 26';
notify pgrst, 'reload schema';
