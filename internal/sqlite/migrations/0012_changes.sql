-- What changed, in the order of commits: in a project, and, of a user, the jobs that began. A row says what it was and holds
-- nothing of it. The newest 1,000 of each owner are kept (codeforge.KeptChanges).
CREATE TABLE changes(
  owner  TEXT NOT NULL, -- id of the project, or of the user
  number INTEGER NOT NULL, -- from 1 without gaps
  kind   TEXT NOT NULL,
  ref    TEXT NOT NULL, -- number of the revision, id of the message or job; of a project the names of the fields
  state  TEXT NOT NULL, -- of a job
  at     INTEGER NOT NULL,
  PRIMARY KEY(owner, number)
) WITHOUT ROWID;

CREATE VIEW new_change(owner, kind, ref, state, at) AS SELECT owner, kind, ref, state, at FROM changes;
CREATE TRIGGER change_made INSTEAD OF INSERT ON new_change BEGIN
  INSERT INTO changes(owner, number, kind, ref, state, at)
    SELECT new.owner, coalesce(max(number), 0) + 1, new.kind, new.ref, new.state, new.at FROM changes WHERE owner = new.owner;
  DELETE FROM changes WHERE owner = new.owner AND number <= (SELECT max(number) FROM changes WHERE owner = new.owner) - 1000;
END;

CREATE TRIGGER job_began AFTER INSERT ON jobs BEGIN
  INSERT INTO new_change VALUES(new.project_id, 'job', new.id, new.status, new.updated_at);
  INSERT INTO new_change VALUES(new.user_id, 'job', new.id, new.status, new.updated_at);
END;
CREATE TRIGGER job_state_changed AFTER UPDATE OF status ON jobs WHEN old.status <> new.status AND new.status <> 'running' BEGIN
  INSERT INTO new_change VALUES(new.project_id, 'job', new.id, new.status, new.updated_at);
END;
CREATE TRIGGER revision_made AFTER INSERT ON project_revisions BEGIN
  INSERT INTO new_change SELECT id, 'revision', new.number, '', new.created_at FROM projects WHERE seq = new.project;
END;
CREATE TRIGGER message_made AFTER INSERT ON chat_messages BEGIN
  INSERT INTO new_change SELECT id, 'message', new.id, '', new.created_at FROM projects WHERE seq = new.project;
END;
CREATE TRIGGER project_changed AFTER UPDATE OF title, description, mode, status, requirements, architecture, tech_stack, apply ON projects
  WHEN (old.title, old.description, old.mode, old.status, old.requirements, old.architecture, old.tech_stack, old.apply)
    IS NOT (new.title, new.description, new.mode, new.status, new.requirements, new.architecture, new.tech_stack, new.apply) BEGIN
  INSERT INTO new_change VALUES(new.id, 'project', trim(iif(old.title IS new.title, '', 'title ') || iif(old.description IS new.description, '', 'description ')
    || iif(old.mode IS new.mode, '', 'mode ') || iif(old.status IS new.status, '', 'status ') || iif(old.requirements IS new.requirements, '', 'requirements_spec ')
    || iif(old.architecture IS new.architecture, '', 'architecture_spec ') || iif(old.tech_stack IS new.tech_stack, '', 'tech_stack ')
    || iif(old.apply IS new.apply, '', 'apply ')), '', new.updated_at);
END;

CREATE INDEX jobs_not_ended ON jobs(user_id, project) WHERE completed_at IS NULL;
CREATE INDEX chat_messages_by_id ON chat_messages(id);
