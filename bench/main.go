// Command bench measures CodeForge beside other engines, and beside its own prediction of what a load costs. It starts all that it
// measures itself: a PostgreSQL, a Redis, servers built of this tree, other engines behind HTTP.
//
// It is a module of its own, so that what it is measured beside is no dependency of the program.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// options say what is measured, and for how long.
type options struct {
	rounds    int
	span      time.Duration // of one measurement
	probes    int           // jobs whose start is measured, in each round
	streams   int           // that are held open
	events    int           // a second, across two servers
	baselines []baseline
	only      *regexp.Regexp
}

// baseline is an older program to compare with.
type baseline struct{ name, program string }

func main() {
	if len(os.Args) > 1 && os.Args[1] == "peer" {
		fmt.Fprintln(os.Stderr, servePeer(context.Background(), os.Args[2], os.Args[3], os.Args[4]))
		os.Exit(1)
	}
	o := options{}
	flag.IntVar(&o.rounds, "rounds", 5, "how often each thing is measured; the middle counts")
	flag.DurationVar(&o.span, "span", 2*time.Second, "length of one measurement")
	flag.IntVar(&o.probes, "probes", 50, "jobs a round whose start is measured")
	flag.IntVar(&o.streams, "streams", 1000, "event streams that are held open")
	flag.IntVar(&o.events, "events", 1000, "events a second across two servers")
	flag.Func("baseline", "an older program to compare with, as NAME=PATH or PATH; may be given again", func(s string) error {
		name, path, named := strings.Cut(s, "=")
		if !named {
			name, path = filepath.Base(s), s
		}
		path, err := filepath.Abs(path)
		if err == nil {
			_, err = os.Stat(path)
		}
		o.baselines = append(o.baselines, baseline{name, path})
		return err
	})
	only := flag.String("only", ".", "parts to measure, as a regular expression: "+strings.Join(partNames(), ", "))
	ours := flag.String("program", "", "the program to measure; none: it is built of this tree")
	file := flag.String("json", "", "file to which the numbers are written too")
	flag.Parse()
	var err error
	if o.only, err = regexp.Compile(*only); err != nil || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "bench:", err, flag.Args())
		os.Exit(2)
	}
	h := &host{}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-stop
		h.run(func() {}) // what was started ends
		os.Exit(130)
	}()
	if !h.run(func() { measure(h, o, *ours, *file, os.Stdout) }) {
		os.Exit(1)
	}
}

// part is one thing that can be measured.
type part struct {
	name string
	do   func(*lab, *report)
}

var parts = []part{{"jobs", (*lab).jobs}, {"events", (*lab).watched}, {"reads", (*lab).reads}, {"operations", (*lab).operations}, {"console", (*lab).console}}

func partNames() (all []string) {
	for _, p := range parts {
		all = append(all, p.name)
	}
	return all
}

// measure measures all parts and prints what it found; program "": it is built.
func measure(tb testing.TB, o options, program, file string, out io.Writer) {
	if program == "" {
		program = build(tb)
	}
	program, err := filepath.Abs(program)
	if err != nil {
		tb.Fatal(err)
	}
	r := &report{Machine: fmt.Sprintf("%d processors, %s/%s, %s, load %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), loadAverage()), out: out}
	fmt.Fprintln(out, r.Machine)
	l := newLab(tb, o, program)
	for _, p := range parts {
		if o.only.MatchString(p.name) {
			p.do(l, r)
		}
	}
	if file != "" {
		b, err := json.MarshalIndent(r, "", "\t")
		if err == nil {
			err = os.WriteFile(file, append(b, '\n'), 0o644)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
}

func loadAverage() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	load, _, _ := bytes.Cut(b, []byte(" "))
	return string(load)
}

// run runs a program in a folder.
func run(tb testing.TB, dir, name string, args ...string) {
	tb.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}
