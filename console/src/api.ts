// The API, by its client in TypeScript: where the page is, with the token that somebody signed in by. What a page adds is patience that
// is shown, a token that is renewed, and that all is asked for anew when the server is back.
import { effect, signal } from "@preact/signals";
import { Api } from "../../sdk/typescript/src/api";
import { CodeForgeError, Core, type CallOptions as Call } from "../../sdk/typescript/src/runtime";
import { served } from "./settings";

export const base = new URL("./", location.href.split("#")[0]);

export { CodeForgeError as ApiError };

/** Who is signed in; the token is in memory alone, what gets a new one is kept by signin.ts. */
export const token = signal<string>("");
/** The server wants to know who asks. */
export const signedOut = signal(served.users);
export const offline = signal(false);
/** Until when (performance.now) the server asked to wait; 0: not at all. */
export const heldUntil = signal(0);
/** renew replaces a token that ran out; it is set by who keeps what is needed. */
export const renewal: { renew?: () => Promise<boolean> } = {};

/** isOffline reports whether no answer came. */
export const isOffline = (e: unknown) => e instanceof CodeForgeError && e.status === 0;

const pause = (ms: number, stop?: AbortSignal | null) =>
  new Promise<void>((done, fail) => {
    const timer = setTimeout(done, ms);
    stop?.addEventListener("abort", () => (clearTimeout(timer), fail(stop.reason)), { once: true });
  });

const patience = 8; // tries, where the server says when to come again

/** reach is fetch, but that it waits as long as the limit of requests asks for, and shows that. */
async function reach(to: RequestInfo | URL, init: RequestInit = {}): Promise<Response> {
  let renewed = false;
  for (let attempt = 1; ; attempt++) {
    let response: Response;
    try {
      response = await fetch(to, init);
    } catch (e) {
      if (!init.signal?.aborted) offline.value = true;
      throw e;
    }
    offline.value = false;
    const wait = Number(response.headers.get("Retry-After"));
    if (response.status === 429 && attempt < patience && wait > 0 && wait <= 60) {
      await response.body?.cancel();
      heldUntil.value = Math.max(heldUntil.value, performance.now() + wait * 1000);
      await pause(wait * 1000, init.signal);
    } else if (response.status === 401 && !renewed && (await renewal.renew?.())) {
      renewed = true;
      init = { ...init, headers: { ...(init.headers as Record<string, string>), Authorization: "Bearer " + token.value } };
    } else {
      if (response.status === 401) signedOut.value = true;
      return response;
    }
  }
}

const core = new Core({ baseUrl: base.href, token: () => token.value || undefined, fetch: reach });

/** client has all operations of the API. */
export const client = new Api(core);

export interface CallOptions {
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
}

const given = (o: CallOptions): Call => ({ ...(o.headers && { headers: o.headers }), ...(o.signal && { signal: o.signal }) });

/** call makes a request by its path. */
export async function call<T>(method: string, path: string, o: CallOptions = {}): Promise<T> {
  const response = await core.send({ method, path: "/" + path, body: o.body }, given(o));
  return (response.status === 204 ? undefined : await response.json()) as T;
}

export const get = <T>(path: string, signal?: AbortSignal) => call<T>("GET", path, { signal });

/** raw is what an address answers, as it is. */
export const raw = (path: string) => core.send({ method: "GET", path: "/" + path, accept: "*/*" });

/** accepts asks with a token whether somebody is known by it. */
export async function accepts(text: string): Promise<boolean> {
  const asker = new Api(new Core({ baseUrl: base.href, token: text }));
  try {
    await asker.profiles.get();
  } catch (e) {
    if (e instanceof CodeForgeError && e.status === 401) return false;
    if (!(e instanceof CodeForgeError) || e.status === 0 || e.status === 429 || e.status >= 500) throw e;
  }
  return true;
}

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
