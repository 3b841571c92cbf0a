-- What the quotas of users are checked against: their open jobs, and how many revisions they made on the last day that
-- they made any.
CREATE INDEX jobs_open_of_user ON jobs(user_id) WHERE due_at IS NOT NULL;
CREATE TABLE revision_days(
  user_id   TEXT PRIMARY KEY,
  day       INTEGER NOT NULL, -- since 1970, of UTC
  revisions INTEGER NOT NULL
) WITHOUT ROWID;
