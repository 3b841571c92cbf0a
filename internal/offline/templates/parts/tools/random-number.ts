import { icon } from "../../lib/icons";
import { type Part } from "../../lib/part";
import { t } from "../../lib/text";
import { button, el, numberInput, panel } from "../../lib/view";
import { below } from "../board";

interface State {
  typed: Record<string, string>;
  different: boolean;
  drawn: number[];
  past: string[];
}

type Action = { readonly does: "type"; readonly key: string; readonly text: string } | { readonly does: "different" | "draw" | "forget" };

const isWhole = (text: string): boolean => text.trim() !== "" && Number.isSafeInteger(Number(text)) && Math.abs(Number(text)) <= 1e9;

/** What keeps numbers from being drawn; "" for nothing. */
function problem({ typed: { from = "", to = "", count = "" }, different }: State): string {
  if (![from, to, count].every(isWhole)) return t("Whole numbers, please.");
  if (Number(from) > Number(to)) return t("The first is more than the last.");
  if (Number(count) < 1 || Number(count) > 100) return t("From {0} to {1}, please.", 1, 100);
  return different && Number(count) > Number(to) - Number(from) + 1 ? t("There are not so many different ones.") : "";
}

function draw(state: State): number[] {
  const [from, to, count] = ["from", "to", "count"].map((key) => Number(state.typed[key])) as [number, number, number];
  const out: number[] = [];
  while (out.length < count) {
    const n = from + below(to - from + 1);
    if (!state.different || !out.includes(n)) out.push(n);
  }
  return out;
}

export function randomNumber(key: string): Part<State, Action> {
  return {
    key,
    start: () => ({ typed: { from: "1", to: "100", count: "1" }, different: true, drawn: [], past: [] }),
    update(state, action) {
      switch (action.does) {
        case "type":
          return { ...state, typed: { ...state.typed, [action.key]: action.text } };
        case "different":
          return { ...state, different: !state.different };
        case "draw": {
          if (problem(state) !== "") return state;
          const drawn = draw(state);
          return { ...state, drawn, past: [drawn.join(", "), ...state.past].slice(0, 20) };
        }
        case "forget":
          return { ...state, drawn: [], past: [] };
      }
    },
    press: (_, pressed) => (pressed === " " ? { does: "draw" } : undefined),
    view(state, send) {
      const wrong = problem(state);
      const input = (name: string, label: string) => numberInput(name, label, state.typed[name] ?? "", (text) => send({ does: "type", key: name, text }));
      return el(
        "div",
        { class: "calculator" },
        panel(
          "inputs",
          t("Settings"),
          el("div", { class: "inputs" }, input("from", t("From")), input("to", t("To")), input("count", t("How many"))),
          el("label", { class: "check" }, el("input", { type: "checkbox", checked: state.different, onchange: () => send({ does: "different" }) }), ` ${t("Each only once")}`),
          el("p", { class: "problem", role: "status" }, wrong),
          button([icon("again"), t("Draw")], () => wrong === "" && send({ does: "draw" }), { class: "primary large", "aria-disabled": wrong !== "" && "true" }),
        ),
        el(
          "section",
          { class: "panel outcome", "aria-live": "polite" },
          el("p", { class: "label" }, t("Drawn")),
          el("p", { class: "figure" }, state.drawn.length === 0 ? "–" : state.drawn.join(", ")),
          state.past.length > 0 && [el("ol", { class: "guesses" }, state.past.map((numbers) => el("li", {}, numbers))), el("div", { class: "controls spaced" }, button([icon("trash"), t("Clear")], () => send({ does: "forget" })))],
        ),
      );
    },
  };
}
