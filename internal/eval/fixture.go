package eval

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Fixtures are projects as people bring them: a core of ten files and five for each thing that the app keeps. They are made of
// a seed, so that a project of 300 files costs a page of code, and the same every time.

// Stack is what a fixture is written with.
type Stack string

// Stacks of fixtures. Tailwind is React with utility classes in place of style sheets.
const (
	Plain    Stack = "plain"
	React    Stack = "react"
	Vue      Stack = "vue"
	Tailwind Stack = "tailwind"
)

const (
	coreFiles   = 10
	entityFiles = 5
)

// nouns are what apps keep. The plural of each is its name and an s.
var nouns = strings.Fields(`invoice customer order product booking ticket contract payment shipment supplier
	project meeting recipe workout plant garden animal visitor teacher student
	course lesson exam grade book author loan shelf-item room building
	meter sensor alarm device repair tool machine vehicle driver route
	parcel pallet warehouse counter event speaker sponsor badge photo album
	song playlist concert venue donation member campaign letter question answer`)

// entity is one thing that an app keeps, in the forms in which code names it.
type entity struct {
	one, many string // invoice, invoices
	One, Many string // Invoice, Invoices
	items     []item
}

type item struct {
	id, name string
	cents    int
	due      string // a date: of the entries some are long over, some far away
	done     bool
}

// entitiesOf returns the first n things of a seed. Their order is the seed's, but for invoices and customers, which come first:
// tasks speak of them.
func entitiesOf(n int, seed uint64) []entity {
	rng := rand.New(rand.NewPCG(seed, 0))
	names := append([]string(nil), nouns...)
	rng.Shuffle(len(names)-2, func(i, j int) { names[2+i], names[2+j] = names[2+j], names[2+i] })
	var all []entity
	for _, name := range names[:n] {
		one := strings.ReplaceAll(name, "-", "")
		e := entity{one: one, many: one + "s", One: strings.ToUpper(one[:1]) + one[1:]}
		e.Many = e.One + "s"
		// The amounts differ in their number of digits, so that sorting them as text shows.
		amounts := []int{90_00 + rng.IntN(9)*100, 1200_00 + rng.IntN(900)*100, 305_50, 45_25, 2750_00}
		rng.Shuffle(len(amounts), func(i, j int) { amounts[i], amounts[j] = amounts[j], amounts[i] })
		for i, label := range []string{"Alder", "Birch", "Cedar", "Elm", "Fir"} {
			due := fmt.Sprintf("2021-%02d-%02d", 1+rng.IntN(12), 10+rng.IntN(18))
			if i%2 == 1 {
				due = fmt.Sprintf("2098-%02d-%02d", 1+rng.IntN(12), 10+rng.IntN(18))
			}
			e.items = append(e.items, item{fmt.Sprintf("%s-%d", one, i+1), label + " " + e.One, amounts[i], due, i == 2})
		}
		all = append(all, e)
	}
	return all
}

// fixture is a project of size files: 20, 60 or 300.
func fixture(s Stack, size int, seed uint64) map[string]string {
	things := entitiesOf((size-coreFiles)/entityFiles, seed)
	switch s {
	case Plain:
		return plainFixture(things)
	case Vue:
		return vueFixture(things)
	default:
		return reactFixture(things, s == Tailwind)
	}
}

// fill puts an entity's names into a template: $one, $many, $One, $Many, and $items with its sample data.
func (e entity) fill(template string) string {
	var items strings.Builder
	for _, i := range e.items {
		fmt.Fprintf(&items, "  { id: %q, name: %q, cents: %d, due: %q, done: %t },\n", i.id, i.name, i.cents, i.due, i.done)
	}
	return strings.NewReplacer("$one", e.one, "$many", e.many, "$One", e.One, "$Many", e.Many, "$items", strings.TrimSuffix(items.String(), "\n")).Replace(template)
}

// each joins what a template gives for every thing.
func each(things []entity, template string) string {
	var b strings.Builder
	for _, e := range things {
		b.WriteString(e.fill(template))
	}
	return b.String()
}

const formatSource = `/** Formats an amount of cents for people. */
export function formatMoney(cents: number): string {
  return new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" }).format(cents / 100);
}

/** Formats a date that is stored as YYYY-MM-DD. */
export function formatDate(iso: string): string {
  const [year, month, day] = iso.split("-").map(Number);
  return new Date(Date.UTC(year, month - 1, day)).toLocaleDateString("en-US", { dateStyle: "medium", timeZone: "UTC" });
}

/** Says how many there are of something. */
export function formatCount(n: number, one: string): string {
  return n === 1 ? "1 " + one : n + " " + one + "s";
}
`

const licence = "Copyright the makers of this app. All rights reserved.\n"

