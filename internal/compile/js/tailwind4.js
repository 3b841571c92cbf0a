import { compile } from "tailwindcss";

// Features, as compile reports them.
const UTILITIES = 1 << 4;

// A style sheet in, and what it asks to be searched for classes, out; the host then answers with those.
export async function build({ css, file, base }) {
  const compiler = await compile(css, {
    base, from: file,
    loadStylesheet: async (id, base) => {
      const sheet = JSON.parse(await host.ask("stylesheet", id, base));
      return { path: sheet.path, base: sheet.base, content: sheet.content };
    },
    loadModule: async (id, base, kind) => {
      const found = await host.ask("module", id, base, kind);
      const m = found.module;
      return { path: found.path, base: found.base, module: m && m.default !== undefined ? m.default : m };
    },
  });
  const root = compiler.root === undefined ? null : compiler.root;
  const candidates = JSON.parse(await host.ask("candidates", JSON.stringify({ root, sources: compiler.sources || compiler.globs || [] })));
  return compiler.build(candidates);
}
