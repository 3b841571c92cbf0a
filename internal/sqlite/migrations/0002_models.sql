-- Every attempt of a model call. Amounts are micro-dollars, spans microseconds.
CREATE TABLE llm_calls(
  seq                INTEGER PRIMARY KEY,
  id                 TEXT NOT NULL UNIQUE,
  job_id             TEXT NOT NULL,
  project_id         TEXT NOT NULL,
  user_id            TEXT NOT NULL,
  agent              TEXT NOT NULL,
  call               INTEGER NOT NULL,
  attempt            INTEGER NOT NULL,
  provider           TEXT NOT NULL,
  model              TEXT NOT NULL,
  served             TEXT NOT NULL,
  input_tokens       INTEGER NOT NULL,
  cached_read_tokens INTEGER NOT NULL,
  cache_write_tokens INTEGER NOT NULL,
  output_tokens      INTEGER NOT NULL,
  reasoning_tokens   INTEGER NOT NULL,
  usage_missing      INTEGER NOT NULL,
  usage_partial      INTEGER NOT NULL,
  cost               INTEGER NOT NULL,
  estimated          INTEGER NOT NULL,
  error_kind         TEXT NOT NULL,
  status             INTEGER NOT NULL,
  finish             TEXT NOT NULL,
  first_token        INTEGER NOT NULL,
  latency            INTEGER NOT NULL,
  at                 INTEGER NOT NULL
);
CREATE INDEX llm_calls_of_user ON llm_calls(user_id, at);
CREATE INDEX llm_calls_of_project ON llm_calls(project_id, at);
CREATE INDEX llm_calls_of_job ON llm_calls(job_id);

-- The answers that jobs got, as they came, so that a job which runs again gets them again.
CREATE TABLE llm_journal(
  job_id     TEXT NOT NULL,
  number     INTEGER NOT NULL,
  hash       TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  entry      TEXT NOT NULL,
  PRIMARY KEY(job_id, number, hash)
) WITHOUT ROWID;
CREATE INDEX llm_journal_by_age ON llm_journal(created_at);

-- Ceilings that were set over the API; those of the configuration are not stored.
CREATE TABLE budget_limits(
  scope TEXT NOT NULL,
  id    TEXT NOT NULL,
  most  INTEGER NOT NULL,
  PRIMARY KEY(scope, id)
) WITHOUT ROWID;

-- What was spent, and what running calls may still cost, in each period that has a ceiling. A row is made when the first
-- call under a ceiling comes, with what the ledger says was spent before.
CREATE TABLE budget_periods(
  scope    TEXT NOT NULL,
  id       TEXT NOT NULL,
  period   INTEGER NOT NULL, -- its first day; 0: the whole life of a job
  spent    INTEGER NOT NULL,
  reserved INTEGER NOT NULL,
  PRIMARY KEY(scope, id, period)
) WITHOUT ROWID;

-- Reservations, one row for each period that one counts against.
CREATE TABLE budget_holds(
  hold   TEXT NOT NULL,
  scope  TEXT NOT NULL,
  id     TEXT NOT NULL,
  period INTEGER NOT NULL,
  worst  INTEGER NOT NULL,
  prompt INTEGER NOT NULL,
  lapses INTEGER NOT NULL,
  PRIMARY KEY(hold, scope, id, period)
) WITHOUT ROWID;
CREATE INDEX budget_holds_by_end ON budget_holds(scope, id, lapses);
