// Event streams, as the client reads them; here they are told frame by frame of the screen, and let go of while nobody looks.
import type { StreamEvent as Told, WatchOptions } from "../../sdk/typescript/src/runtime";

export type Liveness = "connecting" | "live" | "reconnecting" | "ended";

export interface StreamEvent {
  readonly type: string;
  readonly id?: string | undefined; // some have none
  readonly data: Record<string, unknown>;
}

export interface Following {
  /** Gets events in order, those of one frame of the screen together. */
  onEvents: (events: StreamEvent[]) => void;
  onState?: (state: Liveness) => void;
}

const mostWaiting = 5000; // events that one frame takes

/** follow reads a stream until it ends or the returned function is called. */
export function follow(watch: (o: WatchOptions) => AsyncIterable<Told>, to: Following): () => void {
  let after = "";
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
  const pass = (event: StreamEvent) => {
    if (event.id) after = event.id;
    waiting.push(event);
    if (waiting.length > mostWaiting) flush();
    // A page in the background draws nothing, and still has to keep up.
    frame ||= document.hidden ? setTimeout(flush, 50) : requestAnimationFrame(flush);
  };
  const say = (state: Liveness) => !stopped && to.onState?.(state);

  const loop = async () => {
    say("connecting");
    while (!stopped) {
      if (document.hidden) await untilSeen();
      if (stopped) return;
      const { signal } = (connection = new AbortController());
      try {
        for await (const event of watch({ after, signal, onState: say, patience: Infinity })) pass(event);
      } catch {
        if (signal.aborted) continue; // it was let go of
      }
      flush();
      say("ended"); // it is over, or this one may not read it
      return;
    }
  };

  // One stream for each page that somebody sees: a hidden one lets go after a while and comes back with its last id.
  let hiding = 0;
  const onHidden = () => {
    clearTimeout(hiding);
    if (document.hidden) hiding = setTimeout(() => connection?.abort(), 30_000);
  };
  const untilSeen = () =>
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
