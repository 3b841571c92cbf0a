import { type Part } from "../../lib/part";
import { t } from "../../lib/text";
import { button, el } from "../../lib/view";
import { frame } from "../board";
import { cardName, coveredCard, deck, playingCard, rankOf } from "../playing-cards";

interface State {
  /** The first is the next to come. */
  deck: number[];
  /** Those that lie open, the newest first. */
  open: number[];
  streak: number;
  best: number;
  over: boolean;
  /** What came of the last guess. */
  last: string;
}

type Action = { readonly does: "guess"; readonly higher: boolean } | { readonly does: "again" };

function fresh(best: number): State {
  const [first = 0, ...rest] = deck();
  return { deck: rest, open: [first], streak: 0, best, over: false, last: "" };
}

function guess(state: State, higher: boolean): State {
  const [card, ...rest] = state.deck;
  const shown = state.open[0];
  if (state.over || card === undefined || shown === undefined) return state;
  const difference = rankOf(card) - rankOf(shown);
  const open = [card, ...state.open].slice(0, 5);
  const left = rest.length > 0 ? rest : deck();
  if (difference === 0) return { ...state, deck: left, open, last: "same" };
  if (difference > 0 !== higher) return { ...state, deck: left, open, over: true, last: "wrong" };
  const streak = state.streak + 1;
  return { ...state, deck: left, open, streak, best: Math.max(state.best, streak), last: "right" };
}

export function higherLower(key: string): Part<State, Action> {
  return {
    key,
    start: () => fresh(0),
    update: (state, action) => (action.does === "again" ? fresh(state.best) : guess(state, action.higher)),
    press(state, pressed) {
      if (state.over) return undefined;
      if (pressed === "ArrowUp" || pressed === "h") return { does: "guess", higher: true };
      return pressed === "ArrowDown" || pressed === "l" ? { does: "guess", higher: false } : undefined;
    },
    view(state, send) {
      const [now = 0, ...before] = state.open;
      const texts: Record<string, string> = {
        right: t("Right: {0}.", cardName(now)),
        wrong: t("Wrong: {0}. You had {1} in a row.", cardName(now), state.streak),
        same: t("The same rank: {0}. It counts as nothing.", cardName(now)),
      };
      const off = { "aria-disabled": state.over && "true", class: "primary" };
      return frame({
        status: texts[state.last] ?? t("Is the next card higher or lower?"),
        facts: [[t("In a row"), state.streak], [t("Best"), state.best], [t("Cards left"), state.deck.length]],
        board: el("div", { class: "hand" }, coveredCard(), playingCard(now), el("div", { class: "hand past" }, before.map(playingCard))),
        below: el(
          "div",
          { class: "controls" },
          button(t("Higher"), () => !state.over && send({ does: "guess", higher: true }), off),
          button(t("Lower"), () => !state.over && send({ does: "guess", higher: false }), off),
        ),
        again: () => send({ does: "again" }),
        rules: t("Guess whether the next card is higher or lower than the open one. The ace is highest; equal ranks count as nothing. The arrow keys up and down guess too."),
      });
    },
  };
}
