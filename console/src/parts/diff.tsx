// Diffs, file by file: one under the other, or both sides beside each other where there is room.
import { createContext, type ComponentChildren } from "preact";
import { useContext, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { number, t, tx } from "../i18n";
import { changes } from "../lines";
import type { FileDiff } from "../schema";
import { collapsed, remembered } from "../settings";
import { Choice } from "./basics";
import { Icon } from "./icon";
import { useKeys } from "./keys";
import { Near, pieces } from "./near";

type Hunk = FileDiff["hunks"][number];
type Line = Hunk["lines"][number];

const openAtFirst = 20; // files
const filesTogether = 25; // in the page or not
const linesTogether = 50;
const fileHigh = 48; // pixels of one that is closed
const lineHigh = 19.2;

const look = remembered<"unified" | "split">("diff", "unified");

const roomForTwo = 560; // pixels

/** There is room for both sides beside each other. */
const Roomy = createContext(true);

/** DiffLook says how diffs are shown. Both sides need room, which the preview makes. */
export function DiffLook() {
  const set = (to: "unified" | "split") => {
    look.value = to;
    const at = document.querySelector<HTMLElement>(".diffs");
    if (to === "split" && at && at.clientWidth < roomForTwo) collapsed.value = { ...collapsed.value, preview: true };
  };
  useKeys([{ keys: "d", name: t("diff.look.key"), run: () => set(look.value === "split" ? "unified" : "split") }]);
  return <span class="diff-look"><Choice label={t("diff.look")} is={look.value} of={[["unified", t("diff.unified")], ["split", t("diff.split")]]} onChange={set} /></span>;
}

/** Diffs is around all that shows diffs: it knows how much room there is. */
export function Diffs({ children }: { children: ComponentChildren }) {
  const ref = useRef<HTMLDivElement>(null);
  const [roomy, setRoomy] = useState(true);
  useLayoutEffect(() => {
    const look = () => setRoomy(ref.current!.clientWidth >= roomForTwo);
    look();
    const watch = new ResizeObserver(look);
    watch.observe(ref.current!);
    return () => watch.disconnect();
  }, []);
  return <div class="diffs" ref={ref}><Roomy.Provider value={roomy}>{children}</Roomy.Provider></div>;
}

export function DiffView({ files }: { files: readonly FileDiff[] }) {
  const [turned, setTurned] = useState<ReadonlySet<string>>(new Set()); // files that somebody opened or closed
  const turn = (path: string) => {
    const next = new Set(turned);
    if (!next.delete(path)) next.add(path);
    setTurned(next);
  };
  const one = (f: FileDiff, first: boolean) => <OneFile key={f.path} file={f} open={first !== turned.has(f.path)} onTurn={() => turn(f.path)} />;
  return (
    <Diffs>
      {files.slice(0, openAtFirst).map((f) => one(f, true))}
      {pieces(files.slice(openAtFirst), filesTogether).map((some) => <Near key={some[0]!.path} high={some.length * fileHigh}>{() => some.map((f) => one(f, false))}</Near>)}
    </Diffs>
  );
}

function OneFile({ file: f, open, onTurn }: { file: FileDiff; open: boolean; onTurn: () => void }) {
  return (
    <section class="diff" aria-label={f.path}>
      <header>
        <button type="button" class="diff-head" aria-expanded={open} onClick={onTurn}>
          <Icon name="down" class={open ? "" : "turned"} />
          <code>{f.old_path ? `${f.old_path} → ${f.path}` : f.path}</code>
          <span class="fine">{tx("diff", f.status)}</span>
          <span class="grow" />
          <Counts added={f.additions} removed={f.deletions} />
        </button>
      </header>
      {open && <DiffLines file={f} />}
    </section>
  );
}

/** DiffLines are the lines of one file. */
export function DiffLines({ file: f }: { file: FileDiff }) {
  const split = useContext(Roomy) && look.value === "split";
  const parts = useMemo(() => pieces(f.hunks.flatMap(split ? sideBySide : oneBelowTheOther), linesTogether), [f, split]);
  if (f.binary) return <p class="fine diff-note">{f.binary}</p>;
  if (f.too_large) return <p class="fine diff-note">{t("diff.large")}</p>;
  return (
    <div class="diff-scroll" tabIndex={0} role="group" aria-label={f.path}>
      <table class={"diff-lines" + (split ? " split" : "")}>
        {split && <colgroup><col class="n" /><col /><col class="n" /><col /></colgroup>}
        {parts.map((some, n) => <Near key={n} as="tbody" high={some.length * lineHigh}>{() => some.map((s) => (s.hunk ? <Hunk of={s.hunk} /> : split ? <Sides row={s.row} /> : <LineOf {...s} />))}</Near>)}
      </table>
    </div>
  );
}

export function Counts({ added, removed }: { added: number; removed: number }) {
  return (
    <span class="counts">
      {added > 0 && <span class="added">+{number(added)}</span>}
      {removed > 0 && <span class="removed">−{number(removed)}</span>}
    </span>
  );
}

interface Row {
  readonly old: number; // 0: there is no such line
  readonly now: number;
  readonly before?: Line;
  readonly after?: Line;
}

/** rowsOf pairs what went with what came in its place. */
function rowsOf(hunk: Hunk): Row[] {
  const rows: Row[] = [];
  let old = hunk.old_start;
  let now = hunk.new_start;
  const { lines } = hunk;
  for (let i = 0; i < lines.length; ) {
    if (lines[i]!.kind !== "add" && lines[i]!.kind !== "delete") {
      rows.push({ old: old++, now: now++, before: lines[i]!, after: lines[i]! });
      i++;
      continue;
    }
    const gone: Line[] = [];
    const come: Line[] = [];
    for (; i < lines.length && lines[i]!.kind === "delete"; i++) gone.push(lines[i]!);
    for (; i < lines.length && lines[i]!.kind === "add"; i++) come.push(lines[i]!);
    for (let n = 0; n < Math.max(gone.length, come.length); n++) {
      rows.push({ old: gone[n] ? old++ : 0, now: come[n] ? now++ : 0, ...(gone[n] && { before: gone[n]! }), ...(come[n] && { after: come[n]! }) });
    }
  }
  return rows;
}

/** Text marks what of a line is not as in the one that it is beside. */
function Text({ line, beside }: { line: Line; beside: Line | undefined }) {
  const [a, b] = [line.text, beside?.text ?? ""];
  if (!beside || line.kind === beside.kind || a.length > 500) return <>{a}</>;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  if (start + end < a.length / 3 || start + end === a.length) return <>{a}</>; // nearly all is another, or nothing
  return <>{a.slice(0, start)}<mark>{a.slice(start, a.length - end)}</mark>{a.slice(a.length - end)}</>;
}

const kindOf = (l: Line) => (l.kind === "add" ? "add" : l.kind === "delete" ? "delete" : "");
const sign = (l: Line) => (l.kind === "add" ? "+" : l.kind === "delete" ? "−" : "");

/** Shown is a row of the table: the head of a hunk, or lines. */
type Shown = { readonly hunk: Hunk } | { readonly hunk?: undefined; readonly row: Row; readonly line: Line; readonly beside: Line | undefined };

/** sideBySide has what went beside what came in its place. */
const sideBySide = (hunk: Hunk): Shown[] => [{ hunk }, ...rowsOf(hunk).map((row) => ({ row, line: (row.before ?? row.after)!, beside: undefined }))];

/** oneBelowTheOther has what went above all that came in its place. */
function oneBelowTheOther(hunk: Hunk): Shown[] {
  const rows = rowsOf(hunk);
  const out: Shown[] = [{ hunk }];
  for (let i = 0; i < rows.length; ) {
    let end = i;
    while (end < rows.length && rows[end]!.before !== rows[end]!.after) end++;
    const block = rows.slice(i, Math.max(end, i + 1));
    if (end === i) out.push({ row: rows[i]!, line: rows[i]!.before!, beside: undefined });
    else {
      for (const r of block) if (r.before) out.push({ row: { ...r, now: 0 }, line: r.before, beside: r.after });
      for (const r of block) if (r.after) out.push({ row: { ...r, old: 0 }, line: r.after, beside: r.before });
    }
    i += block.length;
  }
  return out;
}

const Hunk = ({ of: h }: { of: Hunk }) => <tr class="hunk"><td colSpan={4}>{`@@ −${h.old_start} +${h.new_start} @@`}</td></tr>;

function LineOf({ row, line, beside }: { row: Row; line: Line; beside: Line | undefined }) {
  return (
    <tr class={kindOf(line)}>
      <td class="n">{row.old || ""}</td>
      <td class="n">{row.now || ""}</td>
      <td class="sign">{sign(line)}</td>
      <td class="text"><Text line={line} beside={beside} /></td>
    </tr>
  );
}

function Sides({ row: r }: { row: Row }) {
  return (
    <tr>
      <td class={"n " + (r.before ? kindOf(r.before) : "none")}>{r.old || ""}</td>
      <td class={"text " + (r.before ? kindOf(r.before) : "none")}>{r.before && <Text line={r.before} beside={r.after} />}</td>
      <td class={"n " + (r.after ? kindOf(r.after) : "none")}>{r.now || ""}</td>
      <td class={"text " + (r.after ? kindOf(r.after) : "none")}>{r.after && <Text line={r.after} beside={r.before} />}</td>
    </tr>
  );
}

const around = 3; // lines that are shown about a change

/** diffOf compares two texts as the API does revisions. */
export function diffOf(path: string, before: string | null, after: string | null): FileDiff {
  const linesOf = (text: string | null) => (text ? text.replace(/\n$/, "").split("\n") : []);
  const [a, b] = [linesOf(before), linesOf(after)];
  const found = changes(a, b);
  const hunks: Hunk[] = [];
  let additions = 0;
  let deletions = 0;
  for (let i = 0; i < found.length; ) {
    let last = i;
    while (found[last + 1] && found[last + 1]!.from - found[last]!.to <= 2 * around) last++;
    const from = Math.max(0, found[i]!.from - around);
    const to = Math.min(a.length, found[last]!.to + around);
    const lines: Line[] = [];
    let at = from;
    for (const c of found.slice(i, last + 1)) {
      for (; at < c.from; at++) lines.push({ kind: "context", text: a[at]! });
      for (; at < c.to; at++) lines.push({ kind: "delete", text: a[at]! });
      for (const text of b.slice(c.otherFrom, c.otherTo)) lines.push({ kind: "add", text });
      deletions += c.to - c.from;
      additions += c.otherTo - c.otherFrom;
    }
    for (; at < to; at++) lines.push({ kind: "context", text: a[at]! });
    const start = found[i]!.otherFrom - (found[i]!.from - from);
    hunks.push({ old_start: from + 1, new_start: start + 1, lines });
    i = last + 1;
  }
  return { path, old_path: null, status: before === null ? "added" : after === null ? "deleted" : "modified", additions, deletions, hunks, too_large: false, unified: "", old_version: null, new_version: null };
}
