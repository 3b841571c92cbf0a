// A unified diff, file by file.
import { useState } from "preact/hooks";
import { t, tx } from "../i18n";
import type { FileDiff } from "../schema";
import { Counts } from "../screens/run";
import { Button } from "./basics";
import { Icon } from "./icon";

const openAtFirst = 20; // files
const linesAtFirst = 400;

export function DiffView({ files }: { files: readonly FileDiff[] }) {
  return (
    <div class="diffs">
      {files.map((f, i) => <OneFile key={f.path} file={f} first={i < openAtFirst} />)}
    </div>
  );
}

function OneFile({ file: f, first }: { file: FileDiff; first: boolean }) {
  const [open, setOpen] = useState(first);
  const [all, setAll] = useState(false);
  let left = all ? Infinity : linesAtFirst;
  const hunks = f.hunks.map((h) => {
    const lines = h.lines.slice(0, Math.max(0, left));
    left -= lines.length;
    return { ...h, lines, cut: lines.length < h.lines.length };
  });
  const cut = hunks.some((h) => h.cut);
  return (
    <section class="diff" aria-label={f.path}>
      <header>
        <button type="button" class="diff-head" aria-expanded={open} onClick={() => setOpen(!open)}>
          <Icon name="down" class={open ? "" : "turned"} />
          <code>{f.path}</code>
          <span class="fine">{tx("diff", f.status)}</span>
          <span class="grow" />
          <Counts added={f.additions} removed={f.deletions} />
        </button>
      </header>
      {open && (f.binary ? <p class="fine diff-note">{f.binary}</p> : f.too_large ? <p class="fine diff-note">{t("diff.large")}</p> : (
        <div class="diff-scroll" tabIndex={0} role="group" aria-label={f.path}>
          <table class="diff-lines">
            {hunks.map((h, n) => h.lines.length > 0 && <Hunk key={n} hunk={h} />)}
          </table>
        </div>
      ))}
      {open && cut && <p class="diff-note"><Button kind="quiet" onClick={() => setAll(true)}>{t("diff.rest")}</Button></p>}
    </section>
  );
}

function Hunk({ hunk }: { hunk: FileDiff["hunks"][number] }) {
  let before = hunk.old_start;
  let after = hunk.new_start;
  return (
    <tbody>
      <tr class="hunk"><td colSpan={4}>@@ −{before} +{after} @@</td></tr>
      {hunk.lines.map((l, i) => {
        const old = l.kind === "add" ? "" : before++;
        const now = l.kind === "delete" ? "" : after++;
        return (
          <tr key={i} class={l.kind}>
            <td class="n">{old}</td>
            <td class="n">{now}</td>
            <td class="sign">{l.kind === "add" ? "+" : l.kind === "delete" ? "−" : ""}</td>
            <td class="text">{l.text}</td>
          </tr>
        );
      })}
    </tbody>
  );
}
