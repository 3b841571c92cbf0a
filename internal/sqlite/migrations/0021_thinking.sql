-- While a job runs, a line of the conversation says so. It is there from the claim on, and goes with the job's state: in the transaction
-- that says what became of it, whichever that is.
CREATE INDEX chat_messages_thinking ON chat_messages(json_extract(metadata, '$.job_id')) WHERE thinking;
CREATE TRIGGER thinking_over AFTER UPDATE OF status ON jobs WHEN old.status = 'running' AND new.status <> 'running' BEGIN
  DELETE FROM chat_messages WHERE thinking AND json_extract(metadata, '$.job_id') = old.id;
END;
CREATE TRIGGER thinking_gone AFTER DELETE ON jobs WHEN old.status = 'running' BEGIN
  DELETE FROM chat_messages WHERE thinking AND json_extract(metadata, '$.job_id') = old.id;
END;

-- That a line is gone is a change, too: one that names what is not there.
CREATE TRIGGER message_gone AFTER DELETE ON chat_messages BEGIN
  INSERT INTO new_change SELECT id, 'message', old.id, '', old.created_at FROM projects WHERE seq = old.project;
END;
