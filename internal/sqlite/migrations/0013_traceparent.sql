-- The trace of the request that submitted a job, as W3C's traceparent header; NULL: nobody traced it.
ALTER TABLE jobs ADD COLUMN traceparent TEXT;

-- How many jobs wait for people is counted often.
CREATE INDEX jobs_waiting ON jobs(agent) WHERE status = 'waiting_for_input';
