package llm

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"codeforge"
)

//go:embed models.json
var builtin []byte

// Names of providers that need no endpoint in the models file.
const (
	OpenAI     = "openai"
	Google     = "google"
	Anthropic  = "anthropic"
	Compatible = "compatible"
	Scaffold   = "scaffold" // the offline model
)

var providers = []string{OpenAI, Google, Anthropic, Compatible, Scaffold}

// DefaultRoute is the route of agents that have none of their own.
const DefaultRoute = "default"

// endingSoon is how long before a model's end a route to it is warned of.
const endingSoon = 30 * 24 * time.Hour

// goneFor is how long a model that answered "not found" is left out of routes; a mistake heals by itself.
const goneFor = 24 * time.Hour

// efforts in rising order.
var efforts = []string{"none", "minimal", "low", "medium", "high", "max"}

// File is the models file: the one in the binary, or an operator's, whose entries replace those of the same name or
// agent and add to the rest. Models are named provider:id everywhere, split at the first colon; the id may hold more of
// them. Money is in micro-dollars per million tokens, so 2000000 is 2 dollars.
type File struct {
	Format       int        `json:"format"` // 1
	CheckedOn    Date       `json:"checked_on,omitzero"`
	AssumedPrice *Rates     `json:"assumed_price,omitempty"` // what models of unknown price are taken to cost; left out: nothing
	Models       []Model    `json:"models,omitempty"`
	Aliases      []Alias    `json:"aliases,omitempty"`
	Endpoints    []Endpoint `json:"endpoints,omitempty"`
	Routes       []Route    `json:"routes,omitempty"`
}

// Model is what is known of one model. The id "*" speaks for all models of its provider that are not named.
type Model struct {
	Name      string   `json:"name"`              // provider:id
	Aliases   []string `json:"aliases,omitempty"` // other ids of it at the same provider; dated snapshots need no mention
	Context   int      `json:"context,omitempty"` // tokens of input and output together; 0: not known
	MaxInput  int      `json:"max_input,omitempty"`
	MaxOutput int      `json:"max_output,omitempty"` // tokens, thinking included; 0: not known
	Released  Date     `json:"released,omitzero"`

	// Temperature is "" (taken, or not known: sent as asked), "refused", "discouraged" (taken, but the provider advises
	// against it: left out), or "without_effort" (taken only with effort none).
	Temperature   string   `json:"temperature,omitempty"`
	Efforts       []string `json:"efforts"`                  // what it takes; empty: none, left out; null: not known, only what a request names is sent
	DefaultEffort string   `json:"default_effort,omitempty"` // what it does when none is asked for
	Thinking      string   `json:"thinking,omitempty"`       // always, adaptive or level; "": not known
	Tools         string   `json:"tools,omitempty"`          // "": everywhere; responses: only there; chat_without_effort: on Chat Completions with effort none
	ForcedTool    string   `json:"forced_tool,omitempty"`    // refused, or ""
	Schema        string   `json:"schema,omitempty"`         // native; prompt: the schema is put into the system text instead; "": not known, sent as asked
	Dialect       *Dialect `json:"dialect,omitempty"`        // what its endpoint makes of the optional parts of a request; adds to the endpoint's

	Prices []Price `json:"prices,omitempty"` // by ValidFrom, rising; none: not known

	Ends          Date   `json:"ends,omitzero"` // from this day (UTC) on it does not answer, unless ServedBy
	EndsNotBefore Date   `json:"ends_not_before,omitzero"`
	ServedBy      string `json:"served_by,omitempty"` // who answers in its place, at its own price, after Ends
	Successor     string `json:"successor,omitempty"` // where its users should go
	Notes         string `json:"notes,omitempty"`
	CheckedOn     Date   `json:"checked_on,omitzero"`
}

// Rates are micro-dollars per million tokens; nil is not known. Input and Output are always known.
type Rates struct {
	Input      *int64 `json:"input"` // of tokens neither read from nor written to a cache
	CachedRead *int64 `json:"cached_read,omitempty"`
	CacheWrite *int64 `json:"cache_write,omitempty"`
	Output     *int64 `json:"output"`
}

// Price holds from a day (UTC) until the next one's.
type Price struct {
	ValidFrom Date `json:"valid_from,omitzero"` // zero: always did
	Rates
	Tiers []Tier `json:"tiers,omitempty"` // by AbovePrompt, rising
}

// Tier replaces all rates of a call whose input is longer than AbovePrompt tokens.
type Tier struct {
	AbovePrompt int64 `json:"above_prompt"`
	Rates
}

// Alias is an old name that leads to a model, with a warning. It holds without a provider and behind the provider of its
// model, never behind another one.
type Alias struct {
	Name  string `json:"name"`
	Model string `json:"model"`
}

