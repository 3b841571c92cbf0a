package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"codeforge/internal/pgtest"
	"codeforge/internal/postgres"
)

// pushed are the migrations of the folder supabase, oldest first. The CLI refuses one that comes before another which a
// project has already, so lines are only ever added at the end.
var pushed = []string{"0001_platform", "0002_tables", "0003_access", "0004_functions", "0005_books", "0006_tokens", "0007_data_api", "0008_queue", "river_008"}

const migrationsDir = "../../supabase/migrations"

// TestGoldenSupabaseMigrations: the files for the Supabase CLI are the migrations of the program, and lead to the same.
func TestGoldenSupabaseMigrations(t *testing.T) {
	all := postgres.SQL()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !slices.Contains(pushed, name) {
			t.Errorf("add %s to the list above", name)
		}
	}
	var files []string
	for i, name := range pushed {
		file := fmt.Sprintf("%d_%s.sql", 20261122000001+i, name[strings.IndexByte(name, '_')+1:])
		if strings.HasPrefix(name, "river") {
			file = fmt.Sprintf("%d_%s.sql", 20261122000001+i, name)
		}
		files = append(files, file)
		text, known := all[name]
		if !known {
			continue // a newer one has taken its place; projects that ran it know it by this file
		}
		var want strings.Builder
		want.WriteString("-- Generated: see the test that compares it. A change belongs into the program's own migration.\n")
		for line := range strings.Lines(text) {
			if !strings.HasPrefix(line, "-- +goose") {
				want.WriteString(line)
			}
		}
		path := filepath.Join(migrationsDir, file)
		if have, err := os.ReadFile(path); err == nil && string(have) == want.String() {
			continue
		}
		if !*update {
			t.Errorf("%s is not what the program says: run make docs", file)
			continue
		}
		if err := os.WriteFile(path, []byte(want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(migrationsDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(files, e.Name()) {
			t.Errorf("%s is none of the migrations", e.Name())
		}
	}

	s := pgtest.Start(t)
	db := s.Database(t, pgtest.Superuser, "")
	for range 2 { // what was pushed can be pushed again
		for _, file := range files {
			text, err := os.ReadFile(filepath.Join(migrationsDir, file))
			if err != nil {
				t.Fatal(err)
			}
			s.Exec(t, db, string(text))
		}
	}
	url := s.URL(pgtest.Superuser, db)
	if pending, err := postgres.Pending(t.Context(), url, ""); err != nil || len(pending) > 0 {
		t.Error("after a push the program finds pending", pending, err)
	}
	if _, err := postgres.Migrate(t.Context(), url, ""); err != nil {
		t.Error("the program cannot go on after a push:", err)
	}
}
