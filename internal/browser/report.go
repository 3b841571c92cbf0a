package browser

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/cdp/jsonv2"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
)

// position is a place in what the site serves, line and column from 0.
type position struct {
	address      string
	line, column int64
}

var nowhere position

// report takes what the browser says of a page, a worker or a frame, and makes findings of it.
func (t *tab) report(method string, params jsonv2.Value) {
	switch method {
	case runtime.ExceptionThrown.Method:
		on(params, t.exception)
	case runtime.ConsoleAPICalled.Method:
		on(params, t.console)
	case cdplog.EntryAdded.Method:
		on(params, t.entry)
	case audits.IssueAdded.Method:
		on(params, t.issue)
	case network.RequestWillBeSent.Method:
		on(params, t.request)
	case network.ResponseReceived.Method:
		on(params, t.response)
	case network.LoadingFinished.Method:
		on(params, func(e network.EventLoadingFinished) { t.taken(e.RequestID) })
	case network.LoadingFailed.Method:
		on(params, t.failed)
	case network.WebSocketCreated.Method:
		on(params, func(e network.EventWebSocketCreated) { t.unreachable(e.URL, "a WebSocket") })
	}
}

// found notes a finding of what is at work now.
func (t *tab) found(severity string, kind Kind, message string, at position) {
	t.mu.Lock()
	f := Finding{Severity: severity, Kind: kind, Message: message, Page: t.page, Width: t.width, Control: t.control}
	t.effects++ // what goes wrong is not nothing
	t.mu.Unlock()
	if f.Page != "" { // nothing is at work: a window that is being made or left
		t.run.note(f, at)
	}
}

// unharmful are exceptions that are no fault: of the browser's own making, or of how a run treats pages.
var (
	ignored    = regexp.MustCompile(`ResizeObserver loop`)
	noNetwork  = regexp.MustCompile(`Failed to fetch|NetworkError|Load failed|error loading dynamically imported module: https?://`)
	noRights   = regexp.MustCompile(`\b(NotAllowedError|NotSupportedError|AbortError|SecurityError|InvalidStateError): `)
	programmed = regexp.MustCompile(`^(Uncaught )?(TypeError|ReferenceError|RangeError)\b`)
)

// exceptionWords are an exception's own: what was thrown, without its stack.
func exceptionWords(d *runtime.ExceptionDetails) string {
	if d.Exception == nil {
		return d.Text
	}
	words := remoteWords(d.Exception)
	if strings.Contains(d.Text, "in promise") {
		words += " (in a promise that nobody waits for)"
	}
	return words
}

// remoteWords are a value's of the page, as the console shows it in one line.
func remoteWords(o *runtime.RemoteObject) string {
	switch {
	case o.Type == runtime.RemoteObjectTypeString:
		var s string
		_ = json.Unmarshal(o.Value, &s)
		return s
	case o.UnserializableValue != "":
		return string(o.UnserializableValue)
	case o.Description != "":
		words, _, _ := strings.Cut(o.Description, "\n    at ")
		return words
	case len(o.Value) > 0:
		return string(o.Value)
	}
	return string(o.Type)
}

// stackPosition is the first place of a stack that lies in the site.
func (t *tab) stackPosition(s *runtime.StackTrace) (position, bool) {
	for depth := 0; s != nil && depth < 5; s, depth = s.Parent, depth+1 {
		for _, f := range s.CallFrames {
			if strings.HasPrefix(f.URL, t.run.origin()+"/") {
				return position{f.URL, f.LineNumber, f.ColumnNumber}, true
			}
		}
	}
	return nowhere, false
}

func (t *tab) exception(e runtime.EventExceptionThrown) {
	d := e.ExceptionDetails
	words := exceptionWords(d)
	if ignored.MatchString(words) {
		return
	}
	severity := Error
	if noRights.MatchString(words) || noNetwork.MatchString(words) && t.run.reachedOut() {
		severity = Warning // it would not happen to people
	}
	at, ok := t.stackPosition(d.StackTrace)
	if !ok && strings.HasPrefix(d.URL, t.run.origin()+"/") {
		at = position{d.URL, d.LineNumber, d.ColumnNumber}
	}
	t.found(severity, KindException, words, at)
}

// directives of console messages: %s and its like.
var directives = regexp.MustCompile(`%[sdifoOc]`)

func (t *tab) console(e runtime.EventConsoleAPICalled) {
	if e.Type != runtime.ConsoleAPICalledTypeError && e.Type != runtime.ConsoleAPICalledTypeAssert || len(e.Args) == 0 {
		return
	}
	severity := Warning
	rest := e.Args
	var words []string
	if rest[0].Type == runtime.RemoteObjectTypeString {
		first := directives.ReplaceAllStringFunc(remoteWords(rest[0]), func(d string) string {
			if len(rest) < 2 {
				return d
			}
			v := remoteWords(rest[1])
			rest = append(rest[:1:1], rest[2:]...)
			if d == "%c" {
				return ""
			}
			return v
		})
		words, rest = append(words, first), rest[1:]
	}
	for _, a := range e.Args {
		// A mistake of the program that something caught and told of, as what stands for a broken part of a page does.
		if a.Subtype == runtime.RemoteObjectSubtypeError && programmed.MatchString(a.Description) && !noNetwork.MatchString(a.Description) {
			severity = Error
		}
	}
	for _, a := range rest {
		words = append(words, remoteWords(a))
	}
	at, _ := t.stackPosition(e.StackTrace)
	t.found(severity, KindConsole, strings.Join(words, " "), at)
}

// saidBetter are entries of which other events tell, or that come of how a run treats pages.
var saidBetter = regexp.MustCompile(`Content Security Policy|CORS policy|beforeunload|(?i)service ?worker`)

