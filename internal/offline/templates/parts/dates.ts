import { date, daysBetween, number, today } from "../lib/format";
import { icon } from "../lib/icons";
import { type Part } from "../lib/part";
import { t } from "../lib/text";
import { button, el, textInput } from "../lib/view";

interface State {
  names: { name: string; day: string }[];
  name: string;
  day: string;
}

type Action = { readonly does: "name" | "day"; readonly text: string } | { readonly does: "add" } | { readonly does: "remove"; readonly place: number };

const daysUntil = (day: string): number => daysBetween(today(), day);

/** Days until what is awaited: at first, what the app is about. */
export function dates(key: string, about = ""): Part<State, Action> {
  return {
    key,
    start: () => ({ names: [], name: about, day: "" }),
    update(state, action) {
      switch (action.does) {
        case "name":
          return { ...state, name: action.text };
        case "day":
          return { ...state, day: action.text };
        case "add":
          if (state.name.trim() === "" || Number.isNaN(daysUntil(state.day))) return state;
          return { names: [...state.names, { name: state.name.trim(), day: state.day }].sort((a, b) => a.day.localeCompare(b.day)), name: "", day: "" };
        case "remove":
          return { ...state, names: state.names.filter((_, place) => place !== action.place) };
      }
    },
    view(state, send) {
      const ready = state.name.trim() !== "" && !Number.isNaN(daysUntil(state.day));
      return el(
        "div",
        { class: "stack" },
        el(
          "form",
          { class: "panel line-form", onsubmit: (use) => { use.preventDefault(); send({ does: "add" }); } },
          textInput("event-name", t("What are you waiting for?"), state.name, (text) => send({ does: "name", text }), { maxlength: 100, autocomplete: "off" }),
          textInput("event-day", t("Day"), state.day, (text) => send({ does: "day", text }), { type: "date" }),
          el("button", { type: "submit", class: "primary", "aria-disabled": !ready && "true" }, t("Add")),
        ),
        state.names.length === 0 && el("p", { class: "hint" }, t("Nothing is awaited yet. Name it and its day above.")),
        el(
          "ul",
          { class: "cards" },
          state.names.map(({ name, day }, place) => {
            const left = daysUntil(day);
            return el(
              "li",
              { class: "panel awaited" },
              el("p", { class: "figure" }, number(Math.abs(left))),
              el("p", {}, left === 0 ? t("It is today!") : left > 0 ? (left === 1 ? t("day until") : t("days until")) : t("days since")),
              el("h2", {}, name),
              el("p", { class: "hint" }, date(day)),
              button([icon("trash"), t("Delete")], () => send({ does: "remove", place }), { "aria-label": t("Delete {0}", name) }),
            );
          }),
        ),
      );
    },
  };
}
