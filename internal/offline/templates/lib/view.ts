/** What is shown, as data: the pages' own way of drawing makes elements of it. Texts stay texts, whatever was typed. */
export interface View {
  readonly tag: string;
  readonly attributes: Attributes;
  readonly children: readonly (View | string)[];
}

/** What a handler gets to know of an event. */
export interface Use {
  readonly currentTarget: EventTarget | null;
  readonly key?: string;
  readonly clientX?: number;
  readonly clientY?: number;
  preventDefault(): void;
}

export type Handler = (use: Use) => void;

/** Named as in HTML: class, for, aria-label, onclick. False and undefined leave an attribute out. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined | Handler>>;

export type Child = View | string | number | false | undefined | readonly Child[];

export function el(tag: string, attributes: Attributes = {}, ...children: Child[]): View {
  return { tag, attributes, children: flat(children) };
}

function flat(children: readonly Child[]): (View | string)[] {
  return children.flatMap((child): (View | string)[] => {
    if (child === false || child === undefined || child === "") return [];
    if (typeof child === "number") return [String(child)];
    if (typeof child === "string") return [child];
    return "tag" in child ? [child] : flat(child);
  });
}

/** What stands in the control of an event. */
export function typed(use: Use): string {
  const control = use.currentTarget;
  return control instanceof HTMLInputElement || control instanceof HTMLSelectElement || control instanceof HTMLTextAreaElement ? control.value : "";
}

export function button(label: Child, onclick: () => void, attributes: Attributes = {}): View {
  return el("button", { type: "button", class: "quiet", ...attributes, onclick }, label);
}

/** A panel with its heading, by which it is named. */
export function panel(name: string, heading: Child, ...children: Child[]): View {
  return el("section", { class: "panel", "aria-labelledby": `${name}-title` }, el("h2", { id: `${name}-title` }, heading), ...children);
}

/** A select with its label. */
export function picker(id: string, label: string, value: string, options: readonly (readonly [value: string, label: string])[], pick: (value: string) => void): View {
  return el(
    "div",
    { class: "field" },
    el("label", { for: id }, label),
    el("select", { id, value, onchange: (use) => pick(typed(use)) }, options.map(([of, name]) => el("option", { value: of }, name))),
  );
}

/** A text to type, or a day by its type, with its label and, where it may need attention, a sentence. */
export function textInput(id: string, label: Child, value: string, set: (value: string) => void, more: Attributes = {}, problem?: string): View {
  const checked = problem === undefined ? {} : { "aria-describedby": `${id}-problem`, "aria-invalid": problem !== "" && "true" };
  return el(
    "div",
    { class: "field" },
    el("label", { for: id }, label),
    el("input", { id, type: "text", ...more, value, ...checked, oninput: (use) => set(typed(use)) }),
    problem !== undefined && el("p", { id: `${id}-problem`, class: "problem" }, problem),
  );
}

/** A number to type. */
export function numberInput(id: string, label: string, value: string, set: (value: string) => void, unit = "", problem = "", more: Attributes = {}): View {
  return textInput(id, [label, unit !== "" && el("span", { class: "unit" }, ` (${unit})`)], value, set, { type: "number", inputmode: "decimal", step: "any", ...more }, problem);
}

/** Names with what they are, in boxes or as rows. */
export function pairs(list: readonly (readonly [name: string, value: string | number])[], look: "facts" | "rows" = "facts"): View {
  return el("dl", { class: look }, list.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

/** Moves the focus among an element's buttons by so many places for each key; with columns, a step sideways stays in its row. */
export function moveFocus(use: Use, steps: Readonly<Record<string, number>>, columns?: number): void {
  const step = steps[use.key ?? ""];
  if (step === undefined || !(use.currentTarget instanceof HTMLElement)) return;
  const places = [...use.currentTarget.querySelectorAll<HTMLElement>("button")];
  const from = places.findIndex((place) => place === document.activeElement);
  use.preventDefault();
  if (columns !== undefined && Math.abs(step) === 1 && Math.floor(from / columns) !== Math.floor((from + step) / columns)) return;
  if (from >= 0) places[from + step]?.focus();
}
