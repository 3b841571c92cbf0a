package verify

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// blockedBy are the findings about other origins in a project of a page and a script: place, address and the last words.
func blockedBy(t *testing.T, files map[string]string) (out []string) {
	t.Helper()
	r := Check(t.Context(), Tree{Files: files})
	for _, d := range r.Diagnostics {
		if address, advice, ok := strings.Cut(d.Message, " is on another origin, which a preview does not load: "); ok {
			if d.Severity != SeverityWarning {
				t.Errorf("%+v", d)
			}
			out = append(out, fmt.Sprintf("%s:%d:%d %s %s", d.File, d.Line, d.Column, strings.Trim(address, `"`), advice[strings.LastIndexByte(advice, ' ')+1:]))
		}
	}
	return out
}

// What a script loads from elsewhere is told where it stands, with what to do instead.
func TestScriptsThatLoadFromElsewhere(t *testing.T) {
	for script, want := range map[string]string{
		`fetch("https://api.example.com/dogs")`:                                               "a.tsx:1:8 https://api.example.com/dogs it",
		"await fetch(`https://api.example.com/dogs/${id}`)":                                   "a.tsx:1:14 https://api.example.com/dogs/ it",
		`fetch(new Request("http://localhost:3001/api"))`:                                     "a.tsx:1:20 http://localhost:3001/api it",
		"const API: string = 'https://api.example.com/v1'\nfetch(`${API}/dogs`)":              "a.tsx:1:22 https://api.example.com/v1 it",
		"const API = import.meta.env.VITE_API ?? 'https://api.example.com'\nfetch(API + 1)":   "a.tsx:1:42 https://api.example.com it",
		"let u = 'wss://live.example.com'\nnew WebSocket(u)":                                  "a.tsx:1:10 wss://live.example.com it",
		`new EventSource('https://live.example.com/e')`:                                       "a.tsx:1:18 https://live.example.com/e it",
		`navigator.sendBeacon("https://m.example.com/x", "")`:                                 "a.tsx:1:23 https://m.example.com/x it",
		`axios.get<Dog[]>("https://api.example.com/")`:                                        "a.tsx:1:19 https://api.example.com/ it",
		`axios.create({ baseURL: "https://api.example.com" })`:                                "a.tsx:1:26 https://api.example.com it",
		`$.getJSON("https://api.example.com/x")`:                                              "a.tsx:1:12 https://api.example.com/x it",
		`x.open("GET", "https://api.example.com/x")`:                                          "a.tsx:1:16 https://api.example.com/x it",
		`new Worker("https://w.example.com/w")`:                                               "a.tsx:1:13 https://w.example.com/w project",
		`import("https://esm.sh/react")`:                                                      "a.tsx:1:8 https://esm.sh/react project",
		`import x from "https://unpkg.com/x"; x()`:                                            "a.tsx:1:15 https://unpkg.com/x project",
		`new Audio("https://m.example.com/bark")`:                                             "a.tsx:1:12 https://m.example.com/bark CSS",
		`img.src = 'https://picsum.photos/200'`:                                               "a.tsx:1:12 https://picsum.photos/200 CSS",
		`const dogs = [{ name: "Rex", imageUrl: "https://images.example.com/rex?w=200" }]`:    "a.tsx:1:41 https://images.example.com/rex?w=200 CSS",
		`const all = ["https://images.example.com/rex.webp"]`:                                 "a.tsx:1:15 https://images.example.com/rex.webp CSS",
		`el.setAttribute("src", "https://i.example.com/x")`:                                   "a.tsx:1:25 https://i.example.com/x CSS",
		`<img src="https://i.example.com/a" alt="" />`:                                        "a.tsx:1:11 https://i.example.com/a CSS",
		`<img src={"https://i.example.com/a"} alt="" />`:                                      "a.tsx:1:12 https://i.example.com/a CSS",
		`<iframe title="v" src="https://v.example.com/1" />`:                                  "a.tsx:1:24 https://v.example.com/1 it",
		`el.innerHTML = '<script src="https://cdn.tailwindcss.com"></script>'`:                "a.tsx:1:30 https://cdn.tailwindcss.com project",
		"<link rel=\"stylesheet\" href=\"https://fonts.googleapis.com/css2?family=Inter\" />": "a.tsx:1:30 https://fonts.googleapis.com/css2?family=Inter have",
		`<form action="https://f.example.com/post" />`:                                        "a.tsx:1:15 https://f.example.com/post script",
		"const css = `body { background: url(https://i.example.com/b.png) }`":                 "a.tsx:1:37 https://i.example.com/b.png CSS",
		"const css = `@import url('https://fonts.bunny.net/css?family=x');`":                  "a.tsx:1:27 https://fonts.bunny.net/css?family=x have",
	} {
		got := blockedBy(t, map[string]string{"index.html": `<!doctype html><title>x</title><script type="module" src="a.tsx"></script>`, "a.tsx": script})
		if !slices.Contains(got, want) || len(got) != 1 {
			t.Errorf("%s\n got %q\nwant %q", script, got, want)
		}
	}
}