// Endpoint is one more OpenAI-compatible endpoint. Its name stands as the provider of its models.
type Endpoint struct {
	Name   string `json:"name"`
	URL    string `json:"url"`               // with /v1
	KeyEnv string `json:"key_env,omitempty"` // the variable that holds its key; "": it needs none
	Model  string `json:"model,omitempty"`   // used where no route names one of its models

	Dialect *Dialect `json:"dialect,omitempty"` // what it makes of the optional parts of a request
}

// Route is the ordered chain of models for an agent type. Effort and temperature apply where a request names none.
type Route struct {
	Agent       string   `json:"agent"` // or default
	Chain       []string `json:"chain"`
	Effort      string   `json:"effort,omitempty"`
	Temperature *float64 `json:"temperature,omitempty"`
}

// Date is a day in UTC.
type Date struct{ time.Time }

func (d Date) String() string { return d.Format(time.DateOnly) }

// MarshalText writes 2006-01-02.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// MarshalJSON writes "2006-01-02".
func (d Date) MarshalJSON() ([]byte, error) { return []byte(`"` + d.String() + `"`), nil }

// UnmarshalJSON reads "2006-01-02".
func (d *Date) UnmarshalJSON(b []byte) error {
	t, err := time.Parse(`"`+time.DateOnly+`"`, string(b))
	if err != nil {
		return fmt.Errorf("%s is no date like \"2026-11-22\"", b)
	}
	d.Time = t
	return nil
}

// Configured says which providers can be called, and for each the model to use where no route names one; "" if there is
// none. Endpoints of the models file are in it under their names.
type Configured map[string]string

// Target is one step of a chain: a model to call and how.
type Target struct {
	Provider    string
	ID          string // the provider's own name for the model
	Effort      string
	Temperature *float64
	Model       Model // what is known; the zero Model when nothing is
	Known       bool

	own Provider // answers with the user's own key; nil: the server's does
}

// Name is provider:id.
func (t Target) Name() string { return t.Provider + ":" + t.ID }

// login is whose customer a call is, at which provider; account the same for one model.
func (t Target) login() string   { return pick(t.own != nil, "own ", "") + t.Provider }
func (t Target) account() string { return t.login() + ":" + t.ID }

// WarningKind says what a Warning is about.
type WarningKind string

const (
	WarnAlias    WarningKind = "alias"    // an old name is used
	WarnEnded    WarningKind = "ended"    // a route leads to a model that has ended
	WarnEnding   WarningKind = "ending"   // it ends within 30 days
	WarnGone     WarningKind = "gone"     // it answered "not found", or its provider says that it is no more
	WarnUnlisted WarningKind = "unlisted" // its provider does not list it
	WarnUnrouted WarningKind = "unrouted" // a route of the operator's has none of its own models configured and uses others
	WarnScaffold WarningKind = "scaffold" // no provider is configured: the offline model answers
)

// Warning is something that an operator should know and act on. It never stops a call.
type Warning struct {
	Kind      WarningKind `json:"kind"`
	Route     string      `json:"route,omitempty"`
	Model     string      `json:"model,omitempty"`
	Successor string      `json:"successor,omitempty"`
	Ends      Date        `json:"ends,omitzero"`
	Message   string      `json:"message"`
}

func (w Warning) String() string { return w.Message }

// FileError lists every problem of a models file.
type FileError struct {
	Path     string
	Problems []string
}

func (e *FileError) Error() string {
	return fmt.Sprintf("models file %s: %s", e.Path, strings.Join(e.Problems, "; "))
}

// Catalog answers what is known of models, where calls go and what they cost. It is safe for concurrent use.
type Catalog struct {
	file    File
	models  map[string]*Model // by name, aliases included
	bare    map[string]string // id -> name, where only one provider has it; "" where several do
	aliases map[string]string
	routes  map[string]*Route
	chosen  map[string]bool // routes of an operator's file

	mu   sync.Mutex
	gone map[string]time.Time // by name, since when
	ends map[string]time.Time // by name, as the provider's own list says
	size map[string]Listed    // by name, what it says of windows and limits
}

// Load returns the built-in catalog, overlaid by the file at path unless that is "". The error is a *[FileError] when the
// file can be read and is wrong.
func Load(path string) (*Catalog, error) {
	base, err := Parse("(built in)", builtin)
	if err != nil || path == "" {
		return base, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("MODELS_FILE: %w: name a file that this program may read, or leave it out", err)
	}
	return base.overlay(path, data)
}

// Parse makes a catalog of one file alone.
func Parse(path string, data []byte) (*Catalog, error) { return new(Catalog).overlay(path, data) }

