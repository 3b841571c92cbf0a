package server

import (
	"cmp"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"strconv"
	"time"

	"codeforge/internal/audit"
)

const reloadAction = "config.reload"

// openAudit opens the record of who did what.
func openAudit(cfg *Config, log *slog.Logger) (*audit.Log, error) {
	l, err := audit.Open(audit.Options{Path: cfg.AuditLog, Sync: time.Duration(cfg.AuditSync), Log: log})
	if err != nil {
		return nil, fmt.Errorf("AUDIT_LOG: %w: name a file in a folder that is there and may be written, or stdout", err)
	}
	return l, nil
}

// Audited runs an act of somebody at the command line and records it. What cannot be recorded is not done. act may add to objects.
func Audited(cfg *Config, action string, objects map[string]string, act func() error) (err error) {
	if cfg.AuditLog == "stdout" { // a command's own answer goes there
		return act()
	}
	l, err := openAudit(cfg, nil)
	if err != nil {
		return err
	}
	e := audit.Entry{Action: action, User: "os:" + systemUser(), Objects: objects, Outcome: audit.Done}
	if err = act(); err != nil {
		e.Outcome = audit.Failed
	}
	l.Record(e)
	return cmp.Or(err, l.Err(), l.Close())
}

// systemUser is who runs this process.
func systemUser() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return strconv.Itoa(os.Getuid())
}
