package offline

import (
	"slices"
	"strings"
	"testing"

	"codeforge/internal/agent/form"
	"codeforge/internal/llm"
)

// The table is data of ours: what a learner would see of it fits the form, says nothing twice, and leads somewhere from everywhere.
func TestDecisionsAreWhole(t *testing.T) {
	table := decisions()
	if n := len(table.all); n < 60 {
		t.Errorf("%d decisions", n)
	}
	known := map[string]bool{"plain": true, "local": true, "small": true, "large": true}
	for _, f := range traitForms {
		known[f.name] = true
	}
	ids, texts := map[string]string{}, map[string]string{}
	once := func(where, text string) {
		if other, there := texts[text]; there && len(text) > 40 {
			t.Errorf("%s says the same as %s: %q", where, other, text)
		}
		texts[text] = where
		if strings.TrimSpace(text) == "" {
			t.Errorf("%s is empty", where)
		}
	}
	for _, d := range table.all {
		if n := len(d.options); n < 2 || n > 4 {
			t.Errorf("%s has %d options", d.id, n)
		}
		once(d.id, d.subject)
		once(d.id+" depends", d.depends)
		for _, o := range d.options {
			where := d.id + "/" + o.ID
			if other, there := ids[o.ID]; there {
				t.Errorf("%s has the id of %s", where, other)
			}
			ids[o.ID] = where
			if len(o.Pros) == 0 || len(o.Cons) == 0 || o.later == "" || !slices.Contains([]string{"beginner", "intermediate", "advanced"}, o.Difficulty) || o.EstimatedTime == "" {
				t.Errorf("%s is not whole: %+v", where, o)
			}
			once(where, o.Title)
			once(where, o.Description)
			once(where+" right", o.right)
			once(where+" learn", o.Educational)
			for _, s := range append(slices.Clone(o.Pros), o.Cons...) {
				once(where, s)
			}
			if strings.HasSuffix(o.right, ".") || !strings.HasSuffix(o.Description, ".") && !strings.HasSuffix(o.Description, ")") {
				t.Errorf("%s: right goes on in a sentence, the description is one", where)
			}
		}
		for i, r := range d.rules {
			once(d.id+" rule", r.reason)
			for _, trait := range r.traits {
				if !known[strings.TrimPrefix(trait, "!")] {
					t.Errorf("%s: nobody finds the trait %q", d.id, trait)
				}
			}
			if last := i == len(d.rules)-1; last != (len(r.traits) == 0) {
				t.Errorf("%s: the last rule, and no other, holds always", d.id)
			}
			if !strings.HasSuffix(r.reason, ".") {
				t.Errorf("%s: %q is no sentence", d.id, r.reason)
			}
		}
		if len(d.rules) == 0 {
			t.Errorf("%s recommends nothing", d.id)
		}
		for a, one := range d.options {
			for _, two := range d.options[a+1:] {
				asked := "Should I use " + table.nameOf(one) + " or " + table.nameOf(two) + "?"
				a := table.ask(asked)
				if a.decision != d && a.across() == nil && (a.decision == nil || !holdsBoth(a.decision, a.known)) {
					t.Errorf("%q is asked of %s, and answered for %v", asked, d.id, a.decision)
				}
			}
		}
	}
}

func holdsBoth(d *decision, known [][]*choiceOption) bool {
	for _, k := range known {
		if !slices.ContainsFunc(k, func(o *choiceOption) bool { return o.of == d }) {
			return false
		}
	}
	return true
}

// nameOf is the first name of an option, as the table has it.
func (t *decisionTable) nameOf(o *choiceOption) string {
	best := ""
	for p, signs := range t.signs {
		for _, s := range signs {
			if s.option == o && (best == "" || p < best) {
				best = p
			}
		}
	}
	return best
}

func TestQuestionsFindTheirDecision(t *testing.T) {
	for _, q := range questions {
		a := decisions().ask(q.asked)
		is := ""
		switch {
		case a.across() != nil:
			is = "across"
		case a.decision != nil:
			is = a.decision.id
		}
		if is != q.want {
			t.Errorf("%q is taken for %q, not %q (between %q)", q.asked, is, q.want, a.ways)
		}
	}
}

