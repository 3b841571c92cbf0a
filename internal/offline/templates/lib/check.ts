import { titleOf } from "./format";
import { type Entry, type Field, type Kind, type RelationField, type Value } from "./kinds";
import { all, kindOf } from "./store";

/** What a typed text means for a field. Call {@link check} before trusting it. */
export function valueOf(definition: Field, typed: string): Value {
  const text = typed.trim();
  if (definition.type === "number" || definition.type === "money") return text === "" ? null : Number(text);
  return text;
}

/** A sentence when a field needs attention, else "". `unreadable`: the browser could not make sense of what was typed. */
export function check(definition: Field, value: Value, unreadable: boolean): string {
  const { label, type } = definition;
  if (unreadable) return type === "date" ? `${label} is not a whole date.` : `${label} is not a number.`;
  if (value === "" || value === null) return definition.required ? `${label} is needed.` : "";
  const text = String(value);
  switch (type) {
    case "money":
      return Number(value) < 0 ? `${label} cannot be less than zero.` : "";
    case "email":
      return /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text) ? "" : `${label} should look like name@example.com.`;
    case "phone":
      return /^\+?[\d\s()./-]{4,}$/.test(text) ? "" : `${label} should hold digits, for example +44 20 7946 0000.`;
    case "link":
      return /^https?:\/\/\S+$/i.test(text) ? "" : `${label} should start with https://.`;
    case "text":
      return text.length > 200 ? `${label} can have at most 200 characters.` : "";
    default:
      return "";
  }
}

/** What a relation can point to, by title; the first says that there is none. */
export function targetsOf(definition: RelationField): { id: string; title: string }[] {
  const kind: Kind | undefined = kindOf(definition.to);
  if (!kind) return [];
  const targets = all(kind)
    .map((entry: Entry) => ({ id: entry.id, title: titleOf(kind, entry) }))
    .sort((a, b) => a.title.localeCompare(b.title));
  return [{ id: "", title: targets.length === 0 ? `No ${kind.many} yet` : "None" }, ...targets];
}
