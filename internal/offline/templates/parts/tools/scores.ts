import { icon } from "../../lib/icons";
import { type Part } from "../../lib/part";
import { t } from "../../lib/text";
import { button, el, numberInput } from "../../lib/view";
import { isNamesAction, namesPanel, noNames, updateNames, type Names, type NamesAction } from "../names";

interface State extends Names {
  points: Record<string, number>;
  step: string;
}

type Action = NamesAction | { readonly does: "count"; readonly name: string; readonly by: number } | { readonly does: "step"; readonly text: string } | { readonly does: "reset" };

const isStep = (text: string): boolean => Number.isInteger(Number(text)) && Number(text) >= 1 && Number(text) <= 1000;

/** Points, or anything else that is counted, by name. */
export function scores(key: string): Part<State, Action> {
  return {
    key,
    start: () => ({ ...noNames(), points: {}, step: "1" }),
    update(state, action) {
      if (isNamesAction(action)) {
        const after = { ...state, ...updateNames(state, action) };
        return { ...after, points: Object.fromEntries(after.names.map((name) => [name, state.points[name] ?? 0])) };
      }
      switch (action.does) {
        case "count":
          return { ...state, points: { ...state.points, [action.name]: (state.points[action.name] ?? 0) + action.by } };
        case "step":
          return { ...state, step: action.text };
        case "reset":
          return { ...state, points: Object.fromEntries(state.names.map((name) => [name, 0])) };
      }
    },
    view(state, send) {
      const of = (name: string): number => state.points[name] ?? 0;
      const step = isStep(state.step) ? Number(state.step) : 1;
      const most = Math.max(...state.names.map(of));
      const untouched = state.names.every((name) => of(name) === 0);
      return el(
        "div",
        { class: "stack" },
        state.names.length > 0 && el(
          "ul",
          { class: "cards" },
          state.names.map((name) => el(
            "li",
            { class: "panel counter" },
            el("h2", {}, name, !untouched && state.names.length > 1 && of(name) === most && el("span", { class: "badge" }, t("in front"))),
            el("p", { class: "time", role: "status", "aria-label": `${name}: ${of(name)}` }, of(name)),
            el("div", { class: "controls" },
              button(`−${step}`, () => send({ does: "count", name, by: -step }), { class: "quiet large", "aria-label": t("{0}: {1} less", name, step) }),
              button(`+${step}`, () => send({ does: "count", name, by: step }), { class: "primary large", "aria-label": t("{0}: {1} more", name, step) })),
          )),
        ),
        el(
          "div",
          { class: "calculator" },
          namesPanel(t("What is counted"), t("Name"), state, send),
          el(
            "section",
            { class: "panel", "aria-labelledby": "lengths" },
            el("h2", { id: "lengths" }, t("Settings")),
            numberInput("step", t("A press counts"), state.step, (text) => send({ does: "step", text }), "", isStep(state.step) ? "" : t("From {0} to {1}, please.", 1, 1000), { min: 1, max: 1000 }),
            button([icon("again"), t("All back to 0")], () => !untouched && send({ does: "reset" }), { "aria-disabled": untouched && "true" }),
          ),
        ),
      );
    },
  };
}
