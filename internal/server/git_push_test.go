package server

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	bin "encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"codeforge"
)

// revisionLog is what the revisions of a project say, the oldest first.
func (c caller) revisionLog(t *testing.T, project string) (log []string) {
	t.Helper()
	var list struct {
		Items []codeforge.Revision
	}
	c.must(t, "GET", "/v1/projects/"+project+"/revisions?page_size=100", nil, &list)
	for i := len(list.Items) - 1; i >= 0; i-- {
		r := list.Items[i]
		verified := "?"
		if r.Verified != nil {
			verified = fmt.Sprint(*r.Verified)
		}
		subject, _, _ := strings.Cut(r.Message, "\n")
		log = append(log, fmt.Sprintf("%d %s %d %s", r.Number, subject, r.FilesChanged, verified))
	}
	return log
}

func wantLog(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("revisions:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestGitPushes has git push on every store what people push, and fetch again what came of it.
func TestGitPushes(t *testing.T) {
	t.Parallel()
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, args := open(t)
			args = append(args, "--supabase-url", p.url)
			s, g := serve(t, configured(t, args...)), newGitClient(t)
			token := p.token(t, alice)
			c := s.as(token)
			project := c.newProject(t)
			from := s.repository(project, token)
			g.do("", "clone", "-q", from, "w")

			picture := make([]byte, 300_000)
			rand.NewChaCha8([32]byte{2}).Read(picture)
			g.write("w", "src/a.ts", "export const a = 1\n")
			g.write("w", "run.sh", "#!/bin/sh\n")
			g.write("w", "dog.png", string(picture))
			g.write("w", "same.ts", "export const a = 1\n")
			if err := os.Chmod(filepath.Join(g.folder, "w", "run.sh"), 0o755); err != nil {
				t.Fatal(err)
			}
			g.commit("w", "First\n\nWith words beneath.")
			if out := g.do("w", "push", "origin", "main"); !strings.Contains(out, "remote: They pass.") || !strings.Contains(out, "remote: This is revision 1.") {
				t.Error("git shows", out)
			}
			for i := range 3 {
				g.write("w", "src/a.ts", fmt.Sprintf("export const a = %d\n", i+2))
				g.commit("w", fmt.Sprint("Change ", i))
			}
			g.do("w", "push", "-q")

			// A side that was merged is kept whole, though what is on it is in no revision.
			g.do("w", "checkout", "-q", "-b", "side", "HEAD~1")
			g.write("w", "side.ts", "export {}\n")
			g.commit("w", "Side")
			g.write("w", "side.ts", "export const side = 1\n")
			g.commit("w", "Side again")
			g.do("w", "checkout", "-q", "main")
			g.do("w", "merge", "-q", "--no-edit", "side")
			g.do("w", "push", "-q")

			// Who is late is told so, merges, and pushes again. What may be run stays so, whoever edits it.
			c.put(t, project, "run.sh", []byte("#!/bin/sh\necho hello\n"))
			g.write("w", "late.ts", "export {}\n")
			g.commit("w", "Late")
			g.fails("w", "fetch first", "push", "-q")
			g.do("w", "pull", "-q", "--no-rebase", "--no-edit")
			g.do("w", "push", "-q")
			if info, err := os.Stat(filepath.Join(g.folder, "w", "run.sh")); err != nil || info.Mode()&0o100 == 0 {
				t.Error("the script cannot be run any more", err)
			}

			// What does not build is taken, unless it must.
			g.write("w", "package.json", `{"name": "dogs"}`)
			g.write("w", "src/a.ts", "export const a = = 1\n")
			g.commit("w", "Broken")
			if out := g.fails("w", "not verified", "push", "-o", "verify=required"); !strings.Contains(out, "remote: src/a.ts:1:18: error: ") {
				t.Error("git shows", out)
			}
			if out := g.do("w", "push"); !strings.Contains(out, "remote: src/a.ts:1:18: error: ") || !strings.Contains(out, "marked as not verified") {
				t.Error("git shows", out)
			}
			g.do("w", "gc", "-q")
			g.commit("w", "Nothing") // an empty commit is a revision too
			g.fails("w", "not verified", "push", "-q", "-o", "verify=required")
			g.do("w", "push", "-q")
			tip := g.do("w", "rev-parse", "HEAD")
			wantLog(t, c.revisionLog(t, project), "1 First 4 true", "2 Change 0 1 ?", "3 Change 1 1 ?", "4 Change 2 1 true", "5 Merge branch 'side' 1 true", "6 Update run.sh 1 ?",
				"7 Merge branch 'main' of "+s.URL()+"/v1/projects/"+project+" 1 true", "8 Broken 2 false", "9 Nothing 0 false")

			if s.store.Name == sqliteStore {
				s.Close()
			}
			again := configured(t, args...)
			again.DataDir = s.cfg.DataDir
			g.do("", "clone", "-q", serve(t, again).repository(project, token), "other")
			g.sound("other")
			if got := g.do("other", "rev-parse", "HEAD"); got != tip {
				t.Errorf("another server has %s, want %s", got, tip)
			}
			if a, b := g.do("w", "log", "--format=raw", "main"), g.do("other", "log", "--format=raw"); a != b {
				t.Errorf("commits came back as\n%s\nwant\n%s", b, a)
			}
			if g.read("other", "dog.png") != string(picture) {
				t.Error("the picture is another one")
			}
		})
	}
}

