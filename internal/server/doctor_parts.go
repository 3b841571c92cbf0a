package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"codeforge/internal/auth"
	"codeforge/internal/userkeys"
)

// replicasKnownWithin is how long each replica has to be looked at for the first time.
const replicasKnownWithin = 5 * time.Second

// replicas sees whether each replica is read of.
func (d *doctor) replicas(ctx context.Context) (all []Finding) {
	if d.opened == nil || d.opened.replicas == nil {
		return nil
	}
	if err := d.opened.replicas.Looked(ctx, replicasKnownWithin); err != nil {
		return []Finding{{"replicas", FindingWarning, err.Error()}}
	}
	for _, r := range d.opened.replicas.Stats().Replicas {
		f := Finding{"replica " + r.Name, FindingOK, ""}
		if r.Err != nil {
			f.State = FindingWarning
			f.Message = fmt.Sprintf("%v: the primary answers in its place. Look at its address in DATABASE_REPLICA_URLS or SUPABASE_READ_URL, and at ReplicaDown in docs/runbook.md", r.Err)
		}
		all = append(all, f)
	}
	return all
}

// keysOfUsers sees whether the keys that users keep can be opened.
func (d *doctor) keysOfUsers(ctx context.Context) Finding {
	const part = "keys of users"
	if d.KeySecret == "" {
		return Finding{part + " cannot be kept", FindingOK, "KEY_ENCRYPTION_KEY turns that on"}
	}
	if d.opened == nil {
		return Finding{part, FindingOK, "not looked at, since the store is not open here"}
	}
	ring := auth.NewKeyring([]byte(d.KeySecret), d.OldKeySecrets.secrets()...)
	keys := userkeys.New(d.opened, func() [][]byte { return ring.Derive(userKeysPurpose) }, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	readable, lost, err := keys.Count(ctx)
	switch {
	case err != nil:
		return Finding{part, FindingBroken, err.Error()}
	case lost > 0:
		return Finding{part, FindingBroken, fmt.Sprintf("%d of %d cannot be opened: put the secret that was used before into OLD_KEY_ENCRYPTION_KEYS; where it is lost, their users have to give them again", lost, lost+readable)}
	}
	return Finding{fmt.Sprintf("%s, %d", part, readable), FindingOK, ""}
}

// metricsPort sees whether operators can be answered, or are already.
func (d *doctor) metricsPort(ctx context.Context) Finding {
	if d.MetricsAddr == "" {
		return Finding{}
	}
	f := canListen("metrics at "+d.MetricsAddr, d.MetricsAddr, "METRICS_ADDR")
	if f.State == FindingBroken {
		ctx, cancel := context.WithTimeout(ctx, portAnswersWithin)
		defer cancel()
		if metrics, err := askText(ctx, d.operatorsURL()+"/metrics", d.MetricsToken); err == nil && strings.Contains(metrics, "codeforge_build_info") {
			return Finding{f.Title, FindingOK, "a running CodeForge answers there"}
		}
	}
	return f
}

// disk sees whether there is room, where data lies and where imports are read.
func (d *doctor) disk(context.Context) Finding {
	for _, at := range []struct{ dir, setting string }{{d.DataDir, "DATA_DIR"}, {os.TempDir(), "TMPDIR"}} {
		if err := diskSpace(at.dir, at.setting); err != nil {
			return Finding{"disk of " + at.dir, FindingWarning, err.Error()}
		}
	}
	return Finding{"disk", FindingOK, ""}
}

// auditLog sees whether it can be written.
func (d *doctor) auditLog(context.Context) Finding {
	if d.AuditLog == "" || d.AuditLog == "stdout" {
		return Finding{}
	}
	part := "audit log " + d.AuditLog
	l, err := openAudit(&d.Config, slog.New(slog.DiscardHandler))
	if err != nil {
		return Finding{part, FindingBroken, err.Error()}
	}
	if err := l.Close(); err != nil {
		return Finding{part, FindingBroken, err.Error()}
	}
	return Finding{part, FindingOK, ""}
}

// programs sees what people use beside this program, which itself needs none of it.
func (d *doctor) programs(ctx context.Context) Finding {
	var here, missing []string
	for _, p := range []struct{ name, of string }{{"git", "to clone projects and push to them"}, {"node", "to run exported projects with their own tools"}} {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		out, err := exec.CommandContext(ctx, p.name, "--version").Output()
		cancel()
		if err != nil {
			missing = append(missing, p.name+", "+p.of)
			continue
		}
		version := strings.TrimPrefix(strings.TrimSpace(string(out)), p.name+" version ")
		here = append(here, p.name+" "+version)
	}
	f := Finding{"programs that people use: " + strings.Join(here, ", "), FindingOK, ""}
	if len(missing) > 0 {
		f.Message = "not here, and not needed by the server: " + strings.Join(missing, "; ")
	}
	if len(here) == 0 {
		f.Title = "programs that people use"
	}
	return f
}

// listenError says what would let somebody listen.
func listenError(err error, settings string) error {
	next := "look at " + settings
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		next = "something else listens there: stop it, or choose another port with " + settings
	case errors.Is(err, syscall.EACCES):
		next = "ports below 1024 are for those who may: choose a higher one with " + settings + ", or give the program the right (CAP_NET_BIND_SERVICE)"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		next = "this machine has no such address: leave the host out of " + settings + ", or name one of its own"
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		next = dns.Name + " is no name of this machine: name one of its addresses in " + settings
	}
	return fmt.Errorf("%w: %s", err, next)
}
