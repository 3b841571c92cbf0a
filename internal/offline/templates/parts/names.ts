import { icon } from "../lib/icons";
import { t } from "../lib/text";
import { button, el, panel, textInput, type Child, type View } from "../lib/view";

/** Names that people type, and the one that they are typing. */
export interface Names {
  names: string[];
  adding: string;
}

export type NamesAction = { readonly does: "adding"; readonly text: string } | { readonly does: "add" } | { readonly does: "remove"; readonly place: number };

export const noNames = (): Names => ({ names: [], adding: "" });

export const isNamesAction = (action: { readonly does: string }): action is NamesAction => ["adding", "add", "remove"].includes(action.does);

/** Several names may be typed at once, with commas between them. */
export function updateNames(state: Names, action: NamesAction): Names {
  switch (action.does) {
    case "adding":
      return { ...state, adding: action.text };
    case "add": {
      const added = state.adding.split(/[,;\n]/).map((name) => name.trim().slice(0, 60)).filter((name) => name !== "" && !state.names.includes(name));
      return { names: [...state.names, ...new Set(added)].slice(0, 60), adding: "" };
    }
    case "remove":
      return { ...state, names: state.names.filter((_, place) => place !== action.place) };
  }
}

interface Look {
  /** What is shown before a name. */
  readonly beside?: (place: number) => Child;
  /** With which it can be tried. */
  readonly examples?: string;
}

/** A panel with the names. */
export function namesPanel(title: string, label: string, state: Names, send: (action: NamesAction) => void, { beside, examples = "Ada, Ben, Chloe, Daniel" }: Look = {}): View {
  return panel(
    "names",
    title,
    el(
      "form",
      { class: "line-form", onsubmit: (use) => { use.preventDefault(); send({ does: "add" }); } },
      textInput("new-name", label, state.adding, (text) => send({ does: "adding", text }), { maxlength: 600, autocomplete: "off" }),
      el("button", { type: "submit", class: "primary" }, t("Add")),
    ),
    state.names.length === 0
      ? [
          el("p", { class: "hint" }, t("Type several at once with commas between them.")),
          el("div", { class: "controls" }, button(t("Add examples"), () => { send({ does: "adding", text: examples }); send({ does: "add" }); })),
        ]
      : el(
          "ul",
          { class: "lines" },
          state.names.map((name, place) => el("li", {}, el("span", {}, beside?.(place), name), button(icon("trash"), () => send({ does: "remove", place }), { class: "quiet bare", "aria-label": t("Delete {0}", name) }))),
        ),
  );
}
