package sqlite

import (
	"context"
	"runtime"
	"strings"

	"codeforge"
)

// startSpan begins the span of an operation of the store, where somebody traces: the method of the store that is on the way here
// names it.
func startSpan(ctx context.Context) (context.Context, *codeforge.Span) {
	if !codeforge.IsTraced(ctx) {
		return ctx, nil
	}
	return codeforge.StartSpan(ctx, codeforge.WorkStore, operation())
}

// operation is the name of the exported method of a store, or of its ledger, that is being called.
func operation() string {
	const receiver = ")."
	var callers [8]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers[:])])
	for {
		f, more := frames.Next()
		if i := strings.LastIndex(f.Function, receiver); i >= 0 {
			if name := f.Function[i+len(receiver):]; name != "" && name[0] >= 'A' && name[0] <= 'Z' {
				name, _, _ = strings.Cut(name, ".")
				return name
			}
		}
		if !more {
			return "other"
		}
	}
}
