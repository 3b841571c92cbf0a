// The editor: CodeMirror, as a part of its own that is fetched when somebody opens a file. It lies in a shadow root, where it may
// bring its own style sheets under a policy that allows the page none but its own.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab, invertedEffects } from "@codemirror/commands";
import { css } from "@codemirror/lang-css";
import { html } from "@codemirror/lang-html";
import { javascript } from "@codemirror/lang-javascript";
import { json } from "@codemirror/lang-json";
import { markdown } from "@codemirror/lang-markdown";
import { bracketMatching, foldGutter, foldKeymap, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, StateEffect, StateField, Transaction, type Extension, type Range } from "@codemirror/state";
import { Decoration, type DecorationSet, drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers, WidgetType } from "@codemirror/view";
import { tags as is } from "@lezer/highlight";
import type { Piece } from "./lines";

export interface EditorOptions {
  readonly text: string;
  readonly path: string;
  readonly readOnly: boolean;
  readonly label: string;
  readonly line?: number;
  readonly onChange: (changed: boolean) => void;
  readonly onSave: () => void;
}

export interface Editor {
  text(): string;
  /** replace puts another text there, as one that nobody typed. */
  replace(text: string): void;
  goTo(line: number): void;
  focus(): void;
  close(): void;
}

export interface Merging {
  text(): string;
  close(): void;
}

export interface MergeOptions {
  readonly pieces: readonly Piece[];
  readonly path: string;
  readonly label: string;
  readonly words: { readonly mine: string; readonly theirs: string; readonly both: string; readonly before: string; readonly nothing: string; readonly place: (n: number, of: number) => string };
  /** onLeft is told how many places wait for somebody to say what stands there. */
  readonly onLeft: (n: number) => void;
}

function languageOf(path: string): Extension {
  const ending = path.slice(path.lastIndexOf(".") + 1).toLowerCase();
  switch (ending) {
    case "ts": case "mts": case "cts": return javascript({ typescript: true });
    case "tsx": return javascript({ typescript: true, jsx: true });
    case "js": case "mjs": case "cjs": case "jsx": return javascript({ jsx: true });
    case "css": case "scss": case "less": return css();
    case "html": case "htm": case "vue": case "svelte": case "svg": case "xml": return html();
    case "json": case "webmanifest": return json();
    case "md": case "markdown": return markdown();
  }
  return [];
}

const highlight = HighlightStyle.define([
  { tag: [is.keyword, is.operatorKeyword, is.modifier, is.controlKeyword], color: "var(--code-keyword)" },
  { tag: [is.string, is.special(is.string), is.regexp], color: "var(--code-string)" },
  { tag: [is.number, is.bool, is.null, is.atom], color: "var(--code-number)" },
  { tag: [is.comment, is.meta], color: "var(--muted)", fontStyle: "italic" },
  { tag: [is.function(is.variableName), is.function(is.propertyName)], color: "var(--code-function)" },
  { tag: [is.typeName, is.className, is.namespace], color: "var(--code-type)" },
  { tag: [is.tagName, is.heading], color: "var(--code-keyword)", fontWeight: "600" },
  { tag: [is.attributeName, is.propertyName], color: "var(--code-property)" },
  { tag: [is.link, is.url], color: "var(--code-string)", textDecoration: "underline" },
  { tag: is.strong, fontWeight: "650" },
  { tag: is.emphasis, fontStyle: "italic" },
]);

