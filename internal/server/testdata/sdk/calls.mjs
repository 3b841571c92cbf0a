// Makes the calls of calls.json, in order, and says what of them is not as it should be.
import { CodeForge, CodeForgeError } from "./client.mjs";

const cf = new CodeForge({ baseUrl: process.env.SERVER, token: process.env.TOKEN });
const saved = {}, wrong = [];
const fill = (v) => {
  if (typeof v === "string") return v.startsWith("$") ? saved[v.slice(1)] : v;
  if (v === null || typeof v !== "object") return v;
  if (Array.isArray(v)) return v.map(fill);
  if (v.$upload) return Uint8Array.from(atob(v.$upload), (c) => c.charCodeAt(0));
  if (v.$kept) return saved[v.$kept];
  return Object.fromEntries(Object.entries(v).map(([k, x]) => [k.startsWith("$") ? saved[k.slice(1)] : k, fill(x)]));
};
const camel = (s) => s.replace(/_(\w)/g, (_, c) => c.toUpperCase());
for (const c of JSON.parse(process.env.CALLS)) {
  const [group, name] = c.call.split(".").map(camel);
  const args = fill(c.args ?? []);
  const options = c.options && Object.fromEntries(Object.entries(fill(c.options)).map(([k, v]) => [camel(k), v]));
  if (c.query) args.push(fill(c.query));
  if (options) args.push(options);
  const bad = (what) => wrong.push(`${c.call}: ${what}`);
  try {
    let answer;
    if (c.until) {
      for await (const event of cf[group][name](...args)) if (event.type === c.until) { answer = event; break; }
      if (!answer) bad(`ended without ${c.until}`);
    } else if (c.bytes) {
      const response = await cf[group][name](...args);
      answer = new Uint8Array(await response.arrayBuffer());
      if (answer.length < c.bytes) bad(`${answer.length} bytes`);
      if (c.keep) saved[c.keep] = answer;
    } else if (c.items) {
      let n = 0;
      for await (const item of cf[group][name](...args)) n += item ? 1 : 0;
      if (n < c.items) bad(`${n} items`);
      answer = await cf[group][name](...args);
    } else answer = await cf[group][name](...args);
    if (c.fails) bad(`did not fail: ${JSON.stringify(answer)}`);
    for (const [as, path] of Object.entries(c.save ?? {})) saved[as] = path.split(".").reduce((v, k) => v[k], answer);
  } catch (e) {
    if (!(e instanceof CodeForgeError) || e.code !== c.fails || !e.requestId || typeof e.details !== "object") bad(`${e.stack} ${JSON.stringify(e)}`);
  }
}
console.log(JSON.stringify(wrong));