// questions are what learners ask, with the decision it is: "across" where two are mixed, "" where the table has none.
var questions = []struct{ asked, want string }{
	{"Where should I keep the state: useState, context or a store like Redux?", "state"},
	{"Should I use Redux for my app?", "state"},
	{"Tailwind or plain CSS?", "css"},
	{"Soll ich Tailwind oder normales CSS nehmen?", "css"},
	{"Which database should I use?", "database"},
	{"Welche Datenbank soll ich für meine App benutzen?", "database"},
	{"SQLite vs Postgres", "database"},
	{"Should the app use SQL or NoSQL?", "database-kind"},
	{"REST or GraphQL for the API?", "api-style"},
	{"SSR oder SPA?", "rendering"},
	{"How should users log in? Sessions or JWT?", "auth"},
	{"Should I use Auth0 or write the login myself?", "auth"},
	{"I want to store the data of the user. Should I use localStorage or IndexedDB or a server?", "browser-storage"},
	{"Where do I store the token, localStorage or a cookie?", "token-storage"},
	{"monolith or microservices", "architecture"},
	{"WebSockets, SSE or polling for the chat?", "realtime"},
	{"TypeScript or JavaScript?", "language"},
	{"React, Vue or Svelte?", "framework"},
	{"Should I learn React or just write plain JavaScript?", "framework"},
	{"Which kinds of tests should I write first?", "test-kinds"},
	{"Vitest or Jest?", "test-runner"},
	{"offset or cursor pagination", "paging"},
	{"uuid vs serial ids", "ids"},
	{"Where should I host it, Vercel or a VPS?", "hosting"},
	{"Monorepo or separate repositories for frontend and backend?", "repository"},
	{"Prisma or raw SQL?", "orm"},
	{"Do I need a job queue to send the mails?", "jobs"},
	{"Should I cache with Redis?", "caching"},
	{"How do people upload images: to S3 or to the server's disk?", "uploads"},
	{"Stripe or Paddle for payments?", "payments"},
	{"i18next or my own dictionary for translations?", "i18n"},
	{"date-fns or the built in Date object?", "dates"},
	{"Should I use react-hook-form or controlled inputs?", "forms"},
	{"Should I use the hash or the history api for routing?", "routing"},
	{"Framer Motion or CSS transitions?", "animation"},
	{"How do I show charts: Chart.js or D3?", "charts"},
	{"Which library for drag and drop?", "drag-drop"},
	{"How should dark mode work?", "dark-mode"},
	{"Should my app be a PWA or a native app?", "mobile"},
	{"How do I send emails? Resend or SMTP?", "email"},
	{"Should search use Postgres full text or Elasticsearch?", "search"},
	{"How do I rate limit the API?", "rate-limits"},
	{"How should I handle errors: exceptions or result types?", "error-handling"},
	{"Do I need feature flags?", "feature-flags"},
	{"How to deploy: GitHub Actions or by hand?", "deployment"},
	{"MIT or GPL license?", "licence"},
	{"Welche Lizenz passt zu meinem Projekt?", "licence"},
	{"modal or page for editing?", "dialog"},
	{"Flexbox or grid?", "layout"},
	{"for loop or map?", "loops"},
	{"async/await or .then()?", "async-style"},
	{"npm or pnpm?", "package-manager"},
	{"Docker or not?", "containers"},
	{"Soft delete or hard delete?", "deletion"},
	{"Should prices be floats or integers in cents?", "money"},
	{"Where do I put my API keys?", "secrets"},
	{"ESLint or Biome?", "linting"},
	{"OpenAI or a local model with Ollama?", "language-model"},
	{"Infinite scroll or pages?", "lists"},
	{"Zod or my own functions for validation?", "validation"},
	{"Supabase or Firebase?", "database"},
	{"Next.js or Vite?", "build-tool"},
	{"Node or Python for the backend?", "backend"},
	{"Should I sort folders by feature or by type?", "folder-structure"},
	{"Wie sollen sich Benutzer anmelden?", "auth"},
	{"Wo soll ich die Daten speichern?", "browser-storage"},
	{"Soll ich Klassen oder Funktionen verwenden? OOP oder funktional?", "classes"},
	{"Leaflet or Google Maps?", "maps"},
	{"password or magic link?", "sign-in-method"},
	{"one to many: embed or reference?", "relations"},
	{"React or Tailwind?", "across"},
	{"Should I use WebSockets or Redux?", "across"},
	{"Should the walks be sorted by date or by dog?", ""},
	{"Should the button say Save or Done?", ""},
	{"Which name should my app have?", ""},
	{"How do I go on from here, first the list or first the form?", ""},
	{"Should dogs be shown before cats?", ""},
}

// choose is what a learner gets who asks about an app.
func choose(t *testing.T, question string, stack []string, req form.Requirements) form.Choice {
	t.Helper()
	m := llm.UserText(wrap("project", asJSON(form.ProjectSection{Title: "Walks", Mode: "student", TechStack: stack})) + wrap("requirements", asJSON(req)) + wrap("question", question))
	c, problems := form.ChoiceForm.Read([]byte(generate(t, &llm.Request{Model: Name, Messages: []llm.Message{m}, Schema: form.ChoiceForm.Schema()}).Text()))
	if len(problems) > 0 {
		t.Errorf("%q: %v", question, problems)
	}
	return c
}

