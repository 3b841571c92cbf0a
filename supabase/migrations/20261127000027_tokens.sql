-- Users make tokens themselves: how many of theirs may hold is bounded, and those that ended long ago are forgotten.

-- codeforge_create_token stores {id, name, hint, hash, scopes, created_at, expires_at}; the hash is \x and hexadecimal digits. A
-- user has at most so many that hold, counted under the user's lock; those that ended so many seconds ago are deleted.
drop function if exists public.codeforge_create_token(uuid, jsonb);
create or replace function public.codeforge_create_token(p_user uuid, p_token jsonb, p_most int default 100, p_kept_seconds int default 2592000) returns void
language plpgsql set search_path = '' as $$
declare n public.api_tokens := jsonb_populate_record(null::public.api_tokens, p_token);
begin
  perform public.codeforge_ensure_profile(p_user);
  perform from public.profiles where id = p_user for no key update;
  delete from public.api_tokens t where t.user_id = p_user and least(t.revoked_at, t.expires_at) < n.created_at - make_interval(secs => p_kept_seconds);
  if (select count(*) from public.api_tokens t where t.user_id = p_user and t.revoked_at is null and (t.expires_at is null or t.expires_at > n.created_at) and t.id <> n.id) >= p_most then
    raise exception using errcode = 'PT413', message = format('a user has at most %s tokens', p_most), hint = 'tokens', detail = p_most;
  end if;
  insert into public.api_tokens (id, user_id, name, hint, hash, scopes, created_at, expires_at)
    values (n.id, p_user, n.name, n.hint, n.hash, n.scopes, n.created_at, n.expires_at);
end
$$;
revoke execute on function public.codeforge_create_token(uuid, jsonb, int, int) from public, anon, authenticated;
grant execute on function public.codeforge_create_token(uuid, jsonb, int, int) to service_role;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 36';
notify pgrst, 'reload schema';
