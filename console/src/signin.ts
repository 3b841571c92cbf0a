// Signing in: the access token is in memory alone; what gets a new one is in sessionStorage, and ends with the tab. Where Supabase is
// known by its publishable key people sign in there, by password; else they paste a token.
import { renewal, signedOut, token } from "./api";
import { served } from "./settings";

const kept = "codeforge.console.refresh";
export const withPassword = served.supabaseURL !== "" && served.supabaseKey !== "";

interface Session {
  access_token: string;
  refresh_token: string;
}

class SignInError extends Error {}

async function ask(grant: "password" | "refresh_token", body: Record<string, string>): Promise<void> {
  const response = await fetch(`${served.supabaseURL.replace(/\/$/, "")}/auth/v1/token?grant_type=${grant}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", apikey: served.supabaseKey },
    body: JSON.stringify(body),
  });
  const said = (await response.json()) as Partial<Session> & { msg?: string; error_description?: string; message?: string };
  if (!response.ok || !said.access_token) throw new SignInError(said.error_description ?? said.msg ?? said.message ?? "HTTP " + response.status);
  take(said.access_token);
  if (said.refresh_token) sessionStorage.setItem(kept, said.refresh_token);
}

function take(access: string): void {
  token.value = access;
  signedOut.value = false;
}

export const passwordSignIn = (email: string, password: string) => ask("password", { email, password });

/** tokenSignIn tries a token by what only somebody who is known may read. */
export async function tokenSignIn(text: string): Promise<boolean> {
  const response = await fetch(new URL("v1/profiles/me", new URL("./", location.href.split("#")[0])), { headers: { Authorization: "Bearer " + text } });
  if (response.status === 401) return false;
  take(text);
  return true;
}

let renewing: Promise<boolean> | null = null;

renewal.renew = () => {
  const refresh = withPassword ? sessionStorage.getItem(kept) : null;
  if (!refresh) return Promise.resolve(false);
  renewing ??= ask("refresh_token", { refresh_token: refresh }).then(() => true, () => (sessionStorage.removeItem(kept), false)).finally(() => (renewing = null));
  return renewing;
};

/** signIn goes on with the session of before a reload, if there is one. */
export async function signIn(): Promise<void> {
  if (!(await renewal.renew!())) signedOut.value = true;
}

export function signOut(): void {
  sessionStorage.removeItem(kept);
  token.value = "";
  signedOut.value = true;
}
