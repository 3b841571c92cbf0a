-- What becomes of the work of jobs: a project's choice, and that of each of its jobs.
ALTER TABLE projects ADD COLUMN apply TEXT NOT NULL DEFAULT 'auto';
ALTER TABLE jobs ADD COLUMN apply TEXT NOT NULL DEFAULT 'auto';
ALTER TABLE jobs ADD COLUMN retry_of TEXT;
ALTER TABLE jobs ADD COLUMN proposal TEXT; -- of the files below

-- The files that the proposal of a job changes. Their texts are the project's.
CREATE TABLE proposal_files(
  job      INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
  path     TEXT NOT NULL,
  language TEXT NOT NULL, -- empty: as it is
  content  INTEGER REFERENCES contents, -- NULL: deleted
  PRIMARY KEY(job, path)
) WITHOUT ROWID;
CREATE INDEX proposal_files_of_content ON proposal_files(content) WHERE content IS NOT NULL;

-- A text goes with the last row that has it.
CREATE VIEW content_uses(content) AS SELECT content FROM file_revisions UNION ALL SELECT content FROM job_files UNION ALL SELECT content FROM proposal_files;
DROP TRIGGER file_revisions_gone;
CREATE TRIGGER file_revisions_gone AFTER DELETE ON file_revisions WHEN old.content IS NOT NULL BEGIN
  DELETE FROM contents WHERE seq = old.content AND NOT EXISTS (SELECT 1 FROM content_uses WHERE content = old.content)
    AND NOT EXISTS (SELECT 1 FROM project_files WHERE project = old.project AND path = old.path AND content = old.content);
END;
DROP TRIGGER job_files_gone;
CREATE TRIGGER job_files_gone AFTER DELETE ON job_files WHEN old.content IS NOT NULL BEGIN
  DELETE FROM contents WHERE seq = old.content AND NOT EXISTS (SELECT 1 FROM content_uses WHERE content = old.content);
END;
DROP TRIGGER job_files_changed;
CREATE TRIGGER job_files_changed AFTER UPDATE OF content ON job_files WHEN old.content IS NOT NULL AND old.content IS NOT new.content BEGIN
  DELETE FROM contents WHERE seq = old.content AND NOT EXISTS (SELECT 1 FROM content_uses WHERE content = old.content);
END;
CREATE TRIGGER proposal_files_gone AFTER DELETE ON proposal_files WHEN old.content IS NOT NULL BEGIN
  DELETE FROM contents WHERE seq = old.content AND NOT EXISTS (SELECT 1 FROM content_uses WHERE content = old.content);
END;
