// What comes back with the address from a link in an email, or from another provider's page: a code that is good once, or why there is
// none. It leaves the address before anything else looks at that, so that it is in no history, bookmark or picture of the screen.
import { served } from "./settings";

export interface Arrival {
  readonly code: string;
  readonly error: string; // by its name, "": none; whoever makes a link may write what they like beside it, which nobody is shown
}

export const arrival: Arrival | null = (() => {
  if (!served.users) return null;
  const query = new URLSearchParams(location.search);
  const hash = new URLSearchParams(location.hash.slice(1)); // addresses of screens begin with a slash
  const said = (name: string) => query.get(name) ?? hash.get(name) ?? "";
  const code = query.get("code") ?? "";
  // A session that comes whole was asked for by nobody here: it is dropped, like what else a stranger might have put there.
  const error = said("error_code") || said("error") || (hash.has("access_token") ? "implicit" : "");
  if (!code && !error) return null;
  history.replaceState(null, "", location.pathname);
  return { code: error ? "" : code, error };
})();
