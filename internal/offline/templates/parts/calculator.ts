import { icon } from "../lib/icons";
import { type Part } from "../lib/part";
import { t } from "../lib/text";
import { button, el, numberInput, pairs, panel, picker, textInput, type View } from "../lib/view";

/** What is asked for. A number lies between the limits; a date is a day; a choice is one of its options. */
export interface Input {
  readonly key: string;
  readonly label: string;
  readonly unit?: string;
  readonly initial: string;
  readonly least?: number;
  readonly most?: number;
  /** May stay empty, which counts as not a number. */
  readonly optional?: boolean;
  readonly options?: readonly (readonly [value: string, label: string])[];
  readonly day?: boolean;
}

/** Numbers by the keys of the inputs. */
export type Numbers = Readonly<Record<string, number>>;

export interface Result {
  readonly label: string;
  readonly value: string;
  readonly rows: readonly (readonly [label: string, value: string])[];
  /** How it comes about, in a sentence or two. */
  readonly because: string;
  readonly table?: { readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] };
}

export interface Formula {
  readonly inputs: readonly Input[];
  /** A text says what keeps it from being computed. */
  compute(numbers: Numbers, texts: Readonly<Record<string, string>>): Result | string;
}

interface State {
  typed: Record<string, string>;
  saved: { name: string; value: string; inputs: Record<string, string> }[];
  naming: string;
}

type Action =
  | { readonly does: "type"; readonly key: string; readonly text: string }
  | { readonly does: "naming"; readonly text: string }
  | { readonly does: "save"; readonly value: string }
  | { readonly does: "open" | "remove"; readonly place: number }
  | { readonly does: "reset" };

function problemOf(input: Input, text: string): string {
  if (input.options) return "";
  if (text.trim() === "") return input.optional === true ? "" : t("Needed.");
  if (input.day) return Number.isNaN(Date.parse(text)) ? t("This is not a whole date.") : "";
  const value = Number(text);
  if (!Number.isFinite(value)) return t("This is not a number.");
  if (input.least !== undefined && value < input.least) return t("At least {0}.", input.least);
  if (input.most !== undefined && value > input.most) return t("At most {0}.", input.most);
  return "";
}

export function calculator(key: string, formula: Formula): Part<State, Action> {
  const initial = (): Record<string, string> => Object.fromEntries(formula.inputs.map((input) => [input.key, input.initial]));
  return {
    key,
    start: () => ({ typed: initial(), saved: [], naming: "" }),
    update(state, action) {
      switch (action.does) {
        case "type":
          return { ...state, typed: { ...state.typed, [action.key]: action.text } };
        case "naming":
          return { ...state, naming: action.text };
        case "save":
          return { ...state, naming: "", saved: [{ name: state.naming.trim() || t("Result {0}", state.saved.length + 1), value: action.value, inputs: state.typed }, ...state.saved].slice(0, 50) };
        case "open":
          return { ...state, typed: { ...initial(), ...state.saved[action.place]?.inputs } };
        case "remove":
          return { ...state, saved: state.saved.filter((_, place) => place !== action.place) };
        case "reset":
          return { ...state, typed: initial() };
      }
    },
    view(state, send) {
      const text = (input: Input): string => state.typed[input.key] ?? input.initial;
      const faulty = formula.inputs.some((input) => problemOf(input, text(input)) !== "");
      const numbers = Object.fromEntries(formula.inputs.map((input) => [input.key, text(input).trim() === "" ? Number.NaN : Number(text(input))]));
      const result = faulty ? t("Fill in what is marked, and the result shows here.") : formula.compute(numbers, state.typed);
      const untouched = formula.inputs.every((input) => text(input) === input.initial);
      return el(
        "div",
        { class: "calculator" },
        panel(
          "inputs",
          t("Your numbers"),
          el("div", { class: "inputs" }, formula.inputs.map((input) => control(input, text(input), (value) => send({ does: "type", key: input.key, text: value })))),
          button([icon("again"), t("Start over")], () => !untouched && send({ does: "reset" }), { "aria-disabled": untouched && "true" }),
        ),
        el(
          "div",
          { class: "beside" },
          typeof result === "string" ? el("section", { class: "panel outcome", "aria-live": "polite" }, el("p", { class: "hint" }, result)) : outcome(result),
          typeof result !== "string" && savedPanel(state, result, send),
        ),
      );
    },
  };
}

function control(input: Input, value: string, set: (value: string) => void): View {
  const id = `input-${input.key}`;
  if (input.options) return picker(id, input.label, value, input.options, set);
  const problem = problemOf(input, value);
  if (input.day) return textInput(id, input.label, value, set, { type: "date" }, problem);
  return numberInput(id, input.label, value, set, input.unit ?? "", problem, { min: input.least, max: input.most });
}

function outcome(result: Result): View {
  return el(
    "section",
    { class: "panel outcome", "aria-live": "polite" },
    el("p", { class: "label" }, result.label),
    el("p", { class: "figure" }, result.value),
    pairs(result.rows, "rows"),
    el("p", { class: "hint" }, result.because),
    result.table &&
      el(
        "details",
        {},
        el("summary", {}, t("Year by year")),
        el(
          "table",
          { class: "plain" },
          el("thead", {}, el("tr", {}, result.table.head.map((name) => el("th", { scope: "col" }, name)))),
          el("tbody", {}, result.table.rows.map(([first, ...rest]) => el("tr", {}, el("th", { scope: "row" }, first), rest.map((cell) => el("td", {}, cell))))),
        ),
      ),
  );
}

function savedPanel(state: State, result: Result, send: (action: Action) => void): View {
  return panel(
    "saved",
    t("Kept results"),
    el(
      "form",
      { class: "line-form", onsubmit: (use) => { use.preventDefault(); send({ does: "save", value: `${result.label}: ${result.value}` }); } },
      textInput("result-name", t("Name"), state.naming, (text) => send({ does: "naming", text }), { maxlength: 60, autocomplete: "off" }),
      el("button", { type: "submit", class: "primary" }, t("Keep this result")),
    ),
    state.saved.length === 0
      ? el("p", { class: "hint" }, t("Keep a result to compare it with another."))
      : el(
          "ul",
          { class: "lines" },
          state.saved.map(({ name, value }, place) =>
            el(
              "li",
              {},
              el("span", {}, name),
              el("span", { class: "of" }, value),
              el("span", { class: "pair" },
                button(t("Open"), () => send({ does: "open", place }), { "aria-label": t("Open {0}", name) }),
                button(icon("trash"), () => send({ does: "remove", place }), { class: "quiet bare", "aria-label": t("Delete {0}", name) })),
            ),
          ),
        ),
  );
}
