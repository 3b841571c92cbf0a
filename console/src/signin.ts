// Signing in: the access token is in memory alone; what gets a new one is in sessionStorage, and ends with the tab. Where Supabase is
// known by its publishable key people sign in there, by password; else they paste a token.
import { accepts, ApiError, renewal, signedOut, token } from "./api";
import { served } from "./settings";

const kept = "codeforge.console.refresh";
export const withPassword = served.supabaseURL !== "" && served.supabaseKey !== "";

interface Session {
  access_token: string;
  refresh_token: string;
}

/** Refused: what somebody signs in with is not accepted. */
class Refused extends Error {}

async function grant(by: "password" | "refresh_token", body: Record<string, string>): Promise<void> {
  const response = await fetch(`${served.supabaseURL.replace(/\/$/, "")}/auth/v1/token?grant_type=${by}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", apikey: served.supabaseKey },
    body: JSON.stringify(body),
  }).catch(() => {
    throw new ApiError("", 0, "NETWORK_ERROR");
  });
  const said = (await response.json().catch(() => ({}))) as Partial<Session> & { msg?: string; error_description?: string; message?: string };
  if (!response.ok || !said.access_token) {
    const why = said.error_description ?? said.msg ?? said.message ?? "HTTP " + response.status;
    throw response.status < 500 && response.status !== 429 ? new Refused(why) : new Error(why);
  }
  take(said.access_token);
  if (said.refresh_token) sessionStorage.setItem(kept, said.refresh_token);
}

function take(access: string): void {
  token.value = access;
  signedOut.value = false;
}

export const passwordSignIn = (email: string, password: string) => grant("password", { email, password });

/** tokenSignIn tries a token by what only somebody who is known may read. */
export async function tokenSignIn(text: string): Promise<boolean> {
  if (!(await accepts(text))) return false;
  take(text);
  return true;
}

let renewing: Promise<boolean> | null = null;

renewal.renew = () => {
  const refresh = withPassword ? sessionStorage.getItem(kept) : null;
  if (!refresh) return Promise.resolve(false);
  renewing ??= grant("refresh_token", { refresh_token: refresh }).then(() => true, (e: unknown) => {
    if (!(e instanceof Refused)) throw e; // it may be accepted later
    sessionStorage.removeItem(kept);
    return false;
  }).finally(() => (renewing = null));
  return renewing;
};

/** signOut forgets the session, and all that was read in it. */
export function signOut(): void {
  sessionStorage.removeItem(kept);
  location.reload();
}
