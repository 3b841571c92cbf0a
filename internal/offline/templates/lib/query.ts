import { plural, show } from "./format";
import { titleKey, type ChoiceField, type Entry, type Field, type Kind } from "./kinds";
import { t } from "./text";

/** Entries that hold every word of the search, in any field, and the chosen option. */
export function select(kind: Kind, entries: readonly Entry[], search: string, option: string): Entry[] {
  const words = search.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const key = filterKey(kind);
  return entries.filter((entry) => {
    if (option !== "" && String(entry[key] ?? "") !== option) return false;
    const text = Object.entries(kind.fields)
      .map(([key, definition]) => show(definition, entry[key]))
      .join(" ")
      .toLocaleLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** Sorts by a field, with "-" before it the highest first, or, for "", by newest first. Entries without a value come last. */
export function sort(kind: Kind, entries: readonly Entry[], order: string): Entry[] {
  const key = order.replace(/^-/, "");
  const way = order === key ? 1 : -1;
  const definition = kind.fields[key];
  if (!definition) return [...entries].reverse();
  return [...entries].sort((a, b) => {
    const [left, right] = [a[key], b[key]];
    if (typeof left === "number" && typeof right === "number") return way * (left - right);
    const [one, two] = definition.type === "date" ? [String(left), String(right)] : [show(definition, left), show(definition, right)];
    return Number(one === "") - Number(two === "") || way * one.localeCompare(two, undefined, { numeric: true });
  });
}

/** What a list is filtered by, and the values to choose from. */
export interface Filter {
  readonly key: string;
  readonly label: string;
  readonly options: readonly { readonly value: string; readonly label: string }[];
}

/** The field by which lists are filtered: the one that the kind names, else its first choice, "" for none. */
const filterKey = (kind: Kind): string => kind.filter ?? choiceOf(kind)?.key ?? "";

/** The kind's filter. What is no choice offers the values that entries have. */
export function filterOf(kind: Kind, entries: readonly Entry[]): Filter | undefined {
  const key = filterKey(kind);
  const definition = kind.fields[key];
  if (!definition) return undefined;
  if (definition.type === "choice") return { key, label: definition.label, options: definition.options.map((option) => ({ value: option, label: option })) };
  const labels = new Map(entries.map((entry) => [String(entry[key] ?? ""), show(definition, entry[key])]));
  const options = [...labels].map(([value, label]) => ({ value, label })).filter(({ label }) => label !== "");
  return { key, label: definition.label, options: options.sort((a, b) => a.label.localeCompare(b.label)) };
}

/** The choice that makes the columns of a board: the kind's first. */
export function choiceOf(kind: Kind): { key: string; field: ChoiceField } | undefined {
  for (const [key, field] of Object.entries(kind.fields)) if (field.type === "choice") return { key, field };
  return undefined;
}

/** How many of the entries are shown, in words. */
export function summary(kind: Kind, shown: number, total: number): string {
  if (total === 0) return "";
  if (shown === 0) return t("No {many} match. Try fewer words or another filter.", { many: kind.many });
  return shown === total ? plural(total, kind) : t("{shown} of {total}", { shown, total: plural(total, kind) });
}

/** What a card says of an entry below its title: fields that hold something, and yes or no. */
export function factsOf(kind: Kind, entry: Entry, without = ""): { key: string; definition: Field }[] {
  const title = titleKey(kind);
  return Object.entries(kind.fields)
    .filter(([key, definition]) => key !== title && key !== without && (definition.type === "flag" || show(definition, entry[key]) !== ""))
    .map(([key, definition]) => ({ key, definition }));
}

/** The option before or after one, by which a card moves to the column beside its own; undefined at the edge. */
export function neighbour(choice: ChoiceField, option: string, by: number): string | undefined {
  return choice.options[option === "" && by > 0 ? 0 : choice.options.indexOf(option) + by];
}

/** The columns of a board: each option with its entries, and those without one, or with one that is gone, where there are any. */
export function columnsOf(choice: { key: string; field: ChoiceField }, entries: readonly Entry[]): { option: string; mine: Entry[] }[] {
  return [...choice.field.options, ""]
    .map((option) => ({ option, mine: entries.filter((entry) => (option === "" ? !choice.field.options.includes(String(entry[choice.key])) : entry[choice.key] === option)) }))
    .filter(({ option, mine }) => option !== "" || mine.length > 0);
}
