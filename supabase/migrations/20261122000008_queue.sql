-- River, the queue that carries the ids of jobs between servers, has a schema of its own, which the Data API does not serve.
-- Its tables are made by its own migrations, which come after these. Losing all of it loses no job: the rows of agent_jobs
-- are the truth, and due ones are looked for now and then.

create schema if not exists codeforge_river;
revoke all on schema codeforge_river from public;
grant usage on schema codeforge_river to service_role;
