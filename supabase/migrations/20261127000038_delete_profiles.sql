-- What a user has is deleted for good.

-- codeforge_delete_profile deletes what a user has beside projects, of which there must be none any more. Nobody makes one meanwhile: it
-- would name the profile. What stays are sums: in the books of model calls, of budgets and of a day's revisions.
create or replace function public.codeforge_delete_profile(p_user uuid, p_email text) returns void language plpgsql set search_path = '' as $$
begin
  perform from public.profiles where id = p_user for update;
  if exists (select from public.projects where user_id = p_user) then
    raise exception using errcode = 'PT409', message = 'There are projects still: delete them first';
  end if;
  delete from public.api_tokens where user_id = p_user;
  delete from public.provider_keys where user_id = p_user;
  delete from public.webhooks where user_id = p_user;
  delete from public.waitlist where email = p_email;
  delete from public.profiles where id = p_user;
end
$$;

revoke execute on function public.codeforge_delete_profile(uuid, text) from public, anon, authenticated;
grant execute on function public.codeforge_delete_profile(uuid, text) to service_role;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 47';
notify pgrst, 'reload schema';
