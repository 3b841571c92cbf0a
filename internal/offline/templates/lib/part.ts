import { app } from "../model";
import { attempt } from "./message";
import { onChange } from "./store";
import { type View } from "./view";

/** Something that the app does: what it remembers, what can happen to that, and what is seen of it. */
export interface Part<State, Action> {
  /** Names what is kept in the browser. */
  readonly key: string;
  start(): State;
  update(state: State, action: Action): State;
  view(state: State, send: (action: Action) => void): View;
  /** What happens by itself, so many milliseconds after the last change; 0 for never. */
  readonly tick?: { readonly action: Action; every(state: State): number };
  /** What a key of the keyboard does while no field has the focus. */
  press?(state: State, key: string): Action | undefined;
}

/** A part in use. */
export interface Running {
  view(): View;
  /** Another number after every change. */
  version(): number;
  /** Calls back after every change, until the returned function is called. Time passes only while somebody looks. */
  onChange(listener: () => void): () => void;
}

/** Starts a part where it was left in this browser. */
export function run<State, Action>(part: Part<State, Action>): Running {
  const slot = `${app.id}/part/${part.key}`;
  let state = restore(slot, part.start());
  let version = 0;
  let waiting: ReturnType<typeof setTimeout> | undefined;
  const listeners = new Set<() => void>();

  const tell = (): void => {
    version += 1;
    for (const listener of listeners) listener();
  };
  const wait = (): void => {
    clearTimeout(waiting);
    const time = listeners.size > 0 && part.tick ? part.tick.every(state) : 0;
    if (time > 0) waiting = setTimeout(() => part.tick && send(part.tick.action), time);
  };
  const send = (action: Action): void => {
    const before = state;
    state = part.update(before, action);
    if (state !== before) attempt(() => localStorage.setItem(slot, JSON.stringify(state)));
    wait();
    tell();
  };
  const press = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || occupied(event)) return;
    const action = part.press?.(state, event.key);
    if (action === undefined) return;
    event.preventDefault();
    send(action);
  };
  let leaveStore = (): void => undefined;

  return {
    view: () => part.view(state, send),
    version: () => version,
    onChange(listener) {
      listeners.add(listener);
      if (listeners.size === 1) {
        version += 1; // the store may have changed while nobody looked
        leaveStore = onChange(tell);
        addEventListener("keydown", press);
        wait();
      }
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        leaveStore();
        removeEventListener("keydown", press);
        clearTimeout(waiting);
      };
    },
  };
}

/** Keys belong to fields and open dialogs first, and Enter and Space to what has the focus. */
function occupied(event: KeyboardEvent): boolean {
  const target = event.target;
  if (document.querySelector("dialog[open]")) return true;
  if (!(target instanceof HTMLElement)) return false;
  if (target.matches("input, select, textarea")) return true;
  return target.matches("button, a, summary") && (event.key === "Enter" || event.key === " ");
}

/** What was kept, as far as it has the form of what the part starts with. */
function restore<State>(slot: string, fresh: State): State {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(slot) ?? "null");
    return alike(fresh, kept) ? (kept as State) : fresh;
  } catch {
    return fresh;
  }
}

function alike(sample: unknown, value: unknown): boolean {
  if (sample === null || typeof sample !== "object") return sample === null || typeof sample === typeof value;
  if (value === null || typeof value !== "object" || Array.isArray(sample) !== Array.isArray(value)) return false;
  if (Array.isArray(sample)) return Array.isArray(value) && (sample.length === 0 || value.every((item) => alike(sample[0], item)));
  return Object.entries(sample).every(([key, item]) => alike(item, (value as Record<string, unknown>)[key]));
}
