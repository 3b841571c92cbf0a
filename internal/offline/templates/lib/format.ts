import { app } from "../model";
import { titleKey, type Entry, type Field, type Kind, type Value } from "./kinds";
import { find, kindOf, references } from "./store";
import { locale, t } from "./text";

const moneyFormat = new Intl.NumberFormat(locale, { style: "currency", currency: app.currency });
const numberFormat = new Intl.NumberFormat(locale, { maximumFractionDigits: 2, useGrouping: "min2" }); // a year has no comma
const dateFormat = new Intl.DateTimeFormat(locale, { dateStyle: "medium" });
const dayFormat = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });

export const money = (amount: number): string => moneyFormat.format(amount);

export const number = (value: number): string => numberFormat.format(value);

/** `iso` is a day such as 2031-05-09, meant in the reader's own time zone. */
export function date(iso: string): string {
  const day = new Date(`${iso}T00:00`);
  return Number.isNaN(day.getTime()) ? iso : dateFormat.format(day);
}

/** Two digits at least, as clocks and calendars write numbers. */
export const two = (value: number): string => String(value).padStart(2, "0");

/** The day of a moment, where the reader is. */
export const dayOf = (at: Date): string => `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;

export const today = (): string => dayOf(new Date());

/** The day that comes so many days after another; before it, where they are less than 0. */
export const dayAfter = (day: string, days: number): string => new Date(Date.parse(`${day}T00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);

/** How many days the second comes after the first; not a number where one of them is no whole day. */
export const daysBetween = (from: string, to: string): number => Math.round((Date.parse(`${to}T00:00Z`) - Date.parse(`${from}T00:00Z`)) / 86_400_000);

/** Today with its weekday. */
export const thisDay = (): string => new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long" }).format(new Date());

/** A day as people speak of it: tomorrow, in 3 days, and further away its date. */
export function when(iso: string): string {
  const days = daysBetween(today(), iso);
  return Math.abs(days) < 7 ? dayFormat.format(days, "day") : date(iso);
}

/** A value as people read it; empty when there is none. */
export function show(definition: Field, value: Value | undefined): string {
  if (value === undefined || value === null || value === "") return "";
  switch (definition.type) {
    case "money":
      return money(Number(value));
    case "number":
      return number(Number(value));
    case "date":
      return date(String(value));
    case "flag":
      return value ? t("Yes") : t("No");
    case "relation": {
      const kind = kindOf(definition.to);
      const entry = kind && find(kind, String(value));
      return kind && entry ? titleOf(kind, entry) : "";
    }
    default:
      return String(value);
  }
}

/** A kind as the heading of what shows it. */
export function headingOf(kind: Kind): string {
  return kind.many.charAt(0).toUpperCase() + kind.many.slice(1);
}

/** What adding an entry is called. */
export function addLabel(kind: Kind): string {
  return t("{verb} {one}", { verb: kind.verb, one: kind.one });
}

/** What to call an entry in a list or a question. A day alone says little: what else there is to it stands before. */
export function titleOf(kind: Kind, entry: Entry): string {
  const definition = kind.fields[titleKey(kind)];
  const own = definition ? show(definition, entry[titleKey(kind)]) : "";
  if (own === "") return t("Unnamed {one}", { one: kind.one });
  return [besides(kind, entry), own].filter(Boolean).join(", ");
}

/** What to call an entry beside the day on which it stands: by what else it says, where its title is that day. */
export function nameOf(kind: Kind, entry: Entry): string {
  return besides(kind, entry) || titleOf(kind, entry);
}

/** The first that an entry says where its title is a day; else, or where it says nothing, "". */
function besides(kind: Kind, entry: Entry): string {
  const title = titleKey(kind);
  if (kind.fields[title]?.type !== "date") return "";
  for (const [key, definition] of Object.entries(kind.fields)) {
    if (key === title || ["date", "flag", "notes"].includes(definition.type) || (definition.type === "relation" && !isNamed(definition.to))) continue;
    const text = show(definition, entry[key]);
    if (text !== "") return definition.type === "number" || definition.type === "money" ? `${definition.label}: ${text}` : text;
  }
  return "";
}

/** Reports whether entries of the kind with this key are called by a text of their own. */
function isNamed(to: string): boolean {
  const kind = kindOf(to);
  return kind?.fields[titleKey(kind)]?.type === "text";
}

export function plural(count: number, kind: Kind): string {
  return `${number(count)} ${count === 1 ? kind.one : kind.many}`;
}

export function sum(values: readonly (number | null)[]): number {
  return values.reduce<number>((total, value) => total + (value ?? 0), 0);
}

/** A link as people read it: without what every link begins with. */
export const linkText = (text: string): string => text.replace(/^https?:\/\/(?:www\.)?/i, "").replace(/\/$/, "");

/** Where a mail address, a phone number or a link leads; empty when nowhere. */
export function hrefOf(definition: Field, text: string): string {
  if (text === "") return "";
  if (definition.type === "email") return `mailto:${text}`;
  if (definition.type === "phone") return `tel:${text.replace(/[^\d+]/g, "")}`;
  return definition.type === "link" && /^https?:\/\//i.test(text) ? text : "";
}

/** What deleting an entry means, for the question before it. */
export function consequence(kind: Kind, entry: Entry): string {
  const others = references(kind, entry.id);
  if (others === 0) return t("This cannot be undone.");
  if (others === 1) return t("This cannot be undone. It is named in one other entry, which will stay without it.");
  return t("This cannot be undone. It is named in {count} other entries, which will stay without it.", { count: others });
}
