import { type Part } from "../../lib/part";
import { t } from "../../lib/text";
import { button, el, picker } from "../../lib/view";
import { board, frame, placeName } from "../board";

const size = 16;

interface State {
  alive: boolean[];
  generation: number;
  running: boolean;
  pace: number;
}

type Action =
  | { readonly does: "toggle"; readonly place: number }
  | { readonly does: "step" }
  | { readonly does: "run" }
  | { readonly does: "fill"; readonly alive: boolean[] }
  | { readonly does: "pace"; readonly pace: number };

const empty = (): boolean[] => Array<boolean>(size * size).fill(false);

const random = (): boolean[] => empty().map(() => Math.random() < 0.3);

function glider(): boolean[] {
  const alive = empty();
  for (const [row, column] of [[1, 2], [2, 3], [3, 1], [3, 2], [3, 3]] as const) alive[row * size + column] = true;
  return alive;
}

/** The edges of the world touch each other. */
function next(alive: readonly boolean[]): boolean[] {
  return alive.map((lives, place) => {
    const [row, column] = [Math.floor(place / size), place % size];
    let near = 0;
    for (const down of [-1, 0, 1]) {
      for (const right of [-1, 0, 1]) {
        if (down === 0 && right === 0) continue;
        if (alive[((row + down + size) % size) * size + ((column + right + size) % size)]) near += 1;
      }
    }
    return near === 3 || (lives && near === 2);
  });
}

export function life(key: string): Part<State, Action> {
  return {
    key,
    start: () => ({ alive: random(), generation: 0, running: false, pace: 250 }),
    update(state, action) {
      switch (action.does) {
        case "toggle":
          return { ...state, alive: state.alive.with(action.place, !state.alive[action.place]) };
        case "step":
          return { ...state, alive: next(state.alive), generation: state.generation + 1, running: state.running && state.alive.includes(true) };
        case "run":
          return { ...state, running: !state.running };
        case "fill":
          return { ...state, alive: action.alive, generation: 0, running: false };
        case "pace":
          return { ...state, pace: action.pace };
      }
    },
    tick: { action: { does: "step" }, every: (state) => (state.running ? state.pace : 0) },
    view(state, send) {
      const living = state.alive.filter(Boolean).length;
      return frame({
        status: state.running ? t("Running") : t("Press cells to bring them to life, then start."),
        facts: [[t("Generation"), state.generation], [t("Living"), living]],
        board: board(
          t("World"),
          size,
          state.alive.map((lives, place) => ({
            label: placeName(place, size, lives ? t("alive") : t("dead")),
            look: lives ? "alive" : "dead",
            press: () => send({ does: "toggle", place }),
          })),
          "fine",
        ),
        below: el(
          "div",
          { class: "controls" },
          button(state.running ? t("Stop") : t("Start"), () => send({ does: "run" }), { class: "primary" }),
          button(t("One step"), () => send({ does: "step" })),
          button(t("Glider"), () => send({ does: "fill", alive: glider() })),
          button(t("Clear"), () => send({ does: "fill", alive: empty() })),
        ),
        options: picker("pace", t("Pace"), String(state.pace), [["500", t("Slow")], ["250", t("Middling")], ["100", t("Fast")]], (pace) => send({ does: "pace", pace: Number(pace) })),
        restart: t("Random world"),
        again: () => send({ does: "fill", alive: random() }),
        rules: t("A living cell with two or three living neighbours lives on; a dead one with exactly three comes to life; all others die or stay dead."),
      });
    },
  };
}
