-- The key of a path is what a disk that ignores case and Unicode form knows it by (codeforge.PathKey). Paths from before
-- that clash stay as they are.

ALTER TABLE project_files ADD COLUMN key TEXT NOT NULL DEFAULT '';
UPDATE project_files SET key = path_key(path);
CREATE INDEX project_files_by_key ON project_files(project, key) WHERE NOT deleted;
