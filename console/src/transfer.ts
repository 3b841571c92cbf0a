// Files between the API and somebody's machine.
import { call, inPath, send } from "./api";
import type { Imported } from "./schema";

/** save has the browser keep what an address of the API answers. */
export async function save(path: string, name: string): Promise<void> {
  const response = await send("GET", path, { headers: { Accept: "*/*" } });
  const at = URL.createObjectURL(await response.blob());
  const a = document.createElement("a");
  a.href = at;
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(at), 60_000);
}

/** nameOf is a title as the name of a file. */
export const nameOf = (title: string) => title.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 60) || "project";

const archives = /\.(zip|tar|tar\.gz|tgz)$/i;

/** upload puts files into a project; an archive is unpacked. It returns how many files came. */
export async function upload(project: string, files: readonly File[]): Promise<number> {
  let n = 0;
  for (const file of files) {
    if (archives.test(file.name)) {
      const type = /\.zip$/i.test(file.name) ? "application/zip" : /\.tar$/i.test(file.name) ? "application/x-tar" : "application/gzip";
      const done = await call<Imported>("POST", `v1/projects/${project}/import?mode=merge`, { raw: file, type });
      n += done.created + done.updated;
    } else {
      const path = file.webkitRelativePath || file.name;
      await call("POST", `v1/projects/${project}/files?path=${encodeURIComponent(path)}`, { raw: file, type: "application/octet-stream" });
      n++;
    }
  }
  return n;
}

export const fileAt = (project: string, path: string) => `v1/projects/${project}/files/${inPath(path)}`;