const look = EditorView.theme({
  "&": { height: "100%", fontSize: "13px", color: "var(--text)", backgroundColor: "var(--surface)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55", overflow: "auto" },
  ".cm-content": { padding: "8px 0", caretColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--muted)", border: "none", paddingLeft: "4px" },
  ".cm-activeLine": { backgroundColor: "var(--line-active)" },
  ".cm-activeLineGutter": { backgroundColor: "var(--line-active)", color: "var(--text)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { background: "var(--selection)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-selectionMatch": { backgroundColor: "var(--match)" },
  ".cm-searchMatch": { backgroundColor: "var(--match)", outline: "1px solid var(--line-strong)" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--match)", outline: "none" },
  ".cm-panels": { backgroundColor: "var(--sunken)", color: "var(--text)", borderColor: "var(--line)" },
  ".cm-panel input, .cm-panel button, .cm-tooltip": { fontFamily: "var(--font)", fontSize: "13px", color: "var(--text)", backgroundColor: "var(--surface)", backgroundImage: "none", border: "1px solid var(--line-strong)", borderRadius: "5px" },
  ".cm-foldPlaceholder": { backgroundColor: "var(--sunken)", color: "var(--muted)", border: "none" },
  ".cm-line.mine": { backgroundColor: "var(--accent-soft)", boxShadow: "inset 3px 0 var(--accent-fill)" },
  ".cm-line.theirs": { backgroundColor: "var(--added)", boxShadow: "inset 3px 0 var(--good)" },
  ".conflict": { display: "flex", flexWrap: "wrap", alignItems: "center", gap: "6px", padding: "6px 8px", background: "var(--sunken)", borderBlock: "1px solid var(--line)", font: "12.5px/1.5 var(--font)" },
  ".conflict strong": { fontWeight: "600", marginInlineEnd: "auto" },
  ".conflict button": { minHeight: "26px", padding: "0 9px", border: "1px solid var(--line-strong)", borderRadius: "6px", background: "var(--surface)", color: "var(--text)", font: "500 12.5px var(--font)", cursor: "pointer" },
  ".conflict .mine": { boxShadow: "inset 3px 0 var(--accent-fill)" },
  ".conflict .theirs": { boxShadow: "inset 3px 0 var(--good)" },
  ".conflict button:focus-visible": { outline: "2px solid var(--accent)", outlineOffset: "1px" },
  ".conflict pre": { flexBasis: "100%", margin: "0", color: "var(--muted)", fontFamily: "var(--mono)", fontSize: "12px", whiteSpace: "pre-wrap", maxHeight: "5em", overflow: "auto" },
});

const common = (path: string, label: string): Extension => [
  lineNumbers(), foldGutter(), highlightActiveLineGutter(), history(), drawSelection(), indentOnInput(), indentUnit.of("  "), bracketMatching(), closeBrackets(),
  autocompletion(), highlightActiveLine(), highlightSelectionMatches(), syntaxHighlighting(highlight), look, languageOf(path), EditorView.lineWrapping,
  EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
  keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...completionKeymap, indentWithTab]),
];

function rootIn(host: HTMLElement): ShadowRoot {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open", delegatesFocus: true });
  root.replaceChildren();
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(":host{display:block} .holder{height:100%}");
  root.adoptedStyleSheets = [sheet];
  return root;
}

function holderIn(root: ShadowRoot): HTMLElement {
  const holder = document.createElement("div");
  holder.className = "holder";
  root.append(holder);
  return holder;
}

export function openEditor(host: HTMLElement, o: EditorOptions): Editor {
  const root = rootIn(host);
  const writable = new Compartment();
  const view = new EditorView({
    parent: holderIn(root),
    root,
    state: EditorState.create({
      doc: o.text,
      extensions: [
        keymap.of([{ key: "Mod-s", run: () => (o.onSave(), true) }, { key: "Escape", run: () => (host.blur(), false) }]),
        common(o.path, o.label),
        writable.of(EditorState.readOnly.of(o.readOnly)),
        EditorView.updateListener.of((u) => {
          if (u.docChanged) o.onChange(u.transactions.every((t) => t.annotation(Transaction.userEvent) !== "replace"));
        }),
      ],
    }),
  });
  const goTo = (n: number) => {
    const line = view.state.doc.line(Math.min(Math.max(n, 1), view.state.doc.lines));
    view.dispatch({ selection: { anchor: line.from }, effects: EditorView.scrollIntoView(line.from, { y: "center" }) });
  };
  if (o.line) goTo(o.line);
  return {
    text: () => view.state.doc.toString(),
    replace: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, annotations: [Transaction.userEvent.of("replace"), Transaction.addToHistory.of(false)] }),
    goTo,
    focus: () => view.focus(),
    close: () => view.destroy(),
  };
}

/** Clash is a place where both sides stand, one after the other, until somebody says which is to. All ends are beginnings of lines. */
interface Clash {
  readonly n: number;
  readonly from: number;
  readonly mid: number; // where theirs begins
  readonly to: number;
  readonly base: readonly string[];
}

const moved = (c: Clash, map: (at: number, side: number) => number): Clash => ({ ...c, from: map(c.from, -1), mid: map(c.mid, -1), to: map(c.to, -1) });
const settle = StateEffect.define<Clash>({ map: (c, by) => moved(c, (at, side) => by.mapPos(at, side)) });
const reopen = StateEffect.define<Clash>({ map: (c, by) => moved(c, (at, side) => by.mapPos(at, side)) });

/** textOf lays out a merged text with both sides of each clash, and says where they are. */
function textOf(pieces: readonly Piece[]): { text: string; clashes: Clash[] } {
  const lines: string[] = [];
  const clashes: Clash[] = [];
  let at = 0;
  const add = (more: readonly string[]) => {
    lines.push(...more);
    for (const l of more) at += l.length + 1;
  };
  for (const p of pieces) {
    if (p.kind === "stands") {
      add(p.lines);
      continue;
    }
    const from = at;
    add(p.mine);
    const mid = at;
    add(p.theirs);
    clashes.push({ n: clashes.length + 1, from, mid, to: at, base: p.base });
  }
  return { text: lines.join("\n"), clashes };
}

