import { draw } from "./draw";
import { icon } from "./icons";
import { message, onMessage } from "./message";

/** Makes an element. Texts become text nodes, so nothing that was typed in is ever read as markup. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string | boolean>> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** A button whose words make sense on their own to those who cannot see what it stands beside. */
export function button(label: string, about: string, action: string, onClick: () => void): HTMLButtonElement {
  const element = h("button", { type: "button", class: `quiet ${action}`, "data-action": action }, label);
  if (about !== "") element.append(h("span", { class: "unseen" }, ` ${about}`));
  element.addEventListener("click", onClick);
  return element;
}

/** An icon beside words, which says nothing by itself. */
export function svg(name: string): Element {
  const box = document.createElement("span");
  draw(box, [icon(name)]);
  return box.firstElementChild ?? box;
}

/** The element of the page with this id. Page and script belong together, so a missing one is a mistake in the app. */
export function byId<T extends HTMLElement>(id: string, type: new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`The page has no ${type.name} "${id}".`);
  return element;
}

/** Shows what was announced in the page's live region. */
export function showMessages(): void {
  onMessage(() => {
    byId("message", HTMLElement).textContent = message().text;
  });
}
