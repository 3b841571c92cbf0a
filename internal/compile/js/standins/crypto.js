// Sums that tell texts apart, and keep no secret.
class Hash {
  constructor() { this.a = 2166136261; this.b = 0x9e3779b9; this.length = 0; }
  update(s) {
    let { a, b } = this;
    const text = typeof s === "string";
    for (let i = 0; i < s.length; i++) {
      const c = text ? s.charCodeAt(i) : s[i];
      a = Math.imul(a ^ c, 16777619);
      b = Math.imul(b + c, 0x85ebca6b) ^ (b >>> 13);
    }
    this.a = a; this.b = b; this.length += s.length;
    return this;
  }
  write(s) { this.update(s); return true; }
  end(s) { if (s) this.update(s); }
  digest(form) {
    const hex = [this.a, this.b, this.a ^ this.length, this.b ^ this.length, this.a, this.b, this.a, this.b].map((n, i) => (Math.imul(n, 2 * i + 1) >>> 0).toString(16).padStart(8, "0")).join("");
    return form === undefined || form === "buffer" ? hex.match(/../g).map((x) => parseInt(x, 16)) : hex;
  }
  read() { return this.digest("hex"); }
}
module.exports = { createHash: () => new Hash(), hash: (_, s) => new Hash().update(s).digest("hex"), getHashes: () => ["sha1", "sha256", "md5"], randomBytes: (n) => new Uint8Array(n), webcrypto: undefined };
