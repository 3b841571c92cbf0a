const inspect = (v) => {
  try { return typeof v === "string" ? v : JSON.stringify(v) || String(v); } catch { return String(v); }
};
inspect.custom = Symbol.for("nodejs.util.inspect.custom");
const equal = (a, b) => Object.is(a, b) || (typeof a === "object" && typeof b === "object" && a && b && Object.keys(a).length === Object.keys(b).length && Object.keys(a).every((k) => equal(a[k], b[k])));
module.exports = {
  inspect, deprecate: (f) => f, TextEncoder, TextDecoder, isDeepStrictEqual: equal,
  format: (f, ...args) => String(f).replace(/%[sdjoO]/g, () => inspect(args.shift())) + args.map((a) => " " + inspect(a)).join(""),
  inherits: (child, parent) => { Object.setPrototypeOf(child.prototype, parent.prototype); child.super_ = parent; },
  promisify: (f) => (...args) => new Promise((resolve, reject) => f(...args, (e, v) => (e ? reject(e) : resolve(v)))),
  debuglog: () => () => {}, types: { isRegExp: (v) => v instanceof RegExp, isDate: (v) => v instanceof Date, isPromise: (v) => v instanceof Promise, isProxy: () => false },
  isArray: Array.isArray, stripVTControlCharacters: (s) => s,
};