// TestGitPushesAreRefused pushes against each rule: git says which, and nothing changes.
func TestGitPushesAreRefused(t *testing.T) {
	t.Parallel()
	s, g := serve(t, configured(t, "--max-file-bytes", "50000", "--max-import-bytes", "400000", "--audit-log", filepath.Join(t.TempDir(), "audit"), "--audit-sync", "0")), newGitClient(t)
	c := s.as("")
	project := c.newProject(t)
	g.do("", "clone", "-q", s.repository(project, ""), "w")
	g.write("w", "a.ts", "export {}\n")
	g.commit("w", "First")
	g.fails("w", "elsewhere is not kept here, only main is: git push origin HEAD:main", "push", "origin", "HEAD:elsewhere")
	g.do("w", "push", "-q", "origin", "HEAD:main")
	c.put(t, project, "b.ts", []byte("export {}\n"))
	g.do("w", "pull", "-q")
	noise := make([]byte, 450_000)
	rand.NewChaCha8([32]byte{3}).Read(noise)
	link := func() {
		if err := os.Symlink("a.ts", filepath.Join(g.folder, "w", "link.ts")); err != nil {
			t.Fatal(err)
		}
	}
	file := func(path, content string) func() { return func() { g.write("w", path, content) } }
	for _, c := range []struct {
		words string
		make  func()
		push  []string
	}{
		{`"link.ts" is a symbolic link`, link, nil},
		{`"module" is a submodule`, func() {
			g.do("w", "update-index", "--add", "--cacheinfo", "160000,"+g.do("w", "rev-parse", "HEAD")+",module")
			g.do("w", "commit", "-q", "-m", "Module")
		}, nil},
		{`"big.psd" is kept by Git LFS`, file("big.psd", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n"), nil},
		{`"aux.js": must not hold "aux.js", the name of a device`, file("aux.js", ""), nil},
		{`"src/x:y.ts": must not hold a colon`, file("src/x:y.ts", ""), nil},
		{`"A.ts" differs from "a.ts" only in case`, file("A.ts", ""), nil},
		{`"large.bin" has 60 kB, a file has at most 50 kB`, file("large.bin", string(noise[:60_000])), nil},
		{`the push has more than 400 kB`, func() {
			for i := range 10 {
				g.write("w", fmt.Sprintf("%d.bin", i), string(noise[i*45_000:][:45_000]))
			}
		}, nil},
		{`the option "verify=maybe" is not known`, file("c.ts", ""), []string{"-o", "verify=maybe"}},
		{`main cannot be deleted`, file("c.ts", ""), []string{"origin", ":main"}},
		{`v1 is not kept here`, func() { g.do("w", "tag", "-f", "v1") }, []string{"origin", "v1"}},
		{`non-fast-forward`, file("c.ts", ""), []string{"-f", "origin", "HEAD~2:main"}},
		{`non-fast-forward`, func() { g.do("w", "commit", "-q", "--amend", "-m", "Other words") }, []string{"-f", "origin", "HEAD:main"}},
	} {
		c.make()
		if g.do("w", "status", "--porcelain") != "" {
			g.do("w", "add", "-A", ".")
			g.do("w", "commit", "-q", "-m", "Refused")
		}
		g.fails("w", c.words, append([]string{"push"}, c.push...)...)
		g.do("w", "reset", "-q", "--hard", "origin/main")
		g.do("w", "clean", "-q", "-f", "-d")
	}
	wantLog(t, c.revisionLog(t, project), "1 First 1 true", "2 Create b.ts 1 ?")
	c.must(t, "PUT", "/v1/projects/"+project, object{"status": "archived"}, new(object))
	g.commit("w", "Too late")
	g.fails("w", "the project is archived", "push", "-q")
	log, err := os.ReadFile(s.cfg.AuditLog)
	if err != nil || strings.Count(string(log), `"project.push"`) < 14 || strings.Count(string(log), `"refused"`) < 13 {
		t.Errorf("%v: the record says %s", err, log)
	}
}

// TestGitPushOfOne has several commits become one revision, by the setting and by the push.
func TestGitPushOfOne(t *testing.T) {
	t.Parallel()
	s, g := serve(t, configured(t, "--git-push-revisions", "tip")), newGitClient(t)
	c := s.as("")
	project := c.newProject(t)
	g.do("", "clone", "-q", s.repository(project, ""), "w")
	three := func(name string) {
		for i := range 3 {
			g.write("w", name, strings.Repeat(fmt.Sprintln(name, i), 2000))
			g.commit("w", fmt.Sprint(name, " ", i))
		}
	}
	three("a.txt")
	// What lies in between may be what no project can have: it is in no revision.
	g.write("w", "aux.js", "")
	g.commit("w", "A bad name")
	g.do("w", "rm", "-q", "aux.js")
	g.commit("w", "A good one")
	g.do("w", "push", "-q", "origin", "main")
	three("b.txt")
	g.do("w", "push", "-q", "-o", "revisions=each")
	wantLog(t, c.revisionLog(t, project), "1 A good one 1 true", "2 b.txt 0 1 ?", "3 b.txt 1 1 ?", "4 b.txt 2 1 true")
	g.do("", "clone", "-q", s.repository(project, ""), "other")
	g.sound("other")
	if a, b := g.do("w", "log", "--format=raw", "-p"), g.do("other", "log", "--format=raw", "-p"); a != b {
		t.Error("the history is another one")
	}
}

// TestGitRaces has two people push and a third write files at once: nothing of anybody is lost.
func TestGitRaces(t *testing.T) {
	t.Parallel()
	s, g := serve(t, configured(t)), newGitClient(t)
	c := s.as("")
	project := c.newProject(t)
	c.put(t, project, "start.ts", []byte("export {}\n"))
	const each = 4
	var all sync.WaitGroup
	for _, who := range []string{"ann", "bea"} {
		g.do("", "clone", "-q", s.repository(project, ""), who)
		all.Go(func() {
			for i := range each {
				g.write(who, fmt.Sprintf("%s%d.ts", who, i), "export {}\n")
				g.commit(who, fmt.Sprint(who, i))
				for tries := 0; ; tries++ {
					if out, err := g.try(who, "push", "-q"); err == nil {
						break
					} else if tries > 50 || !strings.Contains(out, "fetch first") {
						t.Error(out)
						return
					}
					if out, err := g.try(who, "pull", "-q", "--rebase"); err != nil {
						t.Error(out)
						return
					}
				}
			}
		})
	}
	all.Go(func() {
		for i := range each {
			c.put(t, project, fmt.Sprintf("hand%d.ts", i), []byte("export {}\n"))
		}
	})
	all.Wait()
	g.do("", "clone", "-q", s.repository(project, ""), "end")
	g.sound("end")
	if n := strings.Count(g.do("end", "ls-files")+"\n", "\n"); n != 3*each+1 {
		t.Errorf("%d files:\n%s", n, g.do("end", "ls-files"))
	}
	if n := len(c.revisionLog(t, project)); n != 3*each+1 {
		t.Errorf("%d revisions", n)
	}
}

// packOf makes a pack of entries as they are given.
func packOf(count uint32, entries ...[]byte) []byte {
	b := bin.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), count)
	for _, e := range entries {
		b = append(b, e...)
	}
	sum := sha1.Sum(b)
	return append(b, sum[:]...)
}

