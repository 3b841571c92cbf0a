-- Architectures that worked, with their vectors: float32, little endian. A project has one of each embedding model.
CREATE TABLE patterns(
  seq        INTEGER PRIMARY KEY,
  project    INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
  user_id    TEXT NOT NULL,
  job_id     TEXT NOT NULL,
  model      TEXT NOT NULL,
  shape      TEXT NOT NULL,
  outline    TEXT NOT NULL, -- its owner's alone
  score      REAL NOT NULL,
  created_at INTEGER NOT NULL,
  vector     BLOB NOT NULL,
  UNIQUE(project, model)
);
CREATE INDEX patterns_newest ON patterns(model, created_at);
CREATE INDEX jobs_reviewed ON jobs(completed_at, id) WHERE status = 'completed' AND agent IN ('builder', 'qa');
