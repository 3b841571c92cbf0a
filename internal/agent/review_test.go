package agent

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/agent/form"
)

func reviewOf(score int, issues ...any) turn {
	return object(args{"passed": false, "issues": issues, "summary": "It has flaws.", "score": score})
}

// reviewed is a pipeline that wrote src/a.ts and src/b.ts, with what comes after.
func reviewed(rounds int, more ...turn) *bench {
	b := job(codeforge.Builder, `{"skip_clarification":true}`, append([]turn{object(goodRequirements), object(goodArchitecture),
		use("write_file", args{"path": "src/a.ts", "content": "one\ntwo\n"}, "write_file", args{"path": "src/b.ts", "content": "el.textContent = name\n"}), finish()}, more...)...)
	b.rounds = rounds
	return b
}

// A finding that the developer declines is not argued over: a round that changes nothing ends the loop, and the reason is told.
func TestDeclinedFinding(t *testing.T) {
	b := reviewed(5, reviewOf(60, finding),
		use("finish", args{"summary": "Looked into it.", "findings": []any{args{"id": "F1", "status": "declined", "reason": "remove compares ids already (F1)"}}}),
		reviewOf(60, finding))
	out := b.must(t)
	r := decode(t, out.Result)
	if len(b.script.requests) != 6 || r["iterations"] != 1.0 || at(r, "qa_result", "issues", 0, "status") != "declined" || at(r, "qa_result", "issues", 0, "reason") != "remove compares ids already (F1)" {
		t.Errorf("%d calls: %s", len(b.script.requests), out.Result)
	}
	says := out.Chat[0].Content
	if !strings.Contains(says, "Still open:\n- src/a.ts: Deleting deletes all (left as it is: remove compares ids already)") || strings.Contains(says, "F1") || !strings.Contains(says, "- src/b.ts (created)") {
		t.Errorf("the conversation has %q", says)
	}
	// Neither changed nor answered: told once.
	b = reviewed(5, reviewOf(60, finding), finish(), finish(), reviewOf(60, finding))
	if b.must(t); len(b.script.requests) != 7 || !strings.Contains(b.prompt(6), "these findings have no answer: F1") {
		t.Errorf("%d calls, told %s", len(b.script.requests), b.prompt(6))
	}
}

// A path may come with the line behind it, or with a second one; what is on no file that there is is dropped, and its score not told.
func TestPlacesOfFindings(t *testing.T) {
	for named, line := range map[string]float64{"src/a.ts:2": 2, "./src/a.ts": 0, "src/a.ts (line 1)": 1, "src/a.ts#L2": 2, "src/a.ts:1-2": 1, "src/a.ts line 2": 2, "src/a.ts, src/b.ts": 0} {
		b := reviewed(1, reviewOf(60, with(finding, "file_path", named, "line_hint", 0, "severity", "low")))
		r := decode(t, b.must(t).Result)
		if at(r, "qa_result", "issues", 0, "file_path") != "src/a.ts" || at(r, "qa_result", "issues", 0, "line") != line {
			t.Errorf("%s: %v", named, at(r, "qa_result"))
		}
	}
	b := reviewed(1, reviewOf(40, with(finding, "file_path", "src/gone.ts:2")))
	out := b.must(t)
	if at(decode(t, out.Result), "qa_result", "passed") != true || !strings.Contains(out.Chat[0].Content, "It was reviewed and passed.\n") || strings.Contains(out.Chat[0].Content, "40") {
		t.Errorf("%s %s", out.Result, out.Chat[0].Content)
	}
}

