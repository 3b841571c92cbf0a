package github

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	gh "github.com/google/go-github/v89/github"

	"codeforge"
)

const (
	service  = "github"
	maxTries = 4
	backoff  = 500 * time.Millisecond
	// secondaryWait is what GitHub's documentation asks for where a secondary limit names no time.
	secondaryWait = time.Minute
)

// kind of a token, by which its rights are named.
type kind string

const (
	none        kind = "" // what all may do
	classic     kind = "classic token"
	fineGrained kind = "fine-grained token"
	app         kind = "token of a GitHub App"
)

func kindOf(token string) kind {
	switch {
	case token == "":
		return none
	case strings.HasPrefix(token, "github_pat_"):
		return fineGrained
	case strings.HasPrefix(token, "ghs_"), strings.HasPrefix(token, "ghu_"):
		return app
	}
	return classic
}

// calls is what is known of the token that calls are made with.
type calls struct {
	kind   kind
	scopes []string // of a classic one; nil: not known
	waits  func(d time.Duration)
	later  string // what to do when GitHub works again
}

// call asks GitHub until it answers: again after trouble of the network or the server, and after the wait that a limit asks for if
// there is time. doing and permission are for the error: what was tried, and what a fine-grained token needs for it.
func call[T any](ctx context.Context, c *calls, doing, permission string, ask func() (T, *gh.Response, error)) (T, error) {
	for try := 1; ; try++ {
		out, resp, err := ask()
		if err == nil {
			return out, nil
		}
		wait, again := c.again(resp, err, try)
		deadline, bounded := ctx.Deadline()
		if !again || ctx.Err() != nil || bounded && time.Until(deadline) < wait {
			return out, c.fault(ctx, doing, permission, resp, err)
		}
		if c.waits != nil && wait > time.Second {
			c.waits(wait)
		}
		select {
		case <-ctx.Done():
			return out, context.Cause(ctx)
		case <-time.After(wait):
		}
	}
}

// again says whether a call is worth repeating, and after which wait. Waits that a limit asks for do not count as tries.
func (c *calls) again(resp *gh.Response, err error, try int) (time.Duration, bool) {
	if wait, ok := limit(resp, err); ok {
		return wait, true
	}
	wait := backoff<<(try-1) + rand.N(backoff)
	return wait, try < maxTries && (status(resp, err) >= 500 || isNetwork(err))
}

// limit says whether a call met a limit on requests, the hourly one or a secondary one, and for how long it asks to wait.
func limit(resp *gh.Response, err error) (wait time.Duration, ok bool) {
	code := status(resp, err)
	if err == nil || code != http.StatusForbidden && code != http.StatusTooManyRequests {
		return 0, false
	}
	var h http.Header
	if resp != nil && resp.Response != nil {
		h = resp.Header
	}
	after, errAfter := strconv.Atoi(h.Get("Retry-After"))
	reset, errReset := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
	switch {
	case errAfter == nil:
		wait = time.Duration(after) * time.Second
	case h.Get("X-RateLimit-Remaining") == "0" && errReset == nil:
		wait = time.Until(time.Unix(reset, 0)) + time.Second
	case code == http.StatusTooManyRequests, strings.Contains(err.Error(), "rate limit"):
		wait = secondaryWait
	default:
		return 0, false
	}
	return max(wait, time.Second), true
}

func isNetwork(err error) bool {
	_, ok := errors.AsType[*url.Error](err)
	return ok
}

// status is the HTTP status of an answer; 0: there was none.
func status(resp *gh.Response, err error) int {
	if e, ok := errors.AsType[*gh.ErrorResponse](err); ok && e.Response != nil {
		return e.Response.StatusCode
	}
	if resp != nil && resp.Response != nil {
		return resp.StatusCode
	}
	return 0
}

// said is GitHub's message of an error.
func said(err error) string {
	if e, ok := errors.AsType[*gh.ErrorResponse](err); ok {
		words := []string{e.Message}
		for _, more := range e.Errors {
			if more.Message != "" {
				words = append(words, more.Message)
			}
		}
		return strings.Join(words, ": ")
	}
	return ""
}

// fault says in words for the user what did not work.
func (c *calls) fault(ctx context.Context, doing, permission string, resp *gh.Response, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	external := func(format string, args ...any) *codeforge.Error {
		return &codeforge.Error{Kind: codeforge.External, Message: "GitHub " + fmt.Sprintf(format, args...), Details: map[string]any{"service": service}, Cause: err}
	}
	if wait, ok := limit(resp, err); ok {
		e := external("asks to wait for %s, which is longer than there is time: %s then", wait.Round(time.Second), c.later)
		e.RetryAfter = wait
		return e
	}
	token := func(format string, args ...any) error {
		e := codeforge.InvalidField("github_token", format, args...)
		e.Cause = err
		return e
	}
	text := said(err)
	switch code := status(resp, err); {
	case code == http.StatusUnauthorized:
		return token("is not accepted by GitHub: it is wrong, has expired or was revoked")
	case code == http.StatusForbidden && resp != nil && strings.Contains(resp.Header.Get("X-GitHub-SSO"), "required"):
		return token("must be authorized for the single sign-on of the organization before it can %s", doing)
	case strings.Contains(text, "workflow") && (code == http.StatusForbidden || code == http.StatusNotFound || code == http.StatusUnprocessableEntity):
		return token("lacks the %s, without which no files below .github/workflows can be written", pick(c.kind == classic, "scope workflow", "permission workflows=write"))
	case code == http.StatusForbidden, code == http.StatusNotFound:
		return token("%s", c.lacks(doing, permission, code, resp))
	case code == http.StatusUnprocessableEntity, code == http.StatusConflict, code == http.StatusBadRequest:
		e := external("refuses to %s: %s", doing, oneLine(text))
		e.Kind = codeforge.Conflict
		return e
	case code >= 500:
		return external("does not work at the moment (%d): %s later", code, c.later)
	}
	return external("cannot be reached at the moment: %s later", c.later)
}

// lacks names the right that a token has not. GitHub answers 404 too where a token may not so much as know of something.
func (c *calls) lacks(doing, permission string, code int, resp *gh.Response) string {
	needs := "the permission " + permission
	if resp != nil {
		if accepted := resp.Header.Get("X-Accepted-GitHub-Permissions"); accepted != "" {
			needs = "the permission " + accepted
		}
	}
	if c.kind == classic {
		needs = "the scope repo"
		if c.scopes != nil {
			needs += fmt.Sprintf(" (it has: %s)", strings.Join(append(slices.Clone(c.scopes), pick(len(c.scopes) == 0, "none", ""))[:max(len(c.scopes), 1)], ", "))
		}
	}
	if c.kind == none {
		return fmt.Sprintf("may not %s without a token: there is no such thing that all may see; for a private one give a token that has %s", doing, needs)
	}
	if code == http.StatusNotFound {
		return fmt.Sprintf("may not %s: there is no such thing, or the %s lacks %s", doing, c.kind, needs)
	}
	return fmt.Sprintf("may not %s: the %s lacks %s", doing, c.kind, needs)
}

func pick[T any](cond bool, yes, no T) T {
	if cond {
		return yes
	}
	return no
}

// oneLine is the beginning of GitHub's words.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 300 {
		s = string(r[:300]) + "…"
	}
	return s
}
