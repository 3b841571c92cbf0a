// The editor: CodeMirror, as a part of its own that is fetched when somebody opens a file. It lies in a shadow root, where it may
// bring its own style sheets under a policy that allows the page none but its own.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { css } from "@codemirror/lang-css";
import { html } from "@codemirror/lang-html";
import { javascript } from "@codemirror/lang-javascript";
import { json } from "@codemirror/lang-json";
import { markdown } from "@codemirror/lang-markdown";
import { bracketMatching, foldGutter, foldKeymap, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { MergeView } from "@codemirror/merge";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, Transaction, type Extension } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from "@codemirror/view";
import { tags as is } from "@lezer/highlight";

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
  /** text is what stands on the right side, where somebody merges. */
  text(): string;
  close(): void;
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
  ".cm-changedLine": { backgroundColor: "var(--added) !important" },
  "&.cm-merge-a .cm-changedLine": { backgroundColor: "var(--removed) !important" },
  ".cm-changedText": { background: "none !important", textDecoration: "underline", textDecorationColor: "var(--accent)", textUnderlineOffset: "3px" },
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
  sheet.replaceSync(":host{display:block} .holder{height:100%} .cm-mergeView{height:100%;overflow:auto} .cm-mergeView .cm-merge-revert{width:30px;background:var(--sunken)} .cm-mergeView .cm-merge-revert button{min-width:26px;min-height:26px;color:var(--accent);cursor:pointer}");
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

/** openMerge shows two versions beside each other; the right one can be changed, and takes from the left by buttons. */
export function openMerge(host: HTMLElement, o: { theirs: string; yours: string; path: string; labels: [string, string] }): Merging {
  const root = rootIn(host);
  const merge = new MergeView({
    parent: holderIn(root),
    root,
    a: { doc: o.theirs, extensions: [common(o.path, o.labels[0]), EditorState.readOnly.of(true)] },
    b: { doc: o.yours, extensions: [common(o.path, o.labels[1])] },
    revertControls: "a-to-b",
    gutter: true,
    collapseUnchanged: { margin: 3, minSize: 6 },
  });
  return { text: () => merge.b.state.doc.toString(), close: () => merge.destroy() };
}
