-- Addresses that are told what happens to the projects of a user, or to one project.
CREATE TABLE webhooks(
  seq              INTEGER PRIMARY KEY,
  id               TEXT NOT NULL UNIQUE,
  user_id          TEXT NOT NULL,
  project          INTEGER REFERENCES projects ON DELETE CASCADE, -- NULL: all projects of the user
  project_id       TEXT NOT NULL,
  url              TEXT NOT NULL,
  description      TEXT NOT NULL,
  events           TEXT NOT NULL, -- with a space before and after each; '': all
  enabled          INTEGER NOT NULL,
  disabled_reason  TEXT NOT NULL DEFAULT '',
  disabled_at      INTEGER,
  secret           BLOB NOT NULL, -- sealed
  old_secret       BLOB,
  old_secret_until INTEGER,
  failures         INTEGER NOT NULL DEFAULT 0, -- attempts since the last success, and the first of them
  failing_since    INTEGER,
  resume_at        INTEGER, -- nothing is sent before
  dropped          INTEGER NOT NULL DEFAULT 0,
  created_at       INTEGER NOT NULL,
  updated_at       INTEGER NOT NULL
);
CREATE INDEX webhooks_of_user ON webhooks(user_id) WHERE project IS NULL;
CREATE INDEX webhooks_of_project ON webhooks(project) WHERE project IS NOT NULL;

-- due_at is when a delivery may be claimed; while it is sent, when its lease ends; NULL: never, since it has ended or its webhook is
-- disabled.
CREATE TABLE webhook_deliveries(
  seq        INTEGER PRIMARY KEY,
  id         TEXT NOT NULL UNIQUE DEFAULT (lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2)
             || '-a' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))), -- a UUID of version 4
  webhook    INTEGER NOT NULL REFERENCES webhooks ON DELETE CASCADE,
  type       TEXT NOT NULL,
  status     TEXT NOT NULL DEFAULT 'pending',
  data       TEXT NOT NULL,
  due_at     INTEGER,
  sending    INTEGER NOT NULL DEFAULT 0,
  fence      INTEGER NOT NULL DEFAULT 0,
  tries      INTEGER NOT NULL DEFAULT 0,
  attempts   TEXT NOT NULL DEFAULT '[]',
  traceparent TEXT, -- of the job that the event is about
  created_at INTEGER NOT NULL,
  ended_at   INTEGER
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries(webhook, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_deliveries_of_webhook ON webhook_deliveries(webhook, seq);
CREATE INDEX webhook_deliveries_old ON webhook_deliveries(created_at) WHERE status = 'pending';
CREATE INDEX webhook_deliveries_ended ON webhook_deliveries(ended_at) WHERE ended_at IS NOT NULL;

-- What is inserted here becomes a delivery to each webhook that wants it, in the transaction that makes it true. One that has too many
-- pending gets none, and that is counted.
CREATE VIEW webhook_events(user_id, project, type, at, data, traceparent) AS SELECT '', 0, '', 0, '', '' WHERE 0;
CREATE TRIGGER webhook_events_told INSTEAD OF INSERT ON webhook_events BEGIN
  UPDATE webhooks SET dropped = dropped + 1 WHERE enabled AND (user_id = new.user_id AND project IS NULL OR project = new.project)
    AND (events = '' OR instr(events, ' ' || new.type || ' ') > 0)
    AND EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.webhook = webhooks.seq AND d.due_at IS NOT NULL LIMIT 1 OFFSET 9999);
  INSERT INTO webhook_deliveries(webhook, type, data, due_at, created_at, traceparent)
    SELECT seq, new.type, new.data, new.at, new.at, new.traceparent FROM webhooks WHERE enabled AND (user_id = new.user_id AND project IS NULL OR project = new.project)
    AND (events = '' OR instr(events, ' ' || new.type || ' ') > 0)
    AND NOT EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.webhook = webhooks.seq AND d.due_at IS NOT NULL LIMIT 1 OFFSET 9999);
END;

CREATE TRIGGER jobs_told AFTER INSERT ON jobs WHEN new.status = 'queued' AND
  (EXISTS (SELECT 1 FROM webhooks WHERE user_id = new.user_id AND project IS NULL) OR EXISTS (SELECT 1 FROM webhooks WHERE project = new.project)) BEGIN
  INSERT INTO webhook_events(user_id, project, type, at, traceparent, data) VALUES(new.user_id, new.project, 'job.queued', new.created_at, new.traceparent,
    json_object('job_id', new.id, 'project_id', new.project_id, 'agent_type', new.agent, 'status', new.status, 'revision', new.revision));
