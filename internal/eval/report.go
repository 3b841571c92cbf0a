package eval

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// Report is what a run of tasks came to.
type Report struct {
	Model    string   `json:"model"`
	Patterns int      `json:"patterns,omitempty"` // of other apps, that jobs could be shown
	Passed   int      `json:"passed"`
	Rate     float64  `json:"pass_rate"`
	Total    Used     `json:"total"` // seconds of all tasks, which may overlap
	Wall     float64  `json:"wall_seconds"`
	Tasks    []Result `json:"tasks"`
}

// Result is how one task ended.
type Result struct {
	Name   string   `json:"name"`
	Kind   Kind     `json:"kind"`
	Stack  Stack    `json:"stack"`
	Size   int      `json:"files"`
	Passed bool     `json:"passed"`
	Failed []string `json:"failed_checks,omitempty"`
	Used   Used     `json:"used"`
}

func (r *Report) sum(wall time.Duration) {
	r.Wall = wall.Seconds()
	for _, t := range r.Tasks {
		r.Total.add(t.Used)
		if t.Passed {
			r.Passed++
		}
	}
	if len(r.Tasks) > 0 {
		r.Rate = float64(r.Passed) / float64(len(r.Tasks))
	}
}

func (r *Result) line() string {
	verdict := "passed"
	if !r.Passed {
		verdict = "FAILED " + r.Failed[0]
		if n := len(r.Failed); n > 1 {
			verdict += fmt.Sprintf(" (and %d more)", n-1)
		}
	}
	return r.Name + ": " + verdict
}

// Table writes a report for people.
func (r *Report) Table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "task\tkind\tstack\tfiles\tpassed\trounds\ttokens in\tout\tcost $\ttime s\t")
	row := func(name string, kind Kind, stack Stack, size int, passed string, u Used) {
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%d\t%d\t%d\t%s\t%.1f\t\n", name, kind, stack, size, passed, u.Calls, u.InputTokens, u.OutputTokens, u.dollars(), u.Seconds)
	}
	for _, x := range r.Tasks {
		row(x.Name, x.Kind, x.Stack, x.Size, map[bool]string{true: "yes", false: "no"}[x.Passed], x.Used)
	}
	row("sum", "", "", 0, fmt.Sprintf("%d of %d", r.Passed, len(r.Tasks)), r.Total)
	if err := t.Flush(); err != nil {
		return err
	}
	for _, x := range r.Tasks {
		for _, f := range x.Failed {
			fmt.Fprintf(w, "%s: %s\n", x.Name, f)
		}
	}
	_, err := fmt.Fprintf(w, "%d of %d tasks passed (%.0f %%) with %s, in %.0f s\n", r.Passed, len(r.Tasks), 100*r.Rate, r.Model, r.Wall)
	return err
}

// dollars is a cost; a question mark tells that a price is not known.
func (u Used) dollars() string {
	s := fmt.Sprintf("%.4f", float64(u.CostMicroUSD)/1e6)
	if u.Estimated {
		s += "?"
	}
	return s
}
