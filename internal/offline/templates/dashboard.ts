import { byId, h, showMessages, svg } from "./lib/dom";
import { addLabel, nameOf, thisDay, when } from "./lib/format";
import { spread } from "./lib/grid";
import { type Kind } from "./lib/kinds";
import { comingUp, download, latest, splitOf, totals, type Moment } from "./lib/overview";
import { addSamples } from "./lib/sample";
import { all, onChange } from "./lib/store";
import { kinds } from "./model";
import { t } from "./lib/text";

function tile(kind: Kind): HTMLElement {
  const entries = all(kind);
  const split = splitOf(kind).map(({ option, rank, count }) =>
    h("li", {}, h("span", { class: "badge", "data-rank": String(rank % 4) }, `${option} ${count}`)),
  );
  return h(
    "li",
    { class: "tile", "data-kind": kind.key },
    h("a", { href: `./${kind.key}.html` }, h("span", { class: "tile-sign" }, svg(kind.icon)), h("span", { class: "figure" }, String(entries.length)), h("span", { class: "what" }, entries.length === 1 ? kind.one : kind.many)),
    h("dl", { class: "totals" }, ...totals(kind).map(({ label, value }) => h("div", {}, h("dt", {}, label), h("dd", {}, value)))),
    split.length > 0 ? h("ul", { class: "split" }, ...split) : h("p", { class: "hint" }, entries.length === 0 ? t("Nothing here yet.") : ""),
    h("a", { class: "add", href: `./${kind.key}.html#new` }, addLabel(kind)),
  );
}

function line({ kind, entry, at }: Moment): HTMLElement {
  return h(
    "li",
    {},
    h("a", { href: `./${kind.key}.html` }, nameOf(kind, entry)),
    h("span", { class: "of" }, kind.one),
    h("time", { datetime: at }, when(at)),
  );
}

function refresh(): void {
  byId("day", HTMLElement).textContent = thisDay();
  byId("tiles", HTMLElement).replaceChildren(...kinds.map(tile));
  byId("sample", HTMLButtonElement).hidden = kinds.some((kind) => all(kind).length > 0);
  const next = comingUp();
  byId("ahead", HTMLElement).hidden = next.length === 0;
  byId("next", HTMLElement).replaceChildren(...next.map(line));
  const fresh = latest();
  byId("latest", HTMLElement).replaceChildren(...fresh.map(line));
  byId("latest-empty", HTMLElement).hidden = fresh.length > 0;
}

byId("sample", HTMLButtonElement).addEventListener("click", () => addSamples());
byId("download", HTMLButtonElement).addEventListener("click", download);
for (const [name, value] of Object.entries(spread(kinds.length))) byId("tiles", HTMLElement).style.setProperty(name, value);
showMessages();
onChange(refresh);
refresh();
