package server

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/archive"
)

// TestTransfer: on every store an archive becomes one revision, whose files are there byte for byte, and comes out as it went in.
func TestTransfer(t *testing.T) {
	files := map[string]string{"index.html": "<h1>", "img/logo.png": "\x89PNG\r\n\x1a\n\x00\xff", "long.txt": strings.Repeat("a long text\n", 20_000)}
	var in bytes.Buffer
	w := archive.NewWriter(archive.Zip, &in)
	for _, p := range []string{"img/logo.png", "index.html", "long.txt"} {
		if err := w.Add(p, []byte(files[p])); err != nil {
			t.Fatal(err)
		}
	}
	for i := range codeforge.MaxFiles - len(files) {
		if err := w.Add(fmt.Sprintf("src/%04d.ts", i), fmt.Appendf(nil, "export const n = %d\n", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			p, args := open(t)
			c := serve(t, configured(t, append(args, "--supabase-url", p.url)...)).as(p.token(t, alice))
			var project codeforge.Project
			c.must(t, "POST", "/v1/projects/", object{"title": "Carried over"}, &project)
			at := "/v1/projects/" + project.ID
			var r struct{ Revision, Created, Unchanged int }
			for range 2 { // the second time nothing changes
				if err := c.Upload(t.Context(), "POST", at+"/import", "application/zip", bytes.NewReader(in.Bytes()), &r); err != nil {
					t.Fatal(err)
				}
			}
			if r.Revision != 1 || r.Unchanged != codeforge.MaxFiles {
				t.Errorf("%+v", r)
			}
			for path, want := range files {
				if _, text, _ := c.ask(t, "GET", at+"/files/"+path+"?raw=true", nil); text != want {
					t.Errorf("%s: %d bytes", path, len(text))
				}
			}
			if _, text, _ := c.ask(t, "GET", at+"/archive.zip", nil); text != in.String() {
				t.Errorf("it came out as %d bytes, and went in as %d", len(text), in.Len())
			}
		})
	}
}
