import { two } from "../lib/format";
import { icon } from "../lib/icons";
import { type Part } from "../lib/part";
import { t } from "../lib/text";
import { button, el } from "../lib/view";

interface State {
  /** When it was started, in milliseconds since 1970; 0 while it stands. */
  since: number;
  /** Milliseconds before that. */
  before: number;
  /** The whole time at each lap. */
  laps: number[];
}

type Action = { readonly does: "start" | "stop" | "lap" | "reset" | "tick" };

const timeOf = (state: State): number => state.before + (state.since > 0 ? Date.now() - state.since : 0);

function clock(milliseconds: number): string {
  const hours = Math.floor(milliseconds / 3_600_000);
  const [minutes, seconds, hundredths] = [(milliseconds / 60_000) % 60, (milliseconds / 1000) % 60, (milliseconds / 10) % 100].map((value) => two(Math.floor(value)));
  return `${hours > 0 ? `${hours}:` : ""}${minutes}:${seconds}.${hundredths}`;
}

export function stopwatch(key: string): Part<State, Action> {
  return {
    key,
    start: () => ({ since: 0, before: 0, laps: [] }),
    update(state, action) {
      switch (action.does) {
        case "start":
          return { ...state, since: Date.now() };
        case "stop":
          return { ...state, before: timeOf(state), since: 0 };
        case "lap":
          return { ...state, laps: [...state.laps, timeOf(state)] };
        case "reset":
          return { since: 0, before: 0, laps: [] };
        case "tick":
          return state;
      }
    },
    tick: { action: { does: "tick" }, every: (state) => (state.since > 0 ? 60 : 0) },
    press(state, pressed) {
      if (pressed === " ") return { does: state.since > 0 ? "stop" : "start" };
      return pressed === "l" && state.since > 0 ? { does: "lap" } : undefined;
    },
    view(state, send) {
      const running = state.since > 0;
      const fresh = !running && state.before === 0;
      const lengths = state.laps.map((lap, n) => lap - (state.laps[n - 1] ?? 0));
      const [fastest, slowest] = [Math.min(...lengths), Math.max(...lengths)];
      return el(
        "div",
        { class: "timer" },
        el(
          "section",
          { class: "panel clock", "aria-label": t("Stopwatch") },
          el("p", { class: "time wide", role: "timer" }, clock(timeOf(state))),
          el("p", { class: "unseen", role: "status" }, running ? t("Running") : fresh ? t("Ready") : t("Stopped")),
          el(
            "div",
            { class: "controls" },
            button([icon(running ? "pause" : "play"), running ? t("Stop") : fresh ? t("Start") : t("Go on")], () => send({ does: running ? "stop" : "start" }), { class: "primary large" }),
            button([icon("flag"), t("Lap")], () => running && send({ does: "lap" }), { "aria-disabled": !running && "true" }),
            button([icon("again"), t("Reset")], () => !fresh && send({ does: "reset" }), { "aria-disabled": fresh && "true" }),
          ),
          el("p", { class: "hint" }, t("Space starts and stops, L takes a lap.")),
        ),
        el(
          "section",
          { class: "panel", "aria-labelledby": "laps" },
          el("h2", { id: "laps" }, t("Laps")),
          lengths.length === 0
            ? el("p", { class: "hint" }, t("No lap yet. Take one while the watch runs."))
            : el(
                "table",
                { class: "plain" },
                el("thead", {}, el("tr", {}, el("th", { scope: "col" }, t("Lap")), el("th", { scope: "col" }, t("Time")), el("th", { scope: "col" }, t("Together")))),
                el(
                  "tbody",
                  {},
                  lengths
                    .map((length, n) =>
                      el(
                        "tr",
                        {},
                        el("th", { scope: "row" }, n + 1),
                        el("td", {}, clock(length), lengths.length > 1 && length === fastest && el("span", { class: "badge" }, t("fastest")), lengths.length > 1 && length === slowest && el("span", { class: "badge", "data-rank": 3 }, t("slowest"))),
                        el("td", {}, clock(state.laps[n] ?? 0)),
                      ),
                    )
                    .reverse(),
                ),
              ),
        ),
      );
    },
  };
}
