-- What went wrong in pages of previews, each different one once, the newest of a project.
CREATE TABLE preview_errors(
  seq      INTEGER PRIMARY KEY,
  project  INTEGER NOT NULL REFERENCES projects,
  key      TEXT NOT NULL,
  revision INTEGER NOT NULL,
  job_id   TEXT NOT NULL, -- '': of a revision
  kind     TEXT NOT NULL,
  message  TEXT NOT NULL,
  file     TEXT NOT NULL,
  line     INTEGER NOT NULL,
  col      INTEGER NOT NULL,
  stack    TEXT NOT NULL,
  page     TEXT NOT NULL,
  count    INTEGER NOT NULL,
  first_at INTEGER NOT NULL,
  last_at  INTEGER NOT NULL,
  UNIQUE(project, key)
);
