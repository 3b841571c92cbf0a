package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"

	"codeforge"
)

// questionLimit bounds the questions about tokens to somebody else. What was good once has a way of its own, so that a flood of
// forged tokens does not shut out those who are signed in.
type questionLimit struct {
	flight       singleflight.Group
	fresh, known *rate.Limiter
}

// newGate lets a number of questions a second pass, and burst at once; about known tokens four times as many.
func newGate(perSecond, burst int) *questionLimit {
	return &questionLimit{fresh: rate.NewLimiter(rate.Limit(perSecond), burst), known: rate.NewLimiter(rate.Limit(4*perSecond), 4*burst)}
}

// ask has a token judged by somebody else, once for all who wait for it, and remembers a final answer.
func (v *Verifier) ask(ctx context.Context, g *questionLimit, sum tokenHash, known bool, question func(context.Context) (identity, error)) (identity, error) {
	answer := g.flight.DoChan(string(sum[:]), func() (any, error) {
		// Another flight may have landed since the caller looked.
		if who, known, err := v.cachedIdentity(sum); err != nil || known && who.until.After(time.Now()) {
			return who, err
		}
		limit := g.fresh
		if known {
			limit = g.known
		}
		if !limit.Allow() {
			return identity{}, unavailable(time.Second, nil)
		}
		// The first who asks may go away while others wait.
		ctx, cancel := context.WithTimeout(v.ctx, callTimeout)
		defer cancel()
		who, err := question(ctx)
		switch {
		case err == nil:
			v.good.put(sum, who)
		case codeforge.IsKind(err, codeforge.Unauthenticated):
			v.good.drop(sum)
			v.bad.put(sum, refusal{err, time.Now().Add(badFor)})
		}
		return who, err
	})
	select {
	case r := <-answer:
		who, _ := r.Val.(identity)
		return who, r.Err
	case <-ctx.Done():
		return identity{}, ctx.Err()
	}
}

// askAuth asks Supabase Auth whether a token is good and is that of a user.
func (v *Verifier) askAuth(ctx context.Context, token, userID string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.base+"/user", nil)
	if err != nil {
		return unavailable(retryAfter, err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("apikey", v.o.ServiceKey)
	status, wait, body, err := v.send(req)
	if err != nil {
		return unavailable(retryAfter, err)
	}
	var answer struct {
		ID        string          `json:"id"`
		Code      json.RawMessage `json:"code"`
		ErrorCode string          `json:"error_code"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return unavailable(retryAfter, fmt.Errorf("status %d of Supabase Auth, without JSON", status))
	}
	switch {
	case status == http.StatusOK && strings.EqualFold(answer.ID, userID):
		return nil
	case status == http.StatusOK:
		return errInvalid
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status < 400, status >= 500:
	case answer.ErrorCode != "" || len(answer.Code) > 0:
		return errInvalid
	default:
		// Supabase Auth names a code with every error. What has none is the gateway's answer, and about our own key.
		v.log.Warn("Supabase does not let us ask about tokens: is SUPABASE_SERVICE_KEY right?", "status", status)
	}
	return unavailable(max(retryAfter, wait), fmt.Errorf("status %d of Supabase Auth", status))
}

// probeGap is how long the answer of [Verifier.answers] counts.
const probeGap = 5 * time.Second

// answers asks Supabase Auth about a token that is none: to refuse it is all that is needed.
func (v *Verifier) answers(ctx context.Context) error {
	done := v.users.flight.DoChan("", func() (any, error) {
		v.probe.Lock()
		defer v.probe.Unlock()
		if v.probe.at.IsZero() || time.Since(v.probe.at) >= probeGap {
			ctx, cancel := context.WithTimeout(v.ctx, callTimeout)
			defer cancel()
			err := v.askAuth(ctx, "e30.e30.e30", "")
			if codeforge.IsKind(err, codeforge.Unauthenticated) {
				err = nil
			}
			if e, ok := errors.AsType[*codeforge.Error](err); ok && e.Cause != nil {
				err = e.Cause
			}
			v.probe.at, v.probe.err = time.Now(), err
		}
		return nil, v.probe.err
	})
	select {
	case r := <-done:
		return r.Err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fetch gets a public document.
func (v *Verifier) fetch(ctx context.Context, address string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	status, _, body, err := v.send(req)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("the host answered %d", status)
	}
	return body, err
}

// send returns a status, the wait that the host asks for, and the body, at most maxKeys long.
func (v *Verifier) send(req *http.Request) (status int, wait time.Duration, body []byte, err error) {
	req.Header.Set("User-Agent", "codeforge")
	req.Header.Set("Accept", "application/json")
	res, err := v.client.Do(req)
	if err != nil {
		return 0, 0, nil, err
	}
	defer res.Body.Close()
	if body, err = io.ReadAll(io.LimitReader(res.Body, maxKeys+1)); err != nil {
		return 0, 0, nil, err
	}
	if len(body) > maxKeys {
		return 0, 0, nil, fmt.Errorf("the host answered more than %d bytes", maxKeys)
	}
	if n, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil {
		wait = min(time.Duration(n)*time.Second, time.Minute)
	}
	return res.StatusCode, wait, body, nil
}
