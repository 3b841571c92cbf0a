import { icon } from "../../lib/icons";
import { type Part } from "../../lib/part";
import { t } from "../../lib/text";
import { button, el, panel, type View } from "../../lib/view";
import { below } from "../board";
import { isNamesAction, namesPanel, noNames, updateNames, type Names, type NamesAction } from "../names";

interface State extends Names {
  /** Degrees by which the wheel has turned so far. */
  turned: number;
  turning: boolean;
  picked: string;
  past: string[];
  /** Who was picked leaves the wheel. */
  once: boolean;
}

type Action = NamesAction | { readonly does: "spin" | "stop" | "once" | "forget" };

/** Until the wheel stands, in milliseconds. */
const duration = 1600;

/** The slices of the wheel; the first begins at the top. */
function slices(names: readonly string[]): View[] {
  const at = (share: number): string => `${(50 * Math.sin(2 * Math.PI * share)).toFixed(3)} ${(-50 * Math.cos(2 * Math.PI * share)).toFixed(3)}`;
  if (names.length < 2) return [el("circle", { class: names.length === 1 ? "slice of-1" : "slice", cx: 0, cy: 0, r: 50 })];
  return names.map((_, n) => el("path", { class: `slice ${colour(n, names.length)}`, d: `M0 0L${at(n / names.length)}A50 50 0 ${names.length === 1 ? 1 : 0} 1 ${at((n + 1) / names.length)}Z` }));
}

/** Neighbours differ, the last and the first too. */
const colour = (n: number, count: number): string => `of-${n === count - 1 && n % 5 === 0 ? 3 : (n % 5) + 1}`;

export function wheel(key: string): Part<State, Action> {
  return {
    key,
    start: () => ({ ...noNames(), turned: 0, turning: false, picked: "", past: [], once: false }),
    update(state, action) {
      if (isNamesAction(action)) return { ...state, ...updateNames(state, action) };
      switch (action.does) {
        case "spin": {
          if (state.turning) return state;
          const gone = state.once && state.past[0] === state.picked ? state.names.filter((name) => name !== state.picked) : state.names;
          if (gone.length === 0) return state;
          const n = below(gone.length);
          const stand = 360 - (360 * (n + 0.2 + 0.6 * Math.random())) / gone.length;
          return { ...state, names: gone, picked: gone[n] ?? "", turning: true, turned: 360 * (Math.ceil(state.turned / 360) + 4) + stand };
        }
        case "stop":
          return { ...state, turning: false, past: [state.picked, ...state.past].slice(0, 30) };
        case "once":
          return { ...state, once: !state.once };
        case "forget":
          return { ...state, past: [], picked: "" };
      }
    },
    tick: { action: { does: "stop" }, every: (state) => (state.turning ? duration : 0) },
    press: (state, pressed) => (pressed === " " && !state.turning ? { does: "spin" } : undefined),
    view(state, send) {
      const off = state.turning || state.names.length === 0;
      return el(
        "div",
        { class: "timer" },
        el(
          "section",
          { class: "panel clock", "aria-label": t("Wheel") },
          el("div", { class: "wheel" }, el("svg", { viewBox: "-50 -50 100 100", "aria-hidden": "true", style: `rotate: ${state.turned.toFixed(1)}deg` }, slices(state.names)), el("span", { class: "pointer", "aria-hidden": "true" })),
          el("p", { class: state.picked === "" || state.turning ? "status" : "figure", role: "status" }, state.names.length === 0 ? t("Add what to choose from.") : state.turning ? t("It turns…") : state.picked === "" ? t("Ready?") : state.picked),
          el("div", { class: "controls" }, button([icon("again"), t("Spin")], () => !off && send({ does: "spin" }), { class: "primary large", "aria-disabled": off && "true" })),
          el("label", { class: "check" }, el("input", { type: "checkbox", checked: state.once, onchange: () => send({ does: "once" }) }), ` ${t("What was picked is taken out before the next turn")}`),
        ),
        el(
          "div",
          { class: "beside" },
          namesPanel(t("On the wheel"), t("Name"), state, send, { beside: (n) => el("span", { class: `swatch ${state.names.length < 2 ? "of-1" : colour(n, state.names.length)}`, "aria-hidden": "true" }) }),
          state.past.length > 0 && panel(
            "past",
            t("Picked so far"),
            el("ol", { class: "guesses" }, state.past.map((name) => el("li", {}, name))),
            el("div", { class: "controls" }, button([icon("trash"), t("Clear")], () => send({ does: "forget" }))),
          ),
        ),
      );
    },
  };
}
