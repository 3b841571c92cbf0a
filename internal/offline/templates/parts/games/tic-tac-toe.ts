import { type Part } from "../../lib/part";
import { t } from "../../lib/text";
import { picker } from "../../lib/view";
import { below, board, frame, placeName } from "../board";

type Mark = "" | "X" | "O";

interface State {
  cells: Mark[];
  turn: Mark;
  /** The first player of the next game. */
  first: Mark;
  opponent: string;
  wins: { X: number; O: number; draws: number };
}

type Action = { readonly does: "put"; readonly place: number } | { readonly does: "again" } | { readonly does: "against"; readonly opponent: string };

const lines = [[0, 1, 2], [3, 4, 5], [6, 7, 8], [0, 3, 6], [1, 4, 7], [2, 5, 8], [0, 4, 8], [2, 4, 6]] as const;

const other = (mark: Mark): Mark => (mark === "X" ? "O" : "X");

function lineOf(cells: readonly Mark[]): readonly number[] | undefined {
  return lines.find(([a, b, c]) => cells[a] !== "" && cells[a] === cells[b] && cells[b] === cells[c]);
}

const isOver = (cells: readonly Mark[]): boolean => lineOf(cells) !== undefined || cells.every((cell) => cell !== "");

/** The computer wins where it can, blocks where it must, and else takes the best place that is free, mostly. */
function choice(cells: readonly Mark[], me: Mark): number {
  const free = cells.flatMap((cell, place) => (cell === "" ? [place] : []));
  const completes = (mark: Mark): number | undefined => free.find((place) => lineOf(cells.with(place, mark)) !== undefined);
  const wanted = Math.random() < 0.85 ? [4, 0, 2, 6, 8, 1, 3, 5, 7].find((place) => free.includes(place)) : free[below(free.length)];
  return completes(me) ?? completes(other(me)) ?? wanted ?? -1;
}

function put(state: State, place: number): State {
  if (state.cells[place] !== "" || isOver(state.cells)) return state;
  const cells = state.cells.with(place, state.turn);
  if (!isOver(cells)) return { ...state, cells, turn: other(state.turn) };
  const winner = lineOf(cells) ? state.turn : "";
  const wins = { ...state.wins };
  if (winner === "") wins.draws += 1;
  else wins[winner] += 1;
  return { ...state, cells, first: other(state.first), wins };
}

/** Lets the computer, which is O, move where it is its turn. */
function answer(state: State): State {
  return state.opponent === "computer" && state.turn === "O" && !isOver(state.cells) ? put(state, choice(state.cells, "O")) : state;
}

const begin = (state: State): State => answer({ ...state, cells: Array<Mark>(9).fill(""), turn: state.first });

export function ticTacToe(key: string): Part<State, Action> {
  return {
    key,
    start: () => ({ cells: Array<Mark>(9).fill(""), turn: "X", first: "X", opponent: "computer", wins: { X: 0, O: 0, draws: 0 } }),
    update(state, action) {
      switch (action.does) {
        case "put":
          return answer(put(state, action.place));
        case "again":
          return begin(isOver(state.cells) ? state : { ...state, first: other(state.first) });
        case "against":
          return begin({ ...state, opponent: action.opponent, first: "X", wins: { X: 0, O: 0, draws: 0 } });
      }
    },
    view(state, send) {
      const line = lineOf(state.cells) ?? [];
      const over = isOver(state.cells);
      const alone = state.opponent === "computer";
      const winner = line.length > 0 ? state.cells[line[0] ?? 0] : "";
      return frame({
        status: !over ? (alone ? t("Your turn: you are X.") : t("{0} is next.", state.turn)) : winner === "" ? t("A draw.") : alone ? (winner === "X" ? t("You win!") : t("The computer wins.")) : t("{0} wins!", winner ?? ""),
        facts: [[alone ? t("You") : "X", state.wins.X], [alone ? t("Computer") : "O", state.wins.O], [t("Draws"), state.wins.draws]],
        board: board(
          t("Board"),
          3,
          state.cells.map((mark, place) => ({
            label: placeName(place, 3, mark || t("empty")),
            content: mark,
            look: `square mark-${mark.toLowerCase()} ${line.includes(place) ? "won" : ""}`,
            off: mark !== "" || over,
            press: () => send({ does: "put", place }),
          })),
          "small",
        ),
        options: picker("opponent", t("Opponent"), state.opponent, [["computer", t("Computer")], ["person", t("Two players")]], (opponent) => send({ does: "against", opponent })),
        again: () => send({ does: "again" }),
        untouched: state.cells.every((mark) => mark === ""),
        rules: t("Three of your marks in a row win: across, down or diagonally. Press a free place, or go there with the arrow keys and press Enter."),
      });
    },
  };
}