// What is no load of anything is no finding: what people follow, names of namespaces, the page's own host, what no page reaches.
func TestAddressesThatAreNotLoaded(t *testing.T) {
	for _, script := range []string{
		`<a href="https://example.com">x</a>`, `location.href = "https://example.com/x"`, `window.open("https://example.com")`, `const site = "https://example.com"; show(site)`,
		`document.createElementNS("http://www.w3.org/2000/svg", "svg")`, `<svg xmlns="http://www.w3.org/2000/svg" xmlnsXlink="http://www.w3.org/1999/xlink" />`,
		"fetch(`https://${location.host}/x`)", "new WebSocket(`wss://${location.host}`)", `fetch("/data.json")`, `fetch(new URL("data.json", import.meta.url))`,
		`// fetch("https://api.example.com")`, "/*\n * fetch('https://api.example.com')\n */", `if (img.src === "https://i.example.com/x") {}`, `<input placeholder="https://example.com" />`,
		`const schema = { $schema: "https://json-schema.org/draft", $id: "https://example.com/x" }`, `const text = "See https://example.com/a.png for more"`, `img.src = "data:image/png;base64,AA"`,
	} {
		got := blockedBy(t, map[string]string{"index.html": `<!doctype html><title>x</title><script type="module" src="a.tsx"></script>`, "a.tsx": script})
		if len(got) > 0 {
			t.Errorf("%s\n got %q", script, got)
		}
	}
	if got := blockedBy(t, map[string]string{"index.html": `<!doctype html><title>x</title><p>x`, "server/main.ts": `fetch("https://api.example.com")`}); len(got) > 0 {
		t.Errorf("of a script that no page reaches: %q", got)
	}
}

// What a page names on other origins is told, wherever it stands in it.
func TestPagesThatLoadFromElsewhere(t *testing.T) {
	for markup, want := range map[string][]string{
		`<link rel="preconnect" href="https://fonts.gstatic.com" crossorigin>`:                                                                                {"index.html:1:29 https://fonts.gstatic.com have"},
		`<link rel="dns-prefetch" href="//cdn.example.com">`:                                                                                                  {"index.html:1:31 //cdn.example.com project"},
		`<link rel="stylesheet" href="https://fonts.example.com/css?family=Inter">`:                                                                           {"index.html:1:29 https://fonts.example.com/css?family=Inter have"},
		`<script src="https://cdn.tailwindcss.com"></script>`:                                                                                                 {"index.html:1:13 https://cdn.tailwindcss.com project"},
		`<img alt="" srcset="a.jpg 1x,https://i.example.com/b.jpg 2x, https://i.example.com/c.jpg 3x">`:                                                       {"index.html:1:20 https://i.example.com/b.jpg CSS", "index.html:1:20 https://i.example.com/c.jpg CSS"},
		`<link rel="preload" as="image" imagesrcset="https://i.example.com/p.jpg 1x">`:                                                                        {"index.html:1:44 https://i.example.com/p.jpg CSS"},
		`<div style="background: url('https://i.example.com/b.png')"></div>`:                                                                                  {"index.html:1:12 https://i.example.com/b.png CSS"},
		`<div style="background: url(https://i.example.com/b.png)"></div>`:                                                                                    {"index.html:1:12 https://i.example.com/b.png CSS"},
		`<button onclick="fetch('https://api.example.com')">x</button>`:                                                                                       {"index.html:1:17 https://api.example.com it"},
		`<base href="https://example.com/">`:                                                                                                                  {"index.html:1:12 https://example.com/ project"},
		`<form action="https://f.example.com"></form>`:                                                                                                        {"index.html:1:14 https://f.example.com script"},
		`<iframe title="x" src="https://v.example.com"></iframe>`:                                                                                             {"index.html:1:23 https://v.example.com it"},
		`<video poster="https://i.example.com/p"><source src="https://i.example.com/v.mp4"></video>`:                                                          {"index.html:1:15 https://i.example.com/p CSS", "index.html:1:53 https://i.example.com/v.mp4 CSS"},
		`<script type="importmap">{"imports": {"react": "https://esm.sh/react@19"}}</script>`:                                                                 {"index.html:1:49 https://esm.sh/react@19 project"},
		`<style>@import "https://fonts.example.com/c"; p { background: url(//i.example.com/b) }</style>`:                                                      {"index.html:1:16 https://fonts.example.com/c have", "index.html:1:63 //i.example.com/b project"},
		`<a href="https://example.com">x</a><link rel="canonical" href="https://example.com/"><meta property="og:image" content="https://example.com/x.png">`: nil,
	} {
		got := slices.DeleteFunc(blockedBy(t, map[string]string{"index.html": markup, "a.jpg": ""}), func(s string) bool { return strings.Contains(s, "a.jpg") })
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s\n got %q\nwant %q", markup, got, want)
		}
	}
}
