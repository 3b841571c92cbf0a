// Reads a log of events over connections that are cut after every byte of it, and one event that comes in very many pieces.
import { CodeForge } from "./client.mjs";

const log = process.env.LOG, bytes = new TextEncoder().encode(log), wrong = [];
const stream = (body) => new Response(body, { headers: { "Content-Type": "text/event-stream" } });
/** What follows an event in the log. */
const rest = (id) => {
  const end = id ? log.indexOf("\n\n", log.indexOf(`id: ${id}\n`)) + 2 : 0;
  return new TextEncoder().encode(log.slice(end));
};
await Promise.all(
  Array.from(bytes, async (_, cut) => {
    let connections = 0;
    const cf = new CodeForge({
      baseUrl: "http://nowhere.test",
      fetch: async (_, { headers }) => (connections++ === 0 ? stream(bytes.slice(0, cut)) : stream(rest(headers["Last-Event-ID"]))),
    });
    const seen = [];
    for await (const e of cf.jobs.watch("j")) if (e.id) seen.push(`${e.id} ${e.type}`);
    if (seen.join() !== process.env.SEEN) wrong.push(`cut after ${cut} bytes: ${seen}`);
  }),
);
const long = new TextEncoder().encode(`event: spec\nid: 1\ndata: {"text":"${"é".repeat(1 << 20)}"}\n\nevent: complete\ndata: {}\n\nid: 2\ndata: {}\n\n`);
const pieces = new ReadableStream({
  start(c) {
    for (let at = 0; at < long.length; at += 1001) c.enqueue(long.slice(at, at + 1001));
    c.close();
  },
});
for await (const e of new CodeForge({ baseUrl: "http://nowhere.test", fetch: async () => stream(pieces) }).jobs.watch("j"))
  if (e.type === "spec" && e.data.text !== "é".repeat(1 << 20)) wrong.push(`a long event is ${e.data.text.length} characters`);

// Whatever waits ends when its signal does, with the signal's own reason.
const never = (_, { signal }) => new Promise((_, fail) => signal.addEventListener("abort", () => fail(signal.reason)));
const busy = async () => new Response('{"error":"RATE_LIMIT_EXCEEDED"}', { status: 429, headers: { "Retry-After": "50" } });
const silent = async (_, { signal }) => stream(new ReadableStream({ start: (c) => signal.addEventListener("abort", () => c.error(signal.reason)) }));
const gone = async () => Promise.reject(new TypeError("no way there"));
for (const [what, fetch, call] of [
  ["an answer", never, (cf, o) => cf.projects.get("p", o)],
  ["a try", busy, (cf, o) => cf.projects.get("p", o)],
  ["a page", never, async (cf, o) => { for await (const _ of cf.projects.list({}, o)); }],
  ["an event", silent, async (cf, o) => { for await (const _ of cf.projects.watch("p", o)); }],
  ["a connection", gone, async (cf, o) => { for await (const _ of cf.projects.watch("p", o)); }],
  ["a run", never, (cf, o) => cf.jobs.run({ project_id: "p" }, o)],
]) {
  const leave = new AbortController(), why = new Error("left");
  const ended = call(new CodeForge({ baseUrl: "http://nowhere.test", fetch }), { signal: leave.signal }).then(() => "it ended", (e) => e);
  setImmediate(() => leave.abort(why));
  if ((await ended) !== why) wrong.push(`${what}: ${await ended}`);
}
console.log(JSON.stringify(wrong));
