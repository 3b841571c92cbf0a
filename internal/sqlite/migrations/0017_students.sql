-- Profiles, the waitlist, and what a project of mode student has: one roadmap, and sessions.

CREATE TABLE profiles(
  user_id     TEXT PRIMARY KEY,
  username    TEXT UNIQUE,
  full_name   TEXT,
  avatar_url  TEXT,
  skill_level TEXT,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE learning_roadmaps(
  project      INTEGER PRIMARY KEY REFERENCES projects ON DELETE CASCADE,
  id           TEXT NOT NULL UNIQUE,
  modules      TEXT NOT NULL,
  current_step INTEGER NOT NULL DEFAULT 0,
  created_at   INTEGER NOT NULL
);

CREATE TABLE daily_sessions(
  seq        INTEGER PRIMARY KEY,
  id         TEXT NOT NULL UNIQUE,
  project    INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
  user_id    TEXT NOT NULL,
  size       INTEGER NOT NULL, -- in what its user stores
  minutes    INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  concepts   TEXT NOT NULL,
  transcript TEXT NOT NULL
);
CREATE INDEX daily_sessions_of_project ON daily_sessions(project, seq, minutes);
CREATE TRIGGER daily_sessions_gone AFTER DELETE ON daily_sessions BEGIN
  UPDATE stored_bytes SET bytes = bytes - old.size WHERE user_id = old.user_id;
END;

CREATE TABLE waitlist(
  email      TEXT PRIMARY KEY,
  created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX waitlist_by_time ON waitlist(created_at);
