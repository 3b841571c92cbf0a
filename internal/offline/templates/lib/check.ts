import { titleOf } from "./format";
import { type Entry, type Field, type Kind, type RelationField, type Value } from "./kinds";
import { all, kindOf } from "./store";
import { t } from "./text";

/** What a typed text means for a field. Call {@link check} before trusting it. */
export function valueOf(definition: Field, typed: string): Value {
  const text = typed.trim();
  if (definition.type === "number" || definition.type === "money") return text === "" ? null : Number(text);
  return text;
}

/** A sentence when a field needs attention, else "". `unreadable`: the browser could not make sense of what was typed. */
export function check(definition: Field, value: Value, unreadable: boolean): string {
  const { label, type } = definition;
  if (unreadable) return type === "date" ? t("{label} is not a whole date.", { label }) : t("{label} is not a number.", { label });
  if (value === "" || value === null) return definition.required ? t("{label} is needed.", { label }) : "";
  const text = String(value);
  switch (type) {
    case "money":
      return Number(value) < 0 ? t("{label} cannot be less than zero.", { label }) : "";
    case "email":
      return /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text) ? "" : t("{label} should look like name@example.com.", { label });
    case "phone":
      return /^\+?[\d\s()./-]{4,}$/.test(text) ? "" : t("{label} should hold digits, for example +44 20 7946 0000.", { label });
    case "link":
      return /^https?:\/\/\S+$/i.test(text) ? "" : t("{label} should start with https://.", { label });
    case "text":
      return text.length > 200 ? t("{label} can have at most 200 characters.", { label }) : "";
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
  return [{ id: "", title: targets.length === 0 ? t("No {many} yet", { many: kind.many }) : t("None") }, ...targets];
}
