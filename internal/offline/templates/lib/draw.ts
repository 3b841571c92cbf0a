import { type Attributes, type View } from "./view";

const graphic = new Set(["svg", "path", "circle"]);

/** What was drawn last; what people changed since, such as an opened detail, is left as it is. */
const drawn = new WeakMap<Element, Attributes>();

/** Makes the children of an element what the views say. What is there already is changed, so that focus and cursor stay. */
export function draw(parent: Element, views: readonly (View | string)[]): void {
  views.forEach((view, place) => {
    const old = parent.childNodes[place];
    const now = typeof view === "string" ? textNode(old, view) : element(old, view);
    if (old === undefined) parent.append(now);
    else if (old !== now) old.replaceWith(now);
  });
  while (parent.childNodes.length > views.length) parent.lastChild?.remove();
}

function textNode(old: ChildNode | undefined, text: string): ChildNode {
  if (!(old instanceof Text)) return document.createTextNode(text);
  if (old.data !== text) old.data = text;
  return old;
}

function element(old: ChildNode | undefined, { tag, attributes, children }: View): Element {
  const same = old instanceof Element && old.localName === tag;
  const now = same ? old : graphic.has(tag) ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  const before = drawn.get(now) ?? {};
  for (const name of new Set([...Object.keys(before), ...Object.keys(attributes)])) {
    const value = attributes[name];
    if (typeof value === "function" || typeof before[name] === "function") Reflect.set(now, name, value ?? null);
    else if (((name === "value" || name === "checked") && tag !== "progress") || value === before[name]) continue;
    else if (value === undefined || value === false) now.removeAttribute(name);
    else now.setAttribute(name, value === true ? "" : String(value));
  }
  drawn.set(now, attributes);
  draw(now, children);
  // A select has its options by now. A field is only written to where it says something else.
  const { value, checked } = attributes;
  if (value !== undefined && Reflect.get(now, "value") !== (tag === "progress" ? value : String(value))) Reflect.set(now, "value", value);
  if (checked !== undefined) Reflect.set(now, "checked", checked);
  return now;
}
