package codeforge

import "testing"

func TestFileStat(t *testing.T) {
	file := func(text string) *File { return &File{Content: text} }
	for _, c := range []struct {
		d    FileDelta
		want FileStat
	}{
		{FileDelta{Path: "a", New: file("one\ntwo\n")}, FileStat{Path: "a", Added: 2}},
		{FileDelta{Path: "a", New: file("one\ntwo")}, FileStat{Path: "a", Added: 2}},
		{FileDelta{Path: "a", Old: file("one\ntwo\n"), New: nil}, FileStat{Path: "a", Removed: 2, Deleted: true}},
		{FileDelta{Path: "a", Old: file("one\ntwo\nthree\n"), New: file("three\none\n2\n2\n")}, FileStat{Path: "a", Added: 2, Removed: 1}},
		{FileDelta{Path: "a", Old: file(""), New: file("\n")}, FileStat{Path: "a", Added: 1}},
	} {
		if got := c.d.Stat(); got != c.want {
			t.Errorf("%+v, want %+v", got, c.want)
		}
	}
}
