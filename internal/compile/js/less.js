import made from "less/lib/less/index.js";
import abstract from "less/lib/less/environment/abstract-file-manager.js";

const Manager = abstract.default || abstract;
class Files extends Manager {
  supports() { return true; }
  supportsSync() { return false; }
  loadFile(name, folder) { return host.ask("load", name, folder).then(JSON.parse); }
}
const nothing = () => "";
const less = (made.default || made)({ encodeBase64: btoa, mimeLookup: nothing, charsetLookup: nothing, getSourceMapGenerator: nothing }, [new Files()]);
less.PluginLoader = class {
  loadPlugin(name) { return Promise.reject(new Error("plugins are not supported: " + name)); }
};

export async function style({ file, text }) {
  try {
    return { css: (await less.render(text, { filename: "/" + file, javascriptEnabled: false })).css };
  } catch (e) {
    throw { message: e.message, line: e.line, column: e.column, file: String(e.filename || "").replace(/^\//, "") };
  }
}
