// As CommonJS it is one file.
const { compile, compileModule } = require("svelte/compiler");

const told = (w) => ({ message: w.message.split("\n")[0], code: w.code || "", line: w.start ? w.start.line : 0, column: w.start ? w.start.column : 0 });

export function component({ file, source, options }) {
  const { js, css, warnings } = compile(source, { filename: file, generate: "client", dev: false, css: "external", ...options });
  return { code: js.code, css: css ? css.code : "", warnings: warnings.map(told) };
}

export function module({ file, source, options }) {
  const { js, warnings } = compileModule(source, { filename: file, generate: "client", dev: false, ...options });
  return { code: js.code, warnings: warnings.map(told) };
}
