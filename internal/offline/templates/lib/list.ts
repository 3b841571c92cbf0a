import { button, h } from "./dom";
import { show, titleOf } from "./format";
import { titleKey, type ChoiceField, type Entry, type Field, type Kind } from "./kinds";

/** What a list lets people do with an entry. */
export interface Actions {
  edit(entry: Entry): void;
  remove(entry: Entry): void;
  /** Changes one field at once, without the form. */
  set(entry: Entry, key: string, value: string | boolean): void;
}

/** Entries that hold every word of the search, in any field, and the chosen option. */
export function select(kind: Kind, entries: readonly Entry[], search: string, option: string): Entry[] {
  const words = search.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const choice = choiceOf(kind);
  return entries.filter((entry) => {
    if (option !== "" && choice && entry[choice.key] !== option) return false;
    const text = Object.entries(kind.fields)
      .map(([key, definition]) => show(definition, entry[key]))
      .join(" ")
      .toLocaleLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** Sorts by a field, or, for "", by newest first. Entries without a value come last. */
export function sort(kind: Kind, entries: readonly Entry[], key: string): Entry[] {
  const definition = kind.fields[key];
  if (!definition) return [...entries].reverse();
  return [...entries].sort((a, b) => {
    const [left, right] = [a[key], b[key]];
    if (typeof left === "number" && typeof right === "number") return left - right;
    const [one, two] = definition.type === "date" ? [String(left), String(right)] : [show(definition, left), show(definition, right)];
    return Number(one === "") - Number(two === "") || one.localeCompare(two, undefined, { numeric: true });
  });
}

export function render(kind: Kind, entries: readonly Entry[], actions: Actions): HTMLElement {
  const choice = choiceOf(kind);
  if (kind.view === "table") return table(kind, entries, actions);
  if (kind.view === "board" && choice) return board(kind, choice, entries, actions);
  return h("ul", { class: "cards" }, ...entries.map((entry) => h("li", {}, card(kind, entry, actions))));
}

/** The choice that filters the list and makes the columns of a board: the kind's first. */
export function choiceOf(kind: Kind): { key: string; field: ChoiceField } | undefined {
  for (const [key, field] of Object.entries(kind.fields)) if (field.type === "choice") return { key, field };
  return undefined;
}

function table(kind: Kind, entries: readonly Entry[], actions: Actions): HTMLElement {
  const fields = Object.entries(kind.fields).filter(([, definition]) => definition.type !== "notes");
  const head = fields.map(([, definition]) => h("th", { scope: "col", class: definition.type }, definition.label));
  const rows = entries.map((entry) => {
    const cells = fields.map(([key, definition], index) =>
      index === 0
        ? h("th", { scope: "row", "data-label": definition.label }, titleOf(kind, entry))
        : h("td", { "data-label": definition.label, class: definition.type }, value(kind, entry, key, definition, actions)),
    );
    return h("tr", { "data-id": entry.id }, ...cells, h("td", { class: "actions" }, ...buttons(kind, entry, actions)));
  });
  return h(
    "div",
    { class: "sheet" },
    h(
      "table",
      {},
      h("caption", { class: "unseen" }, `All ${kind.many}`),
      h("thead", {}, h("tr", {}, ...head, h("th", { scope: "col" }, h("span", { class: "unseen" }, "Actions")))),
      h("tbody", {}, ...rows),
    ),
  );
}

function board(
  kind: Kind,
  choice: { key: string; field: ChoiceField },
  entries: readonly Entry[],
  actions: Actions,
): HTMLElement {
  const columns = [...choice.field.options, ""].flatMap((option) => {
    const mine = entries.filter((entry) => entry[choice.key] === option);
    if (option === "" && mine.length === 0) return [];
    const items = mine.map((entry) => {
      const mover = h("select", { "aria-label": `${choice.field.label} of ${titleOf(kind, entry)}` });
      for (const name of choice.field.options) mover.append(h("option", { value: name }, name));
      mover.value = option;
      mover.addEventListener("change", () => actions.set(entry, choice.key, mover.value));
      return h("li", {}, card(kind, entry, actions, choice.key, mover));
    });
    return h(
      "section",
      { class: "column" },
      h("h2", {}, option || `No ${choice.field.label.toLowerCase()}`, h("span", { class: "tally" }, String(mine.length))),
      h("ul", {}, ...items),
    );
  });
  return h("div", { class: "board" }, ...columns);
}

function card(kind: Kind, entry: Entry, actions: Actions, without = "", ...more: Node[]): HTMLElement {
  const title = titleKey(kind);
  const facts = Object.entries(kind.fields)
    .filter(([key, definition]) => key !== title && key !== without && (definition.type === "flag" || show(definition, entry[key]) !== ""))
    .map(([key, definition]) =>
      h("div", { class: definition.type }, h("dt", {}, definition.label), h("dd", {}, value(kind, entry, key, definition, actions))),
    );
  return h(
    "article",
    { class: "card", "data-id": entry.id },
    h("h3", {}, titleOf(kind, entry)),
    h("dl", {}, ...facts),
    h("div", { class: "actions" }, ...more, ...buttons(kind, entry, actions)),
  );
}

function value(kind: Kind, entry: Entry, key: string, definition: Field, actions: Actions): Node | string {
  const text = show(definition, entry[key]);
  switch (definition.type) {
    case "flag": {
      const box = h("input", { type: "checkbox", "aria-label": `${definition.label}: ${titleOf(kind, entry)}` });
      box.checked = entry[key] === true;
      box.addEventListener("change", () => actions.set(entry, key, box.checked));
      return box;
    }
    case "choice":
      return text && h("span", { class: "badge", "data-rank": String(definition.options.indexOf(text) % 4) }, text);
    case "email":
      return text && h("a", { href: `mailto:${text}` }, text);
    case "phone":
      return text && h("a", { href: `tel:${text.replace(/[^\d+]/g, "")}` }, text);
    case "link":
      return /^https?:\/\//i.test(text) ? h("a", { href: text, rel: "noreferrer", target: "_blank" }, text) : text;
    default:
      return text;
  }
}

function buttons(kind: Kind, entry: Entry, actions: Actions): HTMLButtonElement[] {
  const title = titleOf(kind, entry);
  return [
    button("Edit", title, "edit", () => actions.edit(entry)),
    button("Delete", title, "delete", () => actions.remove(entry)),
  ];
}
