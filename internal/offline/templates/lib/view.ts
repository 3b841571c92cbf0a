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

/** A select with its label. */
export function picker(id: string, label: string, value: string, options: readonly (readonly [value: string, label: string])[], pick: (value: string) => void): View {
  return el(
    "div",
    { class: "field" },
    el("label", { for: id }, label),
    el("select", { id, value, onchange: (use) => pick(typed(use)) }, options.map(([of, name]) => el("option", { value: of }, name))),
  );
}

/** A number to type, with its label and, where it needs attention, a sentence. */
export function numberInput(id: string, label: string, value: string, set: (value: string) => void, unit = "", problem = "", more: Attributes = {}): View {
  return el(
    "div",
    { class: "field" },
    el("label", { for: id }, label, unit !== "" && el("span", { class: "unit" }, ` (${unit})`)),
    el("input", { id, type: "number", inputmode: "decimal", step: "any", ...more, value, "aria-describedby": `${id}-problem`, "aria-invalid": problem !== "" && "true", oninput: (use) => set(typed(use)) }),
    el("p", { id: `${id}-problem`, class: "problem" }, problem),
  );
}
