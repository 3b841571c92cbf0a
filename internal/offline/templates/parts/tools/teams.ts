import { icon } from "../../lib/icons";
import { type Part } from "../../lib/part";
import { t } from "../../lib/text";
import { button, el, picker } from "../../lib/view";
import { shuffled } from "../board";
import { isNamesAction, namesPanel, noNames, updateNames, type Names, type NamesAction } from "../names";

interface State extends Names {
  count: number;
  teams: string[][];
}

type Action = NamesAction | { readonly does: "count"; readonly count: number } | { readonly does: "make" };

export function teams(key: string): Part<State, Action> {
  return {
    key,
    start: () => ({ ...noNames(), count: 2, teams: [] }),
    update(state, action) {
      if (isNamesAction(action)) return { ...state, ...updateNames(state, action) };
      switch (action.does) {
        case "count":
          return { ...state, count: action.count, teams: [] };
        case "make": {
          const names = shuffled(state.names);
          if (names.length < state.count) return state;
          return { ...state, teams: Array.from({ length: state.count }, (_, team) => names.filter((_, n) => n % state.count === team)) };
        }
      }
    },
    view(state, send) {
      const few = state.names.length < state.count;
      return el(
        "div",
        { class: "calculator" },
        namesPanel(t("Who takes part"), t("Name"), state, send),
        el(
          "div",
          { class: "stack" },
          el(
            "section",
            { class: "panel" },
            el("div", { class: "inputs" }, picker("team-count", t("How many teams"), String(state.count), [2, 3, 4, 5, 6, 7, 8].map((n) => [String(n), String(n)] as const), (count) => send({ does: "count", count: Number(count) }))),
            el("p", { class: "hint", role: "status" }, few ? t("Add at least {0} names.", state.count) : t("Everybody is put into a team by chance; the teams differ by one at most.")),
            el("div", { class: "controls" }, button([icon("people"), t("Make teams")], () => !few && send({ does: "make" }), { class: "primary", "aria-disabled": few && "true" })),
          ),
          state.teams.map((names, team) => el("section", { class: "panel", "aria-labelledby": `team-${team}` }, el("h2", { id: `team-${team}` }, t("Team {0}", team + 1)), el("ul", { class: "guesses" }, names.map((name) => el("li", {}, name))))),
        ),
      );
    },
  };
}
