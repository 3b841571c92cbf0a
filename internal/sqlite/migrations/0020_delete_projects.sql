-- Whatever deletes a job, what models answered to it goes with it.
CREATE TRIGGER jobs_gone AFTER DELETE ON jobs BEGIN
  DELETE FROM llm_journal WHERE job_id = old.id;
END;
DELETE FROM llm_journal WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE id = job_id);