/** openMerge has somebody say what stands where two changed the same place; all of the text can be changed too. */
export function openMerge(host: HTMLElement, o: MergeOptions): Merging {
  // A place is followed by a line, so that its end is the beginning of one; a line that was added for that goes again.
  const added = o.pieces.at(-1)?.kind === "conflict";
  const { text, clashes } = textOf(added ? [...o.pieces, { kind: "stands", lines: [""] }] : o.pieces);
  const resolve = (view: EditorView, n: number, stands: "mine" | "theirs" | "both") => {
    const c = view.state.field(open).find((x) => x.n === n);
    if (!c) return;
    const goes = stands === "mine" ? [c.mid, c.to] as const : stands === "theirs" ? [c.from, c.mid] as const : [c.to, c.to] as const;
    const next = view.state.field(open).find((x) => x.from > c.from) ?? view.state.field(open).find((x) => x.n !== n);
    view.dispatch({ changes: { from: goes[0], to: goes[1] }, effects: settle.of(c) });
    if (next) view.dispatch({ effects: EditorView.scrollIntoView(view.state.field(open).find((x) => x.n === next.n)?.from ?? 0, { y: "center" }) });
    view.focus();
  };
  class Bar extends WidgetType {
    constructor(readonly clash: Clash) {
      super();
    }
    override eq(other: Bar) {
      return other.clash.n === this.clash.n;
    }
    override ignoreEvent() {
      return true;
    }
    toDOM(view: EditorView) {
      const bar = document.createElement("div");
      bar.className = "conflict";
      bar.setAttribute("role", "group");
      const title = document.createElement("strong");
      title.textContent = o.words.place(this.clash.n, clashes.length);
      bar.setAttribute("aria-label", title.textContent);
      bar.append(title);
      for (const stands of ["mine", "theirs", "both"] as const) {
        const b = document.createElement("button");
        b.type = "button";
        b.className = stands;
        b.textContent = o.words[stands];
        b.onclick = () => resolve(view, this.clash.n, stands);
        bar.append(b);
      }
      const was = document.createElement("pre");
      was.tabIndex = 0;
      was.textContent = `${o.words.before} ${this.clash.base.join("\n").trim() || o.words.nothing}`;
      bar.append(was);
      return bar;
    }
  }
  const open = StateField.define<readonly Clash[]>({
    create: () => clashes,
    update(list, tr) {
      let next = tr.docChanged ? list.map((c) => moved(c, (at, side) => tr.changes.mapPos(at, side))) : list;
      for (const e of tr.effects) {
        if (e.is(settle)) next = next.filter((c) => c.n !== e.value.n);
        if (e.is(reopen)) next = [...next, e.value].sort((a, b) => a.n - b.n);
      }
      return next;
    },
  });
  const marksOf = (state: EditorState) => {
    const marks: Range<Decoration>[] = [];
    for (const c of state.field(open)) {
      marks.push(Decoration.widget({ widget: new Bar(c), block: true, side: -1 }).range(c.from));
      for (let at = c.from; at < c.to && at <= state.doc.length; at = state.doc.lineAt(at).to + 1) {
        marks.push(Decoration.line({ class: at < c.mid ? "mine" : "theirs" }).range(state.doc.lineAt(at).from));
      }
    }
    return Decoration.set(marks, true);
  };
  const marks = StateField.define<DecorationSet>({
    create: marksOf,
    update: (was, tr) => (tr.docChanged || tr.effects.length ? marksOf(tr.state) : was),
    provide: (field) => EditorView.decorations.from(field),
  });
  const view = new EditorView({
    parent: holderIn(rootIn(host)),
    root: host.shadowRoot!,
    state: EditorState.create({
      doc: text,
      extensions: [
        common(o.path, o.label), open, marks,
        invertedEffects.of((tr) => tr.effects.flatMap((e) => (e.is(settle) ? [reopen.of(e.value)] : e.is(reopen) ? [settle.of(e.value)] : []))),
        EditorView.updateListener.of((u) => {
          if (u.state.field(open).length !== u.startState.field(open).length) o.onLeft(u.state.field(open).length);
        }),
      ],
    }),
  });
  if (clashes[0]) view.dispatch({ effects: EditorView.scrollIntoView(clashes[0].from, { y: "center" }) });
  const whole = () => view.state.doc.toString();
  return { text: () => (added ? whole().replace(/\n$/, "") : whole()), close: () => view.destroy() };
}
