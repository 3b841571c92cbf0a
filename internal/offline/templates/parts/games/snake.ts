import { type Part } from "../../lib/part";
import { t } from "../../lib/text";
import { button, el } from "../../lib/view";
import { arrows, below, directionOf, directions, frame, picture, swipe, type Direction } from "../board";

const size = 15;

interface State {
  /** Places, the head first. */
  body: number[];
  heading: Direction;
  /** The direction of the last step, which may not be turned round. */
  moved: Direction;
  food: number;
  phase: string;
  score: number;
  best: number;
}

type Action = { readonly does: "turn"; readonly to: Direction } | { readonly does: "step" } | { readonly does: "pause" } | { readonly does: "again" };

const middle = Math.floor(size / 2) * size + Math.floor(size / 2);
const back: Readonly<Record<Direction, Direction>> = { up: "down", down: "up", left: "right", right: "left" };

function foodFor(body: readonly number[]): number {
  const free = Array.from({ length: size * size }, (_, place) => place).filter((place) => !body.includes(place));
  return free[below(free.length)] ?? 0;
}

function fresh(best: number): State {
  const body = [middle, middle - 1, middle - 2];
  return { body, heading: "right", moved: "right", food: foodFor(body), phase: "ready", score: 0, best };
}

function step(state: State): State {
  if (state.phase !== "running") return state;
  const [down, right] = directions[state.heading];
  const head = state.body[0] ?? middle;
  const row = Math.floor(head / size) + down;
  const column = (head % size) + right;
  const place = row * size + column;
  const eats = place === state.food;
  const rest = eats ? state.body : state.body.slice(0, -1);
  if (row < 0 || column < 0 || row >= size || column >= size || rest.includes(place)) return { ...state, phase: "over" };
  const body = [place, ...rest];
  const score = state.score + (eats ? 1 : 0);
  return { ...state, body, moved: state.heading, food: eats ? foodFor(body) : state.food, score, best: Math.max(state.best, score) };
}

export function snake(key: string): Part<State, Action> {
  const turn = (to: Direction): Action => ({ does: "turn", to });
  return {
    key,
    start: () => fresh(0),
    update(state, action) {
      switch (action.does) {
        case "turn": {
          const begun = state.phase === "over" ? fresh(state.best) : state;
          return { ...begun, phase: "running", heading: action.to === back[begun.moved] ? begun.heading : action.to };
        }
        case "step":
          return step(state);
        case "pause":
          return { ...state, phase: state.phase === "running" ? "paused" : "running" };
        case "again":
          return fresh(state.best);
      }
    },
    tick: { action: { does: "step" }, every: (state) => (state.phase === "running" ? Math.max(70, 170 - 4 * state.score) : 0) },
    press(state, pressed) {
      const to = directionOf(pressed);
      if (to) return turn(to);
      return pressed === " " && (state.phase === "running" || state.phase === "paused") ? { does: "pause" } : undefined;
    },
    view(state, send) {
      const looks = Array.from({ length: size * size }, (_, place) => {
        const at = state.body.indexOf(place);
        return at === 0 ? "snake-head" : at > 0 ? "snake-body" : place === state.food ? "food" : "";
      });
      const texts: Record<string, string> = {
        ready: t("Press an arrow key, swipe, or press an arrow below to start."),
        running: t("Running"),
        paused: t("Paused"),
        over: t("The snake bit. Press an arrow to play again."),
      };
      const stops = state.phase === "running" || state.phase === "paused";
      return frame({
        status: texts[state.phase] ?? "",
        facts: [[t("Score"), state.score], [t("Best"), state.best]],
        board: picture(t("Snake of {0} parts", state.body.length), size, looks, [], swipe((to) => send(turn(to)))),
        below: arrows((to) => send(turn(to))),
        options: stops && el("div", {}, button(state.phase === "paused" ? t("Go on") : t("Pause"), () => send({ does: "pause" }))),
        again: () => send({ does: "again" }),
        rules: t("Eat without biting the wall or yourself. Arrow keys or W, A, S, D turn the snake, Space pauses; it gets faster as it grows."),
      });
    },
  };
}
