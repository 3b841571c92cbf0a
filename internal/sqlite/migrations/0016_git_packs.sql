-- Commits that were pushed are kept as they came: packs of objects of git, among the contents, by the revision that each became.

CREATE TABLE git_packs(
  project   INTEGER NOT NULL REFERENCES projects,
  revision  INTEGER NOT NULL,
  place     INTEGER NOT NULL,
  commit_id BLOB NOT NULL, -- the same in all of a revision
  content   INTEGER NOT NULL REFERENCES contents,
  PRIMARY KEY(project, revision, place)
) WITHOUT ROWID;
CREATE INDEX git_packs_of_content ON git_packs(content);

DROP VIEW content_uses;
CREATE VIEW content_uses(content) AS SELECT content FROM file_revisions UNION ALL SELECT content FROM job_files UNION ALL SELECT content FROM proposal_files
  UNION ALL SELECT lock FROM project_revisions UNION ALL SELECT content FROM screenshots UNION ALL SELECT content FROM puts UNION ALL SELECT content FROM git_packs;
CREATE TRIGGER git_packs_gone AFTER DELETE ON git_packs BEGIN
  DELETE FROM contents WHERE seq = old.content AND NOT EXISTS (SELECT 1 FROM content_uses WHERE content = old.content);
END;
