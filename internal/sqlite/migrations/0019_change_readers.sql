-- A log of changes is kept from when somebody reads it first: who never read any cannot have missed one. So what nobody reads
-- costs a probe, and no row.
CREATE TABLE change_readers(
  owner TEXT PRIMARY KEY,
  last  INTEGER NOT NULL -- number of the newest change
) WITHOUT ROWID;
INSERT INTO change_readers SELECT owner, max(number) FROM changes GROUP BY owner;

DROP TRIGGER change_made;
CREATE TRIGGER change_made INSTEAD OF INSERT ON new_change BEGIN
  UPDATE change_readers SET last = last + 1 WHERE owner = new.owner;
  INSERT INTO changes(owner, number, kind, ref, state, at) SELECT owner, last, new.kind, new.ref, new.state, new.at FROM change_readers WHERE owner = new.owner;
END;
-- At most a hundredth of all writes of a log also prunes it: what is more than codeforge.KeptChanges is not shown meanwhile.
CREATE TRIGGER changes_pruned AFTER UPDATE OF last ON change_readers WHEN new.last % 100 = 0 BEGIN
  DELETE FROM changes WHERE owner = new.owner AND number <= new.last - 1000;
END;
CREATE TRIGGER projects_gone AFTER DELETE ON projects BEGIN
  DELETE FROM change_readers WHERE owner = old.id;
  DELETE FROM changes WHERE owner = old.id;
END;
