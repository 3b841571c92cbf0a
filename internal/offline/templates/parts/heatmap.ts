import { addLabel, date, dayAfter, nameOf, number, titleOf, today } from "../lib/format";
import { icon } from "../lib/icons";
import { blank, dateKey, type Entry, type Kind, type ValuesOf } from "../lib/kinds";
import { attempt } from "../lib/message";
import { type Part } from "../lib/part";
import { addSamples } from "../lib/sample";
import { all, remove, save } from "../lib/store";
import { locale, t } from "../lib/text";
import { button, el, moveFocus, pairs, panel, picker, type View } from "../lib/view";

interface Options {
  readonly key: string;
  /** What is counted by its first date. */
  readonly shows: Kind;
  readonly page: string;
  readonly add: string;
  /** What is ticked day by day: each tick is an entry of what is counted that points to it. */
  readonly ticked?: { readonly kind: Kind; readonly relation: string; readonly add: string };
}

interface State {
  /** The ticked entry whose days are shown; "" for all together. */
  chosen: string;
  /** "" for today. */
  day: string;
}

type Action = { readonly does: "choose"; readonly entry: string } | { readonly does: "day"; readonly day: string };

const weeks = 26;
const monthFormat = new Intl.DateTimeFormat(locale, { month: "short", timeZone: "UTC" });

/** The days of half a year, from a Monday to today. */
function daysShown(): string[] {
  const weekday = (new Date(`${today()}T00:00Z`).getUTCDay() + 6) % 7;
  return Array.from({ length: (weeks - 1) * 7 + weekday + 1 }, (_, n) => dayAfter(today(), n - (weeks - 1) * 7 - weekday));
}

/** How many days in a row, up to today or yesterday. */
function streakOf(days: ReadonlySet<string>): number {
  const begin = days.has(today()) ? 0 : 1;
  let length = 0;
  while (days.has(dayAfter(today(), -begin - length))) length += 1;
  return length;
}

function longestOf(days: ReadonlySet<string>): number {
  let longest = 0;
  for (const day of days) {
    if (days.has(dayAfter(day, -1))) continue;
    let length = 1;
    while (days.has(dayAfter(day, length))) length += 1;
    longest = Math.max(longest, length);
  }
  return longest;
}

export function heatmap({ key, shows, page, add, ticked }: Options): Part<State, Action> {
  const dated = dateKey(shows) ?? "";
  const dayOf = (entry: Entry): string => String(entry[dated] ?? "");
  return {
    key,
    start: () => ({ chosen: "", day: "" }),
    update: (state, action) => (action.does === "choose" ? { ...state, chosen: action.entry } : { ...state, day: action.day === today() ? "" : action.day }),
    view(state, send) {
      const things = ticked ? all(ticked.kind) : [];
      const chosen = things.find((thing) => thing.id === state.chosen);
      const entries = all(shows);
      const counts = new Map<string, number>();
      for (const entry of entries) {
        if (dayOf(entry) === "" || (chosen && entry[ticked?.relation ?? ""] !== chosen.id)) continue;
        counts.set(dayOf(entry), (counts.get(dayOf(entry)) ?? 0) + 1);
      }
      const days = new Set(counts.keys());
      const day = state.day || today();
      const onDay = entries.filter((entry) => dayOf(entry) === day);
      const choices = things.map((thing) => [thing.id, titleOf(ticked?.kind ?? shows, thing)] as const);
      return el(
        "div",
        { class: "stack" },
        ticked && tickList(ticked, things, shows, entries, day),
        el(
          "section",
          { class: "panel", "aria-labelledby": "map-title" },
          el("div", { class: "month-head" }, el("h2", { id: "map-title" }, t("Half a year")), things.length > 1 && picker("shown", t("Shown"), chosen?.id ?? "", [["", t("All")], ...choices], (entry) => send({ does: "choose", entry }))),
          pairs([[t("Days in a row"), streakOf(days)], [t("Longest"), longestOf(days)], [t("Days in all"), days.size]]),
          map(counts, day, (to) => send({ does: "day", day: to })),
          el("p", { class: "hint legend", "aria-hidden": "true" }, t("less"), [0, 1, 2, 3, 4].map((level) => el("span", { class: `heat level-${level}` })), t("more")),
        ),
        !ticked && panel(
          "day",
          date(day),
          onDay.length === 0 ? el("p", { class: "hint" }, t("Nothing on this day.")) : el("ul", { class: "lines" }, onDay.map((entry) => el("li", {}, el("a", { href: page }, nameOf(shows, entry))))),
          el("div", { class: "controls" }, entries.length === 0 && button(t("Add examples"), () => addSamples(shows)), el("a", { class: "button primary", href: `${add}${day}` }, icon("plus"), addLabel(shows))),
        ),
      );
    },
  };
}

