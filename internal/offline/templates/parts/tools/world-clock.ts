import { icon } from "../../lib/icons";
import { type Part } from "../../lib/part";
import { locale, t } from "../../lib/text";
import { button, el, picker } from "../../lib/view";

const here = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
const zones = [...new Set([here, "UTC", ...Intl.supportedValuesOf("timeZone")])];

interface State {
  zones: string[];
  adding: string;
  /** Minutes from now that the clocks show. */
  ahead: string;
}

type Action = { readonly does: "adding" | "ahead"; readonly text: string } | { readonly does: "add" | "tick" } | { readonly does: "remove"; readonly zone: string };

const nameOf = (zone: string): string => zone.split("/").at(-1)?.replaceAll("_", " ") ?? zone;
const inZone = (zone: string, at: number, how: Intl.DateTimeFormatOptions): string => new Intl.DateTimeFormat(locale, { timeZone: zone, ...how }).format(at);

export function worldClock(key: string): Part<State, Action> {
  return {
    key,
    start: () => ({ zones: [...new Set([here, "Europe/London", "America/New_York", "Asia/Tokyo"])], adding: "Australia/Sydney", ahead: "0" }),
    update(state, action) {
      switch (action.does) {
        case "adding":
          return { ...state, adding: action.text };
        case "ahead":
          return { ...state, ahead: action.text };
        case "add":
          return zones.includes(state.adding) ? { ...state, zones: [...new Set([...state.zones, state.adding])].slice(0, 24) } : state;
        case "remove":
          return { ...state, zones: state.zones.filter((zone) => zone !== action.zone) };
        case "tick":
          return state;
      }
    },
    tick: { action: { does: "tick" }, every: () => 1000 - (Date.now() % 1000) },
    view(state, send) {
      const at = Date.now() + 3_600_000 * Number(state.ahead);
      const now = state.ahead === "0";
      const there = state.zones.includes(state.adding);
      const hours = Array.from({ length: 49 }, (_, n) => n - 24);
      return el(
        "div",
        { class: "stack" },
        el(
          "section",
          { class: "panel line-form" },
          picker("zone", t("City or zone"), state.adding, zones.map((zone) => [zone, zone.replaceAll("_", " ")] as const), (text) => send({ does: "adding", text })),
          picker("ahead", t("At which time"), state.ahead, hours.map((n) => [String(n), n === 0 ? t("now") : n > 0 ? t("in {0} hours", n) : t("{0} hours ago", -n)] as const), (text) => send({ does: "ahead", text })),
          button([icon("plus"), t("Add")], () => !there && send({ does: "add" }), { class: "primary", "aria-disabled": there && "true" }),
        ),
        el("ul", { class: "cards" }, state.zones.filter((zone) => zones.includes(zone)).map((zone) => el(
          "li",
          { class: "panel counter" },
          el("h2", {}, nameOf(zone), zone === here && el("span", { class: "badge" }, t("here"))),
          el("p", { class: "time" }, inZone(zone, at, { hour: "2-digit", minute: "2-digit", ...(now && { second: "2-digit" }) })),
          el("p", { class: "hint" }, inZone(zone, at, { weekday: "long", day: "numeric", month: "long", timeZoneName: "short" })),
          button([icon("trash"), t("Delete")], () => send({ does: "remove", zone }), { "aria-label": t("Delete {0}", nameOf(zone)) }),
        ))),
      );
    },
  };
}
