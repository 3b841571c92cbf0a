import { app, kinds } from "../model";
import { blank, type Entry, type Kind, type ValuesOf } from "./kinds";

/** All entries live in this browser's localStorage, one list for each kind. */
const slot = (key: string): string => `${app.id}/${key}`;

/** Entries in the order in which they were added. What cannot be read is set aside, never overwritten. */
export function all<K extends Kind>(kind: K): Entry<K>[] {
  const text = localStorage.getItem(slot(kind.key));
  if (text === null) return [];
  const stored = parse(text);
  if (stored === undefined) {
    localStorage.setItem(`${slot(kind.key)}/unreadable`, text);
    localStorage.removeItem(slot(kind.key));
    return [];
  }
  return stored.map((entry) => complete(kind, entry));
}

export function find<K extends Kind>(kind: K, id: string): Entry<K> | undefined {
  return all(kind).find((entry) => entry.id === id);
}

/** Adds an entry, or replaces the values of the one with this id. Throws when the browser has no room. */
export function save<K extends Kind>(kind: K, values: ValuesOf<K>, id?: string): Entry<K> {
  const entries = all(kind);
  const old = entries.find((entry) => entry.id === id);
  const entry = {
    ...old, // with what fields hold that the app no longer shows
    ...values,
    id: old?.id ?? newId(),
    createdAt: old?.createdAt ?? new Date().toISOString(),
  } as Entry<K>;
  write(kind, old ? entries.map((other) => (other.id === entry.id ? entry : other)) : [...entries, entry]);
  return entry;
}

/** Deletes an entry and empties the fields of others that point to it. */
export function remove(kind: Kind, id: string): void {
  write(kind, all(kind).filter((entry) => entry.id !== id));
  for (const { from, key } of pointers(kind)) {
    const entries = all(from);
    if (entries.some((entry) => entry[key] === id)) {
      write(from, entries.map((entry) => (entry[key] === id ? { ...entry, [key]: "" } : entry)));
    }
  }
}

/** How many entries of any kind point to this one. */
export function references(kind: Kind, id: string): number {
  return pointers(kind).reduce((sum, { from, key }) => sum + all(from).filter((entry) => entry[key] === id).length, 0);
}

export function kindOf(key: string): Kind | undefined {
  return kinds.find((kind) => kind.key === key);
}

/** Calls back after every change, also one that was made in another tab, until the returned function is called. */
export function onChange(listener: () => void): () => void {
  const elsewhere = (event: StorageEvent): void => {
    if (event.key === null || event.key.startsWith(slot(""))) listener();
  };
  changes.addEventListener("change", listener);
  addEventListener("storage", elsewhere);
  return () => {
    changes.removeEventListener("change", listener);
    removeEventListener("storage", elsewhere);
  };
}

const changes = new EventTarget();

function write(kind: Kind, entries: readonly Entry[]): void {
  localStorage.setItem(slot(kind.key), JSON.stringify(entries));
  changes.dispatchEvent(new Event("change"));
}

function parse(text: string): Record<string, unknown>[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.filter((item) => typeof item?.id === "string") : undefined;
  } catch {
    return undefined;
  }
}

/** Entries saved before a field existed get its empty value; what a field held that is gone stays. */
function complete<K extends Kind>(kind: K, stored: Record<string, unknown>): Entry<K> {
  const values = Object.entries(kind.fields).map(([key, definition]) => {
    const empty = blank(definition);
    const saved = stored[key];
    const value = definition.type === "choice" && typeof saved === "string" ? (definition.renamed[saved] ?? saved) : saved;
    const fits = typeof value === typeof empty || (empty === null && typeof value === "number");
    return [key, fits ? value : empty];
  });
  return { ...stored, ...Object.fromEntries(values), id: String(stored.id), createdAt: String(stored.createdAt ?? "") };
}

function pointers(kind: Kind): { from: Kind; key: string }[] {
  return kinds.flatMap((from) =>
    Object.entries(from.fields)
      .filter(([, definition]) => definition.type === "relation" && definition.to === kind.key)
      .map(([key]) => ({ from, key })),
  );
}

/** crypto.randomUUID exists only on secure origins; a page opened over plain HTTP gets the same from random bytes. */
function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
