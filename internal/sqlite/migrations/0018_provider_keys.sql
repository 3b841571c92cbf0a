-- Keys for providers of models that users bring along, sealed.
CREATE TABLE provider_keys(
  user_id    TEXT NOT NULL,
  provider   TEXT NOT NULL,
  hint       TEXT NOT NULL, -- how it ends
  sealed     BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY(user_id, provider)
) WITHOUT ROWID;

-- Of a call with a user's own key cost is 0, which is what budgets count, and own_cost what the user paid.
ALTER TABLE llm_calls ADD COLUMN own_key INTEGER NOT NULL DEFAULT 0;
ALTER TABLE llm_calls ADD COLUMN own_cost INTEGER NOT NULL DEFAULT 0;
