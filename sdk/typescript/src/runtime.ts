// What every call shares: how a request is sent and sent again, what an error is, how pages and event streams are read.

/** An error of the API, or of the way to it (status 0). */
export class CodeForgeError extends Error {
  constructor(
    message: string,
    /** HTTP status; 0: no answer came. */
    readonly status: number,
    /** Code of the API, such as RESOURCE_NOT_FOUND; NETWORK_ERROR where no answer came. */
    readonly code: string,
    readonly details: Record<string, unknown> = {},
    /** Names the request in the server's log. */
    readonly requestId = "",
    /** Seconds after which to try again, if the server said so. */
    readonly retryAfter?: number,
  ) {
    super(message);
    this.name = "CodeForgeError";
  }
}

/** A job that ended as failed or cancelled, or that asks what nobody answers. */
export class JobError extends Error {
  readonly status: string;

  constructor(
    message: string,
    readonly jobId: string,
    /** What its last event said. */
    readonly data: { status: string },
  ) {
    super(message);
    this.name = "JobError";
    this.status = data.status;
  }
}

export interface Options {
  /** Address of the server, with a path if a proxy has one before it. */
  baseUrl: string;
  /** Bearer token, or what gives the newest one before each request. */
  token?: string | (() => string | undefined | Promise<string | undefined>) | undefined;
  /** Stands in for the global fetch. */
  fetch?: typeof fetch | undefined;
  /** How often a request is sent again where that is safe; default 3. */
  retries?: number | undefined;
  /** After how many milliseconds without a byte a stream is taken for dead; default 45,000. The server says something every 15 seconds. */
  idleTimeout?: number | undefined;
}

export interface CallOptions {
  signal?: AbortSignal | undefined;
  headers?: Record<string, string> | undefined;
  /** Version (of a file) or revision that the change is based on: 409 if it is no more. */
  ifMatch?: string | number | undefined;
  /** Makes a repeated submission one; made for each call that takes one, if left out. */
  idempotencyKey?: string | undefined;
  /** Media type of a body that is sent as it is. */
  contentType?: string | undefined;
}

export interface WatchOptions {
  /** Id of the last event that was seen: what follows it is told. */
  after?: string | undefined;
  signal?: AbortSignal | undefined;
  /** Is told when the stream is there, and when it broke and is asked for again. */
  onState?: ((state: "live" | "reconnecting") => void) | undefined;
  /** For how many milliseconds connections may break, one after the other, before the stream gives up; default ten minutes. */
  patience?: number | undefined;
}

/** A body that is sent as it is. */
export type Upload = Blob | ArrayBuffer | Uint8Array | string | ReadableStream<Uint8Array>;

type Query = Record<string, unknown> | undefined;

export interface Request {
  method: string;
  path: string;
  query?: Query;
  body?: unknown;
  /** The operation takes an Idempotency-Key. */
  keyed?: boolean;
  accept?: string;
}

/** An event that is stored: a reader that comes back with its id gets what followed it. */
export interface StoredEvent<T extends string = string, D = any> {
  type: T;
  id: string;
  data: D;
}

/** An event for those who watch at that moment, such as words as they are written. */
export interface PassingEvent<T extends string = string, D = any> {
  type: T;
  id?: undefined;
  data: D;
}

/** One event of a stream. Newer servers may have more than the types name: pass over those that you do not know. */
export type StreamEvent = StoredEvent | PassingEvent;

const paired = new Set(["progress", "complete", "error", "cancelled", "waiting"]);
const final = new Set(["complete", "error", "cancelled"]);

/** Milliseconds: a connection that stood so long was a good one, whatever came over it. */
const lasting = 10_000;

const wait = (ms: number, signal?: AbortSignal) =>
  new Promise<void>((done, fail) => {
    if (signal?.aborted) return fail(signal.reason);
    const stop = () => (clearTimeout(timer), fail(signal!.reason));
    const timer = setTimeout(() => (signal?.removeEventListener("abort", stop), done()), ms);
    signal?.addEventListener("abort", stop, { once: true });
  });

const backoff = (n: number) => Math.min(500 * 2 ** n, 15_000) * (0.5 + Math.random() / 2);

const isPlain = (v: unknown): boolean => v !== null && typeof v === "object" && [Object.prototype, null, Array.prototype].includes(Object.getPrototypeOf(v));

/** Names a value as part of a path; slashes stay in the paths of files. */
export const part = (v: string | number, slashes = false): string =>
  slashes ? String(v).split("/").map(encodeURIComponent).join("/") : encodeURIComponent(v);

export class Core {
  private consistency: string | undefined;

  constructor(private readonly options: Options) {}

  /** Sends a request, again where that is safe. */
  send(r: Request, o?: CallOptions): Promise<Response> {
    return this.take(r, o, async (response) => response);
  }