func (c *Catalog) overlay(path string, data []byte) (*Catalog, error) {
	over, problems := decodeFile(data)
	merged := File{Format: 1, CheckedOn: c.file.CheckedOn, AssumedPrice: c.file.AssumedPrice,
		Models:    mergeByKey(c.file.Models, over.Models, func(m Model) string { return m.Name }),
		Aliases:   mergeByKey(c.file.Aliases, over.Aliases, func(a Alias) string { return a.Name }),
		Endpoints: mergeByKey(c.file.Endpoints, over.Endpoints, func(e Endpoint) string { return e.Name }),
		Routes:    mergeByKey(c.file.Routes, over.Routes, func(r Route) string { return r.Agent }),
	}
	if !over.CheckedOn.IsZero() {
		merged.CheckedOn = over.CheckedOn
	}
	if over.AssumedPrice != nil {
		merged.AssumedPrice = over.AssumedPrice
	}
	problems = append(problems, checkFile(over, merged)...)
	if len(problems) > 0 {
		return nil, &FileError{Path: path, Problems: problems}
	}
	n := &Catalog{file: merged, models: map[string]*Model{}, bare: map[string]string{}, aliases: map[string]string{},
		routes: map[string]*Route{}, chosen: map[string]bool{}, gone: map[string]time.Time{}, ends: map[string]time.Time{}, size: map[string]Listed{}}
	for i := range merged.Models {
		m := &merged.Models[i]
		p, id, _ := SplitName(m.Name)
		for _, id := range append([]string{id}, m.Aliases...) {
			n.models[p+":"+id] = m
			if _, taken := n.bare[id]; taken {
				n.bare[id] = ""
			} else if id != "*" {
				n.bare[id] = m.Name
			}
		}
	}
	for _, a := range merged.Aliases {
		n.aliases[a.Name] = a.Model
	}
	for i := range merged.Routes {
		n.routes[merged.Routes[i].Agent] = &merged.Routes[i]
	}
	if len(c.file.Routes) > 0 { // over the built-in one
		for _, r := range over.Routes {
			n.chosen[r.Agent] = true
		}
	}
	return n, nil
}

// mergeByKey replaces entries of base by those of over with the same key, in place, and appends the others.
func mergeByKey[T any](base, over []T, key func(T) string) []T {
	out := slices.Clone(base)
	for _, o := range over {
		if i := slices.IndexFunc(out, func(b T) bool { return key(b) == key(o) }); i >= 0 {
			out[i] = o
		} else {
			out = append(out, o)
		}
	}
	return out
}

// File returns the catalog's data, for listings; the caller must not change it.
func (c *Catalog) File() File { return c.file }

// Endpoints returns the compatible endpoints of the models file.
func (c *Catalog) Endpoints() []Endpoint { return c.file.Endpoints }

// SplitName cuts provider:id at the first colon. ok is false when there is none, or one side is empty.
func SplitName(name string) (provider, id string, ok bool) {
	provider, id, ok = strings.Cut(name, ":")
	return provider, id, ok && provider != "" && id != ""
}

// snapshot matches the endings of dated ids.
var snapshot = regexp.MustCompile(`(-\d{4}-\d\d-\d\d|-\d{8})$`)

// Model returns what is known of a model by its full name: of itself, of the one that it is a dated snapshot of, or of all
// models of its provider.
func (c *Catalog) Model(name string) (Model, bool) {
	if m := c.model(name); m != nil {
		return *m, true
	}
	return Model{}, false
}

func (c *Catalog) model(name string) *Model {
	name = strings.Replace(name, "google:models/", "google:", 1) // as Google's own lists have it
	if m, ok := c.models[name]; ok {
		return m
	}
	if cut := snapshot.FindStringIndex(name); cut != nil {
		if m, ok := c.models[name[:cut[0]]]; ok {
			return m
		}
	}
	p, _, _ := SplitName(name)
	return c.models[p+":*"]
}

// Resolve turns a name as people write it into provider and id: provider:id, an alias, or an id that only one provider
// has. The warning is the zero Warning unless an alias was used. The error is an *[Error] of kind invalid_request.
func (c *Catalog) Resolve(name string) (provider, id string, w Warning, err error) {
	provider, id, full := SplitName(name)
	old := name
	if full {
		old = id
		if m := c.models[name]; m != nil {
			_, old, _ = SplitName(m.Name)
		} else if cut := snapshot.FindStringIndex(id); cut != nil {
			old = id[:cut[0]]
		}
	} else if cut := snapshot.FindStringIndex(name); cut != nil && c.bare[name] == "" {
		old = name[:cut[0]]
	}
	if to, ok := c.aliases[old]; ok {
		p, i, _ := SplitName(to)
		if !full || p == provider {
			return p, i, Warning{Kind: WarnAlias, Model: name, Successor: to,
				Message: fmt.Sprintf("%s is an old name: %s is called instead; name it", name, to)}, nil
		}
	}
	if full {
		return provider, id, w, nil
	}
	if to := c.bare[old]; to != "" && !strings.Contains(name, ":") {
		p, i, _ := SplitName(to)
		if old != name || slices.Contains(c.models[to].Aliases, name) {
			i = name
		}
		return p, i, w, nil
	}
	return "", "", w, &Error{Kind: InvalidRequest, Model: name, Message: "name the model as provider:model"}
}

