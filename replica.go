package codeforge

import "context"

type fromPrimaryKey struct{}

// FromPrimary has what is read in a context be read where writes are seen at once, and never of a replica that follows: what is read to
// be kept for others must be.
func FromPrimary(ctx context.Context) context.Context {
	return context.WithValue(ctx, fromPrimaryKey{}, true)
}

// IsFromPrimary reports whether a context is one of [FromPrimary].
func IsFromPrimary(ctx context.Context) bool { return ctx.Value(fromPrimaryKey{}) != nil }
