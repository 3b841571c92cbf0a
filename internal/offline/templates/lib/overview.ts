import { app, kinds } from "../model";
import { saveFile } from "./file";
import { plural, today } from "./format";
import { dateKey, type Entry, type Kind } from "./kinds";
import { announce } from "./message";
import { choiceOf } from "./query";
import { all } from "./store";
import { t } from "./text";

/** An entry, and the day or time for which it is shown. */
export interface Moment {
  readonly kind: Kind;
  readonly entry: Entry;
  readonly when: string;
}

/** Entries with a date from today on, the next first. Only a kind's first date counts. */
export function comingUp(): Moment[] {
  return kinds
    .flatMap((kind) => {
      const key = dateKey(kind);
      return key === undefined ? [] : all(kind).map((entry) => ({ kind, entry, when: String(entry[key]) }));
    })
    .filter(({ when }) => when >= today())
    .sort((a, b) => a.when.localeCompare(b.when))
    .slice(0, 6);
}

/** What was added last, the newest first. */
export function latest(): Moment[] {
  return kinds
    .flatMap((kind) => all(kind).map((entry) => ({ kind, entry, when: entry.createdAt })))
    .sort((a, b) => b.when.localeCompare(a.when))
    .slice(0, 6);
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
