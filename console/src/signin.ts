// Signing in: the access token is in memory alone; what gets a new one is in sessionStorage, and ends with the tab. Where Supabase is
// known by its publishable key people sign in there: by password, by a link that comes by email, or at another provider; the latter two
// come back with a code that only the browser which asked can use (PKCE). Else they paste a token.
import { signal } from "@preact/signals";
import { arrival, type Arrival } from "./arrival";
import { accepts, ApiError, isOffline, renewal, signedOut, token } from "./api";
import { t, type Word } from "./i18n";
import { go } from "./router";
import { served } from "./settings";
import { en } from "./words.en";

const kept = "codeforge.console.refresh"; // in sessionStorage: what gets a new access token
const begun = "codeforge.console.begun"; // in localStorage, which a link that opens in a tab of its own reads too: see Begun
const linkHolds = 3_600_000;

export const withSupabase = served.supabaseURL !== "" && served.supabaseKey !== "";
/** Links and other providers need a hash, which browsers compute on pages that came by https, or of this machine. */
export const withCodes = withSupabase && "subtle" in crypto;

/** Why nobody is signed in any more, or not yet; "": there is nothing to say. */
export const told = signal("");
/** It is being found out whether somebody is signed in. */
export const arriving = signal(arrival !== null || (withSupabase && sessionStorage.getItem(kept) !== null));

interface Session {
  access_token: string;
  refresh_token: string;
  expires_in: number;
}

/** Begun is what was asked for: the other half of a code that will come, and where somebody was. */
interface Begun {
  verifier: string;
  at: number;
  place: string;
}

/** SignInError says why somebody was not let in, by Supabase's name for it. */
class SignInError extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    words: string,
  ) {
    super(`signin.error.${code}` in en ? t(`signin.error.${code}` as Word) : words || t("signin.error.unknown"));
  }
}

const at = (path: string) => `${served.supabaseURL.replace(/\/$/, "")}/auth/v1/${path}`;

async function auth<T>(method: "GET" | "POST", path: string, body?: unknown, bearer = ""): Promise<T> {
  const headers: Record<string, string> = { apikey: served.supabaseKey };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (bearer) headers["Authorization"] = "Bearer " + bearer;
  const response = await fetch(at(path), { method, headers, credentials: "omit", ...(body === undefined ? {} : { body: JSON.stringify(body) }) }).catch(() => {
    throw new ApiError("", 0, "NETWORK_ERROR");
  });
  const said = (response.status === 204 ? {} : await response.json().catch(() => ({}))) as T & { error_code?: string; code?: unknown; error?: string; msg?: string; error_description?: string; message?: string };
  if (response.ok) return said;
  const code = said.error_code ?? (typeof said.code === "string" ? said.code : undefined) ?? said.error ?? "";
  throw new SignInError(code, response.status, said.msg ?? said.error_description ?? said.message ?? "HTTP " + response.status);
}

let timer = 0;

async function grant(by: "password" | "refresh_token" | "pkce", body: Record<string, string>): Promise<void> {
  const session = await auth<Partial<Session>>("POST", "token?grant_type=" + by, body);
  if (!session.access_token) throw new SignInError("", 200, "");
  take(session.access_token);
  if (session.refresh_token) sessionStorage.setItem(kept, session.refresh_token);
  // A new token is fetched before this one ends: what streams and uploads send is not refused in the middle.
  const holds = session.expires_in ?? 0;
  if (holds > 0) timer = window.setTimeout(() => void renewal.renew?.().catch(() => undefined), Math.min(Math.max(holds - 60, holds / 2), 86_400) * 1000);
}

function take(access: string): void {
  clearTimeout(timer);
  token.value = access;
  signedOut.value = false;
  told.value = "";
}

export const passwordSignIn = (email: string, password: string) => grant("password", { email, password });

