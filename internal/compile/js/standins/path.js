const normalizeParts = (s, absolute) => {
  const out = [];
  for (const part of s.split("/")) {
    if (!part || part === ".") continue;
    if (part !== "..") out.push(part);
    else if (out.length && out[out.length - 1] !== "..") out.pop();
    else if (!absolute) out.push("..");
  }
  return out.join("/");
};
const path = {
  sep: "/", delimiter: ":",
  isAbsolute: (s) => s.startsWith("/"),
  normalize(s) {
    const absolute = s.startsWith("/");
    const body = normalizeParts(s, absolute);
    return ((absolute ? "/" : "") + body + (body && s.endsWith("/") ? "/" : "")) || ".";
  },
  join(...parts) {
    const s = parts.filter((p) => p).join("/");
    return s ? path.normalize(s) : ".";
  },
  resolve(...parts) {
    let s = "";
    for (const p of parts) if (p) s = p.startsWith("/") ? p : s + "/" + p;
    return "/" + normalizeParts(s, true);
  },
  relative(from, to) {
    const a = path.resolve(from).split("/").filter(Boolean), b = path.resolve(to).split("/").filter(Boolean);
    let i = 0;
    while (i < a.length && i < b.length && a[i] === b[i]) i++;
    return [...a.slice(i).map(() => ".."), ...b.slice(i)].join("/");
  },
  dirname(s) {
    const t = s.replace(/\/+$/, ""), i = t.lastIndexOf("/");
    return i < 0 ? (s.startsWith("/") ? "/" : ".") : i === 0 ? "/" : t.slice(0, i);
  },
  basename(s, ending) {
    const t = s.replace(/\/+$/, ""), b = t.slice(t.lastIndexOf("/") + 1);
    return ending && b !== ending && b.endsWith(ending) ? b.slice(0, -ending.length) : b;
  },
  extname(s) {
    const b = path.basename(s), i = b.lastIndexOf(".");
    return i > 0 ? b.slice(i) : "";
  },
  parse(s) {
    const base = path.basename(s), ext = path.extname(s), dir = path.dirname(s);
    return { root: s.startsWith("/") ? "/" : "", dir: dir === "." && !s.startsWith(".") ? "" : dir, base, ext, name: ext ? base.slice(0, -ext.length) : base };
  },
  format: (o) => (o.dir ? o.dir + "/" : o.root || "") + (o.base || (o.name || "") + (o.ext || "")),
  toNamespacedPath: (s) => s,
};
path.posix = path.win32 = path;
module.exports = path;
