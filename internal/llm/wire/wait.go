package wire

import (
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const maxWait = 30 * 24 * time.Hour // what asks for more is taken for nonsense

// wait is how long the provider asks to stay away: by a header made for that, by its words, or by the time at which a
// limit that is used up is whole again.
func (f *Fault) wait(h http.Header) {
	now, err := http.ParseTime(h.Get("Date")) // the provider's clock, so that clocks that differ do no harm
	if err != nil {
		now = time.Now()
	}
	told := func(d time.Duration, ok bool) bool {
		if ok {
			f.Wait, f.HasWait = d, true
		}
		return ok
	}
	switch limited := f.Status == http.StatusTooManyRequests || f.Status == http.StatusServiceUnavailable; {
	case told(parseUnits(h.Get("Retry-After-Ms"), time.Millisecond)), told(parseWait(h.Get("Retry-After"), time.Second, now)):
	case f.HasWait: // a field of the body
	case told(waitInWords(f.Message)):
	case limited && !told(resetWait(h, now)):
		told(resetWait(f.headers, now))
	}
}

// resetWait is the wait until a limit is whole again, of the headers with "ratelimit" and "reset" in their names that nearly every
// provider sends. Of several the longest of those counts of which nothing remains, as far as is told. Where something remains of
// all, it may be too few tokens for this request: then the shortest of those counts.
func resetWait(h http.Header, now time.Time) (wait time.Duration, found bool) {
	usedUp := false
	for name, values := range h {
		name = strings.ToLower(name)
		if len(values) == 0 || !strings.Contains(name, "reset") || !strings.Contains(strings.ReplaceAll(name, "-", ""), "ratelimit") {
			continue
		}
		d, ok := parseWait(values[0], time.Second, now)
		if !ok {
			continue
		}
		remaining := strings.TrimSpace(h.Get(strings.Replace(name, "reset", "remaining", 1)))
		n, err := strconv.ParseFloat(remaining, 64)
		switch none := err != nil || n <= 0; {
		case none && !usedUp:
			wait, usedUp, found = d, true, true
		case none:
			wait = max(wait, d)
		case !usedUp && strings.Contains(name, "token") && (!found || d < wait):
			wait, found = d, true
		}
	}
	return wait, found
}

// parseWait reads a wait as headers write it: a number of units, Go's durations (1m2.5s, 250ms), a date, or a point in time in seconds
// or milliseconds since 1970.
func parseWait(s string, unit time.Duration, now time.Time) (time.Duration, bool) {
	s = strings.TrimSpace(s)
	if d, ok := parseUnits(s, unit); ok {
		return d, true
	}
	if d, err := time.ParseDuration(strings.ReplaceAll(s, " ", "")); err == nil && d >= 0 {
		return bounded(d), d <= maxWait
	}
	if n, err := strconv.ParseFloat(s, 64); err == nil {
		at := time.Unix(int64(n), 0)
		if n > 1e11 {
			at = time.UnixMilli(int64(n))
		}
		d := at.Sub(now)
		return bounded(d), n > 1e9 && n < 1e14 && d <= maxWait
	}
	for _, layout := range []string{time.RFC3339Nano, http.TimeFormat, time.RFC1123Z, time.RFC850, time.ANSIC, "2006-01-02 15:04:05", "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			d := t.Sub(now)
			return bounded(d), d <= maxWait
		}
	}
	return 0, false
}

var (
	// inWords finds where a message says when to come back, and spans the times in it.
	inWords = regexp.MustCompile(`(?i)(?:(?:try|retry|retrying)(?: again| your request| the request)*|retry[-_ ]?after|wait(?: for)?|available(?: again)?|resets?|try back)\W{0,3}(?:in|after|for|at least|about)?[\s:="']*(?:at least |about |another )?` +
		`((?:\d+(?:\.\d+)?\s*(?:milliseconds?|millis|msecs?|ms|seconds?|secs?|sec|s|minutes?|mins?|min|m|hours?|hrs?|hr|h|days?|d)\b[\s,]*(?:and\s+)?)+|\d+(?:\.\d+)?h(?:\d+(?:\.\d+)?m)?(?:\d+(?:\.\d+)?s)?|\d+m\d+(?:\.\d+)?s)`)
	piece = regexp.MustCompile(`(?i)(\d+(?:\.\d+)?)\s*([a-z]+)`)
)

// waitInWords reads "Please try again in 1m2.5s" and what else says so.
func waitInWords(message string) (time.Duration, bool) {
	m := inWords.FindStringSubmatch(message)
	if m == nil {
		return 0, false
	}
	var wait time.Duration
	for _, p := range piece.FindAllStringSubmatch(m[1], -1) {
		unit := time.Duration(0)
		switch word := strings.ToLower(p[2]); {
		case strings.HasPrefix(word, "ms"), strings.HasPrefix(word, "milli"):
			unit = time.Millisecond
		case word[0] == 's':
			unit = time.Second
		case word[0] == 'm':
			unit = time.Minute
		case word[0] == 'h':
			unit = time.Hour
		case word[0] == 'd':
			unit = 24 * time.Hour
		}
		d, ok := parseUnits(p[1], unit)
		if !ok {
			return 0, false
		}
		wait += d
	}
	return bounded(wait), wait <= maxWait
}

// parseUnits reads so many units.
func parseUnits(s string, unit time.Duration) (time.Duration, bool) {
	n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || math.IsNaN(n) || n < 0 || n*float64(unit) > float64(maxWait) {
		return 0, false
	}
	return time.Duration(math.Round(n * float64(unit))), true
}

func bounded(d time.Duration) time.Duration { return min(max(d, 0), maxWait) }
