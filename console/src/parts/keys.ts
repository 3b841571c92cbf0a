// Keys: each screen says which it has while it is shown. Letters count only where nobody types, and can be turned off.
import { useLayoutEffect } from "preact/hooks";
import { shortcuts } from "../settings";

export interface Shortcut {
  readonly keys: string; // "g p" is two keys, one after the other; "mod+s" is with Ctrl or the command key
  readonly name: string;
  readonly run: (e: KeyboardEvent) => void;
  readonly hidden?: boolean; // from the list of all: of what is asked at the moment, and before all others
}

const active: Shortcut[][] = [];
export const allShortcuts = (): Shortcut[] => active.flat().filter((s) => !s.hidden);

/** useKeys has keys do what the screen that is seen says, without a moment in which they do what an older one did. */
export function useKeys(list: Shortcut[]): void {
  useLayoutEffect(() => {
    active.push(list);
    return () => void active.splice(active.indexOf(list), 1);
  });
}

const typing = (e: KeyboardEvent) => {
  const at = e.composedPath()[0];
  return at instanceof HTMLElement && (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName));
};

let before = "";
let timer = 0;

addEventListener("keydown", (e) => {
  if (e.isComposing || e.defaultPrevented) return;
  const mod = e.ctrlKey || e.metaKey;
  if (e.altKey) return;
  const key = (mod ? "mod+" : "") + (e.key.length === 1 ? e.key.toLowerCase() : e.key);
  const plain = !mod && e.key.length === 1;
  if (plain && (typing(e) || !shortcuts.value)) return;
  if (e.key === "Enter" && !mod) return; // belongs to what has the focus
  if (document.querySelector("dialog[open]") && !mod) return;
  const pressed = before && plain ? before + " " + key : key;
  before = "";
  const meant = [...active].reverse().flat().filter((s) => s.keys === pressed);
  const found = meant.find((s) => s.hidden) ?? meant[0];
  if (found) {
    e.preventDefault();
    found.run(e);
    return;
  }
  if (plain && active.some((list) => list.some((s) => s.keys.startsWith(key + " ")))) {
    before = key;
    clearTimeout(timer);
    timer = setTimeout(() => (before = ""), 1200);
  }
});

const apple = /Mac|iPhone|iPad/.test(navigator.userAgent);
export const shown = (keys: string) => keys.split(" ").map((k) => k.replace("mod+", apple ? "⌘" : "Ctrl ").replace(/(^|\s)([a-z])$/, (_, a: string, b: string) => a + b.toUpperCase())).join(" ");
