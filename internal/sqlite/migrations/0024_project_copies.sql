-- The copies of projects that were asked for with a key, so that asking again finds the first.
CREATE TABLE project_copies(
  user_id TEXT NOT NULL,
  key     TEXT NOT NULL,
  project INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
  request TEXT NOT NULL, -- what was asked for
  PRIMARY KEY(user_id, key)
) WITHOUT ROWID;
CREATE INDEX project_copies_of_project ON project_copies(project);