/** tokenSignIn tries a token by what only somebody who is known may read. */
export async function tokenSignIn(text: string): Promise<boolean> {
  if (!(await accepts(text))) return false;
  sessionStorage.removeItem(kept); // of whoever was here before
  take(text);
  return true;
}

const base64url = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

/** begin keeps one half of a secret, and returns what is told of it. */
async function begin(): Promise<{ code_challenge: string; code_challenge_method: string }> {
  const verifier = base64url(crypto.getRandomValues(new Uint8Array(48)));
  localStorage.setItem(begun, JSON.stringify({ verifier, at: Date.now(), place: location.hash } satisfies Begun));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  return { code_challenge: base64url(new Uint8Array(digest)), code_challenge_method: "s256" };
}

/** Where links and other providers lead back to: this page, below whatever path it lies. */
const back = () => location.origin + location.pathname;

/** sendLink has a link sent by email. Whoever has no account gets one, where the project takes new ones. */
export async function sendLink(email: string): Promise<void> {
  await auth("POST", "otp?redirect_to=" + encodeURIComponent(back()), { email, create_user: !(await offers()).closed, ...(await begin()) });
}

/** goToProvider leaves this page for another provider's. */
export async function goToProvider(provider: string): Promise<void> {
  location.assign(at("authorize?" + new URLSearchParams({ provider, redirect_to: back(), ...(await begin()) }).toString()));
}

export interface Offers {
  readonly providers: readonly string[];
  readonly email: boolean;
  readonly closed: boolean; // no new accounts
}

let offered: Promise<Offers> | null = null;

/** offers are the ways in that the project has turned on. */
export function offers(): Promise<Offers> {
  offered ??= auth<{ external?: Record<string, boolean>; disable_signup?: boolean }>("GET", "settings").then(
    (s) => ({ providers: Object.keys(s.external ?? {}).filter((p) => s.external![p] && !["email", "phone", "anonymous_users"].includes(p)), email: s.external?.["email"] ?? true, closed: s.disable_signup ?? false }),
    (e: unknown) => {
      offered = null;
      throw e;
    },
  );
  return offered;
}

let renewing: Promise<boolean> | null = null;

renewal.renew = () => {
  const refresh = withSupabase ? sessionStorage.getItem(kept) : null;
  if (!refresh) {
    if (token.value) told.value = t("signin.ended");
    return Promise.resolve(false);
  }
  renewing ??= grant("refresh_token", { refresh_token: refresh }).then(() => true, (e: unknown) => {
    if (!(e instanceof SignInError) || e.status >= 500 || e.status === 429) throw e; // it may be accepted later
    sessionStorage.removeItem(kept);
    told.value = t("signin.ended");
    return false;
  }).finally(() => (renewing = null));
  return renewing;
};

/** resume goes on where somebody was before a reload, or comes back from a link or another provider. */
export async function resume(): Promise<void> {
  try {
    await (arrival ? arrive(arrival) : renewal.renew!());
  } finally {
    arriving.value = false;
  }
}

async function arrive(arrival: Arrival): Promise<void> {
  const was = localStorage.getItem(begun);
  localStorage.removeItem(begun);
  try {
    if (arrival.error) throw new SignInError(arrival.error, 0, "");
    const half = was ? (JSON.parse(was) as Begun) : null;
    if (!half || Date.now() - half.at > linkHolds) throw new SignInError("elsewhere", 0, "");
    await grant("pkce", { auth_code: arrival.code, code_verifier: half.verifier });
    go(half.place || "#/", "replace");
  } catch (e) {
    if (!(await renewal.renew!().catch(() => false))) told.value = isOffline(e) ? t("offline.text") : (e as Error).message; // who is signed in stays so
  }
}

/** signOut ends the session, here and at Supabase, and forgets all that was read in it. */
export async function signOut(): Promise<void> {
  const own = sessionStorage.getItem(kept);
  sessionStorage.removeItem(kept);
  if (own && withSupabase) await auth("POST", "logout?scope=local", undefined, token.value).catch(() => undefined); // it ends by itself
  location.reload();
}
