import { useSyncExternalStore } from "react";
import { message, onMessage, type Message } from "./lib/message";
import * as store from "./lib/store";

let version = 0;
store.onChange(() => {
  version += 1;
});

/** The store; what reads it is drawn again after every change. */
export function useStore(): Pick<typeof store, "all"> {
  useSyncExternalStore(store.onChange, () => version);
  return store;
}

/** What happened last, without words when that is past. */
export function useMessage(): Message {
  return useSyncExternalStore(onMessage, message);
}

/** What a page is told by the address. */
export interface PageProps {
  /** A new entry is asked for. */
  readonly adding: boolean;
  /** The day that it is for, "" for none in particular. */
  readonly day: string;
}

export interface Route extends PageProps {
  /** The key of a page, or anything else for the first. */
  readonly page: string;
}

/** Where the address leads: #/visits is a page, #/visits/new its form, #/visits/new/2031-05-09 the same for a day. */
export function useRoute(): Route {
  const hash = useSyncExternalStore(onHashChange, () => location.hash);
  const [page = "", action, day = ""] = hash.replace(/^#\//, "").split("/");
  return { page, adding: action === "new", day };
}

function onHashChange(listener: () => void): () => void {
  addEventListener("hashchange", listener);
  return () => removeEventListener("hashchange", listener);
}
