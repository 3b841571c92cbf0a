package eval

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"codeforge"
)

// completes: every job came to its end.
func completes() Check {
	return Check{"jobs complete", func(_ context.Context, o *Outcome) error {
		for i, j := range o.Jobs {
			if j.Status != codeforge.JobCompleted {
				return fmt.Errorf("job %d is %s: %s", i+1, j.Status, j.Error)
			}
		}
		return nil
	}}
}

// verifies: nothing is wrong with the tree.
func verifies() Check {
	return Check{"the project verifies", func(_ context.Context, o *Outcome) error {
		if o.Report.OK {
			return nil
		}
		for _, d := range o.Report.Diagnostics {
			if d.Severity == "error" {
				return fmt.Errorf("%s:%d: %s", d.File, d.Line, d.Message)
			}
		}
		return errors.New("it does not verify")
	}}
}

// changed are the paths that differ, sorted.
func (o *Outcome) changed() []string {
	var paths []string
	for p, text := range o.After {
		if was, had := o.Before[p]; !had || was != text {
			paths = append(paths, p)
		}
	}
	for p := range o.Before {
		if _, has := o.After[p]; !has {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	return paths
}

// changesNothing: the project is as it was.
func changesNothing() Check {
	return Check{"nothing changes", func(_ context.Context, o *Outcome) error {
		if paths := o.changed(); len(paths) > 0 {
			return fmt.Errorf("changed %s", some(paths))
		}
		return nil
	}}
}

// changesOnly: no path but those that one of the patterns matches (of package path, and dir/... for all below) differs, and
// something does.
func changesOnly(patterns ...string) Check {
	return Check{"only what was meant changes", func(_ context.Context, o *Outcome) error {
		paths := o.changed()
		if len(paths) == 0 {
			return errors.New("nothing changed")
		}
		paths = slices.DeleteFunc(paths, func(p string) bool {
			return slices.ContainsFunc(patterns, func(pattern string) bool { return matches(pattern, p) })
		})
		if len(paths) > 0 {
			return fmt.Errorf("changed %s too", some(paths))
		}
		return nil
	}}
}

func matches(pattern, p string) bool {
	if dir, all := strings.CutSuffix(pattern, "..."); all {
		return strings.HasPrefix(p, dir)
	}
	ok, err := path.Match(pattern, p)
	return ok && err == nil
}

// has: a file matches an expression.
func has(file, expression string) Check {
	re := regexp.MustCompile(expression)
	return Check{file + " has " + expression, func(_ context.Context, o *Outcome) error {
		text, ok := o.After[file]
		switch {
		case !ok:
			return errors.New("there is no such file")
		case !re.MatchString(text):
			return errors.New("it has not")
		}
		return nil
	}}
}

// some file whose path matches the pattern matches an expression.
func someHas(pattern, expression string) Check {
	re, at := regexp.MustCompile(expression), regexp.MustCompile(pattern)
	return Check{"a file like " + pattern + " has " + expression, func(_ context.Context, o *Outcome) error {
		for p, text := range o.After {
			if at.MatchString(p) && re.MatchString(text) {
				return nil
			}
		}
		return errors.New("none has")
	}}
}

// nowhere: no file matches an expression.
func nowhere(expression string) Check {
	re := regexp.MustCompile(expression)
	return Check{"nowhere " + expression, func(_ context.Context, o *Outcome) error {
		for _, p := range slices.Sorted(maps.Keys(o.After)) {
			if re.MatchString(o.After[p]) {
				return fmt.Errorf("%s has it", p)
			}
		}
		return nil
	}}
}

// gone: there is no file at a path.
func gone(file string) Check {
	return Check{file + " is gone", func(_ context.Context, o *Outcome) error {
		if _, has := o.After[file]; has {
			return errors.New("it is there")
		}
		return nil
	}}
}

// replaced: the project is as it was before, with every match of an expression replaced, and paths too. It is for renames,
// of which there is one right outcome.
func replaced(expression, with string, except ...string) Check {
	re := regexp.MustCompile(expression)
	return Check{expression + " is " + with + " everywhere", func(_ context.Context, o *Outcome) error {
		want := map[string]string{}
		for p, text := range o.Before {
			want[re.ReplaceAllString(p, with)] = re.ReplaceAllString(text, with)
		}
		var wrong []string
		for p := range want {
			if o.After[p] != want[p] && !slices.Contains(except, p) {
				wrong = append(wrong, p)
			}
		}
		for p := range o.After {
			if _, has := want[p]; !has {
				wrong = append(wrong, p)
			}
		}
		if len(wrong) > 0 {
			slices.Sort(wrong)
			return fmt.Errorf("%d files are not as they should be: %s", len(wrong), some(wrong))
		}
		return nil
	}}
}

// linesChanged: between one and most lines of a file differ, the others are the same byte for byte, in their order.
func linesChanged(file string, most int) Check {
	return Check{fmt.Sprintf("at most %d lines of %s change", most, file), func(_ context.Context, o *Outcome) error {
		was, is := strings.SplitAfter(o.Before[file], "\n"), strings.SplitAfter(o.After[file], "\n")
		front := 0
		for front < min(len(was), len(is)) && was[front] == is[front] {
			front++
		}
		back := 0
		for back < min(len(was), len(is))-front && was[len(was)-1-back] == is[len(is)-1-back] {
			back++
		}
		n := max(len(was), len(is)) - front - back
		if n == 0 || n > most {
			return fmt.Errorf("%d lines did", n)
		}
		return nil
	}}
}

// answers: the last job's words match every expression, whatever their case.
func answers(expressions ...string) Check {
	return Check{"the answer says " + strings.Join(expressions, ", "), func(_ context.Context, o *Outcome) error {
		says := o.Jobs[len(o.Jobs)-1].Says
		for _, e := range expressions {
			if !regexp.MustCompile("(?i)" + e).MatchString(says) {
				return fmt.Errorf("it does not say %s: %.300q", e, says)
			}
		}
		return nil
	}}
}

// results: the last job's result matches an expression.
func results(expression string) Check {
	re := regexp.MustCompile(expression)
	return Check{"the result has " + expression, func(_ context.Context, o *Outcome) error {
		if !re.Match(o.Jobs[len(o.Jobs)-1].Result) {
			return errors.New("it has not")
		}
		return nil
	}}
}

// some names a few of many paths.
func some(paths []string) string {
	if len(paths) > 5 {
		return strings.Join(paths[:5], ", ") + fmt.Sprintf(" and %d more", len(paths)-5)
	}
	return strings.Join(paths, ", ")
}
