// The API, as the console calls it: relative to where the page is, with the token that somebody signed in by, patient where the
// server asks for patience, and with errors that say what happened.
import { effect, signal } from "@preact/signals";
import { served } from "./settings";

export const base = new URL("./", location.href.split("#")[0]);

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details: Record<string, unknown> = {},
    readonly requestID = "",
  ) {
    super(message);
  }
}

/** OfflineError: no answer came. */
export class OfflineError extends Error {
  constructor() {
    super("offline");
  }
}

/** Who is signed in; the token is in memory alone, what gets a new one is kept by signin.ts. */
export const token = signal<string>("");
/** The server wants to know who asks. */
export const signedOut = signal(served.users);
export const offline = signal(false);
/** Where the database has replicas: what was written so far, which they have to know before they answer. */
let consistency = "";
/** Until when (performance.now) the server asked to wait; 0: not at all. */
export const heldUntil = signal(0);
/** renew replaces a token that ran out; it is set by who keeps what is needed. */
export const renewal: { renew?: () => Promise<boolean> } = {};

export interface CallOptions {
  body?: unknown;
  raw?: BodyInit;
  type?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
}

const pause = (ms: number, stop?: AbortSignal) =>
  new Promise<void>((done, fail) => {
    const timer = setTimeout(done, ms);
    stop?.addEventListener("abort", () => (clearTimeout(timer), fail(stop.reason)), { once: true });
  });

const patience = 8; // tries, where the server says when to come again

/** send makes a request and returns the answer if it is a good one. */
export async function send(method: string, path: string, o: CallOptions = {}): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    const response = await ask(method, path, o);
    if (response.ok || response.status === 304) return response;
    const wait = Number(response.headers.get("Retry-After"));
    const again = response.status === 429 || (response.status === 503 && method === "GET");
    if (again && attempt < patience && wait > 0 && wait <= 60) {
      await response.body?.cancel();
      if (response.status === 429) heldUntil.value = Math.max(heldUntil.value, performance.now() + wait * 1000);
      await pause(wait * 1000, o.signal);
      continue;
    }
    if (response.status === 401 && attempt === 1 && (await renewal.renew?.())) continue;
    throw await problem(response);
  }
}

/** ask makes a request once, and returns whatever is answered. */
export async function ask(method: string, path: string, o: CallOptions): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (token.value) headers["Authorization"] = "Bearer " + token.value;
  if (consistency) headers["X-Consistency-Token"] = consistency;
  Object.assign(headers, o.headers);
  let body = o.raw;
  if (o.body !== undefined) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(o.body);
  } else if (o.type) {
    headers["Content-Type"] = o.type;
  }
  try {
    const init: RequestInit = { method, headers, credentials: "same-origin" };
    if (body !== undefined) init.body = body;
    if (o.signal) init.signal = o.signal;
    const response = await fetch(new URL(path, base), init);
    offline.value = false;
    consistency = response.headers.get("X-Consistency-Token") ?? consistency;
    return response;
  } catch (e) {
    if (o.signal?.aborted) throw e;
    offline.value = true;
    throw new OfflineError();
  }
}

/** problem is what went wrong, as an answer has it. */
export async function problem(response: Response): Promise<ApiError> {
  let said: { error?: string; message?: string; details?: Record<string, unknown>; request_id?: string } = {};
  try {
    said = (await response.json()) as typeof said;
  } catch {
    // Something between answered, in its own words.
  }
  if (response.status === 401) {
    signedOut.value = true;
  }
  const id = said.request_id ?? response.headers.get("X-Request-Id") ?? "";
  return new ApiError(response.status, said.error ?? "HTTP_" + response.status, describe(said, response.status), said.details ?? {}, id);
}

function describe(said: { message?: string; details?: Record<string, unknown> }, status: number): string {
  const reasons: string[] = [];
  const d = said.details;
  if (typeof d?.["reason"] === "string") reasons.push(d["reason"]);
  if (Array.isArray(d?.["errors"])) {
    for (const e of d["errors"] as { field?: string; message?: string }[]) reasons.push([e.field, e.message].filter(Boolean).join(": "));
  }
  const message = said.message ?? "HTTP " + status;
  return reasons.length ? message + " (" + reasons.slice(0, 3).join("; ") + ")" : message;
}

export async function call<T>(method: string, path: string, o: CallOptions = {}): Promise<T> {
  const response = await send(method, path, o);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

export const get = <T>(path: string, signal?: AbortSignal) => call<T>("GET", path, { signal });

/** inPath is a path of a file as a part of an address: its slashes stay. */
export const inPath = (path: string) => path.split("/").map(encodeURIComponent).join("/");

// While there is no answer somebody looks for one; whoever shows data loads it anew when it is back.
let probing = false;
effect(() => {
  if (!offline.value || probing) return;
  probing = true;
  void (async () => {
    for (let wait = 1000; offline.value; wait = Math.min(wait * 1.6, 15_000)) {
      await pause(wait + Math.random() * 300);
      try {
        await fetch(new URL("livez", base), { cache: "no-store" });
        offline.value = false;
      } catch {
        // Later, then.
      }
    }
    probing = false;
  })();
});
addEventListener("online", () => {
  if (offline.value) void fetch(new URL("livez", base), { cache: "no-store" }).then(() => (offline.value = false), () => undefined);
});

/** isBuiltIn reports whether a model is the one of the server itself, which costs nothing. */
export const isBuiltIn = (model: string | undefined) => /^scaffold(:|$)/.test(model ?? "");