function map(counts: ReadonlyMap<string, number>, chosen: string, choose: (day: string) => void): View {
  const days = daysShown();
  const most = Math.max(1, ...counts.values());
  return el(
    "div",
    { class: "heat-scroll" },
    el("div", { class: "heat-months", "aria-hidden": "true" }, days.filter((_, n) => n % 7 === 0).map((day, week) => el("span", {}, Number(day.slice(8)) <= 7 || week === 0 ? monthFormat.format(new Date(`${day}T00:00Z`)) : ""))),
    el(
      "div",
      { class: "heat-days", role: "group", "aria-label": t("Days"), onkeydown: (use) => moveFocus(use, { ArrowLeft: -7, ArrowRight: 7, ArrowUp: -1, ArrowDown: 1 }) },
      days.map((day) => {
        const count = counts.get(day) ?? 0;
        const level = count === 0 ? 0 : Math.max(1, Math.ceil((4 * count) / most));
        return el("button", {
          type: "button",
          class: `heat level-${level} ${day === chosen ? "chosen" : ""}`,
          "aria-label": `${date(day)}: ${number(count)}`,
          "aria-pressed": String(day === chosen),
          tabindex: day === chosen ? 0 : -1,
          onclick: () => choose(day),
        });
      }),
    ),
  );
}

/** What can be ticked for a day, with its last seven days. */
function tickList({ kind, relation, add }: NonNullable<Options["ticked"]>, things: readonly Entry[], shows: Kind, entries: readonly Entry[], day: string): View {
  const dated = dateKey(shows) ?? "";
  const ticksOf = (thing: Entry): Entry[] => entries.filter((entry) => entry[relation] === thing.id);
  const tick = (thing: Entry): void => {
    const there = ticksOf(thing).filter((entry) => entry[dated] === day);
    if (there.length > 0) for (const entry of there) remove(shows, entry.id);
    else save(shows, { ...Object.fromEntries(Object.entries(shows.fields).map(([name, field]) => [name, field.type === "flag" ? true : blank(field)])), [relation]: thing.id, [dated]: day } as ValuesOf);
  };
  return el(
    "section",
    { class: "panel", "aria-labelledby": "ticks-title" },
    el("div", { class: "month-head" }, el("h2", { id: "ticks-title" }, day === today() ? t("Today") : date(day)), el("a", { class: "button quiet", href: add }, icon("plus"), addLabel(kind))),
    things.length === 0
      ? el("div", { class: "stack" }, el("p", { class: "hint" }, t("Nothing to tick yet. Add what you want to do again and again.")), el("div", { class: "controls" }, button(t("Add examples"), () => addSamples(kind))))
      : el(
          "ul",
          { class: "habits" },
          things.map((thing) => {
            const days = new Set(ticksOf(thing).map((entry) => String(entry[dated] ?? "")));
            const done = days.has(day);
            return el(
              "li",
              { class: "habit" },
              button([icon(done ? "check" : "circle"), el("span", {}, titleOf(kind, thing))], () => attempt(() => tick(thing)), { class: `tick ${done ? "done" : ""}`, "aria-pressed": String(done) }),
              el("span", { class: "week-dots", "aria-hidden": "true" }, [6, 5, 4, 3, 2, 1, 0].map((before) => el("span", { class: days.has(dayAfter(today(), -before)) ? "dot on" : "dot" }))),
              el("span", { class: "badge" }, t("{0} in a row", streakOf(days))),
            );
          }),
        ),
  );
}
