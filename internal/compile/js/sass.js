import * as sass from "sass";

const pathOf = (url) => (url ? decodeURIComponent(String(url).replace(/^file:\/\/\//, "")) : "");
const files = {
  canonicalize: async (url, { containingUrl }) => {
    const p = await host.ask("find", pathOf(url), url.startsWith("file:") ? "" : pathOf(containingUrl));
    return p ? new URL("file:///" + p) : null;
  },
  load: async (url) => {
    const p = pathOf(url);
    return { contents: await host.ask("read", p), syntax: p.endsWith(".css") ? "css" : p.endsWith(".sass") ? "indented" : "scss" };
  },
};

export async function style({ file, text, indented }) {
  try {
    const r = await sass.compileStringAsync(text, { url: new URL("file:///" + file), importer: files, importers: [files], syntax: indented ? "indented" : "scss", logger: sass.Logger && sass.Logger.silent, charset: false });
    return { css: r.css };
  } catch (e) {
    if (!e || !e.sassMessage) throw e;
    const at = e.span && e.span.start;
    throw { message: e.sassMessage, line: at ? at.line + 1 : undefined, column: at ? at.column : 0, file: e.span && e.span.url ? pathOf(e.span.url) : "" };
  }
}