// A second review goes on in the conversation of the first, and judges the answers and what changed; nothing else counts.
func TestSecondReview(t *testing.T) {
	b := reviewed(3, reviewOf(50, finding, with(finding, "severity", "medium", "file_path", "src/b.ts", "description", "A long name breaks the layout")),
		use("edit_file", args{"path": "src/a.ts", "old": "two", "new": "three"}, "finish",
			args{"summary": "Mended it.", "findings": []any{args{"id": "f1", "status": "fixed"}, args{"id": "F2", "status": "declined", "reason": "names are cut"}}}),
		reviewOf(70, with(finding, "description", "Deleting still deletes all"), with(finding, "id", "F2", "severity", "medium", "file_path", "src/b.ts", "description", "Long names break it"),
			with(finding, "severity", "high", "file_path", "src/b.ts", "description", "Numbers are not formatted"), with(finding, "file_path", "src/a.ts", "description", "three is no word")),
		use("edit_file", args{"path": "src/a.ts", "old": "three", "new": "four"}, "finish", args{"summary": "Mended it."}), object(goodReport))
	out := b.must(t)
	second := b.script.requests[6]
	if len(second.Messages) != 3 || section(b.prompt(6), "round") != "2" || !strings.Contains(section(b.prompt(6), "diff"), "-two\n+three") || strings.Contains(b.prompt(6), "<file ") ||
		!strings.Contains(section(b.prompt(6), "findings"), `"status":"declined","reason":"names are cut"`) {
		t.Errorf("the second review reads %d messages: %s", len(second.Messages), b.prompt(6))
	}
	// The same finding in other words keeps its id, a new one counts where the diff is.
	got := section(b.prompt(7), "findings")
	for _, want := range []string{`"id":"F1"`, `"id":"F2"`, `"id":"F3","severity":"high","category":"correctness","file_path":"src/a.ts"`} {
		if !strings.Contains(got, want) {
			t.Errorf("the coder is not told %s: %s", want, got)
		}
	}
	if strings.Contains(got, "formatted") {
		t.Errorf("what did not change is found fault with: %s", got)
	}
	if r := decode(t, out.Result); at(r, "qa_result", "passed") != true || r["iterations"] != 3.0 {
		t.Errorf("%s", out.Result)
	}
}

// A reviewer looks with the reading tools before it answers, and calls no others.
func TestReviewReads(t *testing.T) {
	b := job(codeforge.QA, `{}`, use("read_file", args{"path": "src/a.ts"}, "search", args{"pattern": "innerHTML"}), object(goodReport)).files("src/a.ts", "one\n")
	b.must(t)
	var names []string
	for _, tool := range b.script.requests[0].Tools {
		names = append(names, tool.Name)
	}
	if got := strings.Join(names, " "); got != "list_files read_file search" || b.script.requests[0].Schema.Name != "qa_report" || *b.script.requests[0].Temperature > 0.3 {
		t.Errorf("it has %s", got)
	}
	if m := b.script.requests[1].Messages; len(m) != 3 || m[2].Parts[0].Result.Content != "1: one\n" {
		t.Errorf("it was told %s", form.Marshal(m))
	}
	// What it was not given is not argued about: it is asked without tools.
	b = job(codeforge.Pedagogy, `{}`, write("a", "b"), object(goodLesson)).files("a", "x")
	if b.must(t); len(b.script.requests) != 2 || len(b.script.requests[1].Tools) != 0 || len(b.script.requests[1].Messages) != 1 {
		t.Errorf("%d calls", len(b.script.requests))
	}
	// One that only reads comes to an end.
	b = job(codeforge.QA, `{}`, use("list_files", args{})).files("a", "x")
	if _, err := b.run(t); !codeforge.IsKind(err, codeforge.AgentFailed) || len(b.script.requests) > maxReadTurns+2 {
		t.Errorf("%v after %d calls", err, len(b.script.requests))
	}
	// A wrong form is told in the same conversation.
	b = job(codeforge.QA, `{}`, use("list_files", args{}), object(with(goodReport, "score", 400)), object(goodReport)).files("a", "x")
	if b.must(t); len(b.script.requests[2].Messages) != 5 {
		t.Errorf("%s", form.Marshal(b.script.requests[2].Messages))
	}
}

