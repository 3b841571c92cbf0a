-- That the server disabled a webhook is a change of its project, or of what its user watches.
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
    insert into public.change_log (owner, of_user, kind, ref, state, at)
      values (coalesce(new.project_id, new.user_id), new.project_id is null, 'webhook', new.id, new.disabled_reason, public.codeforge_now());
    perform public.codeforge_tell(null, new.project_id, new.user_id);
  end if;
  return null;
end
$$;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 34';
notify pgrst, 'reload schema';
