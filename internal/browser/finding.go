package browser

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// Severities of findings.
const (
	Error   = "error"   // the site does not work
	Warning = "warning" // somebody should look
)

// Kind is what a finding is about.
type Kind string

// The kinds, in the order in which they are told.
const (
	KindOpen          Kind = "open"          // a page that does not open
	KindCrash         Kind = "crash"         // the page's process died, or had to be ended
	KindHang          Kind = "hang"          // a script that does not end
	KindEmpty         Kind = "empty"         // nothing to see
	KindException     Kind = "exception"     // thrown, or rejected, and caught by nobody
	KindMissing       Kind = "missing"       // a file of the site that is not there
	KindConsole       Kind = "console"       // an error that the console tells of
	KindExcess        Kind = "excess"        // windows, dialogs, downloads or loads without end
	KindLeft          Kind = "left"          // the page goes to another site of its own accord
	KindPolicy        Kind = "policy"        // refused by the content security policy
	KindUnreachable   Kind = "unreachable"   // a request to another host
	KindOverflow      Kind = "overflow"      // wider than a phone
	KindAccessibility Kind = "accessibility" // serious and critical violations that axe-core finds
	KindIdle          Kind = "idle"          // a control that does nothing
)

var kinds = []Kind{KindOpen, KindCrash, KindHang, KindEmpty, KindException, KindMissing, KindConsole, KindExcess, KindLeft, KindPolicy, KindUnreachable, KindOverflow, KindAccessibility, KindIdle}

// Finding is something that was seen in the browser. The same site has the same findings, in the same words and order.
type Finding struct {
	Severity string
	Kind     Kind
	Message  string
	Page     string // its address on the site: /tasks?filter=done
	Width    int    // of the window, in pixels
	Control  string // what was used when it happened, as people know it: button "Add task". "": the page was opened
	File     string // where in the site's sources, as far as source maps tell; "": not known
	Line     int    // from 1
	Column   int    // from 1
}

// sameAs is what two findings have in common that are one: what happens on every page and at every width is told once.
func (f Finding) sameAs() Finding {
	f.Severity, f.Width = "", 0
	if f.Kind != KindIdle {
		f.Control = ""
	}
	switch f.Kind {
	case KindException, KindMissing, KindConsole, KindPolicy, KindUnreachable, KindAccessibility:
		f.Page = ""
	}
	return f
}

// maxFindings bounds what is told of a site. What comes later is more of the same.
const maxFindings = 100

// findings collects what is found, each once, at its first place.
type findings struct {
	list []Finding
	seen map[Finding]int // where in the list
}

func (l *findings) add(f Finding) {
	f.Message = tidy(f.Message)
	if l.seen == nil {
		l.seen = map[Finding]int{}
	}
	key := f.sameAs()
	if at, ok := l.seen[key]; ok {
		if f.Severity == Error {
			l.list[at].Severity = Error
		}
		return
	}
	if len(l.list) < maxFindings {
		l.seen[key] = len(l.list)
		l.list = append(l.list, f)
	}
}

func (l *findings) hasErrors() bool {
	return slices.ContainsFunc(l.list, func(f Finding) bool { return f.Severity == Error })
}

// sorted is the list in its order: errors first, then as the kinds are told, then as they were met.
func (l *findings) sorted() []Finding {
	list := slices.Clone(l.list)
	slices.SortStableFunc(list, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Severity, b.Severity), cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)))
	})
	return list
}

// ends reports whether a page of that kind of finding ran to no end. Which one is told depends on what gives out first, time,
// memory or patience, so two runs that ended a page in different words met the same fault.
func (k Kind) ends() bool { return k == KindCrash || k == KindHang || k == KindExcess }

// met reports whether an error of one run is among what the other met.
func (l *findings) met(f Finding) bool {
	if _, same := l.seen[f.sameAs()]; same {
		return true
	}
	return f.Kind.ends() && slices.ContainsFunc(l.list, func(o Finding) bool { return o.Kind.ends() && o.Page == f.Page })
}

// seenOnce makes warnings of the errors that only one of two runs met.
func (l *findings) seenOnce(second *findings) {
	const once = " (in one of two runs)"
	first := slices.Clone(l.list)
	for i, f := range first {
		if f.Severity == Error && !second.met(f) {
			l.list[i].Severity = Warning
			l.list[i].Message += once
		}
	}
	for _, f := range second.list {
		if f.Severity == Error && !(&findings{list: first, seen: l.seen}).met(f) {
			f.Severity = Warning
			f.Message += once
			l.list = append(l.list, f)
		}
	}
}

const maxWords = 300 // of a message

var (
	spaces  = regexp.MustCompile(`\s+`)
	uuids   = regexp.MustCompile(`(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`)
	moments = regexp.MustCompile(`\b\d{10,}(\.\d+)?\b`)
	hashes  = regexp.MustCompile(`\b[0-9a-f]{16,}\b`)
)

// tidy makes a page's words fit to be told: on one line, bounded, and without what differs from run to run.
func tidy(s string) string {
	if len(s) > 4*maxWords {
		s = strings.ToValidUTF8(s[:4*maxWords], "")
	}
	s = strings.TrimSpace(spaces.ReplaceAllString(strings.ToValidUTF8(s, "�"), " "))
	s = hashes.ReplaceAllString(moments.ReplaceAllString(uuids.ReplaceAllString(s, "…"), "…"), "…")
	if r := []rune(s); len(r) > maxWords {
		s = string(r[:maxWords-1]) + "…"
	}
	return s
}
