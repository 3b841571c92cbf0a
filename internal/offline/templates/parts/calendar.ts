import { addLabel, date, nameOf, today } from "../lib/format";
import { icon } from "../lib/icons";
import { dateKey, type Kind } from "../lib/kinds";
import { type Part } from "../lib/part";
import { addSamples } from "../lib/sample";
import { all } from "../lib/store";
import { locale, t } from "../lib/text";
import { button, el, moveFocus, panel } from "../lib/view";

interface Shown {
  readonly kind: Kind;
  /** The page of the kind. */
  readonly page: string;
  /** Where an entry of a day is added; the day comes after it. */
  readonly add: string;
}

interface Options {
  readonly key: string;
  readonly shows: readonly Shown[];
}

interface State {
  /** The month that is shown, such as 2031-05; "" for this one. */
  month: string;
  /** "" for today. */
  day: string;
}

type Action = { readonly does: "month"; readonly by: number } | { readonly does: "today" } | { readonly does: "day"; readonly day: string };

const monthFormat = new Intl.DateTimeFormat(locale, { month: "long", year: "numeric", timeZone: "UTC" });
const dayFormat = new Intl.DateTimeFormat(locale, { weekday: "short", timeZone: "UTC" });
const longFormat = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeZone: "UTC" });

const iso = (day: Date): string => day.toISOString().slice(0, 10);

function monthAfter(month: string, by: number): string {
  const day = new Date(`${month}-01T00:00Z`);
  day.setUTCMonth(day.getUTCMonth() + by);
  return iso(day).slice(0, 7);
}

/** Six weeks at most, from a Monday, that hold the month. */
function daysOf(month: string): string[] {
  const first = new Date(`${month}-01T00:00Z`);
  const before = (first.getUTCDay() + 6) % 7;
  const length = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
  return Array.from({ length: Math.ceil((before + length) / 7) * 7 }, (_, n) => iso(new Date(first.getTime() + (n - before) * 86_400_000)));
}

export function calendar({ key, shows }: Options): Part<State, Action> {
  return {
    key,
    start: () => ({ month: "", day: "" }),
    update(state, action) {
      switch (action.does) {
        case "month":
          return { ...state, month: monthAfter(state.month || today().slice(0, 7), action.by) };
        case "today":
          return { month: "", day: "" };
        case "day":
          return action.day === today() ? { month: "", day: "" } : { month: action.day.slice(0, 7), day: action.day };
      }
    },
    view(state, send) {
      const month = state.month || today().slice(0, 7);
      const days = daysOf(month);
      const chosen = state.day || today();
      const entries = shows.flatMap((shown, place) => all(shown.kind).map((entry) => ({ shown, entry, place, day: entry[dateKey(shown.kind) ?? ""] })));
      const here = entries.filter((one) => one.day === chosen);
      return el(
        "div",
        { class: "calendar" },
        el(
          "section",
          { class: "panel", "aria-labelledby": "month-title" },
          el(
            "div",
            { class: "month-head" },
            el("h2", { id: "month-title", "aria-live": "polite" }, monthFormat.format(new Date(`${month}-01T00:00Z`))),
            el(
              "div",
              { class: "controls" },
              button(icon("left"), () => send({ does: "month", by: -1 }), { "aria-label": t("Month before") }),
              button(t("Today"), () => send({ does: "today" })),
              button(icon("right"), () => send({ does: "month", by: 1 }), { "aria-label": t("Month after") }),
            ),
          ),
          el("div", { class: "week", "aria-hidden": "true" }, days.slice(0, 7).map((day) => el("span", {}, dayFormat.format(new Date(`${day}T00:00Z`))))),
          el(
            "div",
            { class: "days", role: "group", "aria-label": t("Days"), onkeydown: (use) => moveFocus(use, { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 }) },
            days.map((day) => {
              const mine = entries.filter((one) => one.day === day);
              const titles = mine.map(({ shown, entry }) => nameOf(shown.kind, entry));
              return el(
                "button",
                {
                  type: "button",
                  class: `day ${day.startsWith(month) ? "" : "outside"} ${day === today() ? "now" : ""} ${day === chosen ? "chosen" : ""}`,
                  "aria-label": `${longFormat.format(new Date(`${day}T00:00Z`))}${titles.length > 0 ? `: ${titles.join(", ")}` : ""}`,
                  "aria-pressed": String(day === chosen),
                  onclick: () => send({ does: "day", day }),
                },
                el("span", { class: "date" }, Number(day.slice(8))),
                mine.slice(0, 3).map(({ shown, entry, place }) => el("span", { class: `event of-${place % 4}` }, nameOf(shown.kind, entry))),
                mine.length > 3 && el("span", { class: "more" }, `+${mine.length - 3}`),
              );
            }),
          ),
        ),
        panel(
          "day",
          date(chosen),
          here.length === 0 ? el("p", { class: "hint" }, t("Nothing on this day.")) : el("ul", { class: "lines" }, here.map(({ shown, entry }) => el("li", {}, el("a", { href: shown.page }, nameOf(shown.kind, entry)), el("span", { class: "of" }, shown.kind.one)))),
          el("div", { class: "controls" }, entries.length === 0 && button(t("Add examples"), () => addSamples(shows[0]?.kind)), shows.map(({ kind, add }) => el("a", { class: "button primary", href: `${add}${chosen}` }, icon("plus"), addLabel(kind)))),
        ),
      );
    },
  };
}