  /** Sends a request, again where that is safe, and gives what is taken of the answer: one that breaks off is none. */
  private async take<T>(r: Request, o: CallOptions = {}, read: (response: Response) => Promise<T>): Promise<T> {
    const headers: Record<string, string> = { Accept: r.accept ?? "application/json", ...o.headers };
    if (o.ifMatch !== undefined) headers["If-Match"] = `"${o.ifMatch}"`.replace(/^""|""$/g, '"');
    const key = r.keyed ? (o.idempotencyKey ?? crypto.randomUUID()) : o.idempotencyKey;
    if (key) headers["Idempotency-Key"] = key;
    let body = r.body as BodyInit | undefined;
    if (isPlain(r.body)) {
      body = JSON.stringify(r.body);
      headers["Content-Type"] = "application/json";
    } else if (body !== undefined) headers["Content-Type"] = o.contentType ?? "application/octet-stream";
    const streamed = typeof ReadableStream !== "undefined" && body instanceof ReadableStream;
    const repeatable = !streamed && (r.method === "GET" || key !== undefined);
    const most = streamed ? 0 : (this.options.retries ?? 3);
    for (let n = 0; ; n++) {
      const token = typeof this.options.token === "function" ? await this.options.token() : this.options.token;
      if (token) headers.Authorization = `Bearer ${token}`;
      if (this.consistency) headers["X-Consistency-Token"] = this.consistency;
      let error: CodeForgeError;
      try {
        const response = await (this.options.fetch ?? fetch)(this.url(r), {
          method: r.method, headers, body, signal: o.signal, ...(streamed ? { duplex: "half" } : {}),
        } as RequestInit);
        this.consistency = response.headers.get("X-Consistency-Token") ?? this.consistency;
        if (response.ok) return await read(response);
        error = await failure(response);
      } catch (e) {
        if (o.signal?.aborted) throw o.signal.reason;
        if (!repeatable || n >= most) throw new CodeForgeError(`No whole answer came: ${(e as Error).message}`, 0, "NETWORK_ERROR");
        await wait(backoff(n), o.signal);
        continue;
      }
      // A request too many was not carried out, whatever it was. Of the others only the server knows.
      const again = error.status === 429 || (repeatable && [502, 503, 504].includes(error.status));
      if (!again || n >= most || (error.retryAfter ?? 0) > 60) throw error;
      await wait(error.retryAfter !== undefined ? error.retryAfter * 1000 : backoff(n), o.signal);
    }
  }

  async call<T>(r: Request, o?: CallOptions): Promise<T> {
    return this.take(r, o, async (response) => (response.status === 204 ? undefined : await response.json()) as T);
  }

  pages<P extends Page<I>, I>(r: Request, o?: CallOptions): Pages<P, I> {
    return new Pages<P, I>((more) => this.call<P>({ ...r, query: { ...r.query, ...more } }, o));
  }

  private url(r: Request): string {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(r.query ?? {})) if (value !== undefined && value !== null) query.set(name, String(value));
    const text = query.toString();
    return this.options.baseUrl.replace(/\/+$/, "") + r.path + (text && "?" + text);
  }

  /**
   * Reads an event stream, and goes on where it broke, until it has ended, the caller leaves, or nothing came for long: each stored event once, in order.
   * Five kinds of events of a job come twice, named without an id and then with it without a name; they are one here.
   */
  async *stream<E extends StreamEvent>(path: string, ends: boolean, { after = "", signal, onState, patience = 600_000 }: WatchOptions = {}): AsyncGenerator<E, void, undefined> {
    let last = after;
    let heard = Date.now();
    for (let broken = 0; ; ) {
      const gone = new AbortController();
      const leave = () => gone.abort(signal!.reason);
      if (signal?.aborted) throw signal.reason;
      signal?.addEventListener("abort", leave, { once: true });
      let live = 0; // since when
      let trouble = new CodeForgeError("The stream breaks again and again", 0, "NETWORK_ERROR");
      let watchdog: ReturnType<typeof setTimeout> | undefined;
      const alive = () => {
        clearTimeout(watchdog);
        watchdog = setTimeout(() => gone.abort(new Error("nothing came")), this.options.idleTimeout ?? 45_000);
      };
      try {
        alive();
        const response = await this.send(
          { method: "GET", path, accept: "text/event-stream" },
          { signal: gone.signal, headers: last ? { "Last-Event-ID": last } : {} },
        );
        if (response.status === 204) return; // all was seen
        live = Date.now();
        onState?.("live");
        let pending: StreamEvent | undefined;
        for await (const frame of frames(response.body!, alive)) {
          let event: StreamEvent | undefined;
          if (!frame.name && frame.id && pending) {
            event = { ...pending, id: frame.id };
            pending = undefined;
          } else if (frame.name && paired.has(frame.name) && !frame.id) {
            pending = { type: frame.name, data: JSON.parse(frame.data) };
          } else if (frame.name) {
            event = { type: frame.name, ...(frame.id && { id: frame.id }), data: JSON.parse(frame.data) } as StreamEvent;
          }
          if (!event) continue;
          if (event.type === "dropped") break; // the server ends the stream, which goes on from the last event
          if (event.id) {
            last = event.id;
            broken = 0;
            heard = Date.now();
          }
          yield event as E;
          if (ends && final.has(event.type)) return;
        }
      } catch (e) {
        if (signal?.aborted) throw signal.reason;
        if (e instanceof CodeForgeError) {
          if (e.status >= 400 && e.status < 500 && e.status !== 429) throw e;
          trouble = e;
        } else trouble = new CodeForgeError(`${trouble.message}: ${(e as Error).message}`, 0, trouble.code);
      } finally {
        clearTimeout(watchdog);
        signal?.removeEventListener("abort", leave);
        gone.abort();
      }
      if (live && Date.now() - live > lasting) heard = Date.now();
      if (Date.now() - heard > patience) throw trouble;
      onState?.("reconnecting");
      await wait(backoff(broken++), signal);
    }
  }
}

