import { icon } from "../../lib/icons";
import { type Part } from "../../lib/part";
import { t } from "../../lib/text";
import { picker } from "../../lib/view";
import { board, fewest, frame, placeName, shuffled } from "../board";

const pictures = ["star", "heart", "leaf", "sun", "moon", "home", "music", "book", "flag", "bell"];

interface State {
  pairs: number;
  /** The picture of each card. */
  cards: number[];
  open: number[];
  found: number[];
  moves: number;
  best: Record<string, number>;
}

type Action = { readonly does: "turn"; readonly place: number } | { readonly does: "cover" } | { readonly does: "pairs"; readonly pairs: number } | { readonly does: "again" };

const deal = (pairs: number): number[] => shuffled(Array.from({ length: 2 * pairs }, (_, n) => n % pairs));

const fresh = (state: State, pairs: number): State => ({ ...state, pairs, cards: deal(pairs), open: [], found: [], moves: 0 });

function turn(state: State, place: number): State {
  const before = state.open.length === 2 ? [] : state.open;
  if (before.includes(place) || state.found.includes(place)) return state;
  const open = [...before, place];
  const [first = -1, second = -1] = open;
  if (open.length < 2) return { ...state, open };
  const moves = state.moves + 1;
  if (state.cards[first] !== state.cards[second]) return { ...state, open, moves };
  const found = [...state.found, first, second];
  const done = found.length === state.cards.length;
  const best = done ? { ...state.best, [state.pairs]: fewest(state.best[state.pairs] ?? 0, moves) } : state.best;
  return { ...state, open: [], found, moves, best };
}

export function memory(key: string): Part<State, Action> {
  return {
    key,
    start: () => ({ pairs: 8, cards: deal(8), open: [], found: [], moves: 0, best: {} }),
    update(state, action) {
      switch (action.does) {
        case "turn":
          return turn(state, action.place);
        case "cover":
          return { ...state, open: [] };
        case "pairs":
          return fresh(state, action.pairs);
        case "again":
          return fresh(state, state.pairs);
      }
    },
    tick: { action: { does: "cover" }, every: (state) => (state.open.length === 2 ? 1200 : 0) },
    view(state, send) {
      const done = state.found.length === state.cards.length;
      const columns = state.pairs === 10 ? 5 : state.pairs === 8 ? 4 : 3;
      return frame({
        status: done ? t("All pairs in {0} moves.", state.moves) : state.open.length === 2 ? t("Not the same.") : t("Find two that are the same."),
        facts: [[t("Moves"), state.moves], [t("Pairs"), `${state.found.length / 2}/${state.pairs}`], [t("Best"), state.best[state.pairs] ?? "–"]],
        board: board(
          t("Cards"),
          columns,
          state.cards.map((of, place) => {
            const name = pictures[of] ?? "star";
            const shown = state.open.includes(place) || state.found.includes(place);
            return {
              label: placeName(place, columns, shown ? name : t("covered")),
              content: shown ? icon(name) : "",
              look: `square card-face ${shown ? "up" : "down"} ${state.found.includes(place) ? "won" : ""}`,
              off: shown,
              press: () => send({ does: "turn", place }),
            };
          }),
        ),
        options: picker("pairs", t("Cards"), String(state.pairs), [["6", "12"], ["8", "16"], ["10", "20"]], (pairs) => send({ does: "pairs", pairs: Number(pairs) })),
        again: () => send({ does: "again" }),
        rules: t("Turn two cards. Those that are the same stay open; others are covered again. The fewer moves, the better."),
      });
    },
  };
}
