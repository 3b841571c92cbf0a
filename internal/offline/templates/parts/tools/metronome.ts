import { icon } from "../../lib/icons";
import { type Part } from "../../lib/part";
import { allowSound, beep } from "../../lib/sound";
import { t } from "../../lib/text";
import { button, el, numberInput, picker } from "../../lib/view";

interface State {
  tempo: string;
  beats: number;
  /** When the next beat falls, in milliseconds since 1970; 0 while it stands. */
  next: number;
  beat: number;
  taps: number[];
}

type Action = { readonly does: "toggle" | "beat" | "tap" } | { readonly does: "tempo"; readonly text: string } | { readonly does: "beats"; readonly beats: number };

const names: readonly (readonly [to: number, name: string])[] = [[60, "Largo"], [76, "Adagio"], [108, "Andante"], [120, "Moderato"], [168, "Allegro"], [400, "Presto"]];

const isTempo = (text: string): boolean => Number(text) >= 20 && Number(text) <= 300;
const tempoOf = (state: State): number => (isTempo(state.tempo) ? Number(state.tempo) : 100);

/** The tempo of what was tapped; pauses of more than two seconds begin anew. */
function tap(state: State): State {
  const now = Date.now();
  const taps = [...(now - (state.taps.at(-1) ?? 0) < 2000 ? state.taps : []), now].slice(-8);
  const first = taps[0] ?? now;
  const tempo = Math.round((60_000 * (taps.length - 1)) / (now - first));
  return { ...state, taps, tempo: isTempo(String(tempo)) ? String(tempo) : state.tempo };
}

export function metronome(key: string): Part<State, Action> {
  let heard = false; // a page that was loaded anew is silent until somebody starts it
  const runs = (state: State): boolean => heard && state.next > 0;
  return {
    key,
    start: () => ({ tempo: "100", beats: 4, next: 0, beat: 0, taps: [] }),
    update(state, action) {
      switch (action.does) {
        case "toggle":
          if (runs(state)) return { ...state, next: 0, beat: 0 };
          allowSound();
          heard = true;
          return { ...state, next: Date.now() + 50, beat: 0 };
        case "beat": {
          const beat = (state.beat % state.beats) + 1;
          const next = state.next + 60_000 / tempoOf(state);
          beep(beat === 1 ? 1320 : 880, 0.08);
          return { ...state, beat, next: Math.max(next, Date.now()) };
        }
        case "tap":
          return tap(state);
        case "tempo":
          return { ...state, tempo: action.text };
        case "beats":
          return { ...state, beats: action.beats, beat: 0 };
      }
    },
    tick: { action: { does: "beat" }, every: (state) => (runs(state) ? Math.max(1, state.next - Date.now()) : 0) },
    press: (_, pressed) => (pressed === " " ? { does: "toggle" } : pressed === "t" ? { does: "tap" } : undefined),
    view(state, send) {
      const running = runs(state);
      const tempo = tempoOf(state);
      return el(
        "div",
        { class: "timer" },
        el(
          "section",
          { class: "panel clock", "aria-label": t("Metronome") },
          el("div", { class: "lights", "aria-hidden": "true" }, Array.from({ length: state.beats }, (_, n) => el("span", { class: `light ${running && state.beat === n + 1 ? "on" : ""}` }))),
          el("p", { class: "time" }, tempo),
          el("p", { class: "step" }, `${t("beats a minute")} · ${names.find(([to]) => tempo <= to)?.[1] ?? ""}`),
          el("p", { class: "unseen", role: "status" }, running ? t("Running") : t("Stopped")),
          el(
            "div",
            { class: "controls" },
            button([icon(running ? "pause" : "play"), running ? t("Stop") : t("Start")], () => send({ does: "toggle" }), { class: "primary large" }),
            button(t("Tap the tempo"), () => send({ does: "tap" })),
          ),
          el("div", { class: "presets", role: "group", "aria-label": t("Presets") }, [60, 80, 100, 120, 140, 180].map((beats) => button(beats, () => send({ does: "tempo", text: String(beats) }), { class: "quiet chip", "aria-pressed": String(tempo === beats) }))),
          el("p", { class: "hint" }, t("Space starts and stops, T taps.")),
        ),
        el("div", { class: "beside" }, el(
          "section",
          { class: "panel", "aria-labelledby": "lengths" },
          el("h2", { id: "lengths" }, t("Settings")),
          el(
            "div",
            { class: "inputs" },
            numberInput("tempo", t("Tempo"), state.tempo, (text) => send({ does: "tempo", text }), t("beats a minute"), isTempo(state.tempo) ? "" : t("From {0} to {1}, please.", 20, 300), { min: 20, max: 300 }),
            picker("beats", t("Beats in a bar"), String(state.beats), [1, 2, 3, 4, 5, 6, 7, 8].map((beats) => [String(beats), String(beats)] as const), (beats) => send({ does: "beats", beats: Number(beats) })),
          ),
        )),
      );
    },
  };
}
