package browser

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// heard is a site that notes what its pages tell it.
type heard struct {
	files
	mu    sync.Mutex
	words []string
}

func (h *heard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/tell" {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.words = append(h.words, r.URL.Query().Get("w"))
		fmt.Fprint(w, "ok")
		return
	}
	h.files.ServeHTTP(w, r)
}

// told is each word once, in order of the alphabet.
func (h *heard) told() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	slices.Sort(h.words)
	return slices.Compact(slices.Clone(h.words))
}

// TestUses: every kind of control is used as a person uses it, whatever it takes: trusted events, values that fit, answers to
// dialogs, menus that must be opened first; what destroys comes last.
func TestUses(t *testing.T) {
	h := &heard{files: files{"index.html": document(`
<form id="f" novalidate><label>Mail <input type="email" required></label><label>How many <input type="number" min="3" max="9" step="2"></label>
<label>Day <input type="date"></label><label>Code <input pattern="[A-Z]{2}-\d{4}" title="a code"></label><label>Short <input maxlength="2"></label><label>Kind <select><option value="">None</option><option value="b">B</option></select></label>
<label>Notes <textarea></textarea></label><label>Sure <input type="checkbox"></label><label><input type="radio" name="r" value="x">Red</label><label>Size <input type="range" min="0" max="10" value="5"></label><button>Save</button></form>
<label>New task <input id="task"></label><ul id="tasks"></ul>
<p contenteditable="true" aria-label="Story" role="textbox"></p>
<details><summary>More</summary><button data-tell="inside details">Inside</button></details>
<button onclick="tell('confirm ' + confirm('Sure?'))">Ask</button><button onclick="tell('prompt ' + prompt('Name?'))">Name</button><button onclick="alert('Hi'); tell('alert')">Greet</button>
<div role="tablist"><button role="tab" aria-selected="true" data-tell="tab one">One</button><button role="tab" aria-selected="false" data-tell="tab two">Two</button></div>
<button id="menu" aria-haspopup="menu">Menu</button><div role="menu" hidden><button role="menuitem" data-tell="menu item">Rename</button></div>
<button onclick="d.showModal()">Open dialog</button><dialog id="d"><form method="dialog"><label>Title <input></label><button data-tell="dialog saved">Keep</button><button type="button" onclick="d.close()">Cancel</button></form></dialog>
<button id="pointer">Pointer</button>
<button onclick="tell('deleted after ' + order.length)">Delete all</button>
<button disabled data-tell="disabled">Never</button><button hidden data-tell="hidden">Never</button>
<script>
const order = [];
const tell = (w) => { order.push(w); fetch("/tell?w=" + encodeURIComponent(w)); document.body.dataset.n = order.length; };
for (const b of document.querySelectorAll("[data-tell]")) b.onclick = (e) => tell(b.dataset.tell + (e.isTrusted ? "" : " not trusted"));
f.onsubmit = (e) => { e.preventDefault(); const v = [...f.elements].filter((x) => x.type !== "submit"); tell("form " + v.map((x) => x.type === "checkbox" || x.type === "radio" ? x.checked : x.value).join("|") + " valid " + f.checkValidity()); };
task.onkeydown = (e) => { if (e.key === "Enter" && task.value) { const li = document.createElement("li"); li.textContent = task.value; tasks.append(li); task.value = ""; tell("task by Enter"); } };
document.querySelector("[contenteditable]").oninput = (e) => tell("wrote " + e.target.textContent);
menu.onclick = () => { document.querySelector("[role=menu]").hidden = false; };
pointer.addEventListener("pointerdown", (e) => tell("pointer " + e.isTrusted));
</script>`)}}
	r := look(t, h)
	want(t, r)
	told := h.told()
	for _, w := range []string{
		"form ada@example.org|5|2030-05-17|AB-1234|So|b|Some words|true|true|0 valid true", "task by Enter", "wrote Some words", "inside details", "confirm true", "prompt Some words", "alert",
		"tab one", "tab two", "menu item", "dialog saved", "pointer true",
	} {
		if !slices.Contains(told, w) {
			t.Errorf("the site did not hear %q", w)
		}
	}
	last := ""
	for _, w := range told {
		if strings.Contains(w, "not trusted") || strings.Contains(w, "disabled") || strings.Contains(w, "hidden") {
			t.Errorf("the site heard %q", w)
		}
		if strings.HasPrefix(w, "deleted") {
			last = w
		}
	}
	if last == "" || last < "deleted after 1" {
		t.Errorf("what destroys was used too early, or not at all: %q", last)
	}
	if t.Failed() {
		t.Logf("heard\n  %s", strings.Join(told, "\n  "))
	}
}