async function failure(response: Response): Promise<CodeForgeError> {
  let e: any = {};
  try {
    e = Object(await response.json());
  } catch {
    // Something between here and the server answered.
  }
  const after = Number(response.headers.get("Retry-After") ?? NaN);
  return new CodeForgeError(
    words(e) || `${response.status} ${response.statusText}`.trim(), response.status, e.error ?? (response.status === 304 ? "NOT_MODIFIED" : "UNKNOWN"), e.details instanceof Object ? e.details : {},
    e.request_id ?? response.headers.get("X-Request-ID") ?? "", Number.isNaN(after) ? undefined : after,
  );
}

/** What an answer says went wrong, with the rules that a request breaks: a message alone does not name them. */
function words(e: any): string {
  const broken = e.details?.errors;
  const why = Array.isArray(broken) ? broken.map((b) => `${b.field}: ${b.message}`).join("; ") : e.details?.reason;
  return [e.message, why].filter((s) => typeof s === "string" && s).join(": ");
}

interface Frame {
  name: string;
  id: string;
  data: string;
}

/** Cuts a body into frames of server-sent events. A frame that is not whole at its end is none. */
async function* frames(body: ReadableStream<Uint8Array>, alive: () => void): AsyncGenerator<Frame, void, undefined> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let frame: Frame = { name: "", id: "", data: "" };
  let filled = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      alive();
      const lines = decoder.decode(value, { stream: true }).split("\n");
      lines[0] = rest + lines[0];
      rest = lines.pop()!;
      for (const ended of lines) {
        const line = ended.replace(/\r$/, "");
        if (!line) {
          if (filled) yield frame;
          frame = { name: "", id: "", data: "" };
          filled = false;
          continue;
        }
        const colon = line.indexOf(":");
        const field = colon < 0 ? line : line.slice(0, colon);
        const text = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
        if (field === "event") frame.name = text;
        else if (field === "id") frame.id = text;
        else if (field === "data") {
          frame.data += (filled ? "\n" : "") + text;
          filled = true;
        }
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** What all pages of lists have. */
export interface Page<I> {
  items: I[];
  has_more: boolean;
  page?: number;
  next_cursor?: string | null;
  next_before?: string | null;
}

/** The parameter that asks for the page after one. */
function after(page: Page<any>): Record<string, unknown> {
  if (page.page) return { page: page.page + 1 };
  if (page.next_cursor) return { cursor: page.next_cursor };
  return { before: page.next_before ?? page.items.at(-1)?.id };
}

/** A list: awaited it is its first page, iterated it is all items of all pages, which are fetched as they are needed. */
export class Pages<P extends Page<I>, I> implements PromiseLike<P>, AsyncIterable<I> {
  constructor(private readonly fetchPage: (more?: Record<string, unknown>) => Promise<P>) {}

  then<A = P, B = never>(ok?: ((p: P) => A | PromiseLike<A>) | null, bad?: ((e: unknown) => B | PromiseLike<B>) | null): Promise<A | B> {
    return this.fetchPage().then(ok, bad);
  }

  async *[Symbol.asyncIterator](): AsyncIterator<I> {
    for await (const page of this.pages()) yield* page.items;
  }

  /** The pages themselves, each fetched when it is asked for. */
  async *pages(): AsyncGenerator<P, void, undefined> {
    for (let page = await this.fetchPage(); ; ) {
      yield page;
      if (!page.has_more) return;
      page = await this.fetchPage(after(page));
    }
  }
}
