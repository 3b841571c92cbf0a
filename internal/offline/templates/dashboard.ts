import { announce, byId, h } from "./lib/dom";
import { date, plural, titleOf, today } from "./lib/format";
import { type Entry, type Kind } from "./lib/kinds";
import { choiceOf } from "./lib/list";
import { all, onChange } from "./lib/store";
import { app, kinds } from "./model";

interface Moment {
  readonly kind: Kind;
  readonly entry: Entry;
  readonly when: string;
}

/** Entries with a date from today on, the next first. Only a kind's first date counts. */
function comingUp(): Moment[] {
  return kinds
    .flatMap((kind) => {
      const key = Object.keys(kind.fields).find((name) => kind.fields[name]?.type === "date");
      return key === undefined ? [] : all(kind).map((entry) => ({ kind, entry, when: String(entry[key]) }));
    })
    .filter(({ when }) => when >= today())
    .sort((a, b) => a.when.localeCompare(b.when))
    .slice(0, 6);
}

function latest(): Moment[] {
  return kinds
    .flatMap((kind) => all(kind).map((entry) => ({ kind, entry, when: entry.createdAt })))
    .sort((a, b) => b.when.localeCompare(a.when))
    .slice(0, 6);
}

function tile(kind: Kind): HTMLElement {
  const entries = all(kind);
  const choice = choiceOf(kind);
  const split = (choice?.field.options ?? []).flatMap((option, rank) => {
    const count = entries.filter((entry) => choice && entry[choice.key] === option).length;
    return count === 0 ? [] : [h("li", {}, h("span", { class: "badge", "data-rank": String(rank % 4) }, `${option} ${count}`))];
  });
  return h(
    "li",
    { class: "tile", "data-kind": kind.key },
    h("a", { href: `./${kind.key}.html` }, h("span", { class: "figure" }, String(entries.length)), h("span", { class: "what" }, entries.length === 1 ? kind.one : kind.many)),
    split.length > 0 ? h("ul", { class: "split" }, ...split) : h("p", { class: "hint" }, entries.length === 0 ? "Nothing here yet." : ""),
    h("a", { class: "add", href: `./${kind.key}.html#new` }, `${kind.verb} ${kind.one}`),
  );
}

function line({ kind, entry, when }: Moment, note: string): HTMLElement {
  return h(
    "li",
    {},
    h("a", { href: `./${kind.key}.html` }, titleOf(kind, entry)),
    h("span", { class: "of" }, kind.one),
    h("time", { datetime: when }, note),
  );
}

function refresh(): void {
  byId("tiles", HTMLElement).replaceChildren(...kinds.map(tile));
  const next = comingUp();
  byId("next", HTMLElement).replaceChildren(...next.map((moment) => line(moment, date(moment.when))));
  byId("next-empty", HTMLElement).hidden = next.length > 0;
  const fresh = latest();
  byId("latest", HTMLElement).replaceChildren(...fresh.map((moment) => line(moment, date(moment.when.slice(0, 10)))));
  byId("latest-empty", HTMLElement).hidden = fresh.length > 0;
}

/** Everything that was entered, as a file for safe keeping. */
function download(): void {
  const data = Object.fromEntries(kinds.map((kind) => [kind.key, all(kind)]));
  const url = URL.createObjectURL(new Blob([JSON.stringify(data, null, 2)], { type: "application/json" }));
  h("a", { href: url, download: `${app.id}-${today()}.json` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
  announce(`Saved ${kinds.map((kind) => plural(all(kind).length, kind)).join(", ")}.`);
}

byId("download", HTMLButtonElement).addEventListener("click", download);
onChange(refresh);
refresh();