// Target returns a model to call by its resolved name. Sizes that the catalog does not have are those of the provider's own
// list, where that was asked for and says them.
func (c *Catalog) Target(provider, id string) Target {
	t := Target{Provider: provider, ID: id}
	if m := c.model(t.Name()); m != nil {
		t.Model, t.Known = *m, true
	}
	c.mu.Lock()
	told := c.size[t.Name()]
	c.mu.Unlock()
	if t.Model.Context == 0 {
		t.Model.Context = told.Context
	}
	if t.Model.MaxOutput == 0 && told.MaxOutput >= minOutput {
		t.Model.MaxOutput = told.MaxOutput
	}
	return t
}

// Route returns the chain for an agent type as far as its providers are configured, never empty. Models that ended or are
// marked gone are left out unless nothing else is there. A route of which nothing is configured uses the default route,
// then what the configured endpoints name, and with no provider at all the offline model.
func (c *Catalog) Route(agent string, have Configured, now time.Time) ([]Target, []Warning) {
	var warns []Warning
	r := c.routes[agent]
	if r == nil {
		r = c.routes[DefaultRoute]
	}
	if r == nil {
		r = &Route{Agent: DefaultRoute}
	}
	var live, dead []Target
	add := func(r *Route, t Target) {
		if slices.ContainsFunc(append(live, dead...), func(o Target) bool { return o.Name() == t.Name() }) {
			return // an alias of one that is there
		}
		t.Effort, t.Temperature = r.Effort, r.Temperature
		if c.Gone(t.Name(), now) || t.isRetired(now) {
			dead = append(dead, t)
		} else {
			live = append(live, t)
		}
	}
	walk := func(chain *Route) {
		for _, name := range chain.Chain {
			p, id, w, err := c.Resolve(name)
			if _, ok := have[p]; err != nil || !ok {
				continue
			}
			if w.Kind != "" {
				w.Route = chain.Agent
				warns = append(warns, w)
			}
			add(r, c.Target(p, id))
		}
	}
	walk(r)
	if len(live)+len(dead) == 0 {
		if d := c.routes[DefaultRoute]; d != nil && d != r {
			walk(d)
		}
		for _, p := range c.order(have) {
			if id := have[p]; len(live)+len(dead) == 0 && id != "" && p != Scaffold {
				add(r, c.Target(p, id))
			}
		}
		if len(live)+len(dead) > 0 && c.chosen[r.Agent] { // a built-in route is a proposal
			warns = append(warns, Warning{Kind: WarnUnrouted, Route: agent, Model: append(live, dead...)[0].Name(),
				Message: fmt.Sprintf("route %s: none of its models is configured, %s is used", cmp.Or(agent, DefaultRoute), append(live, dead...)[0].Name())})
		}
	}
	if len(live) == 0 {
		live = dead
	}
	if len(live) == 0 {
		live = []Target{c.Target(Scaffold, cmp.Or(have[Scaffold], Scaffold))}
		warns = append(warns, Warning{Kind: WarnScaffold, Route: agent, Model: live[0].Name(),
			Message: "NO MODEL PROVIDER IS CONFIGURED: the offline model answers. Set OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY, or LLM_COMPATIBLE_URL with LLM_COMPATIBLE_MODEL"})
	}
	return live, warns
}

// order returns what is configured: the built-in providers first, then endpoints in the file's order, then others by name.
func (c *Catalog) order(have Configured) []string {
	names := slices.Clone(providers)
	for _, e := range c.file.Endpoints {
		names = append(names, e.Name)
	}
	for _, n := range slices.Sorted(maps.Keys(have)) {
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return slices.DeleteFunc(names, func(n string) bool { _, ok := have[n]; return !ok })
}

func (t Target) isRetired(now time.Time) bool {
	return !t.Model.Ends.IsZero() && !now.Before(t.Model.Ends.Time) && t.Model.ServedBy == ""
}

// MarkGone leaves a model out of routes for a day.
func (c *Catalog) MarkGone(name string, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.gone) >= 1000 { // names come from requests
		clear(c.gone)
	}
	c.gone[name] = now
}

