-- Times are microseconds since 1970 in UTC, ids UUIDs as text, JSON is text byte for byte as it came. Rows refer to each
-- other by seq, which is short and grows with time; ids are only what the outside calls them by.

CREATE TABLE projects(
  seq          INTEGER PRIMARY KEY,
  id           TEXT NOT NULL UNIQUE,
  user_id      TEXT NOT NULL,
  title        TEXT NOT NULL,
  description  TEXT NOT NULL,
  mode         TEXT NOT NULL,
  status       TEXT NOT NULL,
  requirements TEXT,
  architecture TEXT,
  tech_stack   TEXT,
  revision     INTEGER NOT NULL DEFAULT 0,
  files        INTEGER NOT NULL DEFAULT 0, -- that exist now, and the bytes in them: what the limits are checked against
  bytes        INTEGER NOT NULL DEFAULT 0,
  created_at   INTEGER NOT NULL,
  updated_at   INTEGER NOT NULL
);
CREATE INDEX projects_of_user ON projects(user_id, seq, status, mode);

-- due_at is when a job may be claimed: a queued one at its time, a running one at the end of its lease, others (NULL) never.
CREATE TABLE jobs(
  seq             INTEGER PRIMARY KEY, -- order of submission
  id              TEXT NOT NULL UNIQUE,
  project         INTEGER NOT NULL REFERENCES projects,
  project_id      TEXT NOT NULL,
  user_id         TEXT NOT NULL,
  agent           TEXT NOT NULL,
  changes_files   INTEGER NOT NULL, -- such jobs of one project stand in line
  status          TEXT NOT NULL,
  due_at          INTEGER,
  fence           INTEGER NOT NULL DEFAULT 0,
  events          INTEGER NOT NULL, -- how many there are, which is the number of the newest
  progress        REAL NOT NULL DEFAULT 0,
  failures        INTEGER NOT NULL DEFAULT 0,
  crashes         INTEGER NOT NULL DEFAULT 0,
  base            INTEGER,
  revision        INTEGER NOT NULL DEFAULT 0,
  created_at      INTEGER NOT NULL,
  updated_at      INTEGER NOT NULL,
  started_at      INTEGER,
  completed_at    INTEGER,
  worker          TEXT,
  idempotency_key TEXT,
  error           TEXT,
  clarification   TEXT,
  input           TEXT NOT NULL,
  result          TEXT
);
CREATE INDEX jobs_of_project ON jobs(project);
CREATE INDEX jobs_open ON jobs(seq, due_at, status) WHERE due_at IS NOT NULL;
CREATE INDEX jobs_in_line ON jobs(project) WHERE due_at IS NOT NULL AND changes_files;
CREATE UNIQUE INDEX jobs_by_key ON jobs(user_id, idempotency_key) WHERE idempotency_key IS NOT NULL;

CREATE TABLE job_aliases(
  alias TEXT PRIMARY KEY,
  job   INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX job_aliases_of_job ON job_aliases(job);

CREATE TABLE job_events(
  job  INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
  seq  INTEGER NOT NULL, -- from 1 without gaps
  type TEXT NOT NULL,
  at   INTEGER NOT NULL,
  data TEXT NOT NULL,
  PRIMARY KEY(job, seq)
) WITHOUT ROWID;

CREATE TABLE chat_messages(
  seq        INTEGER PRIMARY KEY,
  id         TEXT NOT NULL,
  project    INTEGER NOT NULL REFERENCES projects,
  role       TEXT NOT NULL,
  thinking   INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  metadata   TEXT,
  content    TEXT NOT NULL
);
CREATE INDEX chat_messages_of_project ON chat_messages(project);

-- The newest state of every path that a project ever had. A deleted one stays, so that its version goes on from there.
CREATE TABLE project_files(
  project    INTEGER NOT NULL REFERENCES projects,
  path       TEXT NOT NULL,
  id         TEXT NOT NULL,
  deleted    INTEGER NOT NULL,
  language   TEXT NOT NULL,
  version    INTEGER NOT NULL,
  size       INTEGER NOT NULL,
  revision   INTEGER NOT NULL, -- that wrote it
  head       INTEGER NOT NULL, -- its row in file_revisions
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY(project, path)
) WITHOUT ROWID;

-- Every state that a path ever had. Rows are never changed nor deleted.
CREATE TABLE file_revisions(
  seq        INTEGER PRIMARY KEY,
  project    INTEGER NOT NULL REFERENCES projects,
  path       TEXT NOT NULL,
  revision   INTEGER NOT NULL,
  deleted    INTEGER NOT NULL,
  language   TEXT NOT NULL,
  version    INTEGER NOT NULL,
  size       INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  content    TEXT NOT NULL,
  UNIQUE(project, path, revision)
);

-- What a revision changed are the rows of file_revisions from first on, files_changed of them: one transaction of the one
-- writer appends them, so nothing comes between.
CREATE TABLE project_revisions(
  project       INTEGER NOT NULL REFERENCES projects,
  number        INTEGER NOT NULL,
  job_id        TEXT,
  author        TEXT NOT NULL,
  message       TEXT NOT NULL,
  first         INTEGER NOT NULL,
  files_changed INTEGER NOT NULL,
  created_at    INTEGER NOT NULL,
  PRIMARY KEY(project, number)
) WITHOUT ROWID;
