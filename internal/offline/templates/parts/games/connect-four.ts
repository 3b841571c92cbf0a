import { type Part } from "../../lib/part";
import { t } from "../../lib/text";
import { picker } from "../../lib/view";
import { below, board, frame, placeName } from "../board";

const columns = 7;
const rows = 6;

type Disc = 0 | 1 | 2;

interface State {
  discs: Disc[];
  turn: Disc;
  opponent: string;
  wins: number[];
}

type Action = { readonly does: "drop"; readonly column: number } | { readonly does: "again" } | { readonly does: "against"; readonly opponent: string };

const other = (disc: Disc): Disc => (disc === 1 ? 2 : 1);

/** Where a disc of this column comes to lie; -1 where it is full. */
function landing(discs: readonly Disc[], column: number): number {
  for (let row = rows - 1; row >= 0; row--) if (discs[row * columns + column] === 0) return row * columns + column;
  return -1;
}

/** The places of four in a row, or none. */
function fourOf(discs: readonly Disc[]): number[] {
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      for (const [down, right] of [[0, 1], [1, 0], [1, 1], [1, -1]] as const) {
        if (row + 3 * down >= rows || column + 3 * right >= columns || column + 3 * right < 0) continue;
        const places = [0, 1, 2, 3].map((n) => (row + n * down) * columns + column + n * right);
        const disc = discs[places[0] ?? 0];
        if (disc !== 0 && places.every((place) => discs[place] === disc)) return places;
      }
    }
  }
  return [];
}

const isOver = (discs: readonly Disc[]): boolean => fourOf(discs).length > 0 || !discs.includes(0);

function drop(state: State, column: number): State {
  const place = landing(state.discs, column);
  if (place < 0 || isOver(state.discs)) return state;
  const discs = state.discs.with(place, state.turn);
  if (fourOf(discs).length > 0) return { ...state, discs, wins: state.wins.map((count, n) => (n + 1 === state.turn ? count + 1 : count)) };
  return { ...state, discs, turn: other(state.turn) };
}

/** The computer wins, blocks, or plays near the middle where that does not let the other win above. */
function choice(discs: readonly Disc[], me: Disc): number {
  const open = [3, 2, 4, 1, 5, 0, 6].filter((column) => landing(discs, column) >= 0);
  const wins = (board: readonly Disc[], disc: Disc, column: number): boolean => {
    const place = landing(board, column);
    return place >= 0 && fourOf(board.with(place, disc)).length > 0;
  };
  const safe = open.filter((column) => !wins(discs.with(landing(discs, column), me), other(me), column));
  const liked = safe.length > 0 ? safe : open;
  return open.find((column) => wins(discs, me, column)) ?? open.find((column) => wins(discs, other(me), column)) ?? liked[below(Math.min(3, liked.length))] ?? 0;
}

function answer(state: State): State {
  return state.opponent === "computer" && state.turn === 2 && !isOver(state.discs) ? drop(state, choice(state.discs, 2)) : state;
}

const empty = (): Disc[] => Array<Disc>(columns * rows).fill(0);

export function connectFour(key: string): Part<State, Action> {
  return {
    key,
    start: () => ({ discs: empty(), turn: 1, opponent: "computer", wins: [0, 0] }),
    update(state, action) {
      switch (action.does) {
        case "drop":
          return answer(drop(state, action.column));
        case "again":
          return { ...state, discs: empty(), turn: 1 };
        case "against":
          return { discs: empty(), turn: 1, opponent: action.opponent, wins: [0, 0] };
      }
    },
    view(state, send) {
      const four = fourOf(state.discs);
      const over = isOver(state.discs);
      const alone = state.opponent === "computer";
      const names = alone ? [t("You"), t("Computer")] : [t("Player 1"), t("Player 2")];
      const now = names[state.turn - 1] ?? "";
      return frame({
        status: four.length > 0 ? t("Four in a row: {0}!", now) : over ? t("A draw: the board is full.") : alone ? t("Your turn: press a column.") : t("{0} is next.", now),
        facts: names.map((name, n) => [name, state.wins[n] ?? 0] as const),
        board: board(
          t("Board"),
          columns,
          state.discs.map((disc, place) => ({
            label: placeName(place, columns, disc === 0 ? t("empty") : (names[disc - 1] ?? "")),
            look: `disc disc-${disc} ${four.includes(place) ? "won" : ""}`,
            off: over || landing(state.discs, place % columns) < 0,
            press: () => send({ does: "drop", column: place % columns }),
          })),
          "rack",
        ),
        options: picker("opponent", t("Opponent"), state.opponent, [["computer", t("Computer")], ["person", t("Two players")]], (opponent) => send({ does: "against", opponent })),
        again: () => send({ does: "again" }),
        untouched: !state.discs.some((disc) => disc !== 0),
        rules: t("Discs fall to the lowest free place of a column. Four of yours in a row win: across, down or diagonally."),
      });
    },
  };
}
