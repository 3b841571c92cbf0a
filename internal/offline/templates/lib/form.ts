import { h } from "./dom";
import { titleOf } from "./format";
import { blank, type Entry, type Field, type Kind, type Value } from "./kinds";
import { all, kindOf } from "./store";

type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

/** Shows an entry in the form, or an empty form. */
export function fill(form: HTMLFormElement, kind: Kind, entry?: Entry): void {
  for (const [key, definition] of Object.entries(kind.fields)) {
    const control = controlOf(form, key);
    const value = entry?.[key] ?? blank(definition);
    if (definition.type === "relation" && control instanceof HTMLSelectElement) offer(control, definition.to);
    if (control instanceof HTMLInputElement && control.type === "checkbox") control.checked = value === true;
    else control.value = value === null ? "" : String(value);
  }
  complain(form, kind, new Map());
}

/** Reads what was typed, trimmed. Call {@link problems} before trusting it. */
export function read(form: HTMLFormElement, kind: Kind): Record<string, Value> {
  const values = Object.entries(kind.fields).map(([key, definition]): [string, Value] => {
    const control = controlOf(form, key);
    if (control instanceof HTMLInputElement && control.type === "checkbox") return [key, control.checked];
    const text = control.value.trim();
    if (definition.type === "number" || definition.type === "money") return [key, text === "" ? null : Number(text)];
    return [key, text];
  });
  return Object.fromEntries(values);
}

/** What keeps the form from being saved: a sentence for each field that needs attention. */
export function problems(form: HTMLFormElement, kind: Kind, values: Record<string, Value>): Map<string, string> {
  const found = new Map<string, string>();
  for (const [key, definition] of Object.entries(kind.fields)) {
    const unreadable = controlOf(form, key).validity.badInput;
    const problem = check(definition, values[key] ?? blank(definition), unreadable);
    if (problem !== "") found.set(key, problem);
  }
  return found;
}

/** Puts the sentences beside their fields and the cursor into the first of them. */
export function complain(form: HTMLFormElement, kind: Kind, found: ReadonlyMap<string, string>): void {
  for (const key of Object.keys(kind.fields)) {
    const control = controlOf(form, key);
    const sentence = found.get(key) ?? "";
    const note = form.querySelector(`#${control.id}-problem`);
    if (note) note.textContent = sentence;
    if (sentence === "") control.removeAttribute("aria-invalid");
    else control.setAttribute("aria-invalid", "true");
  }
  const [first] = found.keys();
  if (first !== undefined) controlOf(form, first).focus();
}

function check(definition: Field, value: Value, unreadable: boolean): string {
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

function offer(select: HTMLSelectElement, to: string): void {
  const kind = kindOf(to);
  if (!kind) return;
  const options = all(kind)
    .map((entry) => ({ id: entry.id, title: titleOf(kind, entry) }))
    .sort((a, b) => a.title.localeCompare(b.title))
    .map(({ id, title }) => h("option", { value: id }, title));
  const none = options.length === 0 ? `No ${kind.many} yet` : "None";
  select.replaceChildren(h("option", { value: "" }, none), ...options);
}

function controlOf(form: HTMLFormElement, key: string): Control {
  const control = form.elements.namedItem(key);
  if (
    control instanceof HTMLInputElement ||
    control instanceof HTMLSelectElement ||
    control instanceof HTMLTextAreaElement
  ) {
    return control;
  }
  throw new Error(`The form has no field "${key}".`);
}