func TestClaims(t *testing.T) {
	const page = `<!doctype html><html lang="en"><head><meta name="viewport" content="x"><title>T</title></head><body><img src="a.png" alt="A"></body></html>`
	const code = "const el = document.createElement('p')\nel.textContent = name\nstore.save(list)\n"
	for _, c := range []struct {
		claim, text string
		dropped     bool
	}{
		{"User input is rendered with innerHTML, so that scripts run.", code, true},
		{"It uses `innerHTML` for names.", "el.innerHTML = name", false},
		{"It calls eval on the input.", code, true},
		{"It calls `store.save(everything)` on each key.", code, false},
		{"It uses `localStorage.setItem` on each key.", code, true},
		{"It should use textContent instead of innerHTML.", code, false},
		{"There is no call of `validate`, so that odd input is taken.", code, false},
		{"The list is wrong when it is empty.", code, false},
		{"The image is missing alt text.", page, true},
		{"The image is missing alt text.", strings.Replace(page, ` alt="A"`, "", 1), false},
		{"Images have no alt attribute.", code, true},
		{"The lang attribute is missing.", page, true},
		{"The lang attribute is missing.", "<!doctype html><title>T</title>", false},
		{"The page lacks a viewport meta tag.", page, true},
		{"There is no language switch.", page, false},
		{"Typing `<script>` into the field runs it.", code, false},
	} {
		if why := contradiction(c.claim, c.text); (why != "") != c.dropped {
			t.Errorf("%q: %q", c.claim, why)
		}
	}
	// A review whose only objection is invented passes.
	out := job(codeforge.QA, `{}`, reviewOf(60, with(finding, "description", "It uses innerHTML for names"))).files("src/a.ts", code).must(t)
	if r := decode(t, out.Result); r["passed"] != true || len(r["issues"].([]any)) != 0 || !strings.Contains(at(r, "dropped", 0).(string), "innerHTML stands nowhere in the file") {
		t.Errorf("%s", out.Result)
	}
}

// A question about the code is answered, and that completes the job: through finish, or in words.
func TestQuestion(t *testing.T) {
	long := strings.Repeat("It goes through src/a.ts:1. ", 500)
	for name, b := range map[string]*bench{
		"answer":  job(codeforge.Code, `{"user_message":"Where does data go?"}`, use("finish", args{"summary": "Into storage.", "answer": long, "dependencies": []any{}})),
		"summary": job(codeforge.Code, `{"user_message":"Where does data go?"}`, use("finish", args{"summary": long})),
		"words":   job(codeforge.Code, `{"user_message":"Where does data go?"}`, say(long)),
	} {
		out := b.files("src/a.ts", "x").must(t)
		if got := at(decode(t, out.Result), "answer"); got != strings.TrimSpace(long) && got != long || len(out.Changes) != 0 || !strings.Contains(out.Chat[0].Content, strings.TrimSpace(long)) || len(b.script.requests) != 1 {
			t.Errorf("%s: %.80v after %d calls", name, got, len(b.script.requests))
		}
	}
}

func TestWorkAtHand(t *testing.T) {
	some := map[string]string{"src/a.ts": "x"}
	for wish, want := range map[string]work{
		"Where does data go?":                         workQuestion,
		"How is the total computed, and who calls it": workQuestion,
		"Was macht diese Datei?":                      workQuestion,
		"Can you add dark mode?":                      workExisting,
		"Add dark mode. Why is it so bright?":         workExisting,
		"Why is it so slow? Fix it.":                  workExisting,
		"Now the same for users":                      workExisting,
		"":                                            workExisting,
		"Könntest du die Farben ändern?":              workExisting,
		"Explain the auth flow":                       workQuestion,
	} {
		if got := workAt(some, wish); got != want {
			t.Errorf("%q is %s", wish, got)
		}
		if workAt(nil, wish) != workNew {
			t.Errorf("%q on nothing", wish)
		}
	}
	system := func(b *bench) string { b.must(t); return b.script.requests[0].System }
	fresh, made := system(job(codeforge.Code, `{}`, write("a", "b"), finish())), system(job(codeforge.Code, `{}`, finish()).files("package.json", `{"dependencies":{"react":"^19.0.0"}}`))
	for _, c := range []struct {
		text, has string
		want      bool
	}{{fresh, "# Design", true}, {made, "# Design", false}, {fresh, "CSS and HTML without npm packages", true}, {made, "CSS and HTML without npm packages", false},
		{made, "Import packages that `package.json` names", true}, {made, "The smallest change", true}, {fresh, "The smallest change", false}, {fresh, "`question`", false}, {made, "`diff`", false}, {qaSystem, "`diff`", true}, {made, "`findings`", true}} {
		if strings.Contains(c.text, c.has) != c.want {
			t.Errorf("%q: %t", c.has, !c.want)
		}
	}
	if strings.Contains(clarifySystem, "`file`") || strings.Contains(researchSystem, "`diagnostics`") || !strings.Contains(pedagogySystem, "`question`: what") {
		t.Error("an agent is told of sections that it never gets")
	}
}

