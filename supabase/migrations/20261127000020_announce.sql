-- What servers tell each other of their commits they tell after them, much at a time: a notification in a transaction has all that
-- notify commit one after the other, and a delivery for each job costs more than the job. What is lost is found by looking.

-- codeforge_announce hands deliveries to River, as its own client would: jobs may be due that no worker was free for.
create or replace function public.codeforge_announce(p_jobs uuid[]) returns void language sql set search_path = '' as $$
  insert into codeforge_river.river_job as r (kind, args, max_attempts, state, scheduled_at, unique_key, unique_states)
    select 'codeforge_job', a.args::jsonb, 3, 'available'::codeforge_river.river_job_state, now(), sha256(convert_to('&kind=codeforge_job&args=' || a.args, 'UTF8')), b'10000001'
    from unnest(p_jobs) j (id), lateral (select format('{"id":"%s"}', j.id) as args) a
    on conflict (unique_key) where unique_key is not null and unique_states is not null and codeforge_river.river_job_state_in_bitmask(unique_states, state) do nothing;
  select pg_notify('codeforge_river.river_insert', '{"queue": "default"}');
$$;

-- codeforge_tell_all tells servers what codeforge_tell would.
create or replace function public.codeforge_tell_all(p_news text[]) returns void language sql set search_path = '' as $$
  select pg_notify('codeforge_events', n) from unnest(p_news) n
$$;

drop function if exists public.codeforge_dispatch(json);
drop function if exists public.codeforge_enqueue(uuid);

revoke execute on function public.codeforge_announce(uuid[]), public.codeforge_tell_all(text[]) from public, anon, authenticated;
grant execute on function public.codeforge_announce(uuid[]), public.codeforge_tell_all(text[]) to service_role;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 29';
notify pgrst, 'reload schema';
