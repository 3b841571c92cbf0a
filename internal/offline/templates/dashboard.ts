import { byId, h, showMessages } from "./lib/dom";
import { addLabel, date, nameOf } from "./lib/format";
import { spread } from "./lib/grid";
import { type Kind } from "./lib/kinds";
import { comingUp, download, latest, splitOf, type Moment } from "./lib/overview";
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
    h("a", { href: `./${kind.key}.html` }, h("span", { class: "figure" }, String(entries.length)), h("span", { class: "what" }, entries.length === 1 ? kind.one : kind.many)),
    split.length > 0 ? h("ul", { class: "split" }, ...split) : h("p", { class: "hint" }, entries.length === 0 ? t("Nothing here yet.") : ""),
    h("a", { class: "add", href: `./${kind.key}.html#new` }, addLabel(kind)),
  );
}

function line({ kind, entry, when }: Moment, note: string): HTMLElement {
  return h(
    "li",
    {},
    h("a", { href: `./${kind.key}.html` }, nameOf(kind, entry)),
    h("span", { class: "of" }, kind.one),
    h("time", { datetime: when }, note),
  );
}

function refresh(): void {
  byId("tiles", HTMLElement).replaceChildren(...kinds.map(tile));
  const next = comingUp();
  byId("next", HTMLElement).replaceChildren(...next.map((moment) => line(moment, date(moment.when))));
  byId("sample", HTMLButtonElement).hidden = kinds.some((kind) => all(kind).length > 0);
  byId("next-empty", HTMLElement).hidden = next.length > 0;
  const fresh = latest();
  byId("latest", HTMLElement).replaceChildren(...fresh.map((moment) => line(moment, date(moment.when.slice(0, 10)))));
  byId("latest-empty", HTMLElement).hidden = fresh.length > 0;
}

byId("sample", HTMLButtonElement).addEventListener("click", () => addSamples());
byId("download", HTMLButtonElement).addEventListener("click", download);
for (const [name, value] of Object.entries(spread(kinds.length))) byId("tiles", HTMLElement).style.setProperty(name, value);
showMessages();
onChange(refresh);
refresh();
