//go:build unix

package server

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"codeforge"

	devpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// TestConsoleLong is what the console holds beyond its one way, which TestConsole goes: each screen in both colour schemes and on a phone,
// a connection that is cut while a job runs, and a log of 100,000 events. With -update it makes the pictures of the README.
func TestConsoleLong(t *testing.T) {
	if os.Getenv("CODEFORGE_SOAK") == "" && !*update {
		t.Skip("make soak runs this one")
	}
	p := start(t, t.TempDir(), "CODEFORGE_BENCH=true")
	way := newLine(t, "127.0.0.1:0", strings.TrimPrefix(p.Base, "http://"))
	v := openConsole(t, "http://"+way.addr)
	v.look(1280, "light")
	v.do("open", chromedp.Navigate(v.base+"/"))
	v.has("#idea")

	project := v.survivesCuts(p, way)
	if *update {
		v.pictures(project)
	}
	v.showsWhatIsMade(p)
	v.comparesWithBase(p, project)
	v.showsMany(p)
	v.showsLong(p)
	v.everyScreen(p, project)
}

// atEnd is true when the last stage of a pipeline was told of, which is the last line of its run.
const atEnd = `document.querySelectorAll(".rail .done").length >= 4 && !document.querySelector(".rail .running") && document.querySelector(".run-lines .rows-all")?.clientHeight > 0`

// rows is how many lines of a run there are, in the page or not.
const rows = `String(document.querySelector(".run-lines .rows-all").clientHeight / 28)`

// survivesCuts watches a job through a connection that breaks: in the end it has seen what who reads the log afterwards sees.
func (v *guest) survivesCuts(p *process, way *line) (project string) {
	v.Helper()
	project = v.makes(p, object{"title": "Dog walkers", "description": "A CRM for dog walkers"})
	v.open("#/projects/" + project)
	v.until(`document.querySelector(".live.live")`)
	job := v.starts(p, "pipeline", object{"project_id": project, "input_context": object{"user_message": "A CRM for dog walkers", "scaffold": "slow"}})
	v.open("#/projects/" + project + "/run/" + job)
	for _, lines := range []int{5, 15, 25} {
		v.until(fmt.Sprintf(`document.querySelector(".run-lines .rows-all")?.clientHeight >= %d * 28`, lines))
		way.set(cut)
		way.set(open)
		v.until(`document.querySelector(".live.live")`)
	}
	v.has(".run-head .state.good")
	v.until(atEnd)
	v.mu.Lock()
	v.trouble = nil // the browser complains of connections that were cut
	v.mu.Unlock()
	seen := v.eval(rows)
	v.do("reload", chromedp.Reload())
	v.has(".run-head .state.good")
	v.until(`document.querySelectorAll(".rail .done").length >= 4`)
	if after := v.eval(rows); after != seen {
		v.Errorf("%s lines were seen through cuts, %s are there", seen, after)
	}
	return project
}

// showsWhatIsMade sees the app beside its first run, before anything of it is kept: here it never is, since its review does not end.
func (v *guest) showsWhatIsMade(p *process) {
	v.Helper()
	project := v.makes(p, object{"title": "Dog walkers", "apply": "review"})
	job := v.starts(p, "pipeline", object{"project_id": project, "input_context": object{"user_message": "A CRM for dog walkers", "scaffold": "stall:qa"}})
	v.open("#/projects/" + project + "/run/" + job)
	v.has(`.device iframe[src*="-job."]`)
	v.has(".run-head .state.live")
	v.press(".run-title button:last-child") // stops it
	v.has(".run-head .state:not(.live)")
}

// comparesWithBase looks at a file that a job writes and somebody else too: it is shown beside what the job began with.
func (v *guest) comparesWithBase(p *process, project string) {
	v.Helper()
	job := v.starts(p, "agent", object{"project_id": project, "agent_type": "code", "input_context": object{"user_message": "Add a field for the vet", "scaffold": "slow"}})
	at := "#/projects/" + project + "/run/" + job + "?part=files"
	v.open(at)
	v.until(`[...document.querySelectorAll(".file-line")].some(f => f.innerText.includes("README.md") && f.innerText.includes("+"))`)
	const path = "/files/README.md"
	var row codeforge.File
	p.caller.must(v.T, "GET", "/v1/projects/"+project+path, nil, &row)
	p.caller.must(v.T, "PUT", "/v1/projects/"+project+path, object{"content": row.Content + "\nTheirs.\n"}, new(object))
	v.open(at + "&file=README.md")
	v.has(".run-file .diff-lines .add")
	if shown := v.eval(`document.querySelector(".run-file").innerText`); strings.Contains(shown, "Theirs.") {
		v.Errorf("what somebody else wrote meanwhile is shown as the job's: %s", shown)
	}
	p.awaitEnd(v.T, job)
	v.has(".run-head .state:not(.live)")
}

// makes has a project made.
func (v *guest) makes(p *process, body object) (project string) {
	v.Helper()
	var made codeforge.Project
	p.caller.must(v.T, "POST", "/v1/projects/", body, &made)
	return made.ID
}

