package server

import (
	"context"
	"errors"

	"codeforge/internal/backup"
)

// errNotEmbedded is told where the data lies in a database that has tools of its own.
var errNotEmbedded = errors.New("the data lies in a Postgres, which is backed up by its own tools: docs/operations.md says how; to look at the embedded store leave out DATABASE_URL and SUPABASE_SERVICE_KEY")

// Backup writes what the data folder holds to a file, or into a folder under a name of its own, while a server may run, and returns
// the file's name.
func Backup(ctx context.Context, cfg *Config, to string) (name string, m backup.Manifest, err error) {
	if cfg.store() != sqliteStore {
		return "", backup.Manifest{}, errNotEmbedded
	}
	what := map[string]string{}
	err = Audited(cfg, "backup.create", what, func() (err error) {
		name, m, err = backup.Create(ctx, cfg.DataDir, to)
		what["file"] = name
		return err
	})
	return name, m, err
}

// Restore makes the data folder of a backup.
func Restore(ctx context.Context, cfg *Config, from string) (m backup.Manifest, err error) {
	if cfg.store() != sqliteStore {
		return backup.Manifest{}, errNotEmbedded
	}
	err = Audited(cfg, "backup.restore", map[string]string{"file": from}, func() (err error) {
		m, err = backup.Restore(ctx, from, cfg.DataDir)
		return err
	})
	return m, err
}
