-- Tokens of our own, for machines. Of the token itself only the hash is known.
CREATE TABLE tokens(
  seq        INTEGER PRIMARY KEY,
  id         TEXT NOT NULL UNIQUE,
  user_id    TEXT NOT NULL,
  name       TEXT NOT NULL,
  hint       TEXT NOT NULL,
  hash       TEXT NOT NULL UNIQUE, -- in hex
  scopes     TEXT NOT NULL,        -- with spaces between
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,
  used_at    INTEGER
);
CREATE INDEX tokens_of_user ON tokens(user_id);