// starts has an agent, or all of them, begin a job.
func (v *guest) starts(p *process, what string, body object) (job string) {
	v.Helper()
	var started struct {
		ID string `json:"job_id"`
	}
	p.caller.must(v.T, "POST", "/v1/run-"+what, body, &started)
	return started.ID
}

// showsMany opens the log of a job of 100,000 events.
func (v *guest) showsMany(p *process) {
	v.Helper()
	project := v.makes(p, object{"title": "Many events"})
	job := v.starts(p, "agent", object{"project_id": project, "agent_type": "noop", "input_context": object{"events": 100_000, "every_ms": 0}})
	p.awaitEnd(v.T, job)
	v.open("#/projects/" + project + "/run/" + job)
	v.until(`document.querySelector(".run-tabs .fine")?.textContent.includes("80,000")`)
	for _, to := range []string{"0", "e.scrollHeight / 2", "e.scrollHeight"} {
		v.eval(`(e => (e.scrollTop = ` + to + `, ""))(document.querySelector(".run-lines"))`)
		if n := v.eval(`new Promise(requestAnimationFrame).then(() => document.querySelectorAll(".run-lines .row").length).then(n => n > 0 && n <= 300 ? "" : String(n))`); n != "" {
			v.Errorf("%s rows are in the page at %s", n, to)
		}
	}
}

// showsLong opens the files of a project that has about as many as it may, and a revision of 54,000 lines.
func (v *guest) showsLong(p *process) {
	v.Helper()
	files := map[string][]byte{}
	for i := range 1_900 {
		files[fmt.Sprintf("src/part%02d/file%02d.ts", i/50, i%50)] = fmt.Appendf(nil, "export const n = %d\n", i)
	}
	var lines []byte
	for i := range 9_000 {
		lines = fmt.Appendf(lines, "%d\n", i*i)
	}
	for i := range 6 {
		files[fmt.Sprintf("data/%d.txt", i)] = lines
	}
	project := p.importZip(v.T, "Long", zipped(v.T, files))
	var list struct{ Files []codeforge.File }
	p.caller.must(v.T, "GET", "/v1/projects/"+project+"/files?content=false", nil, &list)
	at := "#/projects/" + project
	v.look(1800, "light") // there is room for the tree beside a file
	v.open(at + "/files/" + list.Files[len(list.Files)/2].Path)
	v.has(".tree-row[aria-current]") // what is open is to be seen
	v.few(".tree", ".tree .row")
	v.open(at + "/history/1")
	v.has(".diff-lines .text")
	v.few(".revision", ".diff-lines .text")
	v.until(`document.querySelector(".revision").innerText.includes("file49.ts")`) // which is at the end
}

// few looks whether wherever somebody scrolls to some rows are in the page, and not many; it ends at the end.
func (v *guest) few(scrolls, rows string) {
	v.Helper()
	for _, to := range []string{"0", "e.scrollHeight / 3", "e.scrollHeight / 2"} {
		v.eval(`(e => (e.scrollTop = ` + to + `, ""))(document.querySelector(` + quoted(scrolls) + `))`)
		v.until(`(n => n > 0 && n <= 400)(document.querySelectorAll(` + quoted(rows) + `).length)`)
	}
	v.eval(`(e => (e.scrollTop = e.scrollHeight, ""))(document.querySelector(` + quoted(scrolls) + `))`)
}

// everyScreen looks at each screen in both schemes, on a phone and beside.
func (v *guest) everyScreen(p *process, project string) {
	v.Helper()
	at := "#/projects/" + project
	student := v.makes(p, object{"title": "To learn", "mode": "student"})
	for _, width := range []int64{360, 768, 1280} {
		for _, scheme := range []string{"light", "dark"} {
			v.look(width, scheme)
			v.asked()
			for _, screen := range []string{"#/", "#/?show=archived", "#/jobs", "#/jobs?state=failed", "#/usage", "#/usage?by=model", "#/models?show=all", "#/settings", "#/nowhere",
				at, at + "/run", at + "/run?part=files", at + "/run?part=calls", at + "/files", at + "/files/README.md", at + "/history/1", at + "/history/1?part=looks", at + "/files?show=preview&w=phone", "#/projects/" + student + "/run"} {
				v.open(screen)
				v.until(`!document.querySelector(".main .waiting") && document.querySelector(".main").innerText`)
				v.seen(fmt.Sprintf("%s, %d px, %s", screen, width, scheme))
			}
		}
	}
	v.quiet()
}

// pictures are those of the README.
func (v *guest) pictures(project string) {
	v.Helper()
	for _, scheme := range []string{"light", "dark"} {
		v.look(1280, scheme)
		v.open("#/projects/" + project + "/run")
		v.do("reload", chromedp.Reload()) // without toasts
		v.until(`document.querySelector(".device iframe") && !document.querySelector(".device-waiting") && document.querySelector(".run-lines .line")`)
		shot, err := chromedp.Call(v.ctx, devpage.CaptureScreenshot, devpage.CaptureScreenshotParams{Format: "png"})
		if err != nil {
			v.Fatal(err)
		}
		if err := os.WriteFile("../../docs/console-"+scheme+".png", shot.Data, 0o644); err != nil {
			v.Fatal(err)
		}
	}
}
