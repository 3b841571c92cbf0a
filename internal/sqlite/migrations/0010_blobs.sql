-- Bytes that are no text of a file, or too long for one, are blobs: in contents they are a BLOB, texts are TEXT, and rows of files
-- name their hash, in hexadecimal, so that lists need not look there. What is kept beside a revision lies in contents too.

ALTER TABLE project_files ADD COLUMN blob TEXT; -- NULL: a text
ALTER TABLE file_revisions ADD COLUMN blob TEXT;
ALTER TABLE projects ADD COLUMN blob_bytes INTEGER NOT NULL DEFAULT 0; -- in the files that are blobs; bytes are those of texts

ALTER TABLE project_revisions ADD COLUMN evidence TEXT;
ALTER TABLE project_revisions ADD COLUMN lock INTEGER REFERENCES contents; -- every revision has the one before it, or its own
CREATE INDEX project_revisions_of_lock ON project_revisions(lock) WHERE lock IS NOT NULL;

CREATE TABLE screenshots(
  project  INTEGER NOT NULL REFERENCES projects,
  revision INTEGER NOT NULL,
  page     TEXT NOT NULL,
  width    INTEGER NOT NULL,
  type     TEXT NOT NULL,
  content  INTEGER NOT NULL REFERENCES contents,
  PRIMARY KEY(project, revision, page, width)
) WITHOUT ROWID;
CREATE INDEX screenshots_of_content ON screenshots(content);

-- What was put and is in no revision yet.
CREATE TABLE puts(
  content INTEGER PRIMARY KEY REFERENCES contents,
  project INTEGER NOT NULL REFERENCES projects,
  size    INTEGER NOT NULL,
  at      INTEGER NOT NULL
);
CREATE INDEX puts_of_project ON puts(project, size);

-- What a row has goes with the last row that has it.
DROP VIEW content_uses;
CREATE VIEW content_uses(content) AS SELECT content FROM file_revisions UNION ALL SELECT content FROM job_files UNION ALL SELECT content FROM proposal_files
  UNION ALL SELECT lock FROM project_revisions UNION ALL SELECT content FROM screenshots UNION ALL SELECT content FROM puts;
CREATE TRIGGER screenshots_gone AFTER DELETE ON screenshots BEGIN
  DELETE FROM contents WHERE seq = old.content AND NOT EXISTS (SELECT 1 FROM content_uses WHERE content = old.content);
END;
CREATE TRIGGER puts_gone AFTER DELETE ON puts BEGIN
  DELETE FROM contents WHERE seq = old.content AND NOT EXISTS (SELECT 1 FROM content_uses WHERE content = old.content);
END;
CREATE TRIGGER locks_gone AFTER DELETE ON project_revisions WHEN old.lock IS NOT NULL BEGIN
  DELETE FROM contents WHERE seq = old.lock AND NOT EXISTS (SELECT 1 FROM content_uses WHERE content = old.lock);
END;
CREATE TRIGGER locks_changed AFTER UPDATE OF lock ON project_revisions WHEN old.lock IS NOT NULL AND old.lock IS NOT new.lock BEGIN
  DELETE FROM contents WHERE seq = old.lock AND NOT EXISTS (SELECT 1 FROM content_uses WHERE content = old.lock);
END;
