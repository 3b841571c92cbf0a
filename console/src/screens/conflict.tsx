// What two changed at once: what does not clash is joined, and where it does somebody says what stands.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Merging } from "../editor";
import { t, tn } from "../i18n";
import type { Piece } from "../lines";
import { Button, Dialog, Failure } from "../parts/basics";

type EditorPart = typeof import("../editor");

/** editorPart fetches the editor, once. */
export const editorPart = (): Promise<EditorPart> => import(/* apart from the rest: no code is shared */ new URL("editor.js", import.meta.url).href) as Promise<EditorPart>;

export function Conflict({ path, pieces, theirs, onClose, onSave, onTake }: {
  path: string;
  pieces: readonly Piece[];
  theirs: "server" | "job";
  onClose: () => void;
  onSave: (text: string) => void;
  onTake?: () => void;
}) {
  const host = useRef<HTMLDivElement>(null);
  const merging = useRef<Merging | null>(null);
  const [left, setLeft] = useState(() => pieces.filter((p) => p.kind === "conflict").length);
  const [trouble, setTrouble] = useState<Error | null>(null);
  useEffect(() => {
    editorPart().then((part) => {
      if (!host.current) return;
      merging.current = part.openMerge(host.current, {
        pieces, path, label: path, onLeft: setLeft,
        words: { mine: t("conflict.keep.mine"), theirs: t(`conflict.keep.${theirs}`), both: t("conflict.keep.both"), before: t("conflict.before"), nothing: t("conflict.before.nothing"), place: (n, of) => t("conflict.place", { n, of }) },
      });
    }, setTrouble);
    return () => merging.current?.close();
  }, []);
  return (
    <Dialog title={t("conflict.file", { path })} onClose={onClose} class="wide">
      <p class="fine">{t(`conflict.file.${theirs}`)}</p>
      {trouble ? <Failure error={trouble} /> : <div class="merge" ref={host} />}
      <p class="dialog-foot">
        <span class="fine grow" role="status">{left > 0 ? tn("conflict.left", left) : t("conflict.none")}</span>
        <Button onClick={onClose}>{t("cancel")}</Button>
        {onTake && <Button id="take-theirs" onClick={onTake}>{t("conflict.take")}</Button>}
        <Button id="save-merged" kind="primary" disabled={left > 0 || !!trouble} onClick={() => onSave(merging.current?.text() ?? "")}>{t("save")}</Button>
      </p>
    </Dialog>
  );
}