// Gone reports whether a model was marked gone within a day.
func (c *Catalog) Gone(name string, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.gone[name]
	return ok && now.Sub(at) < goneFor
}

// Warnings returns what is wrong with the routes as they are configured, by what the catalog knows now.
func (c *Catalog) Warnings(have Configured, now time.Time) []Warning { return c.check(nil, have, now) }

// Check takes the providers' own lists of models, remembers what they say of ends and of sizes, and returns what is wrong with the
// routes as they are configured. An empty list says nothing. A model that was marked gone and is listed is so no more.
func (c *Catalog) Check(lists map[string][]Listed, have Configured, now time.Time) []Warning {
	c.mu.Lock()
	for p, list := range lists {
		for _, l := range list {
			name := strings.Replace(p+":"+l.ID, "google:models/", "google:", 1)
			switch {
			case l.Gone:
				c.gone[name] = now
			default:
				delete(c.gone, name)
			}
			if !l.Ends.IsZero() {
				c.ends[name] = l.Ends
			}
			if l.Context > 0 || l.MaxOutput > 0 {
				c.size[name] = l
			}
		}
	}
	c.mu.Unlock()
	return c.check(lists, have, now)
}

func (c *Catalog) check(lists map[string][]Listed, have Configured, now time.Time) []Warning {
	var warns []Warning
	seen := map[string]bool{}
	for i := range c.file.Routes {
		r := &c.file.Routes[i]
		chain, w := c.Route(r.Agent, have, now)
		for _, w := range w {
			// The routes share one cause when nothing is configured; one loud line is louder than eight.
			if w.Kind == WarnScaffold {
				if seen["scaffold"] {
					continue
				}
				seen["scaffold"], w.Route = true, ""
			}
			warns = append(warns, w)
		}
		names := []string{}
		for _, n := range r.Chain {
			if p, id, _, err := c.Resolve(n); err == nil {
				if _, ok := have[p]; ok {
					names = append(names, p+":"+id)
				}
			}
		}
		for _, t := range chain {
			if !slices.Contains(names, t.Name()) {
				names = append(names, t.Name())
			}
		}
		for _, n := range names {
			p, id, _ := SplitName(n)
			if p != Scaffold {
				warns = append(warns, c.checkModel(r.Agent, c.Target(p, id), lists[p], now)...)
			}
		}
	}
	return warns
}

func (c *Catalog) checkModel(route string, t Target, list []Listed, now time.Time) (warns []Warning) {
	name := t.Name()
	ends := t.Model.Ends.Time
	c.mu.Lock()
	if e, ok := c.ends[name]; ok && (ends.IsZero() || e.Before(ends)) {
		ends = e
	}
	c.mu.Unlock()
	w := Warning{Route: route, Model: name, Successor: t.Model.Successor, Ends: Date{ends}}
	hint := ""
	if w.Successor != "" {
		hint = "; go to " + w.Successor
	}
	say := func(k WarningKind, format string, args ...any) {
		w.Kind, w.Message = k, fmt.Sprintf("route %s: %s ", route, name)+fmt.Sprintf(format, args...)+hint
		warns = append(warns, w)
	}
	unlisted := len(list) > 0 && !slices.ContainsFunc(list, func(l Listed) bool {
		return strings.TrimPrefix(l.ID, "models/") == t.ID
	})
	switch {
	case c.Gone(name, now):
		say(WarnGone, "is gone")
	case !ends.IsZero() && !now.Before(ends) && t.Model.ServedBy != "":
		say(WarnEnded, "ended on %s and is answered by %s at its price", w.Ends, t.Model.ServedBy)
	case !ends.IsZero() && !now.Before(ends):
		say(WarnEnded, "ended on %s", w.Ends)
	case !ends.IsZero() && ends.Sub(now) <= endingSoon:
		say(WarnEnding, "ends on %s", w.Ends)
	case unlisted:
		say(WarnUnlisted, "is not in the list of its provider")
	}
	return warns
}

// Price returns the rates for a prompt of so many tokens at a time. ok is false when they are not known.
func (c *Catalog) Price(name string, at time.Time, promptTokens int64) (Rates, bool) {
	m := c.model(name)
	if m != nil && m.ServedBy != "" && !m.Ends.IsZero() && !at.Before(m.Ends.Time) {
		m = c.model(m.ServedBy)
	}
	if m == nil {
		return Rates{}, false
	}
	var p *Price
	for i := range m.Prices {
		if !at.Before(m.Prices[i].ValidFrom.Time) {
			p = &m.Prices[i]
		}
	}
	if p == nil {
		return Rates{}, false
	}
	rates := p.Rates
	for _, t := range p.Tiers {
		if promptTokens > t.AbovePrompt {
			rates = t.Rates
		}
	}
	return rates, true
}

