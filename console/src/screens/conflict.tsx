// What two changed at once: both versions beside each other, and somebody says what stands.
import { useEffect, useRef } from "preact/hooks";
import type { Merging } from "../editor";
import { t } from "../i18n";
import { Button, Dialog } from "../parts/basics";
import type { File as Row } from "../schema";

type EditorPart = typeof import("../editor");

/** editorPart fetches the editor, once. */
export const editorPart = (): Promise<EditorPart> => import(/* apart from the rest: no code is shared */ new URL("editor.js", import.meta.url).href) as Promise<EditorPart>;

export function Conflict({ path, theirs, yours, onClose, onSave, onTake }: { path: string; theirs: Row; yours: string; onClose: () => void; onSave: (text: string) => void; onTake: () => void }) {
  const host = useRef<HTMLDivElement>(null);
  const merging = useRef<Merging | null>(null);
  useEffect(() => {
    void editorPart().then((part) => {
      if (host.current) merging.current = part.openMerge(host.current, { theirs: theirs.content ?? "", yours, path, labels: [t("conflict.theirs"), t("conflict.mine")] });
    });
    return () => merging.current?.close();
  }, []);
  return (
    <Dialog title={t("conflict.file", { path })} onClose={onClose} class="wide">
      <p>{t("conflict.file.text")}</p>
      <div class="merge-heads"><strong>{t("conflict.theirs")}</strong><strong>{t("conflict.mine")}</strong></div>
      <div class="merge" ref={host} />
      <p class="dialog-foot">
        <Button onClick={onClose}>{t("cancel")}</Button>
        <Button id="take-theirs" onClick={onTake}>{t("conflict.take")}</Button>
        <Button id="save-mine" kind="primary" onClick={() => onSave(merging.current?.text() ?? yours)}>{t("conflict.save")}</Button>
      </p>
    </Dialog>
  );
}
