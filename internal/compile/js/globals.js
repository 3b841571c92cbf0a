// What the compilers take for given besides the language. Nothing here reaches anything outside.
(function (global) {
  const define = (name, value) => Object.defineProperty(global, name, { value, writable: true, configurable: true, enumerable: false });
  const nothing = () => {};

  define("global", global);
  define("self", global);
  define("console", { log: nothing, info: nothing, warn: nothing, error: nothing, debug: nothing, trace: nothing, time: nothing, timeEnd: nothing, group: nothing, groupEnd: nothing, assert: nothing });
  define("process", {
    env: { NODE_ENV: "production" }, argv: [], argv0: "node", execArgv: [], platform: "linux", arch: "x64", pid: 1, version: "v20.20.2", versions: { node: "20.20.2" }, browser: false,
    stdout: { isTTY: false, columns: 80, write: nothing }, stderr: { isTTY: false, columns: 80, write: nothing }, stdin: {},
    cwd: () => "/", on: nothing, once: nothing, off: nothing, emit: nothing, emitWarning: nothing, memoryUsage: () => ({ heapUsed: 0, heapTotal: 0, rss: 0 }),
    nextTick: (f, ...args) => { Promise.resolve().then(() => f(...args)); },
    hrtime: Object.assign(() => [0, 0], { bigint: () => 0 }),
    exit: () => { throw new Error("process.exit was called"); },
  });

  // Two faults of the interpreter: it sorts by -0 and NaN as by less than nothing, and makes 0 of a large BigInt.
  for (const name of ["sort", "toSorted"]) {
    const sort = Array.prototype[name];
    if (sort) Object.defineProperty(Array.prototype, name, { writable: true, configurable: true, enumerable: false, value(compare) {
      return sort.call(this, typeof compare === "function" ? (a, b) => compare(a, b) || 0 : compare);
    } });
  }
  const Plain = Number;
  const Whole = function Number(v) {
    const n = arguments.length === 0 ? 0 : typeof v === "bigint" ? parseFloat(String(v)) : Plain(v);
    return new.target ? new Plain(n) : n;
  };
  for (const name of Object.getOwnPropertyNames(Plain)) if (!["length", "name", "prototype"].includes(name)) Object.defineProperty(Whole, name, Object.getOwnPropertyDescriptor(Plain, name));
  Object.defineProperty(Whole, "prototype", { value: Plain.prototype, writable: false });
  Plain.prototype.constructor = Whole;
  define("Number", Whole);

  // Whoever waits for a timer waits until everything else is done; the host runs them then.
  const timers = [];
  let number = 0;
  const later = (f, _, ...args) => { number++; timers.push({ number, run: () => f(...args) }); return number; };
  const never = (n) => { const i = timers.findIndex((t) => t.number === n); if (i >= 0) timers.splice(i, 1); };
  define("setTimeout", later);
  define("setImmediate", (f, ...args) => later(f, 0, ...args));
  define("setInterval", () => 0);
  define("clearTimeout", never);
  define("clearImmediate", never);
  define("clearInterval", nothing);
  define("queueMicrotask", (f) => { Promise.resolve().then(f); });
  define("performance", { now: () => 0, mark: nothing, measure: nothing });

  const encode = (s) => {
    const out = [];
    for (const ch of String(s)) {
      const c = ch.codePointAt(0);
      if (c < 0x80) out.push(c);
      else if (c < 0x800) out.push(0xc0 | (c >> 6), 0x80 | (c & 63));
      else if (c < 0x10000) out.push(0xe0 | (c >> 12), 0x80 | ((c >> 6) & 63), 0x80 | (c & 63));
      else out.push(0xf0 | (c >> 18), 0x80 | ((c >> 12) & 63), 0x80 | ((c >> 6) & 63), 0x80 | (c & 63));
    }
    return Uint8Array.from(out);
  };
  // Text is put together at once: the interpreter copies what it has with every piece that is added.
  const decode = (bytes) => {
    const out = [];
    for (let i = 0; i < bytes.length; ) {
      const b = bytes[i++];
      if (b < 0x80) out.push(String.fromCharCode(b));
      else if (b < 0xe0) out.push(String.fromCharCode(((b & 31) << 6) | (bytes[i++] & 63)));
      else if (b < 0xf0) out.push(String.fromCharCode(((b & 15) << 12) | ((bytes[i++] & 63) << 6) | (bytes[i++] & 63)));
      else out.push(String.fromCodePoint(((b & 7) << 18) | ((bytes[i++] & 63) << 12) | ((bytes[i++] & 63) << 6) | (bytes[i++] & 63)));
    }
    return out.join("");
  };
  define("TextEncoder", class TextEncoder { encode(s = "") { return encode(s); } });
  define("TextDecoder", class TextDecoder { decode(b) { return b ? decode(new Uint8Array(b.buffer || b, b.byteOffset || 0, b.byteLength)) : ""; } });

  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  define("btoa", (s) => {
    const out = [];
    for (let i = 0; i < s.length; i += 3) {
      const n = (s.charCodeAt(i) << 16) | ((s.charCodeAt(i + 1) || 0) << 8) | (s.charCodeAt(i + 2) || 0);
      out.push(digits[n >> 18], digits[(n >> 12) & 63], i + 1 < s.length ? digits[(n >> 6) & 63] : "=", i + 2 < s.length ? digits[n & 63] : "=");
    }
    return out.join("");
  });
  const values = new Int8Array(128).fill(-1);
  for (let i = 0; i < 64; i++) values[digits.charCodeAt(i)] = i;
  define("atob", (s) => {
    const out = [], chars = [], length = s.length;
    let bits = 0, have = 0;
    for (let i = 0; i < length; i++) {
      const d = values[s.charCodeAt(i)];
      if (!(d >= 0)) continue;
      bits = ((bits << 6) | d) & 0xffff;
      have += 6;
      if (have < 8) continue;
      have -= 8;
      chars.push((bits >> have) & 255);
      if (chars.length === 4096) out.push(String.fromCharCode.apply(null, chars.splice(0)));
    }
    out.push(String.fromCharCode.apply(null, chars));
    return out.join("");
  });
  define("structuredClone", (value) => {
    const seen = new Map();
    const copy = (v) => {
      if (typeof v !== "object" || v === null) return v;
      if (seen.has(v)) return seen.get(v);
      if (v instanceof Date) return new Date(v);
      if (v instanceof RegExp) return new RegExp(v.source, v.flags);
      const out = Array.isArray(v) ? [] : v instanceof Map ? new Map() : v instanceof Set ? new Set() : {};
      seen.set(v, out);
      if (v instanceof Map) v.forEach((x, k) => out.set(copy(k), copy(x)));
      else if (v instanceof Set) v.forEach((x) => out.add(copy(x)));
      else for (const k of Object.keys(v)) out[k] = copy(v[k]);
      return out;
    };
    return copy(value);
  });
  define("URL", class URL {
    constructor(url, base) {
      let s = String(url);
      if (!/^[a-z][a-z0-9+.-]*:/i.test(s)) {
        if (base === undefined) throw new TypeError("Invalid URL: " + s);
        const b = new URL(base);
        s = b.protocol + "//" + b.host + (s[0] === "/" ? s : b.pathname.replace(/[^/]*$/, "") + s);
      }
      const m = /^([a-z][a-z0-9+.-]*:)(?:\/\/([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?$/i.exec(s);
      this.protocol = m[1].toLowerCase();
      this.host = this.hostname = m[2] || "";
      const parts = [];
      for (const p of m[3].split("/")) if (p === "..") parts.pop(); else if (p !== ".") parts.push(p);
      this.pathname = parts.join("/") || "/";
      this.search = m[4] || "";
      this.hash = m[5] || "";
    }
    get origin() { return this.protocol + "//" + this.host; }
    get href() { return this.protocol + (this.host || this.protocol === "file:" ? "//" : "") + this.host + this.pathname + this.search + this.hash; }
    toString() { return this.href; }
    toJSON() { return this.href; }
  });

  // The conversation with the host: it starts a job, answers what the job asks for, and reads how it ended.
  const asked = [];
  define("host", {
    asked, timers, files: {}, ended: undefined,
    ask: (kind, ...args) => new Promise((resolve, reject) => { asked.push({ kind, args, resolve, reject }); }),
    start(run, job) {
      const host = this;
      const fail = (e) => { host.ended = JSON.stringify({ error: describe(e) }); };
      host.ended = undefined;
      asked.length = timers.length = 0;
      try {
        Promise.resolve(run(job)).then((v) => { host.ended = JSON.stringify({ value: v === undefined ? null : v }); }, fail).catch(fail);
      } catch (e) { fail(e); }
    },
    describe,
  });
  function describe(e) {
    if (typeof e !== "object" || e === null) return { message: String(e) };
    const out = { name: String(e.name || ""), message: String(e.reason || e.message || e), stack: String(e.stack || ""), code: e.code === undefined ? "" : String(e.code), file: e.file ? String(e.file) : e.filename ? String(e.filename) : "" };
    const loc = e.loc && e.loc.start ? e.loc.start : e.loc || e.start || null;
    if (loc && typeof loc.line === "number") { out.line = loc.line; out.column = typeof loc.column === "number" ? loc.column : 0; }
    else if (typeof e.line === "number") { out.line = e.line; out.column = typeof e.column === "number" ? e.column : 0; }
    if (typeof e.pos === "number") out.offset = e.pos;
    return out;
  }
})(globalThis);
