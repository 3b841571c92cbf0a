-- What a job has kept so far: once for each stage and round, with the revision that it made (0: none).
CREATE TABLE job_stages(
  job      INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
  stage    TEXT NOT NULL,
  round    INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  PRIMARY KEY(job, stage, round)
) WITHOUT ROWID;

-- Whether the files of a revision pass a check; NULL: nobody looked. Those of jobs did.
ALTER TABLE project_revisions ADD COLUMN verified INTEGER;
UPDATE project_revisions SET verified = 1 WHERE job_id IS NOT NULL;
