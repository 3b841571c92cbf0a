import postcss from "postcss";
import tailwind from "tailwindcss";
import preflight from "tailwindcss/lib/css/preflight.css";

host.files["/css/preflight.css"] = preflight;

export async function build({ css, file, config }) {
  const loaded = config ? (await host.ask("module", config, "", "config")).module : {};
  let settings = loaded && loaded.default !== undefined ? loaded.default : loaded;
  settings = Object.assign({}, settings);
  const content = settings.content && typeof settings.content === "object" && !Array.isArray(settings.content) ? settings.content : { files: settings.content || [] };
  const presets = (settings.presets || []).map((p) => (typeof p === "function" ? p() : p));
  const files = content.files && content.files.length ? content.files : presets.flatMap((p) => (p && p.content ? (Array.isArray(p.content) ? p.content : p.content.files || []) : []));
  const raw = (files || []).filter((f) => f && typeof f === "object");
  const globs = (files || []).filter((f) => typeof f === "string");
  const own = Boolean(content.extract || content.transform);
  // A project's own extractor gets the texts; else what the host found in them is all there is.
  const found = JSON.parse(await host.ask("content", JSON.stringify({ globs, relative: Boolean(content.relative), texts: own })));
  const words = (text) => text.split("\n");
  settings.content = own
    ? { ...content, files: [...raw, ...found.map((f) => ({ raw: f.text, extension: f.extension }))] }
    : { files: [...raw, { raw: found.join("\n"), extension: "codeforge" }], extract: { codeforge: words } };
  const result = await postcss([tailwind(settings)]).process(css, { from: file });
  return result.css;
}
