// Pictures of pages, as a browser of the server took them: fetched once, kept while there are not too many.
import { client } from "./api";

const pictures = new Map<string, Promise<string>>(); // by what they show: an address in this page
const most = 60;

/** pictureOf is the address of a picture, in this page. */
export function pictureOf(project: string, revision: number, page: string, width: number): Promise<string> {
  const name = [project, revision, page, width].join(" ");
  let picture = pictures.get(name);
  if (!picture) {
    if (pictures.size >= most) {
      const [oldest, was] = pictures.entries().next().value!;
      pictures.delete(oldest);
      void was.then((at) => setTimeout(() => URL.revokeObjectURL(at), 60_000), () => undefined);
    }
    picture = client.revisions.getScreenshot(project, revision, { page, width }).then((r) => r.blob()).then((b) => URL.createObjectURL(b));
    pictures.set(name, picture);
    picture.catch(() => pictures.delete(name));
  }
  return picture;
}
