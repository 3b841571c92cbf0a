import { type Part } from "../../lib/part";
import { t } from "../../lib/text";
import { el, textInput } from "../../lib/view";
import { below, frame } from "../board";

const texts: readonly string[] = [
  t("The train was late, so we sat in the sun and counted the clouds above the station."),
  t("A good loaf needs flour, water, salt and time; nothing else makes it better."),
  t("She wrote her letters by hand and sent them on the first day of every month."),
  t("Behind the old mill the river turns, and in summer children jump from the bridge."),
  t("He keeps his tools in order: what was used goes back before the evening ends."),
  t("On the last page of the book somebody had drawn a map of a town that nobody knew."),
];

interface State {
  text: number;
  typed: string;
  /** When the first letter was typed, in milliseconds since 1970; 0 before. */
  since: number;
  /** What it took, in milliseconds; 0 until the text is whole. */
  took: number;
  best: number;
}

type Action = { readonly does: "type"; readonly text: string } | { readonly does: "again" | "tick" };

const textOf = (state: State): string => texts[state.text] ?? "";
const rightIn = (state: State): number => [...state.typed].filter((letter, n) => letter === textOf(state)[n]).length;

/** Words a minute: five letters count as one. */
function speed(state: State): number {
  const time = state.took > 0 ? state.took : state.since > 0 ? Date.now() - state.since : 0;
  return time < 1000 ? 0 : Math.round((rightIn(state) / 5) * (60_000 / time));
}

export function typing(key: string): Part<State, Action> {
  return {
    key,
    start: () => ({ text: 0, typed: "", since: 0, took: 0, best: 0 }),
    update(state, action) {
      switch (action.does) {
        case "type": {
          if (state.took > 0) return state;
          const after = { ...state, typed: action.text.slice(0, textOf(state).length), since: state.since > 0 ? state.since : Date.now() };
          if (after.typed.length < textOf(state).length) return after;
          const whole = { ...after, took: Math.max(1, Date.now() - after.since) };
          return { ...whole, best: Math.max(state.best, speed(whole)) };
        }
        case "again":
          return { ...state, text: (state.text + 1 + below(texts.length - 1)) % texts.length, typed: "", since: 0, took: 0 };
        case "tick":
          return state;
      }
    },
    tick: { action: { does: "tick" }, every: (state) => (state.since > 0 && state.took === 0 ? 500 : 0) },
    view(state, send) {
      const text = textOf(state);
      const share = state.typed.length === 0 ? 100 : Math.round((100 * rightIn(state)) / state.typed.length);
      return frame({
        status: state.took > 0 ? t("{0} words a minute, {1} % right.", speed(state), share) : state.since > 0 ? t("Go on…") : t("The time runs from the first letter."),
        facts: [[t("Words a minute"), speed(state)], [t("Right"), `${share} %`], [t("Best"), state.best]],
        board: el("p", { class: "typing-text" }, [...text].map((letter, n) => el("span", { class: n >= state.typed.length ? (n === state.typed.length ? "next" : "") : state.typed[n] === letter ? "right" : "wrong" }, letter))),
        below: el("div", { class: "whole" }, textInput("typed", t("Type the text here"), state.typed, (typed) => send({ does: "type", text: typed }), { autocomplete: "off", maxlength: text.length })),
        restart: t("Another text"),
        again: () => send({ does: "again" }),
        rules: t("Type the text as it stands. Only right letters count; five make a word. Mistakes may be mended."),
      });
    },
  };
}
