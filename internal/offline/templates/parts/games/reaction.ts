import { sum } from "../../lib/format";
import { type Part } from "../../lib/part";
import { t } from "../../lib/text";
import { button } from "../../lib/view";
import { below, fewest, frame } from "../board";

interface State {
  /** ready, waiting, go, early or done. */
  phase: string;
  /** Milliseconds until it turns. */
  delay: number;
  since: number;
  times: number[];
  best: number;
}

type Action = { readonly does: "press" } | { readonly does: "turn" } | { readonly does: "again" };

function press(state: State): State {
  switch (state.phase) {
    case "waiting":
      return { ...state, phase: "early" };
    case "go": {
      const time = Math.max(1, Math.round(Date.now() - state.since));
      return { ...state, phase: "done", times: [time, ...state.times].slice(0, 10), best: fewest(state.best, time) };
    }
    default:
      return { ...state, phase: "waiting", delay: 1200 + below(2500) };
  }
}

export function reaction(key: string): Part<State, Action> {
  return {
    key,
    start: () => ({ phase: "ready", delay: 0, since: 0, times: [], best: 0 }),
    update(state, action) {
      switch (action.does) {
        case "press":
          return press(state);
        case "turn":
          return { ...state, phase: "go", since: Date.now() };
        case "again":
          return { ...state, phase: "ready", times: [], best: 0 };
      }
    },
    tick: { action: { does: "turn" }, every: (state) => (state.phase === "waiting" ? state.delay : 0) },
    press: (_, pressed) => (pressed === " " ? { does: "press" } : undefined),
    view(state, send) {
      const texts: Record<string, string> = {
        ready: t("Press to start."),
        waiting: t("Wait for it…"),
        go: t("Now!"),
        early: t("Too early. Press to try again."),
        done: t("{0} ms. Press for another round.", state.times[0] ?? 0),
      };
      const average = state.times.length > 0 ? Math.round(sum(state.times) / state.times.length) : 0;
      return frame({
        status: t("How fast are you?"),
        facts: [[t("Last"), state.times[0] ? `${state.times[0]} ms` : "–"], [t("Average"), average > 0 ? `${average} ms` : "–"], [t("Best"), state.best > 0 ? `${state.best} ms` : "–"]],
        board: button(texts[state.phase], () => send({ does: "press" }), { class: `signal ${state.phase}` }),
        restart: t("Clear times"),
        again: () => send({ does: "again" }),
        untouched: state.phase === "ready" && state.times.length === 0,
        rules: t("Press the field, then wait until it changes, and press again as fast as you can. Space does the same."),
      });
    },
  };
}