// Cost is what a call cost. Estimated says that the price or the usage was not known: MicroUSD is then a guess, on the
// high side, or 0, where it is not known at all, see [Cost.Known].
type Cost struct {
	MicroUSD  int64 `json:"micro_usd"`
	Estimated bool  `json:"estimated,omitempty"`
}

// Known is the cost in micro-dollars, nil if nothing is known of it.
func (c Cost) Known() *int64 { return KnownCost(c.MicroUSD, c.Estimated) }

// KnownCost is a sum of costs, nil if nothing is known of them.
func KnownCost(microUSD int64, estimated bool) *int64 {
	if estimated && microUSD == 0 {
		return nil
	}
	return &microUSD
}

// Add returns the sum of both, a guess if either is.
func (c Cost) Add(o Cost) Cost { return Cost{c.MicroUSD + o.MicroUSD, c.Estimated || o.Estimated} }

// Cost prices usage by the model that answered, both by their full names. A served model of unknown price is priced as
// the one asked for, or as the models file assumes, else at nothing, and marked Estimated, as is usage that is missing or partial.
func (c *Catalog) Cost(served, asked string, u Usage, at time.Time) Cost {
	known := true
	rates, ok := c.Price(served, at, u.InputTokens)
	if !ok {
		known = false
		rates = c.ratesOrAssumed(asked, at, u.InputTokens)
	}
	n, whole := rates.cost(u)
	return Cost{MicroUSD: n, Estimated: !known || u.Missing || n > 0 && (!whole || u.Partial)}
}

// ratesOrAssumed never fails: what nobody priced counts nothing, so that no budget is used up by guesses.
func (c *Catalog) ratesOrAssumed(name string, at time.Time, prompt int64) Rates {
	if r, ok := c.Price(name, at, prompt); ok {
		return r
	}
	if c.file.AssumedPrice != nil {
		return *c.file.AssumedPrice
	}
	return Rates{Input: new(int64(0)), Output: new(int64(0))}
}

// Unpriced returns the models on all routes of which no price is known: their calls count nothing.
func (c *Catalog) Unpriced(have Configured, now time.Time) []string {
	var names []string
	for i := range c.file.Routes {
		chain, _ := c.Route(c.file.Routes[i].Agent, have, now)
		for _, t := range chain {
			if _, ok := c.Price(t.Name(), now, 0); !ok && c.file.AssumedPrice == nil && !slices.Contains(names, t.Name()) {
				names = append(names, t.Name())
			}
		}
	}
	slices.Sort(names)
	return names
}

// maxTokens bounds what a provider may claim, so that prices cannot overflow.
const maxTokens = 1_000_000_000

// cost is in micro-dollars, rounded up. whole is false when a rate that counts is not known and was guessed.
func (r Rates) cost(u Usage) (micro int64, whole bool) {
	clamp := func(n int64) int64 { return min(max(n, 0), maxTokens) }
	read, write := clamp(u.CachedReadTokens), clamp(u.CacheWriteTokens)
	plain := max(clamp(u.InputTokens)-read-write, 0)
	whole = true
	sum := plain**r.Input + clamp(u.OutputTokens)**r.Output
	switch {
	case read == 0:
	case r.CachedRead != nil:
		sum += read * *r.CachedRead
	default:
		whole = false
		sum += read * *r.Input
	}
	if write > 0 {
		whole = whole && r.CacheWrite != nil
		sum += write * r.cacheWritePrice()
	}
	return (sum + 999_999) / 1_000_000, whole
}

// cacheWritePrice is the price of writing to the cache; where it is not known, a quarter above input, as those that are.
func (r Rates) cacheWritePrice() int64 {
	if r.CacheWrite != nil {
		return *r.CacheWrite
	}
	return *r.Input + (*r.Input+3)/4
}

// worstCost is the most that a call can cost, in micro-dollars: all of the prompt written to the cache, all of the output used.
func (r Rates) worstCost(input, output int64) (prompt, all int64) {
	in := max(*r.Input, 0)
	if r.CacheWrite != nil {
		in = max(in, *r.CacheWrite)
	}
	prompt = (min(input, maxTokens)*in + 999_999) / 1_000_000
	return prompt, prompt + (min(output, maxTokens)**r.Output+999_999)/1_000_000
}

var (
	nameRE = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)
	envRE  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// decodeFile reads entry by entry, so that one wrong entry hides no other.
