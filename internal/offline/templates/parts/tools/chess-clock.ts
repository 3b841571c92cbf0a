import { icon } from "../../lib/icons";
import { type Part } from "../../lib/part";
import { allowSound, beep } from "../../lib/sound";
import { t } from "../../lib/text";
import { button, el, numberInput } from "../../lib/view";
import { clock } from "../timer";

interface State {
  minutes: string;
  bonus: string;
  /** Milliseconds that each player had left when the clocks were last pressed. */
  left: number[];
  moves: number[];
  /** Whose clock runs, 0 or 1; -1 before the first press. */
  turn: number;
  /** Since when, in milliseconds since 1970; 0 while both stand. */
  since: number;
}

type Action =
  | { readonly does: "press"; readonly side: number }
  | { readonly does: "pause" | "reset" | "tick" }
  | { readonly does: "set"; readonly minutes: string; readonly bonus: string };

const presets: readonly (readonly [minutes: string, bonus: string])[] = [["1", "0"], ["3", "2"], ["5", "0"], ["10", "0"], ["15", "10"], ["30", "0"]];

const within = (text: string, least: number, most: number): boolean => text.trim() !== "" && Number(text) >= least && Number(text) <= most;
const leftOf = (state: State, side: number): number => Math.max(0, (state.left[side] ?? 0) - (state.since > 0 && state.turn === side ? Date.now() - state.since : 0));
const isOver = (state: State): boolean => leftOf(state, 0) === 0 || leftOf(state, 1) === 0;

function fresh(minutes: string, bonus: string): State {
  const time = 60_000 * (within(minutes, 0.1, 600) ? Number(minutes) : 5);
  return { minutes, bonus, left: [time, time], moves: [0, 0], turn: -1, since: 0 };
}

/** A player who has moved presses, and the clock of the other runs. */
function press(state: State, side: number): State {
  if (isOver(state) || (state.turn >= 0 && state.turn !== side)) return state;
  const bonus = within(state.bonus, 0, 600) ? 1000 * Number(state.bonus) : 0;
  const moved = state.turn >= 0 && state.since > 0;
  const left = [0, 1].map((n) => leftOf(state, n) + (moved && n === side ? bonus : 0));
  return { ...state, left, moves: state.moves.map((count, n) => count + (moved && n === side ? 1 : 0)), turn: 1 - side, since: Date.now() };
}

export function chessClock(key: string): Part<State, Action> {
  return {
    key,
    start: () => fresh("5", "0"),
    update(state, action) {
      switch (action.does) {
        case "press":
          allowSound();
          return press(state, action.side);
        case "pause":
          if (state.since === 0) return { ...state, since: Date.now() };
          return { ...state, left: [0, 1].map((n) => leftOf(state, n)), since: 0 };
        case "reset":
          return fresh(state.minutes, state.bonus);
        case "tick":
          if (!isOver(state)) return state;
          beep(440);
          return { ...state, left: [0, 1].map((n) => leftOf(state, n)), since: 0 };
        case "set":
          return fresh(action.minutes, action.bonus);
      }
    },
    tick: { action: { does: "tick" }, every: (state) => (state.since > 0 ? 200 : 0) },
    press: (state, pressed) => (pressed === " " ? { does: "press", side: Math.max(0, state.turn) } : undefined),
    view(state, send) {
      const over = isOver(state);
      const running = state.since > 0 && !over;
      const begun = state.turn >= 0;
      const players = [t("Player 1"), t("Player 2")];
      const problem = (text: string, least: number, most: number): string => (within(text, least, most) ? "" : t("From {0} to {1}, please.", least, most));
      const status = over ? t("The time of {0} is up.", players[leftOf(state, 0) === 0 ? 0 : 1] ?? "") : !begun ? t("Who moves second presses first.") : running ? t("{0} thinks.", players[state.turn] ?? "") : t("Paused");
      return el(
        "div",
        { class: "stack" },
        el("p", { class: "status", role: "status" }, status),
        el(
          "div",
          { class: "sides" },
          players.map((name, side) => {
            const off = over || (begun && state.turn !== side);
            return el(
              "button",
              { type: "button", class: `clock-side ${running && state.turn === side ? "on" : ""} ${leftOf(state, side) === 0 ? "lost" : ""}`, "aria-disabled": off && "true", onclick: () => !off && send({ does: "press", side }) },
              el("span", { class: "step" }, name),
              el("span", { class: "time" }, clock(leftOf(state, side))),
              el("span", {}, t("Moves: {0}", state.moves[side] ?? 0)),
            );
          }),
        ),
        el(
          "div",
          { class: "controls middle" },
          button([icon(running ? "pause" : "play"), running ? t("Pause") : t("Go on")], () => begun && !over && send({ does: "pause" }), { "aria-disabled": (!begun || over) && "true" }),
          button([icon("again"), t("Reset")], () => begun && send({ does: "reset" }), { "aria-disabled": !begun && "true" }),
        ),
        el(
          "section",
          { class: "panel", "aria-labelledby": "lengths" },
          el("h2", { id: "lengths" }, t("Settings")),
          el("div", { class: "presets", role: "group", "aria-label": t("Presets") }, presets.map(([minutes, bonus]) => button(`${minutes} + ${bonus}`, () => send({ does: "set", minutes, bonus }), { class: "quiet chip", "aria-pressed": String(state.minutes === minutes && state.bonus === bonus) }))),
          el(
            "div",
            { class: "inputs" },
            numberInput("minutes", t("Time of each"), state.minutes, (minutes) => send({ does: "set", minutes, bonus: state.bonus }), t("minutes"), problem(state.minutes, 0.1, 600), { min: 0.1, max: 600 }),
            numberInput("bonus", t("Added after a move"), state.bonus, (bonus) => send({ does: "set", minutes: state.minutes, bonus }), t("seconds"), problem(state.bonus, 0, 600), { min: 0, max: 600 }),
          ),
          el("p", { class: "hint" }, t("Who has moved presses their own clock, or Space. Another time starts both anew.")),
        ),
      );
    },
  };
}
