package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"codeforge"
)

// screen shows a job: bars that move on a terminal, plain lines elsewhere.
type screen struct {
	w      io.Writer
	live   bool // w is a terminal
	began  time.Time
	stages []stage
	files  []string
	drawn  int // lines of the live part
}

type stage struct {
	name, title  string
	began, ended time.Time
	files        int
	failed       bool
}

func newScreen(f *os.File) *screen {
	info, err := f.Stat()
	live := err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb" && os.Getenv("TERM") != ""
	s := &screen{w: f, live: live, began: time.Now()}
	for _, agent := range codeforge.Builder.Agent().Stages {
		s.stages = append(s.stages, stage{name: string(agent)})
	}
	return s
}

// line prints text for good, without what a terminal would obey: much of it is a model's.
func (s *screen) line(format string, args ...any) { printSafe(s.w, format, args...) }

// printSafe prints a line that may hold a stranger's words, a model's or a provider's, without what a terminal would obey.
func printSafe(w io.Writer, format string, args ...any) {
	fmt.Fprintln(w, codeforge.Plain(fmt.Sprintf(format, args...)))
}

// event takes one event of the job and reports whether it was the last.
func (s *screen) event(kind string, data []byte) (done bool, err error) {
	var e struct {
		Status, Stage, Title, Path, Action, Error string
		Name, Argument, Answer, Kind              string
		Severity, File, Description               string
		OK, Passed                                bool
		Lines, Added, Removed, Score, Issues      int
		Result                                    struct {
			Summary string
			Message string
		}
	}
	if err := json.Unmarshal(data, &e); err != nil {
		return true, fmt.Errorf("event %s: %w", kind, err)
	}
	switch kind {
	case "stage":
		for i := range s.stages {
			st := &s.stages[i]
			if st.name != e.Stage {
				continue
			}
			if e.Status == "started" {
				st.began, st.ended, st.title = time.Now(), time.Time{}, strings.ReplaceAll(e.Title, "\n", " ")
				s.plain("%-9s started", st.name)
			} else {
				st.ended = time.Now()
				s.plain("%-9s %s", st.name, e.Status)
			}
		}
	case "file":
		s.files = append(s.files, fmt.Sprintf("%-7s %s (%d lines, +%d -%d)", e.Action, e.Path, e.Lines, e.Added, e.Removed))
		for i := range s.stages {
			if !s.stages[i].began.IsZero() && s.stages[i].ended.IsZero() {
				s.stages[i].files++
			}
		}
		s.note("%s", s.files[len(s.files)-1])
	case "tool":
		if !e.OK { // the others show in what they did
			s.note("%s %s: %s", e.Name, e.Argument, e.Answer)
		}
	case "spec":
		s.plain("%s written", e.Kind)
	case "finding":
		s.note("%-8s %s: %s", e.Severity, e.File, e.Description)
	case "review":
		s.plain("%s, score %d, %d issues", map[bool]string{true: "passed", false: "not passed"}[e.Passed], e.Score, e.Issues)
	case "check":
		s.plain("verified  %s", map[bool]string{true: "ok", false: "problems found, sent back"}[e.OK])
	case "retry":
		s.plain("trying again")
	case "complete":
		s.draw()
		if e.Result.Summary != "" {
			s.line("\n%s", e.Result.Summary)
		}
		return true, nil
	case "error":
		for i := range s.stages {
			st := &s.stages[i]
			st.failed = !st.began.IsZero() && st.ended.IsZero()
		}
		s.draw()
		return true, errors.New("the job failed: " + e.Error)
	case "cancelled":
		return true, errors.New("the job was cancelled")
	case "waiting":
		return true, errors.New("the job asks back; answer it at POST /v1/jobs/{job_id}/respond")
	}
	s.draw()
	return false, nil
}

// note prints a line for good.
func (s *screen) note(format string, args ...any) {
	text := strings.Join(strings.Fields(codeforge.Plain(fmt.Sprintf(format, args...))), " ")
	if s.live {
		s.erase()
		s.line("  %.120s", text)
	} else {
		s.plain("%s", text)
	}
}

// plain prints a line where nothing is redrawn.
func (s *screen) plain(format string, args ...any) {
	if !s.live {
		s.line("%6.1fs  %s", time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
	}
}

func (s *screen) erase() {
	if s.drawn > 0 {
		fmt.Fprintf(s.w, "\x1b[%dA\x1b[J", s.drawn)
		s.drawn = 0
	}
}

// draw shows a bar for each stage. How far a model is cannot be known, so a running stage fills up with its files and time.
func (s *screen) draw() {
	if !s.live {
		return
	}
	s.erase()
	const width = 28
	for _, st := range s.stages {
		full, note := 0, ""
		switch {
		case st.failed:
			note = "failed"
		case !st.ended.IsZero():
			full, note = width, fmt.Sprintf("%.1fs", st.ended.Sub(st.began).Seconds())
		case !st.began.IsZero():
			full, note = min(width-1, 3+2*st.files+int(time.Since(st.began).Seconds())), st.title
		}
		s.line("  %-10s %s%s  %s", st.name, strings.Repeat("█", full), strings.Repeat("░", width-full), note)
	}
	s.drawn = len(s.stages)
}
