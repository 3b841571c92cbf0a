// Addresses of screens. All of them lie behind the # of the one page, so that the console works below any path that a proxy
// strips, and no address of a screen is one of the API.
import "./arrival"; // first: what it takes is no address of a screen
import { computed, signal } from "@preact/signals";

export interface Place {
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

const parse = (hash: string): Place => {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const segments = path.split("/").filter(Boolean).map((s) => {
    try {
      return decodeURIComponent(s);
    } catch {
      return s;
    }
  });
  return { path: segments, query: new URLSearchParams(query) };
};

export const place = signal<Place>(parse(location.hash));
addEventListener("hashchange", () => (place.value = parse(location.hash)));

export type Query = Record<string, string | null | undefined>;

/** link is the address of a screen; what has no value is left out of its query. */
export function link(path: readonly (string | number)[], query: Query = {}): string {
  const q = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value) q.set(key, value);
  const text = q.toString();
  return "#/" + path.map((s) => encodeURIComponent(s)).join("/") + (text ? "?" + text : "");
}

export function go(to: string, how: "push" | "replace" = "push"): void {
  if (to === location.hash) return;
  if (how === "push") {
    location.hash = to;
  } else {
    history.replaceState(null, "", to);
    place.value = parse(to);
  }
}

/** carried is what of the query goes along to another screen: how wide a preview is (w), which pane a phone shows (show), which part is looked at (part). */
export const carried = (...names: ("w" | "show" | "part")[]): Query => Object.fromEntries(names.map((n) => [n, place.value.query.get(n)]));

/** setQuery changes a part of the query of the address that is shown. */
export function setQuery(change: Query): void {
  const query: Query = Object.fromEntries(place.value.query);
  go(link(place.value.path, { ...query, ...change }), "replace");
}

export const section = computed(() => place.value.path[0] ?? "");
