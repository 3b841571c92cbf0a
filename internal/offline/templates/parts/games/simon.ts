import { type Part } from "../../lib/part";
import { allowSound, beep } from "../../lib/sound";
import { t } from "../../lib/text";
import { below, board, frame } from "../board";

const names = [t("red"), t("green"), t("blue"), t("yellow")];
const tones = [330, 415, 494, 660];

interface State {
  sequence: number[];
  /** How many of it were repeated. */
  at: number;
  /** Twice the place of what is shown, odd for the pause behind it; -1 while the player has the turn. */
  shows: number;
  lost: boolean;
  best: number;
}

type Action = { readonly does: "press"; readonly colour: number } | { readonly does: "start" | "show" };

const more = (state: State): State => ({ ...state, sequence: [...state.sequence, below(4)], at: 0, shows: 0 });

function press(state: State, colour: number): State {
  if (state.shows >= 0 || state.lost || state.sequence.length === 0) return state;
  if (state.sequence[state.at] !== colour) {
    beep(150);
    return { ...state, lost: true };
  }
  beep(tones[colour], 0.3);
  const after = { ...state, at: state.at + 1 };
  return after.at < state.sequence.length ? after : more({ ...after, best: Math.max(state.best, after.at) });
}

export function simon(key: string): Part<State, Action> {
  return {
    key,
    start: () => ({ sequence: [], at: 0, shows: -1, lost: false, best: 0 }),
    update(state, action) {
      switch (action.does) {
        case "start":
          allowSound();
          return more({ ...state, sequence: [], lost: false });
        case "press":
          return press(state, action.colour);
        case "show": {
          const shows = state.shows + 1;
          if (shows % 2 === 1) beep(tones[state.sequence[(shows - 1) / 2] ?? 0], 0.3);
          return { ...state, shows: shows > 2 * state.sequence.length ? -1 : shows };
        }
      }
    },
    tick: { action: { does: "show" }, every: (state) => (state.shows < 0 ? 0 : state.shows === 0 ? 700 : state.shows % 2 === 1 ? 450 : 200) },
    press: (_, pressed) => (["1", "2", "3", "4"].includes(pressed) ? { does: "press", colour: Number(pressed) - 1 } : undefined),
    view(state, send) {
      const lit = state.shows % 2 === 1 ? state.sequence[(state.shows - 1) / 2] : undefined;
      const begun = state.sequence.length > 0 && !state.lost;
      const watching = state.shows >= 0;
      return frame({
        status: state.lost ? t("Wrong. You repeated {0}.", state.sequence.length - 1) : !begun ? t("Start, and watch.") : watching ? t("Watch…") : t("Your turn: {0} of {1}", state.at + 1, state.sequence.length),
        facts: [[t("Length"), state.sequence.length], [t("Best"), state.best]],
        board: board(t("Colours"), 2, names.map((name, colour) => ({
          label: lit === colour ? t("{0}, lit", name) : name,
          look: `square lamp lamp-${colour + 1} ${lit === colour ? "lit" : ""}`,
          off: watching || !begun,
          press: () => send({ does: "press", colour }),
        })), "small"),
        restart: begun ? t("Start again") : t("Start"),
        again: () => send({ does: "start" }),
        rules: t("Colours light up one after the other. Repeat them, with the mouse or the keys 1 to 4; each round adds one."),
      });
    },
  };
}
