import { type Part } from "../../lib/part";
import { t } from "../../lib/text";
import { button, el, picker } from "../../lib/view";
import { board, frame, placeName, shuffled } from "../board";

interface State {
  level: string;
  solution: number[];
  given: number[];
  cells: number[];
  chosen: number;
  hints: number;
  solved: number;
}

type Action =
  | { readonly does: "choose"; readonly place: number }
  | { readonly does: "write"; readonly digit: number }
  | { readonly does: "hint" }
  | { readonly does: "level"; readonly level: string }
  | { readonly does: "again" };

const digits = [1, 2, 3, 4, 5, 6, 7, 8, 9] as const;

/** How many places are left open. */
const openPlaces: Readonly<Record<string, number>> = { easy: 38, middling: 46, hard: 52 };

const blockOf = (row: number, column: number): number => Math.floor(row / 3) * 3 + Math.floor(column / 3);

/** Places that may not hold the same digit. */
const rivals: readonly (readonly number[])[] = Array.from({ length: 81 }, (_, place) => {
  const [row, column] = [Math.floor(place / 9), place % 9];
  return Array.from({ length: 81 }, (_, other) => other).filter((other) => {
    const [r, c] = [Math.floor(other / 9), other % 9];
    return other !== place && (r === row || c === column || blockOf(r, c) === blockOf(row, column));
  });
});

const fits = (cells: readonly number[], place: number): number[] => digits.filter((digit) => !rivals[place]?.some((other) => cells[other] === digit));

/** Counts solutions, two at most: it goes on where the fewest digits fit. */
function solutions(cells: readonly number[]): number {
  let least: { place: number; digits: number[] } | undefined;
  for (let place = 0; place < 81; place++) {
    if (cells[place] !== 0) continue;
    const possible = fits(cells, place);
    if (!least || possible.length < least.digits.length) least = { place, digits: possible };
    if (possible.length <= 1) break;
  }
  if (!least) return 1;
  let count = 0;
  for (const digit of least.digits) {
    count += solutions(cells.with(least.place, digit));
    if (count > 1) return 2;
  }
  return count;
}

/** A full board: a regular one with digits, rows and columns mixed as the rules allow. */
function filled(): number[] {
  const names = shuffled(digits);
  const mixed = (): number[] => shuffled([0, 1, 2]).flatMap((band) => shuffled([0, 1, 2]).map((line) => band * 3 + line));
  const [rows, columns] = [mixed(), mixed()];
  return rows.flatMap((row) => columns.map((column) => names[(row * 3 + Math.floor(row / 3) + column) % 9] ?? 1));
}

function puzzle(level: string): { solution: number[]; given: number[] } {
  const solution = filled();
  let given = solution;
  let left = openPlaces[level] ?? 38;
  for (const place of shuffled(Array.from(solution.keys()))) {
    if (left === 0) break;
    const without = given.with(place, 0);
    if (solutions(without) !== 1) continue;
    given = without;
    left -= 1;
  }
  return { solution, given };
}

function fresh(state: State, level: string): State {
  const { solution, given } = puzzle(level);
  return { ...state, level, solution, given, cells: given, chosen: given.indexOf(0), hints: 0 };
}

const isDone = (state: State): boolean => state.cells.every((digit, place) => digit === state.solution[place]);

function write(state: State, place: number, digit: number): State {
  if (isDone(state) || place < 0 || state.given[place] !== 0) return state;
  const after = { ...state, cells: state.cells.with(place, state.cells[place] === digit ? 0 : digit) };
  return isDone(after) ? { ...after, solved: after.solved + 1 } : after;
}

export function sudoku(key: string): Part<State, Action> {
  return {
    key,
    start: () => fresh({ level: "easy", solution: [], given: [], cells: [], chosen: -1, hints: 0, solved: 0 }, "easy"),
    update(state, action) {
      switch (action.does) {
        case "choose":
          return { ...state, chosen: action.place };
        case "write":
          return write(state, state.chosen, action.digit);
        case "hint": {
          const place = state.cells.findIndex((digit, at) => digit !== state.solution[at]);
          return place < 0 ? state : write({ ...state, chosen: place, hints: state.hints + 1, cells: state.cells.with(place, 0) }, place, state.solution[place] ?? 0);
        }
        case "level":
          return fresh(state, action.level);
        case "again":
          return fresh(state, state.level);
      }
    },
    press(state, pressed) {
      if (state.chosen < 0) return undefined;
      if (/^[1-9]$/.test(pressed)) return { does: "write", digit: Number(pressed) };
      return pressed === "Backspace" || pressed === "Delete" || pressed === "0" ? { does: "write", digit: 0 } : undefined;
    },
    view(state, send) {
      const done = isDone(state);
      const wrong = (place: number): boolean => state.cells[place] !== 0 && (rivals[place] ?? []).some((other) => state.cells[other] === state.cells[place]);
      const conflicts = state.cells.some((_, place) => wrong(place));
      const chosenDigit = state.cells[state.chosen] ?? 0;
      const fixed = state.chosen < 0 || state.given[state.chosen] !== 0 || done;
      const edge = (place: number): string => `${place % 9 === 2 || place % 9 === 5 ? "edge-right" : ""} ${[2, 5].includes(Math.floor(place / 9)) ? "edge-below" : ""}`;
      return frame({
        status: done ? t("Solved, with {0} hints.", state.hints) : conflicts ? t("The same digit stands twice in a row, column or box.") : t("{0} places are open.", state.cells.filter((digit) => digit === 0).length),
        facts: [[t("Solved"), state.solved], [t("Hints"), state.hints]],
        board: board(
          t("Sudoku"),
          9,
          state.cells.map((digit, place) => ({
            label: placeName(place, 9, digit === 0 ? t("empty") : String(digit)),
            content: digit === 0 ? "" : digit,
            look: `square digit ${state.given[place] !== 0 ? "given" : ""} ${place === state.chosen ? "chosen" : ""} ${wrong(place) ? "wrong" : ""} ${digit !== 0 && digit === chosenDigit ? "same" : ""} ${edge(place)}`,
            off: place === state.chosen,
            press: () => send({ does: "choose", place }),
          })),
          "sudoku",
        ),
        below: el(
          "div",
          { class: "digits", role: "group", "aria-label": t("Digits") },
          digits.map((digit) => button(digit, () => !fixed && send({ does: "write", digit }), { "aria-disabled": fixed && "true", class: "quiet key" })),
          button(t("Erase"), () => !fixed && send({ does: "write", digit: 0 }), { "aria-disabled": (fixed || chosenDigit === 0) && "true" }),
          button(t("Hint"), () => !done && send({ does: "hint" }), { "aria-disabled": done && "true" }),
        ),
        options: picker("level", t("Level"), state.level, [["easy", t("Easy")], ["middling", t("Middling")], ["hard", t("Hard")]], (level) => send({ does: "level", level })),
        again: () => send({ does: "again" }),
        rules: t("Each row, column and box of nine holds every digit from 1 to 9 once. Choose a place, then press or type a digit."),
      });
    },
  };
}
