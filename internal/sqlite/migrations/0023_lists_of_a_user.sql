-- Jobs of a user in all projects are listed by state, newest first.
CREATE INDEX jobs_of_user ON jobs(user_id, status, seq, agent);
