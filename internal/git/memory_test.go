package git_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/go-git/go-git/v6/plumbing"
	"github.com/go-git/go-git/v6/plumbing/protocol/packp"

	"codeforge"
	"codeforge/internal/git"
)

// manyFiles is a store with one revision of many files, which are made anew whenever they are read.
type manyFiles struct {
	git.Store
	files []codeforge.GitFile
	seeds map[string]int // by hash
}

const fileBytes = 10_000

func contentOf(seed int) []byte {
	return bytes.Repeat(fmt.Appendf(nil, "%099d\n", seed), fileBytes/100)
}

func newManyFiles(n int) *manyFiles {
	s := &manyFiles{seeds: map[string]int{}}
	for i := range n {
		sum := sha256.Sum256(contentOf(i))
		hash := hex.EncodeToString(sum[:])
		s.seeds[hash] = i
		s.files = append(s.files, codeforge.GitFile{Path: fmt.Sprintf("src/%02d/%04d.bin", i%20, i), Hash: hash, Size: fileBytes})
	}
	return s
}

func (s *manyFiles) GitRevisions(context.Context, codeforge.User, string, int64, int) (int64, []codeforge.GitRevision, error) {
	return 1, []codeforge.GitRevision{{Revision: codeforge.Revision{Number: 1, Author: "ann", CreatedAt: time.Unix(1, 0)}, Files: s.files}}, nil
}

func (s *manyFiles) ReadContents(_ context.Context, _ codeforge.User, _ string, hashes []string) (map[string][]byte, error) {
	contents := map[string][]byte{}
	for _, h := range hashes {
		contents[h] = contentOf(s.seeds[h])
	}
	return contents, nil
}

// meter takes what is sent to somebody, and measures what is alive each time another part of it came.
type meter struct {
	mu    *sync.Mutex
	most  *uint64
	bytes int
	next  int
	start []byte
}

func (m *meter) Write(b []byte) (int, error) {
	if len(m.start) < 100 {
		m.start = append(m.start, b[:min(len(b), 100)]...)
	}
	if m.bytes += len(b); m.bytes >= m.next {
		m.next += 4 << 10
		m.mu.Lock()
		defer m.mu.Unlock()
		var now runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&now)
		*m.most = max(*m.most, now.HeapAlloc)
	}
	return len(b), nil
}

// TestClonesHoldLittle: what four clones at once hold is bounded by what is read at once and what compresses it, and does not grow with
// what is sent, which in soak is 20 MB each. So it is for those of the whole history and for shallow ones, which are made in another way.
func TestClonesHoldLittle(t *testing.T) {
	const clones, bound = 4, 24 << 20
	files := 150
	if os.Getenv("CODEFORGE_SOAK") != "" {
		files = 2_000
	}
	store := newManyFiles(files)
	for name, depth := range map[string]int{"whole": 0, "shallow": 1} {
		t.Run(name, func(t *testing.T) {
			repositories := git.New(store, 0)
			q := git.Request{User: codeforge.LocalUser(), ProjectID: codeforge.NewID(), Protocol: "version=2", Hold: func(int64) error { return nil }}
			var refs bytes.Buffer
			list := request(t, "ls-refs", &packp.LsRefsArgs{})
			if _, err := repositories.Upload(t.Context(), q, list, &refs); err != nil {
				t.Fatal(err)
			}
			tip, ok := plumbing.FromHex(refs.String()[4:44]) // behind the length of the line
			if !ok {
				t.Fatalf("%q", refs.String())
			}
			var before runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			var mu sync.Mutex
			var most uint64
			var all sync.WaitGroup
			meters := make([]*meter, clones)
			for i := range meters {
				meters[i] = &meter{mu: &mu, most: &most}
				all.Go(func() {
					fetch := request(t, "fetch", &packp.FetchArgs{Wants: []plumbing.Hash{tip}, Done: true, Deepen: depth})
					if sent, err := repositories.Upload(t.Context(), q, fetch, meters[i]); err != nil || !sent {
						t.Error(sent, err)
					}
				})
			}
			all.Wait()
			held := int64(most) - int64(before.HeapAlloc)
			t.Logf("%d clones of %d bytes held at most %d", clones, meters[0].bytes, held)
			if held > bound {
				t.Errorf("%d clones held %d bytes, at most %d are wanted", clones, held, bound)
			}
			for _, m := range meters {
				if m.bytes < 50*files || m.bytes != meters[0].bytes || !bytes.Contains(m.start, []byte("PACK")) {
					t.Errorf("%d bytes were sent, beginning %q", m.bytes, m.start)
				}
			}
		})
	}
}

func request(t *testing.T, command string, args packp.CommandArgs) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	if err := (&packp.CommandRequest{Command: command, Args: args}).Encode(&b); err != nil {
		t.Fatal(err)
	}
	return &b
}
