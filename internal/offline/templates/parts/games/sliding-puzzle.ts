import { type Part } from "../../lib/part";
import { t } from "../../lib/text";
import { picker } from "../../lib/view";
import { below, board, directionOf, directions, fewest, frame, placeName } from "../board";

interface State {
  size: number;
  /** The number at each place, 0 for the gap. */
  tiles: number[];
  moves: number;
  best: Record<string, number>;
}

type Action = { readonly does: "slide"; readonly place: number } | { readonly does: "size"; readonly size: number } | { readonly does: "again" };

const solved = (size: number): number[] => Array.from({ length: size * size }, (_, place) => (place + 1) % (size * size));

const isSolved = (state: State): boolean => state.tiles.every((tile, place) => tile === solved(state.size)[place]);

function neighbours(place: number, size: number): number[] {
  const [row, column] = [Math.floor(place / size), place % size];
  return Object.values(directions).flatMap(([down, right]) => {
    const [r, c] = [row + down, column + right];
    return r >= 0 && c >= 0 && r < size && c < size ? [r * size + c] : [];
  });
}

function swap(tiles: readonly number[], one: number, two: number): number[] {
  return tiles.with(one, tiles[two] ?? 0).with(two, tiles[one] ?? 0);
}

/** Only moves mix the tiles, so that moves can put them right. */
function mixed(size: number): number[] {
  let tiles = solved(size);
  for (let n = 0; n < 60 * size; n++) {
    const gap = tiles.indexOf(0);
    const near = neighbours(gap, size);
    tiles = swap(tiles, gap, near[below(near.length)] ?? gap);
  }
  return tiles.every((tile, place) => tile === solved(size)[place]) ? mixed(size) : tiles;
}

function slide(state: State, place: number): State {
  const gap = state.tiles.indexOf(0);
  if (isSolved(state) || !neighbours(gap, state.size).includes(place)) return state;
  const after = { ...state, tiles: swap(state.tiles, gap, place), moves: state.moves + 1 };
  return isSolved(after) ? { ...after, best: { ...after.best, [after.size]: fewest(after.best[after.size] ?? 0, after.moves) } } : after;
}

export function slidingPuzzle(key: string): Part<State, Action> {
  return {
    key,
    start: () => ({ size: 4, tiles: mixed(4), moves: 0, best: {} }),
    update(state, action) {
      switch (action.does) {
        case "slide":
          return slide(state, action.place);
        case "size":
          return { ...state, size: action.size, tiles: mixed(action.size), moves: 0 };
        case "again":
          return { ...state, tiles: mixed(state.size), moves: 0 };
      }
    },
    press(state, pressed) {
      const to = directionOf(pressed);
      if (!to || isSolved(state)) return undefined;
      const gap = state.tiles.indexOf(0);
      const [down, right] = directions[to];
      const [row, column] = [Math.floor(gap / state.size) - down, (gap % state.size) - right];
      const inside = row >= 0 && column >= 0 && row < state.size && column < state.size;
      return inside ? { does: "slide", place: row * state.size + column } : undefined;
    },
    view(state, send) {
      const near = neighbours(state.tiles.indexOf(0), state.size);
      const done = isSolved(state);
      return frame({
        status: done ? t("Solved in {0} moves!", state.moves) : t("Put the numbers in order."),
        facts: [[t("Moves"), state.moves], [t("Best"), state.best[state.size] ?? "–"]],
        board: board(
          t("Puzzle"),
          state.size,
          state.tiles.map((tile, place) => ({
            label: placeName(place, state.size, tile === 0 ? t("gap") : String(tile)),
            content: tile === 0 ? "" : tile,
            look: `square ${tile === 0 ? "gap" : "piece"} ${done ? "won" : ""}`,
            off: done || !near.includes(place),
            press: () => send({ does: "slide", place }),
          })),
        ),
        options: picker("size", t("Size"), String(state.size), [["3", "3 × 3"], ["4", "4 × 4"], ["5", "5 × 5"]], (size) => send({ does: "size", size: Number(size) })),
        again: () => send({ does: "again" }),
        rules: t("Press a tile beside the gap to move it there, or use the arrow keys while no tile has the focus."),
      });
    },
  };
}
