import { kinds } from "../model";
import { samples } from "../samples";
import { dayAfter, today } from "./format";
import { blank, type Kind, type Value, type ValuesOf } from "./kinds";
import { attempt } from "./message";
import { all, kindOf, save } from "./store";
import { t } from "./text";

/** Adds examples of a kind, and of those that they point to, where nothing is yet; without a kind, of all. */
export function addSamples(kind?: Kind): void {
  attempt(() => {
    for (const wanted of kind ? [kind] : kinds) fill(wanted, []);
  }, t("Examples were added. They can be changed and deleted like anything else."));
}

function fill(kind: Kind, above: readonly Kind[]): void {
  if (above.includes(kind) || all(kind).length > 0) return;
  for (const field of Object.values(kind.fields)) {
    const other = field.type === "relation" ? kindOf(field.to) : undefined;
    if (other) fill(other, [...above, kind]);
  }
  for (const sample of samples[kind.key] ?? []) {
    const values = Object.entries(kind.fields).map(([key, field]): [string, Value] => {
      const value = sample[key] ?? blank(field);
      if (field.type === "date" && typeof value === "number") return [key, dayAfter(today(), value)];
      if (field.type !== "relation") return [key, value];
      const others = all(kindOf(field.to) ?? kind);
      return [key, others.length > 0 ? (others[Number(value) % others.length]?.id ?? "") : ""];
    });
    save(kind, Object.fromEntries(values) as ValuesOf);
  }
}