func TestStack(t *testing.T) {
	s := stackOf(map[string]string{"package.json": `{"scripts":{"dev":"vite","test":"vitest"},"dependencies":{"react":"^19.1.0","left-pad":"1"},"devDependencies":{"typescript":"^5.9.0","vitest":"^3"}}`,
		"tsconfig.json": `{"compilerOptions":{"strict": true,"jsx":"react-jsx","paths":{"@/*":["src/*"]}}}`, "src/App.tsx": "x", "src/index.css": "@import \"tailwindcss\";\n", "src/App.test.tsx": "y"}, codeforge.Project{}, "")
	text := strings.Join(s.facts, "\n")
	for _, want := range []string{"react ^19.1.0, typescript ^5.9.0, vitest ^3", "left-pad", "dev, test", "strict, jsx react-jsx, the alias @/* for src/*", "Tailwind", "src/App.test.tsx", "JSX"} {
		if !strings.Contains(text, want) {
			t.Errorf("nothing says %q:\n%s", want, text)
		}
	}
	if !s.packages || s.script != "dev" {
		t.Errorf("%+v", s)
	}
	if plain := stackOf(map[string]string{"index.html": "x", "src/a.ts": "y"}, codeforge.Project{TechStack: []string{"React"}}, ""); plain.packages {
		t.Error("a plain project counts as one of packages")
	}
	if asked := stackOf(nil, codeforge.Project{}, "A board in React with Tailwind"); !asked.packages {
		t.Error("what was asked for is not heard")
	}
}

// What the wish changed is in the specifications afterwards, and what was decided outlives a new layout.
func TestSpecificationsFollow(t *testing.T) {
	b := job(codeforge.Code, `{"user_message":"Add invoices"}`, write("src/a.ts", "b"), use("finish", args{"summary": "Added invoices.", "decisions": []any{"Money is kept in cents"},
		"features": args{"invoices": "A bill for each owner", "Dogs": "Dogs and their food"}, "pages": args{"/invoices": "All bills", "../x": "no"}, "gone": []any{"/dog-list"}})).files("src/b.ts", "x")
	b.task.Project.Requirements, b.task.Project.Architecture = form.Marshal(goodRequirements), form.Marshal(goodArchitecture)
	out := b.must(t)
	specs, pages := decode(t, out.Requirements), decode(t, out.Architecture)
	if at(specs, "core_features", 0, "description") != "Dogs and their food" || at(specs, "core_features", 0, "priority") != "must-have" || at(specs, "core_features", 1, "name") != "invoices" || specs["app_name"] != "Walkies" {
		t.Errorf("%s", out.Requirements)
	}
	if at(pages, "site_map", 0, "path") != "/invoices" || at(pages, "site_map", 1) != nil || at(pages, "decisions", 0) != "Money is kept in cents" {
		t.Errorf("%s", out.Architecture)
	}
	b = job(codeforge.Wireframe, `{}`, object(goodArchitecture))
	b.task.Project.Architecture = out.Architecture
	if got := decode(t, b.must(t).Architecture); at(got, "decisions", 0) != "Money is kept in cents" {
		t.Errorf("a new layout has %v", got)
	}
	// Where there were none, none are begun.
	b = job(codeforge.Code, `{}`, write("src/a.ts", "b"), use("finish", args{"summary": "Added invoices.", "features": args{"Invoices": "Bills"}}))
	if out := b.must(t); out.Requirements != nil || out.Architecture != nil {
		t.Errorf("%s %s", out.Requirements, out.Architecture)
	}
}