func TestChoices(t *testing.T) {
	local := form.Requirements{AppName: "Walks", Stack: []string{"HTML", "CSS", "localStorage"}, Features: []form.Feature{{Name: "Walks", Description: "Each walk with its dog."}},
		Constraints: []string{"Runs in the browser alone: no server, no account, no network."}}
	team := form.Requirements{AppName: "Huddle", Stack: []string{"React", "TypeScript", "PostgreSQL"}, Features: []form.Feature{{Name: "Chat", Description: "Several people chat in real time after they signed in with their accounts."}, {Name: "Sign in", Description: "People log in."}}}
	for _, c := range []struct {
		asked string
		req   form.Requirements
		ids   string // of the options in their order, as far as it is told
		says  []string
	}{
		// What is recommended depends on the app, and comes first.
		{"How should people log in?", local, "no-accounts", []string{"keeps its data in the browser", "Take “No accounts”", "“A hosted service” would be better if"}},
		{"How should people log in?", team, "sessions", []string{"has accounts", "Take “Sessions in a cookie”"}},
		{"Which database?", local, "sqlite", nil},
		{"Which database?", team, "postgres", []string{"the stack of Huddle names PostgreSQL already"}},
		{"polling or websockets?", team, "polling websocket sse", []string{"“Server-sent events” would be better if"}},
		// Between two that are named one of them is recommended, the others are shown behind them.
		{"Sessions or JWT?", local, "sessions jwt hosted-auth no-accounts", []string{"Take “Sessions in a cookie”"}},
		{"Redux or context?", local, "context store local-state", []string{"nothing that is known of Walks decides"}},
		// What the table does not know is said, and shown.
		{"Should I use Oracle or Postgres?", team, "postgres sqlite mysql hosted-backend oracle", []string{"Of “Oracle” my table says nothing"}},
		{"Supabase or Firebase?", local, "hosted-backend", []string{"are of one kind here"}},
		// Two that belong to different decisions.
		{"React or Tailwind?", local, "plain plain-css react tailwind", []string{"answer two different questions", "one after the other", "“React” would be better if"}},
		// None of the table's.
		{"Should walks be sorted by date or by dog?", local, "", []string{"know nothing of this subject in particular"}},
		{"Foo or foo?", local, "smallest-thing established-way try-both-small", nil},
		{strings.Repeat("Postgres or MySQL or SQLite ", 70), team, "postgres", nil},
		{"\x00<question>\u202e ??? or", local, "smallest-thing", nil},
	} {
		got := choose(t, c.asked, nil, c.req)
		var ids []string
		for _, o := range got.Options {
			ids = append(ids, o.ID)
		}
		if is := strings.Join(ids, " "); !strings.HasPrefix(is+" ", strings.TrimSuffix(c.ids+" ", " ")) {
			t.Errorf("%q: %s, want %s", c.asked, is, c.ids)
		}
		for _, s := range c.says {
			if !strings.Contains(got.Context+got.Recommendation, s) {
				t.Errorf("%q says nothing of %q:\n%s\n%s", c.asked, s, got.Context, got.Recommendation)
			}
		}
	}
	for _, d := range decisions().all { // all of the table fits the form, whatever the app
		for _, req := range []form.Requirements{local, team, {}} {
			choose(t, d.subject+": "+decisions().nameOf(d.options[0])+" or "+decisions().nameOf(d.options[1])+"?", []string{"Vue", "Supabase"}, req)
		}
	}
}

func TestTraitsAreReadWithTheirNo(t *testing.T) {
	for _, c := range []struct{ said, trait string }{{"no accounts, please", "!accounts"}, {"People sign in with their account", "accounts"}, {"without any login", "!accounts"}, {"Not shared with anybody", "!shared"},
		{"A list to be shared with friends", "shared"}, {"a shop without online payments", "!payments"}, {"ohne Anmeldung", "!accounts"}, {"a blog", "public"}, {"a kanban board for patients", "sensitive"}} {
		m := llm.UserText(wrap("project", asJSON(form.ProjectSection{Title: "Walks", Description: c.said})))
		has := read(&llm.Request{Messages: []llm.Message{m}}).traits().has
		if trait, no := strings.CutPrefix(c.trait, "!"); has[trait] == no {
			t.Errorf("%q: %v", c.said, has)
		}
	}
}
