import { icon } from "../../lib/icons";
import { type Part } from "../../lib/part";
import { t } from "../../lib/text";
import { button, el, panel } from "../../lib/view";
import { shuffled } from "../board";
import { isNamesAction, namesPanel, noNames, updateNames, type Names, type NamesAction } from "../names";

interface State extends Names {
  /** Whom each has drawn, in pairs; none before the lots are drawn. */
  drawn: { giver: string; gets: string }[];
  /** Whose lot is open. */
  open: string;
}

type Action = NamesAction | { readonly does: "draw" | "undo" } | { readonly does: "open"; readonly giver: string };

/** Each draws another, nobody themselves: everybody gives to the next of a ring. */
function lotsOf(names: readonly string[]): State["drawn"] {
  const ring = shuffled(names);
  const drawn = ring.map((giver, n) => ({ giver, gets: ring[(n + 1) % ring.length] ?? giver }));
  return drawn.sort((a, b) => names.indexOf(a.giver) - names.indexOf(b.giver));
}

/** Lots for presents, as for a Secret Santa. */
export function lots(key: string): Part<State, Action> {
  return {
    key,
    start: () => ({ ...noNames(), drawn: [], open: "" }),
    update(state, action) {
      if (isNamesAction(action)) {
        const names = updateNames(state, action);
        return { ...state, ...names, drawn: names.names === state.names ? state.drawn : [], open: "" };
      }
      switch (action.does) {
        case "draw":
          return state.names.length < 3 ? state : { ...state, drawn: lotsOf(state.names), open: "" };
        case "undo":
          return { ...state, drawn: [], open: "" };
        case "open":
          return { ...state, open: state.open === action.giver ? "" : action.giver };
      }
    },
    view(state, send) {
      const few = state.names.length < 3;
      const drawn = state.drawn.length > 0;
      return el(
        "div",
        { class: "calculator" },
        namesPanel(t("Who takes part"), t("Name"), state, send),
        panel(
          "lots",
          t("Lots"),
          el("p", { class: "hint", role: "status" }, few ? t("Add at least three names.") : drawn ? t("Hand the device round: each opens only their own lot, and closes it again.") : t("Nobody draws themselves. Another name puts the lots back.")),
          el(
            "div",
            { class: "controls" },
            button([icon("gift"), drawn ? t("Draw again") : t("Draw lots")], () => !few && send({ does: "draw" }), { class: "primary", "aria-disabled": few && "true" }),
            drawn && button(t("Put the lots back"), () => send({ does: "undo" })),
          ),
          drawn && el(
            "ul",
            { class: "lines" },
            state.drawn.map(({ giver, gets }) => el(
              "li",
              {},
              el("span", {}, giver),
              el("span", { class: "of" }, state.open === giver ? t("gives to {0}", gets) : t("closed")),
              button(state.open === giver ? t("Close") : t("Open"), () => send({ does: "open", giver }), { "aria-label": state.open === giver ? t("Close the lot of {0}", giver) : t("Open the lot of {0}", giver) }),
            )),
          ),
        ),
      );
    },
  };
}
