// Files between the API and somebody's machine.
import { client, raw } from "./api";

/** save has the browser keep what is answered. */
export async function save(answer: Promise<Response>, name: string): Promise<void> {
  const at = URL.createObjectURL(await (await answer).blob());
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
      const contentType = /\.zip$/i.test(file.name) ? "application/zip" : /\.tar$/i.test(file.name) ? "application/x-tar" : "application/gzip";
      const done = await client.files.importProject(project, file, { mode: "merge" }, { contentType });
      n += done.created + done.updated;
    } else {
      // The bytes of a file are its body, which the document of the API has no words for.
      await client.files.create(project, file as never, { path: file.webkitRelativePath || file.name });
      n++;
    }
  }
  return n;
}

/** rawFile is a file as it is. */
export const rawFile = (project: string, path: string) => raw(`v1/projects/${project}/files/${path.split("/").map(encodeURIComponent).join("/")}?raw=true`);
