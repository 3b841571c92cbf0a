// What a browser remembers of how somebody likes the console. Nothing of it is secret.
import { effect, signal, type Signal } from "@preact/signals";

const prefix = "codeforge.console.";

function read<T>(name: string, otherwise: T): T {
  try {
    const text = localStorage.getItem(prefix + name);
    return text === null ? otherwise : (JSON.parse(text) as T);
  } catch {
    return otherwise;
  }
}

/** remembered is a signal whose value is there again after a reload, where the browser allows it. */
export function remembered<T>(name: string, otherwise: T): Signal<T> {
  const s = signal<T>(read(name, otherwise));
  let first = true;
  effect(() => {
    const text = JSON.stringify(s.value);
    if (first) {
      first = false;
      return;
    }
    try {
      localStorage.setItem(prefix + name, text);
    } catch {
      // It holds for this visit.
    }
  });
  return s;
}

export type Theme = "system" | "light" | "dark";
export const theme = remembered<Theme>("theme", "system");
export const shortcuts = remembered("shortcuts", true);
export const columns = remembered<{ chat: number; preview: number }>("columns", { chat: 330, preview: 430 });
export const collapsed = remembered<{ chat: boolean; preview: boolean }>("collapsed", { chat: false, preview: false });

effect(() => {
  const root = document.documentElement;
  if (theme.value === "system") delete root.dataset.theme;
  else root.dataset.theme = theme.value;
});

/** How the server that delivered this page is set. */
export interface Served {
  readonly version: string;
  readonly users: boolean;
  readonly supabaseURL: string;
  readonly supabaseKey: string;
}

export const served: Served = (() => {
  const text = document.querySelector<HTMLMetaElement>('meta[name="codeforge"]')?.content;
  return { version: "", users: false, supabaseURL: "", supabaseKey: "", ...(text ? (JSON.parse(text) as Partial<Served>) : {}) };
})();
