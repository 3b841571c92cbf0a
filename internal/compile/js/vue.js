import * as sfc from "@vue/compiler-sfc/dist/compiler-sfc.esm-browser.js";

// describe tells an error with where it stands in the component.
const describe = (e, source, block) => {
  const out = host.describe(e);
  const text = typeof e === "string" ? e : e.message || "";
  const marked = /(?:^|\n)(\d+)\s+\|  ([^\n]*)\n\s+\|  (\s*)\^/.exec(text);
  if (marked) { out.line = Number(marked[1]); out.column = marked[3].length; }
  else if (typeof e.pos === "number" && block) { out.line = undefined; out.offset = block.loc.start.offset + e.pos; }
  else if (e.loc && e.loc.start) { out.line = e.loc.start.line; out.column = e.loc.start.column - 1; }
  else if (block && typeof out.line === "number") out.line += block.loc.start.line - 1;
  out.message = out.message.replace(/^\[(?:@?vue\/compiler-sfc|Vue compiler)\]:?\s*/, "").replace(/\s*\(\d+:\d+\)$/m, "");
  return out;
};

// A component in: what its script becomes, and the text of its styles, out. The host compiles those.
export async function component({ file, source, id }) {
  const { descriptor, errors } = sfc.parse(source, { filename: file, sourceMap: false });
  const failed = errors.map((e) => describe(e, source));
  const unsupported = [];
  for (const b of descriptor.customBlocks) unsupported.push({ what: "<" + b.type + ">", line: b.loc.start.line });
  if (failed.length) return { errors: failed, styles: [], unsupported };

  const fetch = async (block) => (block && block.src ? JSON.parse(await host.ask("source", block.src, file)) : null);
  const scoped = descriptor.styles.some((s) => s.scoped);
  const scopeId = "data-v-" + id;
  const lang = (descriptor.scriptSetup || descriptor.script || {}).lang || "js";
  const typed = /^tsx?$/.test(lang);
  const template = descriptor.template;
  let markup = template && template.content;
  if (template && template.src) markup = (await fetch(template)).text;
  if (template && template.lang && template.lang !== "html") {
    unsupported.push({ what: '<template lang="' + template.lang + '">', line: template.loc.start.line, error: true });
    return { errors: failed, styles: [], unsupported };
  }
  const templateOptions = {
    source: markup || "", ast: template && !template.src ? template.ast : undefined, filename: file, id, scoped, slotted: descriptor.slotted, isProd: true, ssr: false, ssrCssVars: [],
    transformAssetUrls: { includeAbsolute: true },
    compilerOptions: { scopeId: scoped ? scopeId : undefined, expressionPlugins: typed ? ["typescript"] : [] },
  };
  const fs = {
    fileExists: (p) => Object.prototype.hasOwnProperty.call(host.files, p),
    readFile: (p) => host.files[p],
    realpath: (p) => p,
  };

  let code = "", bindings, deps = [];
  const inline = Boolean(descriptor.scriptSetup && template && !template.src);
  if (descriptor.script && descriptor.script.src) {
    code = "import _sfc_main from " + JSON.stringify(descriptor.script.src) + "\nexport * from " + JSON.stringify(descriptor.script.src) + "\n";
  } else if (descriptor.script || descriptor.scriptSetup) {
    const block = descriptor.scriptSetup || descriptor.script;
    try {
      const script = sfc.compileScript(descriptor, { id, isProd: true, sourceMap: false, inlineTemplate: inline, genDefaultAs: "_sfc_main", fs, templateOptions, babelParserPlugins: [] });
      code = script.content + "\n";
      bindings = script.bindings;
      deps = script.deps || [];
    } catch (e) {
      const own = typeof e.pos === "number" && descriptor.script && descriptor.scriptSetup && String(e.message).includes(descriptor.script.content.slice(0, 20)) ? descriptor.script : block;
      return { errors: [describe(e, source, own)], styles: [], unsupported };
    }
  } else code = "const _sfc_main = {}\n";

  const props = [];
  if (template && !inline) {
    const result = sfc.compileTemplate({ ...templateOptions, compilerOptions: { ...templateOptions.compilerOptions, bindingMetadata: bindings } });
    for (const e of result.errors) failed.push(template.src ? host.describe(e) : describe(e, source, templateOptions.ast ? undefined : template));
    code += result.code.replace(/\nexport (function|const) render/, "\n$1 _sfc_render") + "\n";
    props.push('["render", _sfc_render]');
  }
  if (scoped) props.push('["__scopeId", ' + JSON.stringify(scopeId) + "]");

  const styles = [];
  let modules = "";
  for (const [i, s] of descriptor.styles.entries()) {
    const brought = await fetch(s);
    styles.push({ text: brought ? brought.text : s.content, file: brought ? brought.path : file, line: brought ? 1 : s.loc.start.line, scoped: Boolean(s.scoped), module: Boolean(s.module), lang: s.lang || "css" });
    const name = JSON.stringify("style:" + i);
    if (!s.module) { code += "import " + name + "\n"; continue; }
    code += "import _sfc_style" + i + " from " + name + "\n";
    modules += JSON.stringify(s.module === true ? "$style" : s.module) + ": _sfc_style" + i + ", ";
  }
  if (modules) props.push('["__cssModules", { ' + modules + "}]");
  code += props.length
    ? "const _sfc_export = _sfc_main.__vccOpts || _sfc_main\nfor (const [key, value] of [" + props.join(", ") + "]) _sfc_export[key] = value\nexport default _sfc_main\n"
    : "export default _sfc_main\n";
  return { errors: failed, code, lang, styles, unsupported, deps };
}

// The text of a style in, with the scope of its component, out.
export function style({ file, text, id, scoped, line }) {
  const result = sfc.compileStyle({ source: text, filename: file, id: "data-v-" + id, scoped, isProd: true, trim: false });
  return { css: result.code, errors: result.errors.map((e) => { const out = host.describe(e); if (out.line) out.line += line - 1; return out; }) };
}
