import { t } from "./text";

export interface Message {
  readonly text: string;
  /** Tells it from one before with the same words. */
  readonly id: number;
}

let current: Message = { text: "", id: 0 };
let clearing: ReturnType<typeof setTimeout> | undefined;
const changes = new EventTarget();

/** What happened last, for a while; without words when that is past. */
export const message = (): Message => current;

/** Says what happened, on the screen and to screen readers. */
export function announce(text: string): void {
  tell(text);
  clearTimeout(clearing);
  clearing = setTimeout(() => tell(""), 6000);
}

/** Calls back when the message changes, until the returned function is called. */
export function onMessage(listener: () => void): () => void {
  changes.addEventListener("change", listener);
  return () => changes.removeEventListener("change", listener);
}

/** Tries to change the store; a browser that is full or refuses storage is told to the user, not to the console. */
export function attempt<T>(change: () => T, done = ""): T | undefined {
  try {
    const result = change();
    if (done !== "") announce(done);
    return result;
  } catch {
    announce(t("This could not be saved: the browser's storage is full or switched off."));
    return undefined;
  }
}

function tell(text: string): void {
  current = { text, id: current.id + 1 };
  changes.dispatchEvent(new Event("change"));
}