END;
CREATE TRIGGER jobs_told_again AFTER UPDATE OF status ON jobs WHEN new.status <> old.status
  AND (new.status IN ('completed', 'failed', 'cancelled', 'waiting_for_input') OR old.status = 'waiting_for_input' AND new.status = 'queued') AND
  (EXISTS (SELECT 1 FROM webhooks WHERE user_id = new.user_id AND project IS NULL) OR EXISTS (SELECT 1 FROM webhooks WHERE project = new.project)) BEGIN
  INSERT INTO webhook_events(user_id, project, type, at, traceparent, data) VALUES(new.user_id, new.project, 'job.' || new.status, new.updated_at, new.traceparent,
    json_object('job_id', new.id, 'project_id', new.project_id, 'agent_type', new.agent, 'status', new.status, 'revision', new.revision));
END;
CREATE TRIGGER project_revisions_told AFTER INSERT ON project_revisions WHEN
  EXISTS (SELECT 1 FROM webhooks WHERE user_id = (SELECT user_id FROM projects WHERE seq = new.project) AND project IS NULL) OR EXISTS (SELECT 1 FROM webhooks WHERE project = new.project) BEGIN
  INSERT INTO webhook_events(user_id, project, type, at, traceparent, data) SELECT p.user_id, p.seq, t.column1, new.created_at, (SELECT traceparent FROM jobs WHERE id = new.job_id),
    json_object('project_id', p.id, 'revision', new.number, 'author', new.author, 'job_id', new.job_id)
    FROM projects p, (VALUES('revision.created'), ('job.kept')) t WHERE p.seq = new.project AND (t.column1 = 'revision.created' OR new.job_id IS NOT NULL);
END;
CREATE TRIGGER projects_told AFTER INSERT ON projects WHEN EXISTS (SELECT 1 FROM webhooks WHERE user_id = new.user_id AND project IS NULL) BEGIN
  INSERT INTO webhook_events(user_id, project, type, at, data) VALUES(new.user_id, new.seq, 'project.created', new.created_at,
    json_object('project_id', new.id, 'status', new.status, 'revision', new.revision));
END;
CREATE TRIGGER projects_told_again AFTER UPDATE OF title, description, status, requirements, architecture, tech_stack, apply ON projects WHEN
  (new.title IS NOT old.title OR new.description IS NOT old.description OR new.status IS NOT old.status OR new.requirements IS NOT old.requirements
    OR new.architecture IS NOT old.architecture OR new.tech_stack IS NOT old.tech_stack OR new.apply IS NOT old.apply) AND
  (EXISTS (SELECT 1 FROM webhooks WHERE user_id = new.user_id AND project IS NULL) OR EXISTS (SELECT 1 FROM webhooks WHERE project = new.seq)) BEGIN
  INSERT INTO webhook_events(user_id, project, type, at, data) VALUES(new.user_id, new.seq,
    iif(new.status = 'archived' AND old.status <> 'archived', 'project.archived', 'project.updated'), new.updated_at,
    json_object('project_id', new.id, 'status', new.status, 'revision', new.revision));
END;

-- Deliveries of a disabled webhook rest until it is enabled. What the server disables is told to the user's others.
CREATE TRIGGER webhooks_enabled AFTER UPDATE OF enabled ON webhooks WHEN new.enabled AND NOT old.enabled BEGIN
  UPDATE webhook_deliveries SET due_at = new.updated_at, sending = 0 WHERE webhook = new.seq AND status = 'pending';
END;
CREATE TRIGGER webhooks_disabled AFTER UPDATE OF enabled ON webhooks WHEN old.enabled AND NOT new.enabled BEGIN
  UPDATE webhook_deliveries SET due_at = NULL WHERE webhook = new.seq AND due_at IS NOT NULL;
  INSERT INTO webhook_events(user_id, project, type, at, data) SELECT new.user_id, new.project, 'webhook.disabled', new.updated_at,
    json_object('webhook_id', new.id, 'project_id', nullif(new.project_id, ''), 'reason', new.disabled_reason) WHERE new.disabled_reason <> '';
END;
