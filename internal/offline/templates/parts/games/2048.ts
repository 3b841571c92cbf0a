import { type Part } from "../../lib/part";
import { t } from "../../lib/text";
import { arrows, below, directionOf, frame, picture, swipe, type Direction } from "../board";

const size = 4;

interface State {
  tiles: number[];
  score: number;
  best: number;
}

type Action = { readonly does: "slide"; readonly to: Direction } | { readonly does: "again" };

/** The places of each line, from the side to which tiles slide. */
function linesTo(to: Direction): number[][] {
  return Array.from({ length: size }, (_, n) => {
    const line = Array.from({ length: size }, (_, m) => (to === "left" || to === "right" ? n * size + m : m * size + n));
    return to === "left" || to === "up" ? line : line.reverse();
  });
}

function slide(tiles: readonly number[], to: Direction): { tiles: number[]; won: number } {
  const out = Array<number>(size * size).fill(0);
  let won = 0;
  for (const line of linesTo(to)) {
    const there = line.map((place) => tiles[place] ?? 0).filter((tile) => tile > 0);
    let at = 0;
    for (let n = 0; n < there.length; n++) {
      const joins = there[n] === there[n + 1];
      const tile = (there[n] ?? 0) * (joins ? 2 : 1);
      if (joins) {
        won += tile;
        n += 1;
      }
      out[line[at] ?? 0] = tile;
      at += 1;
    }
  }
  return { tiles: out, won };
}

const moves = (tiles: readonly number[], to: Direction): boolean => slide(tiles, to).tiles.some((tile, place) => tile !== tiles[place]);

const isStuck = (tiles: readonly number[]): boolean => !(["up", "down", "left", "right"] as const).some((to) => moves(tiles, to));

function withOneMore(tiles: readonly number[]): number[] {
  const free = tiles.flatMap((tile, place) => (tile === 0 ? [place] : []));
  const place = free[below(free.length)];
  return place === undefined ? [...tiles] : tiles.with(place, Math.random() < 0.9 ? 2 : 4);
}

const fresh = (best: number): State => ({ tiles: withOneMore(withOneMore(Array<number>(size * size).fill(0))), score: 0, best });

export function tiles2048(key: string): Part<State, Action> {
  return {
    key,
    start: () => fresh(0),
    update(state, action) {
      if (action.does === "again") return fresh(state.best);
      if (!moves(state.tiles, action.to)) return state;
      const { tiles, won } = slide(state.tiles, action.to);
      const score = state.score + won;
      return { tiles: withOneMore(tiles), score, best: Math.max(state.best, score) };
    },
    press(_, pressed) {
      const to = directionOf(pressed);
      return to && { does: "slide", to };
    },
    view(state, send) {
      const most = Math.max(...state.tiles);
      const go = (to: Direction): void => send({ does: "slide", to });
      return frame({
        status: isStuck(state.tiles) ? t("No move is left. Your score: {0}.", state.score) : most >= 2048 ? t("You made {0}! Go on as long as you like.", most) : t("Join equal tiles until one says 2048."),
        facts: [[t("Score"), state.score], [t("Best"), state.best], [t("Highest tile"), most]],
        board: picture(
          t("Tiles: {0}", state.tiles.map((tile) => tile || t("free")).join(", ")),
          size,
          state.tiles.map((tile) => `square tile-${Math.min(11, tile === 0 ? 0 : Math.log2(tile))}`),
          state.tiles.map((tile) => (tile === 0 ? "" : String(tile))),
          swipe(go),
        ),
        below: arrows(go, (to) => moves(state.tiles, to)),
        again: () => send({ does: "again" }),
        rules: t("All tiles slide to one side with the arrow keys, a swipe or the arrows below. Equal ones that meet become their sum, and a new tile comes after each move."),
      });
    },
  };
}
