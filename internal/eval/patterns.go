package eval

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"

	"codeforge"
	"codeforge/internal/server"
)

// Comparison is what the same tasks came to without patterns and with them.
type Comparison struct {
	Without *Report `json:"without_patterns"`
	With    *Report `json:"with_patterns"`
}

// ComparePatterns runs tasks twice: without patterns, and with those of other apps, which are built before. What the tasks themselves make
// becomes no pattern, so that the order in which they run changes nothing.
func ComparePatterns(ctx context.Context, cfg server.Config, tasks []*Task, o Options) (c Comparison, err error) {
	for _, arm := range []struct {
		name   string
		report **Report
	}{{"off", &c.Without}, {"on", &c.With}} {
		cfg, o := cfg, o
		cfg.Patterns, cfg.HoldPatterns = arm.name, true
		for _, dir := range []*string{&o.Record, &o.Replay} {
			if *dir != "" {
				*dir = filepath.Join(*dir, "patterns-"+arm.name)
			}
		}
		fmt.Fprintf(cmp.Or[io.Writer](o.Progress, io.Discard), "patterns %s\n", arm.name)
		if *arm.report, err = Run(ctx, cfg, tasks, o); err != nil {
			return c, err
		}
	}
	return c, nil
}

// examples are apps that become patterns before tasks run with them: near to some tasks and far from others, and no task's own.
func examples() []*Task {
	var list []*Task
	for i, says := range []string{
		"A CRM for window cleaners: customers, visits and invoices",
		"A diary: entries with a date and a mood, which I can search and delete",
		"A page that converts miles to kilometres while I type",
		"A habit tracker that counts days in a row",
		"A to-do list with deadlines and priorities",
		"A shop for candles with a cart and a checkout",
		"A booking page for a hairdresser with a calendar of free slots",
		"A recipe book with ingredients, steps and a search",
		"A quiz about capitals with a score and levels",
		"A dashboard of expenses by month and category with a chart",
		"A library of books that are lent to friends",
		"A timer for boxing rounds with breaks and a sound",
	} {
		list = append(list, &Task{Name: fmt.Sprint("example-", i+1), Kind: NewApp, Steps: []Step{{codeforge.Builder, says}}})
	}
	return list
}

// learn has the examples built, and says how many patterns came of them.
func (r *runner) learn(ctx context.Context, s *server.Server) (int, error) {
	list := examples()
	if r.o.Examples > 0 {
		list = list[:r.o.Examples]
	}
	r.each(list, func(_ int, t *Task) {
		var project codeforge.Project
		err := r.Call(ctx, "POST", "/v1/projects", map[string]any{"title": "Example", "description": t.Steps[0].Says}, &project)
		if err == nil {
			r.models.begin(project.ID, &taskRun{task: t})
			_, err = r.job(ctx, project.ID, t.Steps[0])
		}
		if err != nil {
			fmt.Fprintf(r.o.Progress, "%s: %v\n", t.Name, err)
		}
	})
	return s.StorePatterns(ctx)
}

// Table writes a comparison for people: what differs, and then the sums.
func (c Comparison) Table(w io.Writer) error {
	for _, arm := range []struct {
		what string
		r    *Report
	}{{"without patterns", c.Without}, {fmt.Sprintf("with %d patterns", c.With.Patterns), c.With}} {
		if _, err := fmt.Fprintf(w, "\n%s:\n", arm.what); err != nil {
			return err
		}
		if err := arm.r.Table(w); err != nil {
			return err
		}
	}
	fmt.Fprintf(w, "\npatterns, of %s:\n", c.With.Model)
	for i, with := range c.With.Tasks {
		if without := c.Without.Tasks[i]; with.Passed != without.Passed {
			fmt.Fprintf(w, "%s passes %s\n", with.Name, map[bool]string{true: "with them alone", false: "without them alone"}[with.Passed])
		}
	}
	a, b := c.Without.Total, c.With.Total
	_, err := fmt.Fprintf(w, "%+d tasks passed (%d without, %d with), %+d calls, %+d tokens in (%s), %+d out (%s), %+.4f $\n",
		c.With.Passed-c.Without.Passed, c.Without.Passed, c.With.Passed, b.Calls-a.Calls, b.InputTokens-a.InputTokens, share(a.InputTokens, b.InputTokens),
		b.OutputTokens-a.OutputTokens, share(a.OutputTokens, b.OutputTokens), float64(b.CostMicroUSD-a.CostMicroUSD)/1e6)
	return err
}

// share is how much more one number is than another.
func share(than, is int64) string {
	if than == 0 {
		return "-"
	}
	return fmt.Sprintf("%+.1f %%", 100*float64(is-than)/float64(than))
}