// Nobody reads of findings by number.
func TestPlainWords(t *testing.T) {
	for said, want := range map[string]string{
		"Fixed finding 2 and the layout.":      "Fixed what the review found and the layout.",
		"Deleting asks first (F1, F3).":        "Deleting asks first.",
		"Findings F1, F2 and F4 are mended.":   "What the review found are mended.",
		"The tracker lists issue 12 first.":    "The tracker lists issue 12 first.",
		"Press F5 to load it again.":           "Press F5 to load it again.",
		"Everything that was asked for works.": "Everything that was asked for works.",
	} {
		if got := plainWords(said, 0); got != want {
			t.Errorf("%q became %q", said, got)
		}
	}
	for said, want := range map[string]string{
		"Fixed F1, F2, and F3.":                         "Fixed what the review found.",
		"F1: the button asks first. F2: left as it is.": "the button asks first. left as it is.",
		"Press F1 for help, F5 loads it again.":         "Press F1 for help, F5 loads it again.",
		"Hilfe gibt es mit der Taste F2.":               "Hilfe gibt es mit der Taste F2.",
		"#F2 is mended":                                 "What the review found is mended",
	} {
		if got := plainWords(said, 4); got != want {
			t.Errorf("after a review %q became %q", said, got)
		}
	}
}

// The agents know what went before: the newest messages whole, older ones in short, what revisions changed.
func TestConversationInPrompts(t *testing.T) {
	b := job(codeforge.Code, `{"user_message":"Now the same for users"}`, write("a", "b"), finish())
	now := codeforge.Now()
	b.task.Job.CreatedAt = now
	say := func(role, text string, ago int) {
		b.task.Memory.Messages = append(b.task.Memory.Messages, codeforge.Message{Role: role, Content: text, CreatedAt: now.Add(-time.Duration(ago) * time.Minute)})
	}
	for i := range 40 {
		say("user", "Wish "+strings.Repeat("long ", 200)+string(rune('a'+i%26)), 100-i)
	}
	say("assistant", "Stopped, as you asked.\n\nNothing was changed.", 5)
	say("user", "Rename task to ticket", 4)
	say("assistant", "Renamed it in 12 files.", 3)
	say("user", "Now the same for users", 0)
	b.task.Memory.Revisions = []codeforge.RevisionSummary{{Revision: codeforge.Revision{Number: 7, Author: "code", JobID: "j", Message: "Rename", FilesChanged: 40}, Files: []codeforge.FileStat{{Path: "src/task.ts", Added: 3, Removed: 2}, {Path: "old.ts", Removed: 9, Deleted: true}}},
		{Revision: codeforge.Revision{Number: 6, Author: "user", Message: "Write x", FilesChanged: 1}, Files: []codeforge.FileStat{{Path: "x", Added: 1}}},
		{Revision: codeforge.Revision{Number: 5, Author: "user", Message: "Write y", FilesChanged: 1}, Files: []codeforge.FileStat{{Path: "y", Added: 1}}}}
	b.must(t)
	var c form.Conversation
	if err := json.Unmarshal([]byte(section(b.prompt(0), "conversation")), &c); err != nil {
		t.Fatal(err)
	}
	if n := len(c.Messages); n != wholeMessages || c.Messages[n-1].Text != "Renamed it in 12 files." || c.Messages[n-2].Text != "Rename task to ticket" || c.Messages[n-3].Text != "Stopped, as you asked.\n\nNothing was changed." {
		t.Errorf("messages %+v", c.Messages)
	}
	if len(c.Earlier) < 10 || !strings.Contains(c.Earlier[0], "before these") || len(c.Earlier[1]) > 210 {
		t.Errorf("earlier %q", c.Earlier)
	}
	if len(c.Revisions) != 2 || strings.Join(c.Revisions[0].Files, ";") != "src/task.ts +3 -2;old.ts deleted" || c.Revisions[0].More != 38 || strings.Join(c.Revisions[1].Files, ";") != "x +1 -0;y +1 -0" {
		t.Errorf("revisions %+v", c.Revisions)
	}
	if n := strings.Count(b.prompt(0), "Now the same for users"); n != 1 {
		t.Errorf("the wish is said %d times", n)
	}
	if at, wish := strings.Index(b.prompt(0), "<conversation>"), strings.Index(b.prompt(0), "<idea>"); at < 0 || wish < at {
		t.Error("the wish does not come last")
	}
	if len(section(b.prompt(0), "conversation")) > 20_000 {
		t.Error("there is no bound")
	}
}

