// What was read of the API, kept by name while the page lives: a screen that is opened again shows what was there and loads
// what is newer.
import { effect, signal, type Signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import type { Page, Pages } from "../../sdk/typescript/src/runtime";
import { isOffline, offline } from "./api";

export interface Loaded<T> {
  readonly data?: T;
  readonly error?: Error;
  readonly loading: boolean;
}

interface Entry {
  state: Signal<Loaded<unknown>>;
  load: (stop: AbortSignal) => PromiseLike<unknown>;
  users: number;
  stale: boolean;
  stop?: AbortController | undefined;
  read?: Promise<void>; // the newest one
}

const entries = new Map<string, Entry>();
const most = 300;

const run = (e: Entry): Promise<void> => (e.read = read(e));

async function read(e: Entry): Promise<void> {
  e.stop?.abort();
  const stop = (e.stop = new AbortController());
  e.stale = false;
  e.state.value = { ...e.state.peek(), loading: true };
  try {
    const data = await e.load(stop.signal);
    if (stop.signal.aborted) return e.read; // a newer one is on its way
    e.state.value = { data, loading: false };
  } catch (error) {
    if (stop.signal.aborted) return e.read;
    e.stale = isOffline(error);
    e.state.value = { ...e.state.peek(), error: error as Error, loading: false };
  }
}

function entryOf(name: string, load: Entry["load"]): Entry {
  let e = entries.get(name);
  if (!e) {
    if (entries.size >= most) {
      for (const [old, was] of entries) if (was.users === 0) { entries.delete(old); break; }
    }
    entries.set(name, (e = { state: signal({ loading: true }), load, users: 0, stale: true }));
  }
  e.load = load;
  return e;
}

/** useData shows what is known under a name, and loads it. Without a name nothing is loaded. */
export function useData<T>(name: string | null, load: (stop: AbortSignal) => PromiseLike<T>): Loaded<T> {
  const e = name === null ? null : entryOf(name, load);
  useEffect(() => {
    if (!e) return;
    e.users++;
    if (e.stale) void run(e);
    return () => {
      e.users--;
      if (e.users === 0) e.stale = true; // it is looked at again when somebody comes back
    };
  }, [e]);
  return (e?.state.value as Loaded<T> | undefined) ?? { loading: false };
}

/** usePages is useData of a list that comes in pages, as far as somebody asked for more. */
export function usePages<P extends Page<I>, I>(name: string, load: (stop: AbortSignal) => Pages<P, I>): { list: Loaded<P>; more: () => void } {
  const [pages, setPages] = useState(1);
  const list = useData<P>(name, async (stop) => {
    let all: P | undefined;
    let n = 0;
    for await (const page of load(stop).pages()) {
      all = all ? { ...page, items: [...all.items, ...page.items] } : page;
      if (++n === pages) break;
    }
    return all!; // there is a first page
  });
  useEffect(() => {
    if (pages > 1) refresh(name);
  }, [pages]);
  return { list, more: () => setPages(pages + 1) };
}

/** refresh has what is known under names that begin so read again: at once where it is shown, which is waited for. */
export async function refresh(...beginnings: string[]): Promise<void> {
  const shown: Promise<void>[] = [];
  for (const [name, e] of entries) {
    if (!beginnings.some((b) => name.startsWith(b))) continue;
    e.stale = true;
    if (e.users > 0) shown.push(run(e));
  }
  await Promise.all(shown);
}

/** change writes what is known under a name without asking. */
export function change<T>(name: string, how: (was: T) => T): void {
  const e = entries.get(name);
  const was = e?.state.peek().data as T | undefined;
  if (e && was !== undefined) e.state.value = { ...e.state.peek(), data: how(was) };
}

export const known = <T>(name: string): T | undefined => entries.get(name)?.state.peek().data as T | undefined;

let was = offline.value;
effect(() => {
  if (was && !offline.value) refresh("");
  was = offline.value;
});
