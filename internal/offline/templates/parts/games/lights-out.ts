import { type Part } from "../../lib/part";
import { t } from "../../lib/text";
import { below, board, fewest, frame, placeName } from "../board";

const size = 5;

interface State {
  lights: boolean[];
  moves: number;
  best: number;
}

type Action = { readonly does: "press"; readonly place: number } | { readonly does: "again" };

function pressed(lights: readonly boolean[], place: number): boolean[] {
  const [row, column] = [Math.floor(place / size), place % size];
  return lights.map((lit, other) => {
    const away = Math.abs(Math.floor(other / size) - row) + Math.abs((other % size) - column);
    return away <= 1 ? !lit : lit;
  });
}

/** Only presses light it, so that presses can put it out. */
function puzzle(): boolean[] {
  let lights = Array<boolean>(size * size).fill(false);
  for (let n = 0; n < 12; n++) lights = pressed(lights, below(size * size));
  return lights.includes(true) ? lights : puzzle();
}

export function lightsOut(key: string): Part<State, Action> {
  return {
    key,
    start: () => ({ lights: puzzle(), moves: 0, best: 0 }),
    update(state, action) {
      if (action.does === "again") return { ...state, lights: puzzle(), moves: 0 };
      if (!state.lights.includes(true)) return state;
      const after = { ...state, lights: pressed(state.lights, action.place), moves: state.moves + 1 };
      return after.lights.includes(true) ? after : { ...after, best: fewest(after.best, after.moves) };
    },
    view(state, send) {
      const left = state.lights.filter(Boolean).length;
      return frame({
        status: left === 0 ? t("All lights are out, in {0} moves.", state.moves) : t("{0} lights are on.", left),
        facts: [[t("Moves"), state.moves], [t("Best"), state.best || "–"]],
        board: board(
          t("Lights"),
          size,
          state.lights.map((lit, place) => ({
            label: placeName(place, size, lit ? t("on") : t("off")),
            look: `square ${lit ? "lit" : "unlit"}`,
            off: left === 0,
            press: () => send({ does: "press", place }),
          })),
        ),
        again: () => send({ does: "again" }),
        rules: t("A press switches a light and those beside it. Put all of them out."),
      });
    },
  };
}
