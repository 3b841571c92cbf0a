package evidence

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/browser"
	"codeforge/internal/npm"
	"codeforge/internal/sandbox"
	"codeforge/internal/types"
	"codeforge/internal/types/typestest"
	"codeforge/internal/verify"
)

// whole is a ladder with all rungs, without packages.
func whole(t *testing.T, change ...func(*Options)) *Ladder {
	t.Helper()
	o := Options{Verifier: verify.NewVerifier(sandbox.Options{}), Smoke: SmokeAuto,
		Packages: func(context.Context) (*npm.Client, error) {
			return npm.Open(npm.Options{Dir: filepath.Join(t.TempDir(), "npm")})
		},
		Types: func(client *npm.Client) (*types.Checker, error) {
			return types.Open(types.Options{Dir: filepath.Join(t.TempDir(), "types"), NPM: client, Path: typestest.Compiler(t)})
		},
		Browser: func(ctx context.Context) (browser.Options, error) {
			program, err := browser.Find(ctx, os.Getenv("BROWSER_PATH"))
			return browser.Options{Program: program}, err
		}}
	for _, c := range change {
		c(&o)
	}
	l := New(o)
	t.Cleanup(l.Close)
	return l
}

func noBlob(context.Context, string) ([]byte, error) { return nil, errors.New("there is none") }

const page = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Tasks</title></head><body><main><h1>Tasks</h1><button id="add">Add</button><ul id="list"></ul></main><script type="module" src="/src/main.ts"></script></body></html>`

// A type error is an error of its rung, with its place; what does not parse is looked at no further.
func TestTypesAreARung(t *testing.T) {
	l := whole(t)
	for name, c := range map[string]struct {
		text, want string
		status     codeforge.RungStatus
	}{
		"fit":       {"export const n: number = 1\n", "", codeforge.RungPassed},
		"do not":    {"export const n: number = 'one'\n", "src/main.ts:1:14 error: ", codeforge.RungFailed},
		"not parse": {"export const = \n", "src/main.ts:1:14 error: ", codeforge.RungNotChecked},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := l.Check(t.Context(), "user", verify.Tree{Files: map[string]string{"src/main.ts": c.text}})
			if err != nil {
				t.Fatal(err)
			}
			rung := rungOf(r.Evidence, codeforge.RungTypes)
			if got := strings.Join(lines(r), "\n"); rung.Status != c.status || !strings.HasPrefix(got, c.want) || r.OK != (c.want == "") || len(r.Diagnostics) > 1 {
				t.Errorf("%+v ok %v\n%s", rung, r.OK, got)
			}
			if again, err := l.Check(t.Context(), "user", verify.Tree{Files: map[string]string{"src/main.ts": c.text}}); err != nil || fmt.Sprint(again) != fmt.Sprint(r) {
				t.Errorf("another time: %v %+v", err, again)
			}
		})
	}
}

// What is built is used in a browser as the preview serves it, and errors name page, control and place.
func TestRunIsARung(t *testing.T) {
	l := whole(t)
	if l.smoke.why() != "" {
		t.Fatal(l.smoke.why())
	}
	tree := func(script string) verify.Tree {
		return verify.Tree{Files: map[string]string{"index.html": page, "src/main.ts": "const list = document.getElementById('list')!\n" + script}}
	}
	good := "document.getElementById('add')!.onclick = () => { const row = document.createElement('li'); row.textContent = 'One'; list.append(row) }\n"
	r, err := l.Run(t.Context(), "user", tree(good), noBlob)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(r.Rung.Reason, "sandbox") || r.Rung.Status == codeforge.RungNotChecked {
		t.Fatalf("a browser runs here, and it was not used: %s", r.Rung.Reason)
	}
	if r.Rung.Status != codeforge.RungPassed || len(r.Diagnostics) > 0 || r.Rung.Version == "" || len(r.Screenshots) == 0 || len(r.Screenshots[0].Bytes) < 1000 {
		t.Errorf("%+v, %d screenshots", r.Rung, len(r.Screenshots))
	}
	r, err = l.Run(t.Context(), "user", tree("document.getElementById('add')!.onclick = () => { JSON.parse('{') }\n"), noBlob)
	if err != nil || r.Rung.Status != codeforge.RungFailed || !slices.ContainsFunc(r.Diagnostics, func(d verify.Diagnostic) bool {
		return d.Rung == codeforge.RungRun && d.Severity == verify.SeverityError && strings.Contains(d.Control, "Add") && d.Page == "/" && strings.Contains(d.Message, "SyntaxError")
	}) {
		t.Errorf("%v %+v", err, r)
	}
}

// Where nothing can be run that is said, and an error only where it is required.
func TestRunsThatCannotBe(t *testing.T) {
	none := func(o *Options) {
		o.Browser = func(context.Context) (browser.Options, error) { return browser.Options{}, browser.ErrNotFound }
	}
	broken := func(o *Options) {
		o.Browser = func(context.Context) (browser.Options, error) {
			return browser.Options{Program: browser.Program{Path: "/nonexistent/chromium", Version: "1.2.3.4"}}, nil
		}
	}
	required := func(o *Options) { o.Smoke = SmokeRequired }
	tree := verify.Tree{Files: map[string]string{"index.html": page, "src/main.ts": ""}}
	for name, c := range map[string]struct {
		change []func(*Options)
		tree   verify.Tree
		says   string
		fails  bool
	}{
		"off":                  {[]func(*Options){func(o *Options) { o.Smoke = SmokeOff }}, tree, "off", false},
		"none":                 {[]func(*Options){none}, tree, "BROWSER_PATH", false},
		"none, required":       {[]func(*Options){none, required}, tree, "BROWSER_PATH", true},
		"does not start":       {[]func(*Options){broken}, tree, "start /nonexistent/chromium", false},
		"no start, required":   {[]func(*Options){broken, required}, tree, "start /nonexistent/chromium", true},
		"no page":              {nil, verify.Tree{Files: map[string]string{"README.md": "hi"}}, "no page", false},
		"no package, required": {[]func(*Options){required}, verify.Tree{Files: map[string]string{"index.html": page, "src/main.ts": "import 'react'", "package.json": `{"dependencies":{"react":"1"}}`}}, "NPM_REGISTRY", false},
	} {
		t.Run(name, func(t *testing.T) {
			l := whole(t, c.change...)
			r, err := l.Run(t.Context(), "user", c.tree, noBlob)
			said := r.Rung.Reason
			if err != nil {
				said = err.Error()
			}
			if !strings.Contains(said, c.says) || (err != nil) != c.fails || !c.fails && r.Rung.Status != codeforge.RungNotChecked {
				t.Errorf("%v %+v", err, r.Rung)
			}
		})
	}
}
