package audit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"codeforge/internal/audit"
)

func lines(t *testing.T, name string) (all []audit.Entry) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var e audit.Entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err, line)
		}
		all = append(all, e)
	}
	return all
}

func TestRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		name := filepath.Join(t.TempDir(), "audit.log")
		l, err := audit.Open(audit.Options{Path: name, Sync: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		l.Record(audit.Entry{Action: "a.b", User: "u", Objects: map[string]string{"path": strings.Repeat("ä", 2000)}, Outcome: audit.Done, Status: 200})
		got := lines(t, name)
		if len(got) != 1 || got[0].Action != "a.b" || !got[0].Time.Equal(time.Now()) || len(got[0].Objects["path"]) > 1100 || got[0].Status != 200 {
			t.Errorf("%+v", got)
		}
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Error(info.Mode(), err)
		}
		// It is moved away and goes on under its name; one that was there is added to.
		if err := os.Rename(name, name+".1"); err != nil {
			t.Fatal(err)
		}
		l.Record(audit.Entry{Action: "still.old"})
		if err := l.Reopen(); err != nil {
			t.Fatal(err)
		}
		l.Record(audit.Entry{Action: "new"})
		if old, now := lines(t, name+".1"), lines(t, name); len(old) != 2 || len(now) != 1 {
			t.Errorf("%v, %v", old, now)
		}
		time.Sleep(time.Second) // it reaches the disk

		// What fails often is counted by address, and so are those beyond the bound together.
		for i := range 1100 {
			for range 3 {
				l.SignInFailed(fmt.Sprint("address ", i))
			}
		}
		time.Sleep(time.Minute)
		counts, total := map[string]int{}, 0
		for _, e := range lines(t, name)[1:] {
			counts[e.Address] = e.Count
			total += e.Count
		}
		if len(counts) != 1001 || counts["address 7"] != 3 || counts["others"] != 300 || total != 3300 {
			t.Errorf("%d addresses, %d failures", len(counts), total)
		}
		l.SignInFailed("the last")
		if err := errors.Join(l.Close(), l.Close()); err != nil {
			t.Fatal(err)
		}
		if all := lines(t, name); all[len(all)-1].Address != "the last" {
			t.Errorf("%+v is last", all[len(all)-1])
		}
	})
}

// What cannot be recorded is told, once, until it can be again.
func TestRecordThatCannotBeWritten(t *testing.T) {
	if _, err := audit.Open(audit.Options{Path: filepath.Join(t.TempDir(), "none", "audit.log")}); err == nil {
		t.Error("a folder that is not there is no place for it")
	}
	var log bytes.Buffer
	l, err := audit.Open(audit.Options{Path: "/dev/full", Sync: time.Hour, Log: slog.New(slog.NewJSONHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		l.Record(audit.Entry{Action: "a.b"})
	}
	if l.Err() == nil || strings.Count(log.String(), "cannot be recorded") != 1 {
		t.Errorf("%v\n%s", l.Err(), log.String())
	}
	_ = l.Close()
}

func TestNothingIsRecorded(t *testing.T) {
	l, err := audit.Open(audit.Options{})
	if err != nil || l != nil {
		t.Fatal(l, err)
	}
	l.Record(audit.Entry{})
	l.SignInFailed("a")
	if l.Reopen() != nil || l.Err() != nil || l.Close() != nil {
		t.Error("nothing is nothing")
	}
}
