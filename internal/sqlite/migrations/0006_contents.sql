-- The text of a file is stored once in a project, whatever paths and revisions have it. Rows of file_revisions that exist no
-- more take along what nothing else has.

CREATE TABLE contents(
  seq     INTEGER PRIMARY KEY,
  project INTEGER NOT NULL REFERENCES projects,
  hash    BLOB NOT NULL, -- SHA-256
  content TEXT NOT NULL,
  UNIQUE(project, hash)
);
INSERT INTO contents(project, hash, content)
  SELECT project, content_hash(content), content FROM file_revisions WHERE NOT deleted ORDER BY seq ON CONFLICT DO NOTHING;

CREATE TABLE states(
  seq        INTEGER PRIMARY KEY,
  project    INTEGER NOT NULL REFERENCES projects,
  path       TEXT NOT NULL,
  revision   INTEGER NOT NULL,
  deleted    INTEGER NOT NULL,
  language   TEXT NOT NULL,
  version    INTEGER NOT NULL,
  size       INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  content    INTEGER REFERENCES contents, -- NULL: deleted
  UNIQUE(project, path, revision)
);
INSERT INTO states SELECT seq, project, path, revision, deleted, language, version, size, created_at,
  (SELECT c.seq FROM contents c WHERE NOT r.deleted AND c.project = r.project AND c.hash = content_hash(r.content)) FROM file_revisions r;
ALTER TABLE project_files ADD COLUMN content INTEGER; -- of its newest row in file_revisions
UPDATE project_files SET content = (SELECT content FROM states WHERE seq = head);
ALTER TABLE project_files DROP COLUMN head;
DROP TABLE file_revisions;
ALTER TABLE states RENAME TO file_revisions;
CREATE INDEX file_revisions_of_content ON file_revisions(content) WHERE content IS NOT NULL;

-- The bytes in contents, by user.
CREATE TABLE stored_bytes(
  user_id TEXT PRIMARY KEY,
  bytes   INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO stored_bytes SELECT p.user_id, sum(octet_length(c.content)) FROM contents c JOIN projects p ON p.seq = c.project GROUP BY p.user_id;

CREATE TRIGGER file_revisions_gone AFTER DELETE ON file_revisions WHEN old.content IS NOT NULL BEGIN
  DELETE FROM contents WHERE seq = old.content AND NOT EXISTS (SELECT 1 FROM file_revisions WHERE content = old.content)
    AND NOT EXISTS (SELECT 1 FROM project_files WHERE project = old.project AND path = old.path AND content = old.content);
END;
CREATE TRIGGER contents_gone AFTER DELETE ON contents BEGIN
  UPDATE stored_bytes SET bytes = bytes - octet_length(old.content) WHERE user_id = (SELECT user_id FROM projects WHERE seq = old.project);
END;
