import { app, kinds } from "../model";
import { saveFile } from "./file";
import { dayOf, money, number, plural, sum, today } from "./format";
import { dateKey, type Entry, type Kind, type Stat } from "./kinds";
import { announce } from "./message";
import { choiceOf } from "./query";
import { all } from "./store";
import { t } from "./text";

/** An entry, and the day for which it is shown. */
export interface Moment {
  readonly kind: Kind;
  readonly entry: Entry;
  readonly at: string;
}

/** The fields that say when something is to come. A list that begins with what was last tells of what has been. */
const daysOf = (kind: Kind): string[] => (kind.sort === `-${dateKey(kind)}` ? [] : Object.keys(kind.fields).filter((key) => kind.fields[key]?.type === "date"));

/** What says more of a kind than how many there are: what its money comes to, and how much of it is ticked off. */
export function totals(kind: Kind): Stat[] {
  const entries = all(kind);
  if (entries.length === 0) return [];
  return Object.entries(kind.fields).flatMap(([key, { type, label }]): Stat[] => {
    if (type === "money") return [{ label, value: money(sum(entries.map((entry) => Number(entry[key] ?? 0)))) }];
    if (type === "flag") return [{ label, value: t("{shown} of {total}", { shown: number(entries.filter((entry) => entry[key] === true).length), total: number(entries.length) }) }];
    return [];
  }).slice(0, 2);
}

/** Entries with a date from today on, the next first. */
export function comingUp(): Moment[] {
  const from = today();
  return kinds
    .flatMap((kind) => {
      const days = daysOf(kind);
      return all(kind).flatMap((entry) => days.map((key) => String(entry[key])).filter((day) => day >= from).sort().slice(0, 1).map((at) => ({ kind, entry, at })));
    })
    .sort((a, b) => a.at.localeCompare(b.at))
    .slice(0, 6);
}

/** What was added last, the newest first. */
export function latest(): Moment[] {
  return kinds
    .flatMap((kind) => all(kind).map((entry) => ({ kind, entry, added: entry.createdAt })))
    .sort((a, b) => b.added.localeCompare(a.added))
    .slice(0, 6)
    .map(({ kind, entry, added }) => ({ kind, entry, at: dayOf(new Date(added)) }));
}

/** How many entries have each option of the kind's choice: those that any has, with the option's place. */
export function splitOf(kind: Kind): { option: string; rank: number; count: number }[] {
  const choice = choiceOf(kind);
  return (choice?.field.options ?? [])
    .map((option, rank) => ({ option, rank, count: all(kind).filter((entry) => choice && entry[choice.key] === option).length }))
    .filter(({ count }) => count > 0);
}

/** Everything that was entered, as a file for safe keeping. */
export function download(): void {
  const data = Object.fromEntries(kinds.map((kind) => [kind.key, all(kind)]));
  saveFile(`${app.id}-${today()}.json`, "application/json", JSON.stringify(data, null, 2));
  announce(t("Saved: {list}.", { list: kinds.map((kind) => plural(all(kind).length, kind)).join(", ") }));
}
