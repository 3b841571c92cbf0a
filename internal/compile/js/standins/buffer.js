class Buffer extends Uint8Array {
  static from(v, form) {
    if (typeof v !== "string") return new Buffer(v);
    const bytes = form === "base64" ? Uint8Array.from(atob(v), (c) => c.charCodeAt(0)) : new TextEncoder().encode(v);
    return new Buffer(bytes);
  }
  static isBuffer(v) { return v instanceof Buffer; }
  static alloc(n) { return new Buffer(n); }
  static byteLength(s) { return new TextEncoder().encode(s).length; }
  static concat(list) { return Buffer.from(list.flatMap((b) => [...b])); }
  toString(form) {
    if (form === "base64") return btoa(Array.from(this, (b) => String.fromCharCode(b)).join(""));
    if (form === "hex") return Array.from(this, (b) => b.toString(16).padStart(2, "0")).join("");
    return new TextDecoder().decode(this);
  }
}
module.exports = { Buffer };
