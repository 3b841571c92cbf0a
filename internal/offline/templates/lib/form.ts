import { check, targetsOf, valueOf } from "./check";
import { h } from "./dom";
import { blank, dateKey, type Entry, type Kind, type RelationField, type Value } from "./kinds";

type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

/** Shows an entry in the form, or a form that is empty but for the day. */
export function fill(form: HTMLFormElement, kind: Kind, entry?: Entry, day?: string): void {
  const dated = dateKey(kind);
  for (const [key, definition] of Object.entries(kind.fields)) {
    const control = controlOf(form, key);
    const value = entry?.[key] ?? (key === dated ? day : undefined) ?? blank(definition);
    if (definition.type === "relation" && control instanceof HTMLSelectElement) offer(control, definition);
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
    return [key, valueOf(definition, control.value)];
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

function offer(select: HTMLSelectElement, definition: RelationField): void {
  select.replaceChildren(...targetsOf(definition).map(({ id, title }) => h("option", { value: id }, title)));
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
