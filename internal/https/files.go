package https

import (
	"crypto/tls"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"
)

// lookEvery is the least time between looks at the files. They are looked at when a client connects.
const lookEvery = 2 * time.Second

// files is a certificate that is loaded again when its files change. Until both fit together the old one is used.
type files struct {
	cert, key string
	log       *slog.Logger

	mu     sync.Mutex
	loaded *tls.Certificate
	looked time.Time
	seen   [2]fs.FileInfo // when loaded was
	failed string         // why the last attempt did
}

func (f *files) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.looked) >= lookEvery {
		err := f.load()
		if err == nil {
			f.failed = ""
		} else if err.Error() != f.failed {
			f.failed = err.Error()
			f.log.Error("the changed TLS certificate cannot be used, the old one stays", "next", "write certificate and key again; they are read as soon as they change", "error", err)
		}
	}
	return f.loaded, nil
}

// load does nothing when neither file has changed since they were loaded.
func (f *files) load() error {
	f.looked = time.Now()
	var now [2]fs.FileInfo
	same := true
	for i, name := range []string{f.cert, f.key} {
		info, err := os.Stat(name)
		if err != nil && f.loaded == nil {
			return fmt.Errorf("TLS certificate: %w: TLS_CERT_FILE and TLS_KEY_FILE must be PEM files that this program may read, the key that of the certificate", err)
		}
		now[i] = info // nil while it is being replaced
		same = same && sameFile(info, f.seen[i])
	}
	if same && f.loaded != nil {
		return nil
	}
	c, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return fmt.Errorf("TLS certificate: %w: TLS_CERT_FILE and TLS_KEY_FILE must be PEM files that this program may read, the key that of the certificate", err)
	}
	f.loaded, f.seen = &c, now
	f.log.Info("TLS certificate loaded", "file", f.cert, "until", c.Leaf.NotAfter)
	if time.Now().After(c.Leaf.NotAfter) {
		f.log.Error("the TLS certificate has expired", "next", "replace the files; a running server reads them again", "file", f.cert, "on", c.Leaf.NotAfter)
	}
	return nil
}

func sameFile(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}
