import { sum } from "../../lib/format";
import { type Part } from "../../lib/part";
import { t } from "../../lib/text";
import { button, el, picker } from "../../lib/view";
import { below, frame } from "../board";

interface State {
  count: number;
  sides: number;
  faces: number[];
  held: number[];
  history: number[][];
}

type Action =
  | { readonly does: "roll" }
  | { readonly does: "hold"; readonly die: number }
  | { readonly does: "count"; readonly count: number }
  | { readonly does: "sides"; readonly sides: number }
  | { readonly does: "again" };

export function dice(key: string): Part<State, Action> {
  return {
    key,
    start: () => ({ count: 2, sides: 6, faces: [1, 1], held: [], history: [] }),
    update(state, action) {
      switch (action.does) {
        case "roll": {
          const faces = Array.from({ length: state.count }, (_, die) => (state.held.includes(die) ? (state.faces[die] ?? 1) : below(state.sides) + 1));
          return { ...state, faces, history: [faces, ...state.history].slice(0, 20) };
        }
        case "hold":
          return { ...state, held: state.held.includes(action.die) ? state.held.filter((die) => die !== action.die) : [...state.held, action.die] };
        case "count":
          return { ...state, count: action.count, faces: Array<number>(action.count).fill(1), held: [] };
        case "sides":
          return { ...state, sides: action.sides, faces: state.faces.map(() => 1), held: [] };
        case "again":
          return { ...state, held: [], history: [] };
      }
    },
    view(state, send) {
      const rolled = state.history.length > 0;
      const average = rolled ? (sum(state.history.map(sum)) / state.history.length).toFixed(1) : "–";
      return frame({
        status: rolled ? t("Together {0}.", sum(state.faces)) : t("Roll the dice."),
        facts: [[t("Rolls"), state.history.length], [t("Average"), average]],
        board: el(
          "div",
          { class: "hand" },
          state.faces.map((face, die) => button(face, () => send({ does: "hold", die }), { class: `die ${state.held.includes(die) ? "held" : ""}`, "aria-label": t("Die {0} shows {1}", die + 1, face), "aria-pressed": String(state.held.includes(die)) })),
        ),
        below: [
          el("div", { class: "controls" }, button(t("Roll"), () => send({ does: "roll" }), { class: "primary large" })),
          rolled && el("ol", { class: "guesses" }, state.history.map((faces) => el("li", {}, `${faces.join(" + ")} = ${sum(faces)}`))),
        ],
        options: [
          picker("count", t("Dice"), String(state.count), ["1", "2", "3", "4", "5", "6"].map((n) => [n, n] as const), (count) => send({ does: "count", count: Number(count) })),
          picker("sides", t("Sides"), String(state.sides), ["4", "6", "8", "10", "12", "20"].map((n) => [n, n] as const), (sides) => send({ does: "sides", sides: Number(sides) })),
        ],
        restart: t("Clear rolls"),
        again: () => send({ does: "again" }),
        untouched: !rolled && state.held.length === 0,
        rules: t("Press a die to keep it for the next roll. The last twenty rolls are listed."),
      });
    },
  };
}
