package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "peer" {
		fmt.Fprintln(os.Stderr, servePeer(context.Background(), os.Args[2], os.Args[3], os.Args[4]))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// TestBench measures everything for a moment: what is measured still is there, and answers.
func TestBench(t *testing.T) {
	file := filepath.Join(t.TempDir(), "report.json")
	o := options{rounds: 1, span: 50 * time.Millisecond, probes: 2, streams: 20, events: 50, only: regexp.MustCompile(".")}
	measure(t, o, "", file, t.Output())
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r struct {
		Tables []struct {
			Title string
			Rows  []struct {
				Name   string
				Values []*float64
			}
		}
	}
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Tables) < len(parts) {
		t.Errorf("%d tables of %d parts", len(r.Tables), len(parts))
	}
	for _, table := range r.Tables {
		for _, row := range table.Rows {
			if !slices.ContainsFunc(row.Values, func(v *float64) bool { return v != nil }) {
				t.Errorf("%s: %s: nothing was measured", table.Title, row.Name)
			}
		}
	}
}
