package agent

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/llm"
	"codeforge/internal/verify"
)

// blobContent is what stands for a blob whose hash is of one digit.
func blobContent(digit string, size int64) string {
	return codeforge.Blob{Hash: strings.Repeat(digit, 64), Size: size}.Content()
}

// A model knows blobs by name, type and size; it can move and delete them, and is told in words what it cannot do.
func TestBlobsAreNamedMovedAndDeleted(t *testing.T) {
	logo, old, long := blobContent("a", 12_345), blobContent("b", 400), blobContent("c", 300_000)
	check := func(t *testing.T, tree verify.Tree) {
		for p, text := range tree.Files {
			if strings.Contains(text, "\x00") {
				t.Errorf("%s is checked as text: %q", p, text)
			}
		}
	}
	b := job(codeforge.Code, `{"user_message":"tidy the pictures"}`,
		use("list_files", args{}),
		use("read_file", args{"path": "logo.png"}, "read_file", args{"path": "long.css"}, "edit_file", args{"path": "long.css", "old": "a", "new": "b"}, "write_file", args{"path": "long.css", "content": "a{}"}, "search", args{"pattern": "blob"}),
		use("move_file", args{"from": "logo.png", "to": "img/logo.png"}),
		use("delete_file", args{"path": "old.png"}),
		use("write_file", args{"path": "IMG", "content": "x"}),
		use("check", args{}),
		finish()).files("index.html", `<img src="logo.png"><p>tidy</p>`, "logo.png", logo, "long.css", long, "old.png", old)
	var checked verify.Tree
	agents := New(Options{Model: b.script, Check: func(ctx context.Context, user string, tree verify.Tree) (verify.Report, error) {
		check(t, tree)
		checked = tree
		return lint(ctx, user, tree)
	}})
	out, err := b.runAs(t.Context(), agents)
	if err != nil {
		t.Fatal(err)
	}
	want := []codeforge.FileChange{codeforge.ChangeTo("img/logo.png", logo), codeforge.ChangeTo("index.html", `<img src="img/logo.png"><p>tidy</p>`), {Path: "logo.png", Delete: true}, {Path: "old.png", Delete: true}}
	if !slices.Equal(out.Changes, want) {
		t.Errorf("%+v", out.Changes)
	}
	if !maps.Equal(checked.Assets, map[string]verify.Blob{"img/logo.png": {Hash: strings.Repeat("a", 64), Size: 12_345}, "long.css": {Hash: strings.Repeat("c", 64), Size: 300_000}}) {
		t.Errorf("checked with %v", checked.Assets)
	}
	said := b.script.everything()
	for _, line := range []string{"logo.png (image/png, 12 kB)", "long.css (long text, 300 kB)", "index.html (31 bytes)", `"logo.png" is known by its name, type and size alone (image/png, 12 kB)`, `"long.css" is known by its name`, "nothing found in 1 file", "moved logo.png to img/logo.png", "index.html: 1", "deleted old.png", `"IMG" is a folder`} {
		if !strings.Contains(said, line) {
			t.Errorf("nothing says %q in\n%s", line, said)
		}
	}
	if strings.Contains(said, "\x00") || strings.Contains(said, strings.Repeat("a", 64)) {
		t.Error("what stands for a blob was shown to the model")
	}
	var told []string
	for _, e := range b.events {
		if e.File != nil {
			told = append(told, fmt.Sprint(e.File.Path, " ", e.File.Size, e.File.Content == "", e.File.Delete))
		}
	}
	if !slices.Contains(told, "img/logo.png 12345 true false") || !slices.Contains(told, "old.png 0 true true") {
		t.Errorf("viewers were told of %q", told)
	}
}

// everything is what the model was told, all requests together.
func (s *script) everything() string {
	var b strings.Builder
	for _, r := range s.requests {
		for _, m := range r.Messages {
			for _, p := range m.Parts {
				b.WriteString(p.Text + "\n")
				if p.Kind == llm.PartToolResult {
					b.WriteString(p.Result.Content + "\n")
				}
			}
		}
	}
	return b.String()
}

// What people do to a blob meanwhile stays, whatever the job did with the one that was there.
func TestPeopleChangeBlobsMeanwhile(t *testing.T) {
	for _, c := range []struct {
		name   string
		people codeforge.FileChange
		want   string // what stands at img/a.png and a.png
	}{
		{"another file", codeforge.ChangeTo("b.png", blobContent("d", 4)), blobContent("a", 1) + "|"},
		{"the same file", codeforge.ChangeTo("a.png", blobContent("d", 4)), blobContent("a", 1) + "|" + blobContent("d", 4)},
	} {
		b := job(codeforge.Code, `{"user_message":"move it"}`, use("move_file", args{"from": "a.png", "to": "img/a.png"}), finish(), finish(), finish()).
			files("index.html", "<p>", "a.png", blobContent("a", 1), "b.png", blobContent("b", 2))
		steps := b.script.steps
		b.script.steps = append([]turn{steps[0], func(ctx context.Context, r *llm.Request) (*llm.Response, error) {
			b.stored.people(c.people)
			return steps[1](ctx, r)
		}}, steps[2:]...)
		out, err := b.run(t)
		if err != nil {
			t.Fatal(c.name, err)
		}
		now := b.stored.at[b.stored.head]
		if got := now["img/a.png"] + "|" + now["a.png"]; out.Status != codeforge.JobCompleted || got != c.want {
			t.Errorf("%s: %s, %q", c.name, out.Status, got)
		}
	}
}
