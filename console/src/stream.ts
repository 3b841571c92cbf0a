// Event streams, read with fetch so that a token stays in a header: resumed by the id of the last event, watched over by bytes
// (a server says something every 15 seconds), closed while nobody looks.
import { base, offline, renewal, token } from "./api";

export type Liveness = "connecting" | "live" | "reconnecting" | "ended";

export interface StreamEvent {
  readonly type: string;
  readonly id: string; // "": it has none
  readonly data: Record<string, unknown>;
}

export interface Following {
  /** Gets events in order, those of one frame of the screen together. */
  onEvents: (events: StreamEvent[]) => void;
  onState?: (state: Liveness) => void;
}

const silence = 40_000;

/** follow reads a stream until it ends or the returned function is called. */
export function follow(path: string, to: Following): () => void {
  let lastID = "";
  let stopped = false;
  let connection: AbortController | undefined;
  let waiting: StreamEvent[] = [];
  let frame = 0;

  const flush = () => {
    frame = 0;
    const events = waiting;
    waiting = [];
    if (events.length && !stopped) to.onEvents(events);
  };
  const pass = (type: string, id: string, text: string) => {
    if (id) lastID = id;
    if (!type || !text) return; // the twin of a named one
    waiting.push({ type, id, data: JSON.parse(text) as Record<string, unknown> });
    if (waiting.length > 5000) flush();
    // A page in the background draws nothing, and still has to keep up.
    frame ||= document.hidden ? setTimeout(flush, 50) : requestAnimationFrame(flush);
  };

  const read = async (body: ReadableStream<Uint8Array>, alive: () => void) => {
    const reader = body.pipeThrough(new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>).getReader();
    let rest = "";
    let type = "";
    let id = "";
    let data = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      alive();
      const lines = (rest + value).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line === "") {
          pass(type, id, data);
          type = id = data = "";
        } else if (line.startsWith("data: ")) data += line.slice(6);
        else if (line.startsWith("event: ")) type = line.slice(7);
        else if (line.startsWith("id: ")) id = line.slice(4);
      }
    }
  };

  // connect returns whether the stream is over for good.
  const connect = async (): Promise<boolean> => {
    const stop = (connection = new AbortController());
    let timer = setTimeout(() => stop.abort(), silence);
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => stop.abort(), silence);
    };
    try {
      const headers: Record<string, string> = { Accept: "text/event-stream" };
      if (token.value) headers["Authorization"] = "Bearer " + token.value;
      if (lastID) headers["Last-Event-ID"] = lastID;
      const response = await fetch(new URL(path, base), { headers, signal: stop.signal, cache: "no-store" });
      if (response.status === 204) return true;
      if (response.status === 401 && !(await renewal.renew?.())) return true;
      if (response.status === 403 || response.status === 404) return true;
      if (!response.ok || !response.body) {
        const wait = Number(response.headers.get("Retry-After"));
        await response.body?.cancel();
        if (wait > 0) await new Promise((done) => setTimeout(done, Math.min(wait, 60) * 1000));
        return false;
      }
      offline.value = false;
      to.onState?.("live");
      tries = 0;
      await read(response.body, alive);
      return false;
    } catch {
      if (!stop.signal.aborted) offline.value = !navigator.onLine || offline.value;
      return false;
    } finally {
      clearTimeout(timer);
    }
  };

  let tries = 0;
  const loop = async () => {
    to.onState?.("connecting");
    while (!stopped) {
      if (document.hidden) await seen();
      if (stopped) return;
      if (await connect()) {
        flush();
        if (!stopped) to.onState?.("ended");
        return;
      }
      if (stopped) return;
      to.onState?.("reconnecting");
      const wait = Math.min(250 * 2 ** tries++, 10_000);
      await new Promise((done) => setTimeout(done, wait * (0.75 + Math.random() / 2)));
    }
  };

  // One stream for each page that somebody sees: a hidden one lets go after a while and comes back with its last id.
  let hiding = 0;
  const onHidden = () => {
    clearTimeout(hiding);
    if (document.hidden) hiding = setTimeout(() => connection?.abort(), 30_000);
  };
  const seen = () =>
    new Promise<void>((done) => {
      const look = () => {
        if (document.hidden && !stopped) return;
        document.removeEventListener("visibilitychange", look);
        done();
      };
      document.addEventListener("visibilitychange", look);
    });
  document.addEventListener("visibilitychange", onHidden);
  void loop();
  return () => {
    stopped = true;
    clearTimeout(hiding);
    document.removeEventListener("visibilitychange", onHidden);
    connection?.abort();
  };
}
