package agent

import (
	"fmt"
	"strings"
	"testing"

	"codeforge"
)

func TestTreeLimits(t *testing.T) {
	var files []codeforge.File
	for i := range codeforge.MaxTreeBytes / codeforge.MaxContent {
		files = append(files, codeforge.File{Path: "f" + string(rune('a'+i/26)) + string(rune('a'+i%26)), Content: strings.Repeat("x", codeforge.MaxContent)})
	}
	tr := newTree(files)
	if _, err := tr.write("more", "x"); err == nil || !strings.Contains(err.Error(), fmt.Sprint(codeforge.MaxTreeBytes, " bytes")) {
		t.Errorf("one byte too many: %v", err)
	}
	if err := tr.delete("faa"); err != nil {
		t.Fatal(err)
	}
	if _, err := tr.write("more", strings.Repeat("x", codeforge.MaxContent)); err != nil {
		t.Errorf("there was room again: %v", err)
	}
	if got := tr.changes(); len(got) != 2 || !got[0].Delete || got[1].Path != "more" {
		t.Errorf("%d changes", len(got))
	}
	// What ends as it was is no change.
	tr.delete("more")
	tr.write("faa", files[0].Content)
	if got := tr.changes(); got != nil {
		t.Errorf("%d changes", len(got))
	}

	files = nil
	for i := range codeforge.MaxFiles {
		files = append(files, codeforge.File{Path: strings.Repeat("d/", i%200) + string(rune(0x4e00+i))})
	}
	if _, err := newTree(files).write("one-more", ""); err == nil || !strings.Contains(err.Error(), "at most 2000 files") {
		t.Errorf("one file too many: %v", err)
	}
}

// A picture cannot be written as text; a drawing can.
func TestBinaryNamesAreRefused(t *testing.T) {
	tr := newTree(nil)
	for _, path := range []string{"logo.png", "fonts/a.WOFF2", "a/b.mp4", "site.zip", "favicon.ico"} {
		if _, err := tr.write(path, "text"); err == nil || !strings.Contains(err.Error(), "no text") {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := tr.write("logo.svg", "<svg/>"); err != nil {
		t.Error(err)
	}
}