// What does not change from job to job comes first in a message, what this job changed after what it did not.
func TestOrderOfMessages(t *testing.T) {
	b := job(codeforge.Builder, `{"user_message":"Walk cats","skip_clarification":true,"_clarifications":[{"question":"Who?","answer":"me"}],"tone":"dry"}`,
		object(goodRequirements), object(goodArchitecture), write("a.ts", "two"), finish(), object(goodReport)).files("a.ts", "one", "b.ts", "SLOPPY", "c.ts", "three")
	b.must(t)
	var names []string
	for _, s := range sections(b.prompt(4)) {
		names = append(names, s[0])
	}
	if got := strings.Join(names, " "); got != "project stack requirements architecture file file file files answers context diagnostics diff idea" {
		t.Errorf("%s", got)
	}
	p := b.prompt(4)
	if c, a := strings.Index(p, `<file path="c.ts"`), strings.Index(p, `<file path="a.ts"`); c > a {
		t.Error("what changed does not come last")
	}
	for i := range b.script.requests {
		if i != 3 && section(b.prompt(i), "answers") != `[{"question":"Who?","answer":"me"}]` {
			t.Errorf("call %d does not know the answers", i)
		}
	}
	if section(p, "context") != `{"tone":"dry"}` {
		t.Errorf("context %s", section(p, "context"))
	}
}

// What a repair broke goes back once, however small it is, also after the last review and where it shows in another file.
func TestRegressionGoesBack(t *testing.T) {
	broke := with(finding, "severity", "low", "category", "Regression", "file_path", "src/b.ts", "description", "The way back shows nothing since the first line changed")
	repair := use("edit_file", args{"path": "src/a.ts", "old": "two", "new": "three"}, "finish", args{"summary": "Mended the deletion.", "findings": []any{args{"id": "F1", "status": "fixed"}}})
	passed := object(args{"passed": true, "issues": []any{broke, with(finding, "severity", "low", "file_path", "src/a.ts", "description", "three is no word")}, "summary": "It works.", "score": 85})
	for rounds, calls := range map[int]int{2: 8, 3: 9} {
		b := reviewed(rounds, reviewOf(50, finding), repair, passed,
			use("edit_file", args{"path": "src/a.ts", "old": "one", "new": "first"}, "finish", args{"summary": "The way back works again.", "findings": []any{args{"id": "F2", "status": "fixed"}}}),
			passed, finish())
		out := b.must(t)
		if len(b.script.requests) != calls {
			t.Fatalf("%d rounds: %d calls", rounds, len(b.script.requests))
		}
		if !strings.Contains(b.prompt(6), "worked before") || !strings.Contains(section(b.prompt(6), "diff"), "@@ -1,2 +1,2 @@\n one\n-two\n+three") {
			t.Errorf("the second review is asked %s", b.prompt(6))
		}
		if got := section(b.prompt(7), "findings"); !strings.Contains(got, `"id":"F2","severity":"low","category":"Regression","file_path":"src/b.ts"`) || strings.Contains(got, "no word") {
			t.Errorf("the coder is told %s", got)
		}
		if says := out.Chat[0].Content; rounds == 2 && (strings.Contains(says, "way back shows") || !strings.Contains(says, "no word")) {
			t.Errorf("the conversation has %q", says)
		}
	}
	// What is found in new code broke nothing.
	b := reviewed(2, passed)
	if b.must(t); len(b.script.requests) != 5 {
		t.Errorf("%d calls", len(b.script.requests))
	}
}
