-- The files of a project that the newest claim of a job changed, as they are in its working tree. Their texts are the project's.
CREATE TABLE job_files(
  job     INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
  path    TEXT NOT NULL,
  fence   INTEGER NOT NULL, -- number of the claim
  content INTEGER REFERENCES contents, -- NULL: deleted
  PRIMARY KEY(job, path)
) WITHOUT ROWID;
CREATE INDEX job_files_of_content ON job_files(content) WHERE content IS NOT NULL;

-- A text goes with the last row that has it.
DROP TRIGGER file_revisions_gone;
CREATE TRIGGER file_revisions_gone AFTER DELETE ON file_revisions WHEN old.content IS NOT NULL BEGIN
  DELETE FROM contents WHERE seq = old.content AND NOT EXISTS (SELECT 1 FROM file_revisions WHERE content = old.content)
    AND NOT EXISTS (SELECT 1 FROM project_files WHERE project = old.project AND path = old.path AND content = old.content)
    AND NOT EXISTS (SELECT 1 FROM job_files WHERE content = old.content);
END;
CREATE TRIGGER job_files_gone AFTER DELETE ON job_files WHEN old.content IS NOT NULL BEGIN
  DELETE FROM contents WHERE seq = old.content AND NOT EXISTS (SELECT 1 FROM file_revisions WHERE content = old.content)
    AND NOT EXISTS (SELECT 1 FROM job_files WHERE content = old.content);
END;
CREATE TRIGGER job_files_changed AFTER UPDATE OF content ON job_files WHEN old.content IS NOT NULL AND old.content IS NOT new.content BEGIN
  DELETE FROM contents WHERE seq = old.content AND NOT EXISTS (SELECT 1 FROM file_revisions WHERE content = old.content)
    AND NOT EXISTS (SELECT 1 FROM job_files WHERE content = old.content);
END;
