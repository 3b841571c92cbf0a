const assert = (ok, message) => { if (!ok) throw message instanceof Error ? message : new Error(message || "assertion failed"); };
module.exports = Object.assign(assert, { ok: assert, equal: (a, b, m) => assert(a == b, m), strictEqual: (a, b, m) => assert(a === b, m), deepStrictEqual: () => {}, strict: assert, AssertionError: Error });
