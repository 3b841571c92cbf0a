-- What the beginning of a job leaves in the logs of changes is one statement.

create or replace function public.codeforge_log_job() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'INSERT' then
    insert into public.change_log (owner, of_user, kind, ref, state, at)
      values (new.project_id, false, 'job', new.id, new.status, public.codeforge_now()), (new.user_id, true, 'job', new.id, new.status, public.codeforge_now());
  else
    insert into public.change_log (owner, of_user, kind, ref, state, at) values (new.project_id, false, 'job', new.id, new.status, public.codeforge_now());
  end if;
  perform public.codeforge_tell(new.id, new.project_id, new.user_id);
  return null;
end
$$;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 40';
notify pgrst, 'reload schema';