func decodeFile(data []byte) (File, []string) {
	var f File
	var problems []string
	if len(data) > 4<<20 {
		return f, []string{"larger than 4 MB"}
	}
	var top struct {
		Format       json.RawMessage   `json:"format"`
		CheckedOn    json.RawMessage   `json:"checked_on"`
		AssumedPrice json.RawMessage   `json:"assumed_price"`
		Models       []json.RawMessage `json:"models"`
		Aliases      []json.RawMessage `json:"aliases"`
		Endpoints    []json.RawMessage `json:"endpoints"`
		Routes       []json.RawMessage `json:"routes"`
	}
	if err := decodeStrict(data, &top); err != nil {
		return f, []string{err.Error()}
	}
	one := func(where string, raw json.RawMessage, v any) (ok bool) {
		if raw == nil {
			return false
		}
		err := decodeStrict(raw, v)
		if err != nil {
			problems = append(problems, where+": "+err.Error())
		}
		return err == nil
	}
	one("format", top.Format, &f.Format)
	one("checked_on", top.CheckedOn, &f.CheckedOn)
	one("assumed_price", top.AssumedPrice, &f.AssumedPrice)
	f.Models = decodeAll[Model]("models", top.Models, one)
	f.Aliases = decodeAll[Alias]("aliases", top.Aliases, one)
	f.Endpoints = decodeAll[Endpoint]("endpoints", top.Endpoints, one)
	f.Routes = decodeAll[Route]("routes", top.Routes, one)
	return f, problems
}

func decodeAll[T any](section string, raws []json.RawMessage, one func(string, json.RawMessage, any) bool) []T {
	var out []T
	for i, raw := range raws {
		var v T
		if one(fmt.Sprintf("%s[%d]", section, i), raw, &v) {
			out = append(out, v)
		}
	}
	return out
}

func decodeStrict(data []byte, v any) error {
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return errors.New(codeforge.WrongType(e))
		}
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	if dec.More() {
		return errors.New("text after the end")
	}
	return nil
}

// checkFile holds the rules for a file over, which becomes merged.
func checkFile(over, merged File) []string {
	c := &fileChecker{over: over, merged: merged, known: slices.Clone(providers), seen: map[string]bool{}}
	for _, e := range merged.Endpoints {
		c.known = append(c.known, e.Name)
	}
	if over.Format != 1 {
		c.problem("format", "must be 1")
	}
	if over.AssumedPrice != nil {
		checkRates("assumed_price", *over.AssumedPrice, c.problem)
	}
	c.models()
	c.aliases()
	c.endpoints()
	c.routes()
	return c.problems
}

// fileChecker notes all that is wrong with a models file.
type fileChecker struct {
	over, merged File
	known        []string        // providers
	seen         map[string]bool // names, and what stands where
	problems     []string
}

func (c *fileChecker) problem(where, format string, args ...any) {
	c.problems = append(c.problems, where+": "+fmt.Sprintf(format, args...))
}

func (c *fileChecker) name(where, name string) {
	p, _, ok := SplitName(name)
	if !ok {
		c.problem(where, "%q is not provider:model", name)
	} else if !slices.Contains(c.known, p) {
		c.problem(where, "%q: provider %q is not one of %s", name, p, strings.Join(c.known, ", "))
	}
}

func (c *fileChecker) oneOf(where, field, v string, allowed ...string) {
	if v != "" && !slices.Contains(allowed, v) {
		c.problem(where, "%s %q is not one of %s", field, v, strings.Join(allowed, ", "))
	}
}

func (c *fileChecker) noteName(where string) {
	if c.seen[where] {
		c.problem(where, "is there twice")
	}
	c.seen[where] = true
}