func plainFixture(things []entity) map[string]string {
	files := map[string]string{
		"package.json":  "{\n  \"name\": \"office\",\n  \"private\": true,\n  \"type\": \"module\",\n  \"scripts\": { \"test\": \"vitest run\" },\n  \"devDependencies\": { \"vitest\": \"^3.0.0\" }\n}\n",
		"tsconfig.json": "{\n  \"compilerOptions\": { \"target\": \"ES2023\", \"module\": \"ESNext\", \"moduleResolution\": \"bundler\", \"strict\": true, \"noEmit\": true }\n}\n",
		"README.md":     "# Office\n\nKeeps what a small office works with. Pages are HTML files in the root; each names one script in src.\n" + each(things, "\n- $many.html: src/$many") + "\n",
		"LICENSE":       licence,
		"index.html": htmlPage("Office", "src/main.ts", "    <nav>\n"+each(things, "      <a href=\"./$many.html\">$Many</a>\n")+
			"    </nav>\n    <ul id=\"summary\"></ul>\n"),
		"styles/main.css": ":root { color-scheme: light; --accent: #2255aa; --gap: 1rem; }\nbody { font-family: system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: var(--gap); }\n" +
			"nav { display: flex; flex-wrap: wrap; gap: var(--gap); }\n.row { display: flex; gap: var(--gap); }\n.row .name { flex: 1; }\n.done { text-decoration: line-through; }\n",
		"src/main.ts": each(things, "import { total$Many } from \"./$many/model\";\n") +
			"import { el } from \"./lib/dom\";\nimport { formatMoney } from \"./lib/format\";\n\nconst summary = document.getElementById(\"summary\");\nconst totals: [string, number][] = [\n" +
			each(things, "  [\"$Many\", total$Many()],\n") +
			"];\nsummary?.replaceChildren(...totals.map(([name, cents]) => el(\"li\", \"total\", name + \": \" + formatMoney(cents))));\n",
		"src/lib/dom.ts":     "/** Makes an element with a class and a text. */\nexport function el(tag: string, className: string, text: string): HTMLElement {\n  const node = document.createElement(tag);\n  node.className = className;\n  node.textContent = text;\n  return node;\n}\n",
		"src/lib/format.ts":  formatSource,
		"src/lib/storage.ts": "/** Reads a list that was kept, or the fallback. */\nexport function load<T>(key: string, fallback: T[]): T[] {\n  try {\n    const text = localStorage.getItem(key);\n    return text === null ? fallback : (JSON.parse(text) as T[]);\n  } catch {\n    return fallback;\n  }\n}\n\n/** Keeps a list. */\nexport function save<T>(key: string, items: T[]): void {\n  localStorage.setItem(key, JSON.stringify(items));\n}\n",
	}
	for _, e := range things {
		addPlainFeature(files, e)
	}
	return files
}

// addPlainFeature adds what keeps one thing: a page, and its script in three modules with a test.
func addPlainFeature(files map[string]string, e entity) {
	files[e.many+".html"] = htmlPage(e.Many, "src/"+e.many+"/page.ts", e.fill(`    <nav><a href="./index.html">Office</a></nav>
    <ul id="list"></ul>
    <p id="total"></p>
    <form id="form">
      <label>Name <input name="name" required></label>
      <label>Amount <input name="amount" type="number" step="0.01" required></label>
      <label>Due <input name="due" type="date" required></label>
      <button>Add $one</button>
    </form>
`))
	files["src/"+e.many+"/model.ts"] = e.fill(`import { load, save } from "../lib/storage";

export interface $One {
  id: string;
  name: string;
  cents: number;
  due: string;
  done: boolean;
}

const key = "office.$many.v1";

const samples: $One[] = [
$items
];

/** All $many, by name. */
export function all$Many(): $One[] {
  return load(key, samples).toSorted((a, b) => a.name.localeCompare(b.name));
}

/** Keeps one more. */
export function add$One(item: $One): void {
  save(key, [...all$Many(), item]);
}

/** The sum of all that is open. */
export function total$Many(): number {
  return all$Many().filter((item) => !item.done).reduce((sum, item) => sum + item.cents, 0);
}
`)
	files["src/"+e.many+"/list.ts"] = e.fill(`import { el } from "../lib/dom";
import { formatDate, formatMoney } from "../lib/format";
import type { $One } from "./model";

/** Shows $many in the order in which they come. */
export function show$Many(root: HTMLElement, items: $One[]): void {
  root.replaceChildren(...items.map((item) => {
    const row = el("li", item.done ? "row done" : "row", "");
    row.append(el("span", "name", item.name), el("span", "due", formatDate(item.due)), el("span", "amount", formatMoney(item.cents)));
    return row;
  }));
}
`)
	files["src/"+e.many+"/page.ts"] = e.fill(`import { formatMoney } from "../lib/format";
import { show$Many } from "./list";
import { add$One, all$Many, total$Many } from "./model";

const list = document.getElementById("list");
const total = document.getElementById("total");
const form = document.getElementById("form");

function show(): void {
  if (list) show$Many(list, all$Many());
  if (total) total.textContent = "Total: " + formatMoney(total$Many());
}

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  const data = new FormData(event.target as HTMLFormElement);
  add$One({
    id: crypto.randomUUID(),
    name: String(data.get("name")).trim(),
    cents: Math.round(Number(data.get("amount")) * 100),
    due: String(data.get("due")),
    done: false,
  });
  (event.target as HTMLFormElement).reset();
  show();
});

show();
`)
	files["tests/"+e.many+".test.ts"] = e.fill(`import { expect, test } from "vitest";
import { total$Many } from "../src/$many/model";

test("the total of $many counts what is open", () => {
  expect(total$Many()).toBeGreaterThan(0);
});
`)
}

// htmlPage is a whole HTML page of the plain fixture.
func htmlPage(title, script, body string) string {
	return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>` + title + `</title>
    <link rel="stylesheet" href="./styles/main.css">
  </head>
  <body>
    <h1>` + title + `</h1>
` + body + `    <script type="module" src="./` + script + `"></script>
  </body>
</html>
`
}
