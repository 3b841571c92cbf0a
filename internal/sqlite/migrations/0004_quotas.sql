-- How many revisions a user made on the last day that they made any: what a quota is checked against.
CREATE TABLE revision_days(
  user_id   TEXT PRIMARY KEY,
  day       INTEGER NOT NULL, -- since 1970, of UTC
  revisions INTEGER NOT NULL
) WITHOUT ROWID;
