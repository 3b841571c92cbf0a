import { button, h, svg } from "./dom";
import { hrefOf, linkText, show, titleOf, when } from "./format";
import { type ChoiceField, type Entry, type Field, type Kind } from "./kinds";
import { announce } from "./message";
import { choiceOf, columnsOf, factsOf, neighbour } from "./query";
import { t } from "./text";

/** What a list lets people do with an entry. */
export interface Actions {
  edit(entry: Entry): void;
  remove(entry: Entry): void;
  /** Changes one field at once, without the form. */
  set(entry: Entry, key: string, value: string | boolean): void;
}

export function render(kind: Kind, entries: readonly Entry[], actions: Actions): HTMLElement {
  const choice = choiceOf(kind);
  if (kind.view === "table") return table(kind, entries, actions);
  if (kind.view === "board" && choice) return board(kind, choice, entries, actions);
  return h("ul", { class: "cards" }, ...entries.map((entry) => h("li", {}, card(kind, entry, actions, "h2"))));
}

function table(kind: Kind, entries: readonly Entry[], actions: Actions): HTMLElement {
  const fields = Object.entries(kind.fields).filter(([, definition]) => definition.type !== "notes");
  const head = fields.map(([, definition]) => h("th", { scope: "col", class: definition.type }, definition.label));
  const rows = entries.map((entry) => {
    const cells = fields.map(([key, definition], index) =>
      index === 0
        ? h("th", { scope: "row", "data-label": definition.label }, value(kind, entry, key, definition, actions) || titleOf(kind, entry))
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
      h("caption", { class: "unseen" }, t("All {many}", { many: kind.many })),
      h("thead", {}, h("tr", {}, ...head, h("th", { scope: "col" }, h("span", { class: "unseen" }, t("Actions"))))),
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
  const columns = columnsOf(choice, entries).map(({ option, mine }) => {
    const items = mine.map((entry) => {
      const move = (by: number): void => {
        const to = neighbour(choice.field, option, by);
        if (to !== undefined) actions.set(entry, choice.key, to);
      };
      const grip = button("", t("Move {title} with the arrow keys", { title: titleOf(kind, entry) }), "grip", () => announce(t("Move it with the arrow keys, or drag the card.")));
      grip.append(svg("grip"));
      grip.addEventListener("keydown", (event) => {
        const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (by === undefined) return;
        event.preventDefault();
        move(by);
      });
      const mover = h("select", { "aria-label": t("{label} of {title}", { label: choice.field.label, title: titleOf(kind, entry) }) });
      for (const name of choice.field.options) mover.append(h("option", { value: name }, name));
      mover.value = option;
      mover.addEventListener("change", () => actions.set(entry, choice.key, mover.value));
      const item = h("li", { draggable: "true" }, card(kind, entry, actions, "h3", choice.key, grip, mover));
      item.addEventListener("dragstart", (event) => event.dataTransfer?.setData("text/plain", entry.id));
      return item;
    });
    const column = h(
      "section",
      { class: "column" },
      h("h2", {}, option || t("Without: {label}", { label: choice.field.label }), h("span", { class: "tally" }, String(mine.length))),
      h("ul", {}, ...items),
    );
    column.addEventListener("dragover", (event) => {
      event.preventDefault();
      column.classList.add("over");
    });
    column.addEventListener("dragleave", () => column.classList.remove("over"));
    column.addEventListener("drop", (event) => {
      event.preventDefault();
      column.classList.remove("over");
      const moved = entries.find((entry) => entry.id === event.dataTransfer?.getData("text/plain"));
      if (moved && moved[choice.key] !== option) actions.set(moved, choice.key, option);
    });
    return column;
  });
  return h("div", { class: "board" }, ...columns);
}

/** `heading` is one below what the card stands under. */
function card(kind: Kind, entry: Entry, actions: Actions, heading: "h2" | "h3", without = "", ...more: Node[]): HTMLElement {
  const facts = factsOf(kind, entry, without).map(({ key, definition }) =>
    h("div", { class: definition.type }, h("dt", {}, definition.label), h("dd", {}, value(kind, entry, key, definition, actions))),
  );
  return h(
    "article",
    { class: "card", "data-id": entry.id },
    h(heading, {}, titleOf(kind, entry)),
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
    case "date":
      return text && h("time", { datetime: String(entry[key]), title: text }, when(String(entry[key])));
    case "choice":
      return text && h("span", { class: "badge", "data-rank": String(definition.options.indexOf(text) % 4) }, text);
    case "email":
    case "phone":
    case "link": {
      const href = hrefOf(definition, text);
      if (href === "") return text;
      return definition.type === "link" ? h("a", { href, rel: "noreferrer", target: "_blank" }, linkText(text)) : h("a", { href }, text);
    }
    default:
      return text;
  }
}

function buttons(kind: Kind, entry: Entry, actions: Actions): HTMLButtonElement[] {
  const title = titleOf(kind, entry);
  return [
    button(t("Edit"), title, "edit", () => actions.edit(entry)),
    button(t("Delete"), title, "delete", () => actions.remove(entry)),
  ];
}