func (c *fileChecker) models() {
	for _, m := range c.over.Models {
		where := fmt.Sprintf("models %q", m.Name)
		c.name(where, m.Name)
		p, id, _ := SplitName(m.Name)
		for _, id := range append([]string{id}, m.Aliases...) {
			if c.seen[p+":"+id] {
				c.problem(where, "%s:%s is there twice", p, id)
			}
			c.seen[p+":"+id] = true
		}
		if m.Context < 0 || m.MaxInput < 0 || m.MaxOutput < 0 {
			c.problem(where, "context, max_input and max_output must not be negative")
		}
		if m.Context > 0 && (m.MaxInput > m.Context || m.MaxOutput > m.Context) {
			c.problem(where, "max_input and max_output must not be larger than context %d", m.Context)
		}
		c.oneOf(where, "temperature", m.Temperature, "refused", "discouraged", "without_effort")
		c.oneOf(where, "thinking", m.Thinking, "always", "adaptive", "level")
		c.oneOf(where, "tools", m.Tools, "responses", "chat_without_effort")
		c.oneOf(where, "forced_tool", m.ForcedTool, "refused")
		c.oneOf(where, "schema", m.Schema, "native", "prompt")
		if m.Dialect != nil {
			for _, p := range m.Dialect.check() {
				c.problem(where, "%s", p)
			}
		}
		for _, e := range m.Efforts {
			c.oneOf(where, "effort", cmp.Or(e, "(empty)"), efforts...)
		}
		if m.DefaultEffort != "" && !slices.Contains(m.Efforts, m.DefaultEffort) {
			c.problem(where, "default_effort %q is not one of its efforts", m.DefaultEffort)
		}
		var last Date
		for j, pr := range m.Prices {
			at := fmt.Sprintf("%s prices[%d]", where, j)
			checkRates(at, pr.Rates, c.problem)
			if j > 0 && !pr.ValidFrom.After(last.Time) {
				c.problem(at, "valid_from must be later than the one before")
			}
			last = pr.ValidFrom
			above := int64(0)
			for k, t := range pr.Tiers {
				at := fmt.Sprintf("%s tiers[%d]", at, k)
				checkRates(at, t.Rates, c.problem)
				if t.AbovePrompt <= above {
					c.problem(at, "above_prompt must be positive and larger than the one before")
				}
				above = t.AbovePrompt
			}
		}
		if m.Successor != "" {
			c.name(where+" successor", m.Successor)
		}
		if m.ServedBy != "" {
			c.name(where+" served_by", m.ServedBy)
			if m.Ends.IsZero() {
				c.problem(where, "served_by needs ends")
			}
		}
	}
}

func (c *fileChecker) aliases() {
	for _, a := range c.over.Aliases {
		where := fmt.Sprintf("aliases %q", a.Name)
		c.noteName(where)
		if a.Name == "" || strings.Contains(a.Name, ":") {
			c.problem(where, "name must not be empty or hold a colon")
		}
		c.name(where, a.Model)
		if _, id, _ := SplitName(a.Model); slices.ContainsFunc(c.merged.Aliases, func(b Alias) bool { return b.Name == id }) {
			c.problem(where, "leads to %s, which is an alias itself", a.Model)
		}
	}
}

func (c *fileChecker) endpoints() {
	for _, e := range c.over.Endpoints {
		where := fmt.Sprintf("endpoints %q", e.Name)
		c.noteName(where)
		if !nameRE.MatchString(e.Name) {
			c.problem(where, "name must be lower case letters, digits, - and _")
		} else if slices.Contains(providers, e.Name) {
			c.problem(where, "name is that of a built-in provider")
		}
		if why := checkURL(e.URL); why != "" {
			c.problem(where, "url %s", why)
		}
		if e.Dialect != nil {
			for _, p := range e.Dialect.check() {
				c.problem(where, "%s", p)
			}
		}
		if e.KeyEnv != "" && !envRE.MatchString(e.KeyEnv) {
			c.problem(where, "key_env must be the name of an environment variable")
		}
	}
}

func (c *fileChecker) routes() {
	for _, r := range c.over.Routes {
		where := fmt.Sprintf("routes %q", r.Agent)
		c.noteName(where)
		if !nameRE.MatchString(r.Agent) {
			c.problem(where, "agent must be lower case letters, digits, - and _")
		}
		if len(r.Chain) == 0 || len(r.Chain) > 8 {
			c.problem(where, "chain must name 1 to 8 models")
		}
		for j, n := range r.Chain {
			if !strings.Contains(n, ":") && slices.ContainsFunc(c.merged.Aliases, func(a Alias) bool { return a.Name == n }) {
				continue
			}
			c.name(where, n)
			if slices.Contains(r.Chain[:j], n) {
				c.problem(where, "%s is there twice", n)
			}
		}
		c.oneOf(where, "effort", r.Effort, efforts...)
		if t := r.Temperature; t != nil && (*t < 0 || *t > 2) {
			c.problem(where, "temperature must be between 0 and 2")
		}
	}
}

// maxRate is a thousand dollars per million tokens.
const maxRate = 1_000_000_000

func checkRates(where string, r Rates, bad func(where, format string, args ...any)) {
	if r.Input == nil || r.Output == nil {
		bad(where, "input and output are required (0 is free)")
	}
	for _, v := range []*int64{r.Input, r.CachedRead, r.CacheWrite, r.Output} {
		if v != nil && (*v < 0 || *v > maxRate) {
			bad(where, "rates must be between 0 and %d micro-dollars per million tokens", maxRate)
		}
	}
}

// checkURL returns what is wrong with the address of an endpoint, or "".
func checkURL(s string) string {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return "must be an absolute http or https address"
	case u.User != nil:
		return "must hold no user or password"
	case u.RawQuery != "" || u.Fragment != "":
		return "must hold no query or fragment"
	}
	return ""
}
