module.exports = {
  URL,
  pathToFileURL: (p) => new URL("file://" + (p.startsWith("/") ? p : "/" + p)),
  fileURLToPath: (u) => decodeURIComponent(String(u).replace(/^file:\/\//, "")),
  parse(s) {
    const m = /^(?:([a-z][a-z0-9+.-]*:))?(?:\/\/([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?$/i.exec(s) || [];
    return { href: s, protocol: m[1] || null, slashes: m[2] !== undefined || null, host: m[2] === undefined ? null : m[2], hostname: m[2] === undefined ? null : m[2], pathname: m[3] || null, path: (m[3] || "") + (m[4] || "") || null, search: m[4] || null, query: m[4] ? m[4].slice(1) : null, hash: m[5] || null };
  },
  format: (u) => (typeof u === "string" ? u : u.href || ((u.protocol || "") + (u.host ? "//" + u.host : "") + (u.pathname || "") + (u.search || "") + (u.hash || ""))),
  resolve: (from, to) => new URL(to, from).href,
};
