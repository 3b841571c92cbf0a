-- That the server disabled a webhook is a change of its project, or of what its user watches.
CREATE TRIGGER webhooks_disabled_changed AFTER UPDATE OF enabled ON webhooks WHEN old.enabled AND NOT new.enabled AND new.disabled_reason <> '' BEGIN
  INSERT INTO new_change VALUES(iif(new.project IS NULL, new.user_id, new.project_id), 'webhook', new.id, new.disabled_reason, new.updated_at);
END;
