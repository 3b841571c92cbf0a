package relevance_test

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/agent"
	"codeforge/internal/llm"
	"codeforge/internal/offline"
	"codeforge/internal/relevance"
	"codeforge/internal/verify"
)

// room is what a prompt gives to whole files, in tokens.
const room = 12_000

type project struct {
	Project  string
	Idea     string // built by the offline model
	NPM      string // or a package, MIT-licensed, fetched by npm
	Under    []string
	Requests []struct {
		Words  string
		Needed []string
	}
}

// TestContext measures the ranking on requests that were written before it, each with the files that it needs. The
// project that the offline model builds is always there; with CODEFORGE_SOAK those of packages are fetched.
func TestContext(t *testing.T) {
	raw, err := os.ReadFile("testdata/requests.json")
	if err != nil {
		t.Fatal(err)
	}
	var projects []project
	if err := json.Unmarshal(raw, &projects); err != nil {
		t.Fatal(err)
	}
	needed, found := 0, 0
	for _, p := range projects {
		if p.NPM != "" && os.Getenv("CODEFORGE_SOAK") == "" {
			continue
		}
		files := p.files(t)
		size := func(path string) int { return llm.EstimateText(path, "") + llm.EstimateText(files[path], "") }
		x := relevance.New(files)
		n, f := 0, 0
		for _, r := range p.Requests {
			total := 0
			for _, path := range r.Needed {
				if files[path] == "" {
					t.Fatalf("%s: %s is not there", p.Project, path)
				}
				total += size(path)
			}
			if total > room {
				continue
			}
			choice := relevance.Choose(x.Rank(r.Words, nil), room, size)
			for _, path := range r.Needed {
				n++
				if strings.Contains("\n"+strings.Join(choice.Whole, "\n")+"\n", "\n"+path+"\n") {
					f++
				} else {
					t.Logf("%s: %q misses %s; shows %s", p.Project, r.Words, path, strings.Join(choice.Whole, " "))
				}
			}
		}
		t.Logf("%s: %d files, %d of %d needed ones shown", p.Project, len(files), f, n)
		needed, found = needed+n, found+f
	}
	want := 0.9
	if os.Getenv("CODEFORGE_SOAK") == "" {
		want = 0.8 // of one small project, on which each file is a large step
	}
	if float64(found) < want*float64(needed) {
		t.Errorf("%d of %d needed files are shown, want %.0f %%", found, needed, 100*want)
	}
}

func (p *project) files(t *testing.T) map[string]string {
	t.Helper()
	if p.NPM == "" {
		return built(t, p.Idea)
	}
	files := map[string]string{}
	folder := t.TempDir()
	cmd := exec.CommandContext(t.Context(), func() string {
		if os.Getenv("SCRATCH") != "" {
			return "true"
		}
		return "npm"
	}(), "pack", "--silent", "--ignore-scripts", p.NPM)
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm pack %s: %v\n%s", p.NPM, err, out)
	}
	packed, err := filepath.Glob(filepath.Join(folder, "*.tgz"))
	if err != nil || len(packed) != 1 {
		t.Fatal(err, packed)
	}
	f, err := os.Open(packed[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		_, path, _ := strings.Cut(h.Name, "/")
		wanted := h.Size <= codeforge.MaxContent
		in := false
		for _, u := range p.Under {
			in = in || strings.HasPrefix(path, u)
		}
		if !wanted || !in || h.Typeflag != tar.TypeReg {
			continue
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if codeforge.CheckContent(string(text)) == nil {
			files[path] = string(text)
		}
	}
	return files
}

// built is what the offline model makes of an idea.
func built(t *testing.T, idea string) map[string]string {
	t.Helper()
	files := map[string]string{}
	task := codeforge.Task{Project: codeforge.Project{ID: "p", Title: idea, Description: idea, Mode: codeforge.ModeBuilder},
		Job:    codeforge.Job{ID: "j", ProjectID: "p", UserID: "u", Agent: codeforge.Builder, Input: json.RawMessage(`{}`)},
		Report: func(float64, ...codeforge.Event) {},
		Keep: func(_ context.Context, s codeforge.StageResult) (codeforge.Kept, error) {
			for _, c := range s.Changes {
				files[c.Path] = c.Content
			}
			return codeforge.Kept{Revision: int64(len(s.Changes))}, nil
		}}
	_, err := agent.New(agent.Options{Model: offline.New(), Check: func(ctx context.Context, _ string, t verify.Tree) (verify.Report, error) {
		return verify.Check(ctx, t), nil
	}}).Run(t.Context(), &task)
	if err != nil {
		t.Fatal(err)
	}
	return files
}