// entry is what the browser itself writes into the console, but for what other events say better.
func (t *tab) entry(e cdplog.EventEntryAdded) {
	n := e.Entry
	if n.Level != cdplog.EntryLevelError || n.Source == cdplog.EntrySourceNetwork || n.Source == cdplog.EntrySourceIntervention || saidBetter.MatchString(n.Text) {
		return
	}
	severity := Warning
	if n.Source == cdplog.EntrySourceJavascript && !strings.Contains(n.Text, "local resource") || strings.Contains(n.Text, "MIME type") {
		severity = Error
	}
	at, ok := t.stackPosition(n.StackTrace)
	if !ok {
		at = position{n.URL, n.LineNumber, 0}
	}
	t.found(severity, KindConsole, strings.ReplaceAll(n.Text, t.run.origin(), ""), at)
}

func (t *tab) issue(e audits.EventIssueAdded) {
	if e.Issue.Details == nil || e.Issue.Details.ContentSecurityPolicyIssueDetails == nil {
		return
	}
	d := e.Issue.Details.ContentSecurityPolicyIssueDetails
	if d.IsReportOnly {
		return
	}
	what := "an inline " + strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(d.ViolatedDirective, "-elem"), "-attr"), "-src")
	switch d.ContentSecurityPolicyViolationType {
	case audits.ContentSecurityPolicyViolationTypeKURLViolation:
		what = d.BlockedURL
		if u, err := url.Parse(d.BlockedURL); err == nil && u.Host != "" {
			what = u.Scheme + "://" + u.Host
			t.run.noteReach(u.Host)
		}
	case audits.ContentSecurityPolicyViolationTypeKEvalViolation:
		what = "eval, which makes code of text"
	}
	at := nowhere
	if l := d.SourceCodeLocation; l != nil && l.ColumnNumber > 0 { // else it is somewhere in the markup
		at = position{l.URL, max(l.LineNumber-1, 0), max(l.ColumnNumber-1, 0)}
	}
	t.found(Warning, KindPolicy, fmt.Sprintf("The content security policy (%s) refuses %s", d.ViolatedDirective, what), at)
}

func (t *tab) request(e network.EventRequestWillBeSent) {
	t.change(func() {
		if e.Type == network.ResourceTypeFetch || e.Type == network.ResourceTypeXHR {
			t.effects++
		}
		if len(t.asked) < maxAsked {
			t.asked[e.RequestID] = asked{address: e.Request.URL, kind: e.Type}
		}
	})
}

// taken forgets a request that has come to its end.
func (t *tab) taken(id network.RequestID) (a asked, ok bool) {
	t.change(func() {
		a, ok = t.asked[id]
		delete(t.asked, id)
	})
	return a, ok
}

func (t *tab) response(e network.EventResponseReceived) {
	if e.Type == network.ResourceTypeEventSource || e.Type == network.ResourceTypeMedia {
		t.taken(e.RequestID) // they end when they like
	}
	t.change(func() {
		if a, ok := t.asked[e.RequestID]; ok {
			a.answered = true
			t.asked[e.RequestID] = a
		}
	})
	u, err := url.Parse(e.Response.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return
	}
	if u.Scheme+"://"+u.Host != t.run.origin() {
		t.taken(e.RequestID)
		if !t.isPage(e.Type, e.FrameID) && u.Path != "/favicon.ico" {
			t.unreachable(e.Response.URL, kindWords(e.Type))
		}
		return
	}
	if t.isPage(e.Type, e.FrameID) {
		t.change(func() { t.status = int(e.Response.Status) })
		return
	}
	if e.Response.Status < 400 || e.Response.Status == noServiceWorker {
		return
	}
	severity := Error
	switch e.Type {
	case network.ResourceTypeFetch, network.ResourceTypeXHR, network.ResourceTypeEventSource, network.ResourceTypePing, network.ResourceTypeManifest, network.ResourceTypeOther, network.ResourceTypePrefetch:
		severity = Warning // the program can do without, or should know how to
	}
	name := u.EscapedPath()
	if name == "/favicon.ico" && e.Type == network.ResourceTypeOther {
		return // every browser asks
	}
	t.found(severity, KindMissing, fmt.Sprintf("%s is not there (%d), and is asked for as %s", name, e.Response.Status, kindWords(e.Type)), nowhere)
}

// isPage reports whether a request is for the page itself. Where that leads is seen by what became of it.
func (t *tab) isPage(kind network.ResourceType, frame cdp.FrameID) bool {
	return kind == network.ResourceTypeDocument && string(frame) == string(t.target)
}

func (t *tab) failed(e network.EventLoadingFailed) {
	a, ok := t.taken(e.RequestID)
	if !ok || e.Canceled || e.BlockedReason == network.BlockedReasonCsp || a.kind == network.ResourceTypeDocument {
		return
	}
	t.unreachable(a.address, kindWords(a.kind))
}

// unreachable tells of a request to another host.
func (t *tab) unreachable(address, as string) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Host == t.run.site.origin.Host {
		return
	}
	t.run.noteReach(u.Host)
	t.found(Warning, KindUnreachable, fmt.Sprintf("The page asks %s for %s, which a preview cannot reach", u.Hostname(), as), nowhere)
}

func kindWords(k network.ResourceType) string {
	switch k {
	case network.ResourceTypeDocument:
		return "a page"
	case network.ResourceTypeStylesheet:
		return "a style sheet"
	case network.ResourceTypeImage:
		return "a picture"
	case network.ResourceTypeMedia:
		return "sound or film"
	case network.ResourceTypeFont:
		return "a font"
	case network.ResourceTypeScript:
		return "a script"
	case network.ResourceTypeManifest:
		return "a manifest"
	}
	return "data"
}
