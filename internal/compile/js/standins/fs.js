// A file system that has what a program brought along, and nothing else.
const missing = (p) => Object.assign(new Error("ENOENT: no such file or directory: " + p), { code: "ENOENT" });
const fails = (p) => { throw missing(p); };
const rejects = (p) => Promise.reject(missing(p));
const calls = (p, ...args) => { args[args.length - 1](missing(p)); };
const has = (p) => Object.prototype.hasOwnProperty.call(host.files, String(p));
const stat = (p) => ({ mtimeMs: 1, size: 0, isFile: () => has(p), isDirectory: () => false });
const read = (p) => (has(p) ? host.files[String(p)] : fails(p));
module.exports = {
  existsSync: has, readFileSync: read, statSync: stat, lstatSync: stat, readdirSync: fails, accessSync: fails, writeFileSync: fails, mkdirSync: fails, realpathSync: Object.assign((p) => p, { native: (p) => p }),
  readFile: calls, stat: calls, lstat: calls, readdir: calls, access: calls, writeFile: calls, realpath: calls, constants: {},
  promises: { readFile: rejects, stat: rejects, lstat: rejects, readdir: rejects, access: rejects, writeFile: rejects, mkdir: rejects, realpath: rejects },
};
