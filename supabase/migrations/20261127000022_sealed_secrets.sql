-- Secrets of webhooks that were sealed with a key that is going are sealed anew.

-- codeforge_sealed_secrets returns [{id, secret, old_secret}], those of the p_limit webhooks after p_after.
create or replace function public.codeforge_sealed_secrets(p_after uuid, p_limit int) returns setof json language sql stable as $$
  select coalesce(json_agg(json_build_object('id', h.id, 'secret', h.secret, 'old_secret', h.old_secret) order by h.id), '[]') from (
    select w.id, w.secret, w.old_secret from public.webhooks w where p_after is null or w.id > p_after order by w.id limit p_limit) h
$$;

-- codeforge_reseal_secrets puts others in place of those of one webhook, unless they are not those that were read.
create or replace function public.codeforge_reseal_secrets(p_webhook uuid, p_secret bytea, p_old_secret bytea, p_new_secret bytea, p_new_old_secret bytea) returns void
language sql set search_path = '' as $$
  update public.webhooks set secret = p_new_secret, old_secret = p_new_old_secret where id = p_webhook and secret = p_secret and old_secret is not distinct from p_old_secret
$$;

revoke execute on function public.codeforge_sealed_secrets(uuid, int), public.codeforge_reseal_secrets(uuid, bytea, bytea, bytea, bytea) from public, anon, authenticated;
grant execute on function public.codeforge_sealed_secrets(uuid, int), public.codeforge_reseal_secrets(uuid, bytea, bytea, bytea, bytea) to service_role;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 31';
notify pgrst, 'reload schema';