// packEntry is an entry of a kind that says that it has so many bytes.
func packEntry(kind byte, size int, base, data []byte) []byte {
	b := kind<<4 | byte(size&15)
	var out []byte
	for size >>= 4; size > 0; size >>= 7 {
		out, b = append(out, b|0x80), byte(size&0x7f)
	}
	out = append(append(out, b), base...)
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	_, _ = w.Write(data)
	_ = w.Close()
	return append(out, z.Bytes()...)
}

// pushBody is a push of a commit onto nothing, as git sends it.
func pushBody(commit string, pack []byte) []byte {
	line := strings.Repeat("0", 40) + " " + commit + " refs/heads/main\x00report-status side-band-64k"
	return append(fmt.Appendf(nil, "%04x%s0000", len(line)+4, line), pack...)
}

// TestGitPacksAreBounded sends what no git would: each is refused in words, within its bounds, and nothing is kept.
func TestGitPacksAreBounded(t *testing.T) {
	t.Parallel()
	s := serve(t, configured(t, "--max-file-bytes", "1000000", "--max-import-bytes", "5000000"))
	c := s.as("")
	project := c.newProject(t)
	commit := strings.Repeat("ab", 20)
	zeros := make([]byte, 900_000)
	blob := packEntry(3, 5, nil, []byte("hello"))
	delta := func(target uint64, ops ...byte) []byte {
		return append(bin.AppendUvarint(bin.AppendUvarint(nil, 5), target), ops...)
	}
	id := sha1.Sum([]byte("blob 5\x00hello"))
	var many [][]byte
	for range 12 {
		many = append(many, packEntry(3, len(zeros), nil, zeros)) // ten megabytes out of ten kilobytes
	}
	send := func(body []byte, header ...string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.repository(project, "")+"/git-receive-pack", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-git-receive-pack-request")
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text)
	}
	for name, want := range map[string]struct {
		pack  []byte
		words string
	}{
		"nothing":            {nil, "unpack empty packfile"},
		"words":              {[]byte("no pack at all"), "the pack is damaged"},
		"many objects":       {packOf(2_000_000_000), "has 2000000000 objects"},
		"fewer than it says": {packOf(3, blob), "the pack is damaged"},
		"a large blob":       {packOf(1, packEntry(3, 1<<30, nil, zeros)), "has 1073 MB, the most is 4.2 MB"},
		"more than it says":  {packOf(1, packEntry(3, 10, nil, zeros)), "the pack is damaged"},
		"all together":       {packOf(uint32(len(many)), many...), "have more than 10 MB"},
		"a large delta":      {packOf(2, blob, packEntry(7, len(delta(1<<40, 0x90, 5)), id[:], delta(1<<40, 0x90, 5))), "the most is 4.2 MB"},
		"a delta of itself":  {packOf(1, packEntry(6, 4, []byte{0}, delta(5, 0x90, 5))), "the pack is damaged"},
		"a delta of nothing": {packOf(1, packEntry(7, 4, make([]byte, 20), delta(5, 0x90, 5))), "the pack is damaged"},
		"no commit":          {packOf(1, blob), "the commit " + commit + " is missing"},
	} {
		if status, text := send(pushBody(commit, want.pack)); status != http.StatusOK || !strings.Contains(text, want.words) {
			t.Errorf("%s: %d %.300q, want %s", name, status, text, want.words)
		}
	}
	var zipped bytes.Buffer
	_, _ = zipped.WriteString("no gzip")
	if status, text := send(zipped.Bytes(), "Content-Encoding", "gzip"); status != http.StatusBadRequest {
		t.Error("no gzip", status, text)
	}
	more := strings.Repeat("0", 40) + " " + commit + " refs/heads/main"
	if status, text := send(append(bytes.TrimSuffix(pushBody(commit, nil), []byte("0000")), strings.Repeat(fmt.Sprintf("%04x%s", len(more)+4, more), 3000)...)); status != http.StatusBadRequest {
		t.Error("many references", status, text)
	}
	// A push that breaks off leaves nothing.
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	body := pushBody(commit, packOf(1, packEntry(3, len(zeros), nil, zeros)))
	if _, err := fmt.Fprintf(conn, "POST /v1/projects/%s.git/git-receive-pack HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-git-receive-pack-request\r\nContent-Length: %d\r\n\r\n%s",
		project, u.Host, len(body), body[:len(body)/2]); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if log := c.revisionLog(t, project); len(log) != 0 {
		t.Error(log)
	}
}
