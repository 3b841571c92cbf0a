import { type Part } from "../../lib/part";
import { t } from "../../lib/text";
import { el, numberInput, picker } from "../../lib/view";
import { below, fewest, frame } from "../board";

interface State {
  most: number;
  secret: number;
  typed: string;
  guesses: number[];
  best: Record<string, number>;
}

type Action = { readonly does: "type"; readonly text: string } | { readonly does: "guess" } | { readonly does: "most"; readonly most: number } | { readonly does: "again" };

const fresh = (state: State, most: number): State => ({ ...state, most, secret: below(most) + 1, typed: "", guesses: [] });

const isFound = (state: State): boolean => state.guesses[0] === state.secret;

function problemOf(state: State): string {
  const guess = Number(state.typed);
  return state.typed !== "" && !(Number.isInteger(guess) && guess >= 1 && guess <= state.most) ? t("A whole number from 1 to {0}, please.", state.most) : "";
}

export function numberGuess(key: string): Part<State, Action> {
  return {
    key,
    start: () => fresh({ most: 100, secret: 1, typed: "", guesses: [], best: {} }, 100),
    update(state, action) {
      switch (action.does) {
        case "type":
          return { ...state, typed: action.text };
        case "guess": {
          if (isFound(state) || state.typed === "" || problemOf(state) !== "") return state;
          const after = { ...state, typed: "", guesses: [Number(state.typed), ...state.guesses] };
          return isFound(after) ? { ...after, best: { ...after.best, [after.most]: fewest(after.best[after.most] ?? 0, after.guesses.length) } } : after;
        }
        case "most":
          return fresh(state, action.most);
        case "again":
          return fresh(state, state.most);
      }
    },
    view(state, send) {
      const [last] = state.guesses;
      const found = isFound(state);
      const hint = last === undefined ? t("I think of a number from 1 to {0}.", state.most) : found ? t("{0} is right, after {1} guesses!", last, state.guesses.length) : last < state.secret ? t("{0} is too low.", last) : t("{0} is too high.", last);
      const problem = problemOf(state);
      return frame({
        status: hint,
        facts: [[t("Guesses"), state.guesses.length], [t("Best"), state.best[state.most] ?? "–"]],
        board: el(
          "form",
          { class: "line-form", onsubmit: (use) => { use.preventDefault(); send({ does: "guess" }); } },
          numberInput("guess", t("Your guess"), state.typed, (text) => send({ does: "type", text }), "", problem, { min: 1, max: state.most, step: 1, autocomplete: "off" }),
          el("button", { type: "submit", class: "primary", "aria-disabled": (found || state.typed === "" || problem !== "") && "true" }, t("Guess")),
        ),
        below: state.guesses.length > 0 && el("ol", { class: "guesses", reversed: true }, state.guesses.map((guess) => el("li", {}, guess === state.secret ? t("{0}: right", guess) : guess < state.secret ? t("{0}: too low", guess) : t("{0}: too high", guess)))),
        options: picker("most", t("Numbers to"), String(state.most), ["10", "100", "1000"].map((most) => [most, most] as const), (most) => send({ does: "most", most: Number(most) })),
        again: () => send({ does: "again" }),
        rules: t("After each guess you hear whether it was too low or too high. Halving what is left finds it fastest."),
      });
    },
  };
}
