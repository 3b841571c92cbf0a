// The files of a project: a tree, an editor, and a search through all of them.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ApiError, client } from "../api";
import { refresh, useData } from "../data";
import type { Editor } from "../editor";
import { bytes, t, tn } from "../i18n";
import { joined, merge, type Piece } from "../lines";
import { Button, Dialog, Failure, Notice, Waiting } from "../parts/basics";
import { FieldError, useSending } from "../parts/forms";
import { Icon } from "../parts/icon";
import { useKeys } from "../parts/keys";
import { Rows } from "../parts/rows";
import { say, sayFailure } from "../parts/toast";
import { carried, go, link, place } from "../router";
import type { File as Row, FileList } from "../schema";
import { nameOf, rawFile, save, upload } from "../transfer";
import { Conflict, editorPart } from "./conflict";
import type { Here } from "./project";

interface Folder {
  readonly name: string;
  readonly path: string;
  readonly folders: Map<string, Folder>;
  readonly files: Row[];
}

export function FilesPane({ here, path }: { here: Here; path: string }) {
  const name = `project/${here.id}/files`;
  const list = useData<FileList>(name, (s) => client.files.list(here.id, { content: false }, { signal: s }));
  const [asking, setAsking] = useState<"new" | "delete" | "">("");
  const [search, setSearch] = useState("");
  const [over, setOver] = useState(false);
  const find = useRef<HTMLInputElement>(null);
  const pick = useRef<HTMLInputElement>(null);
  useKeys([
    { keys: "f", name: t("files.search"), run: () => find.current?.focus() },
    { keys: "n", name: t("files.new"), run: () => setAsking("new") },
    { keys: "[", name: t("files.previous"), run: () => beside(-1) },
    { keys: "]", name: t("files.next"), run: () => beside(1) },
  ]);
  const beside = (by: number) => {
    const all = list.data?.files ?? [];
    const next = all[Math.min(Math.max(0, all.findIndex((f) => f.path === path) + by), all.length - 1)];
    if (next) go(addressOf(here, next.path), "replace");
  };
  const take = async (files: readonly File[]) => {
    setOver(false);
    if (!files.length) return;
    try {
      const n = await upload(here.id, files);
      say(t("files.uploaded", { files: tn("files", n) }), "good");
      refresh(`project/${here.id}/`);
    } catch (e) {
      sayFailure(e);
    }
  };
  if (list.error && !list.data) return <Failure error={list.error} retry={() => refresh(name)} />;
  if (!list.data) return <Waiting rows={8} />;
  const files = list.data.files;
  return (
    <div
      class={"files " + (path ? "one" : "") + (over ? " over" : "")}
      onDragOver={(e) => (e.preventDefault(), setOver(true))}
      onDragLeave={() => setOver(false)}
      onDrop={(e) => (e.preventDefault(), void take([...(e.dataTransfer?.files ?? [])]))}
    >
      <aside class="tree-side" aria-label={t("view.files")}>
        <div class="tree-head">
          <label class="search">
            <Icon name="search" />
            <input ref={find} type="search" value={search} placeholder={t("files.search")} aria-label={t("files.search")} onInput={(e) => setSearch(e.currentTarget.value)} onKeyDown={(e) => e.key === "Escape" && (setSearch(""), e.currentTarget.blur())} />
          </label>
          <Button kind="quiet" icon="add" label={t("files.new")} onClick={() => setAsking("new")} />
          <Button kind="quiet" icon="upload" label={t("files.upload")} onClick={() => pick.current?.click()} />
          <Button kind="quiet" icon="download" label={t("files.download")} disabled={files.length === 0} onClick={() => void save(client.files.exportZip(here.id), nameOf(here.project.title) + ".zip").catch(sayFailure)} />
          <input ref={pick} class="hidden" type="file" multiple tabIndex={-1} aria-hidden="true" onChange={(e) => (void take([...(e.currentTarget.files ?? [])]), (e.currentTarget.value = ""))} />
        </div>
        {search.trim() ? <Found here={here} text={search.trim()} />
        : files.length === 0 ? <Notice icon="file" title={t("files.none")}><p>{t("files.none.text")}</p></Notice>
        : <Tree here={here} files={files} at={path} />}
      </aside>
      <div class="file-side">
        {path ? <OneFile key={path} here={here} path={path} onDelete={() => setAsking("delete")} /> : <Notice icon="code" title={t("files.pick")}><p>{t("files.pick.text")}</p></Notice>}
      </div>
      {asking === "new" && <NewFile here={here} folder={path.includes("/") ? path.slice(0, path.lastIndexOf("/") + 1) : ""} onClose={() => setAsking("")} />}
      {asking === "delete" && <DeleteFile here={here} path={path} onClose={() => setAsking("")} />}
    </div>
  );
}

const addressOf = (here: Here, path: string, line?: number) => link(["projects", here.id, "files", ...path.split("/")], { ...carried("w", "show"), line: line ? String(line) : null });

const folder = (name: string, path: string): Folder => ({ name, path, folders: new Map(), files: [] });

function treeOf(files: readonly Row[]): Folder {
  const root = folder("", "");
  for (const f of files) {
    const parts = f.path.split("/");
    let at = root;
    for (const part of parts.slice(0, -1)) {
      let next = at.folders.get(part);
      if (!next) at.folders.set(part, (next = folder(part, at.path ? at.path + "/" + part : part)));
      at = next;
    }
    at.files.push(f);
  }
  return root;
}

/** Entry is a row of the tree: a folder, or a file. */
interface Entry {
  readonly depth: number;
  readonly folder?: Folder;
  readonly file?: Row;
}

function entriesOf(of: Folder, closed: ReadonlySet<string>, depth = 0, into: Entry[] = []): Entry[] {
  for (const d of of.folders.values()) {
    into.push({ depth, folder: d });
    if (!closed.has(d.path)) entriesOf(d, closed, depth + 1, into);
  }
  for (const file of of.files) into.push({ depth, file });
  return into;
}

const manyFiles = 200; // of which one is searched for, or a folder opened

function Tree({ here, files, at }: { here: Here; files: readonly Row[]; at: string }) {
  const tree = useMemo(() => treeOf(files), [files]);
  const [closed, setClosed] = useState<ReadonlySet<string>>(() => new Set(files.length > manyFiles ? tree.folders.keys() : []));
  useEffect(() => {
    if ([...closed].some((d) => at.startsWith(d + "/"))) setClosed(new Set([...closed].filter((d) => !at.startsWith(d + "/")))); // what is open is to be seen
  }, [at]);
  const toggle = (path: string) => {
    const next = new Set(closed);
    if (!next.delete(path)) next.add(path);
    setClosed(next);
  };
  const entries = useMemo(() => entriesOf(tree, closed), [tree, closed]);
  return (
    <Rows
      items={entries}
      height={26}
      label={t("view.files")}
      class="tree"
      at={entries.findIndex((e) => e.file?.path === at)}
      level={(e) => e.depth + 1}
      render={({ depth, folder: d, file: f }) => {
        const indent = { paddingInlineStart: 8 + depth * 14 + "px" };
        if (d) {
          return (
            <button type="button" class="tree-row" style={indent} aria-expanded={!closed.has(d.path)} onClick={() => toggle(d.path)}>
              <Icon name={closed.has(d.path) ? "folder" : "folderOpen"} />
              <span>{d.name}</span>
            </button>
          );
        }
        return (
          <a class="tree-row" style={indent} href={addressOf(here, f!.path)} aria-current={f!.path === at ? "page" : undefined}>
            <Icon name="file" />
            <span>{f!.path.slice(f!.path.lastIndexOf("/") + 1)}</span>
            {f!.revision === here.project.revision && here.project.revision > 1 && <span class="changed" title={t("files.changed.newest")}><span class="hidden">{t("files.changed.newest")}</span></span>}
          </a>
        );
      }}
    />
  );
}

function Found({ here, text }: { here: Here; text: string }) {
  const all = useData<FileList>(`project/${here.id}/filescontent`, (s) => client.files.list(here.id, {}, { signal: s }));
  if (all.error && !all.data) return <Failure error={all.error} />;
  if (!all.data) return <Waiting rows={4} />;
  const wanted = text.toLowerCase();
  const hits: { path: string; line: number; text: string }[] = [];
  for (const f of all.data.files) {
    if (f.path.toLowerCase().includes(wanted)) hits.push({ path: f.path, line: 0, text: "" });
    if (f.encoding || !f.content) continue;
    f.content.split("\n").forEach((line, i) => {
      if (hits.length < 300 && line.toLowerCase().includes(wanted)) hits.push({ path: f.path, line: i + 1, text: line.trim().slice(0, 200) });
    });
  }
  return (
    <div class="found">
      <p class="fine" role="status">{tn("found", hits.length)}</p>
      <ul>
        {hits.map((h) => (
          <li key={h.path + h.line}>
            <a href={addressOf(here, h.path, h.line)}>
              <code>{h.path}{h.line ? ":" + h.line : ""}</code>
              {h.text && <span>{h.text}</span>}
            </a>
          </li>
        ))}
      </ul>
    </div>
  );
}

function OneFile({ here, path, onDelete }: { here: Here; path: string; onDelete: () => void }) {
  const name = `file/${here.id}/${path}`;
  const file = useData<Row>(name, (s) => client.files.get(here.id, path, { signal: s }));
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor | null>(null);
  const base = useRef<Row | null>(null); // what is being edited
  const [changed, setChanged] = useState(false);
  const [saving, setSaving] = useState(false);
  const [clash, setClash] = useState<{ theirs: Row; pieces: Piece[] } | null>(null); // what somebody else made of it, and both joined
  const [newer, setNewer] = useState(false);
  const [trouble, setTrouble] = useState<Error | null>(null);
  const line = Number(place.value.query.get("line") ?? 0);
  const row = file.data;
  const blob = !!row?.encoding;

  const write = async (text: string, version: number, how: "files.saved" | "files.joined" = "files.saved"): Promise<void> => {
    setSaving(true);
    try {
      const made = await client.files.update(here.id, path, { content: text }, { ifMatch: version });
      base.current = { ...made, content: text };
      setChanged(editor.current?.text() !== text);
      setClash(null);
      setNewer(false);
      say(t(how, { path }), "good");
      refresh(`project/${here.id}/`);
    } catch (e) {
      if (e instanceof ApiError && e.status === 409) await join(text, version, e).catch(sayFailure);
      else sayFailure(e);
    } finally {
      setSaving(false);
    }
  };
  // Somebody wrote it meanwhile: what both did is joined and saved, but where they did not do the same to one place.
  const join = async (mine: string, version: number, refused: Error): Promise<void> => {
    const theirs = await client.files.get(here.id, path);
    if (theirs.version === version || theirs.encoding) throw refused;
    const pieces = merge(base.current?.content ?? "", mine, theirs.content ?? "");
    const text = joined(pieces);
    if (text === null) return setClash({ theirs, pieces });
    base.current = theirs;
    editor.current?.replace(text);
    await write(text, theirs.version, "files.joined");
  };
  const saveNow = useRef(() => {});
  saveNow.current = () => {
    if (editor.current && base.current && !saving) void write(editor.current.text(), base.current.version);
  };

  useEffect(() => {
    if (!row || blob) return;
    if (editor.current) {
      if (base.current && row.version > base.current.version) setNewer(true);
      return;
    }
    let gone = false;
    base.current = row;
    editorPart().then(
      (part) => {
        if (gone || !host.current) return;
        editor.current = part.openEditor(host.current, {
          text: row.content ?? "", path, readOnly: false, label: path, line,
          onChange: () => setChanged(editor.current?.text() !== base.current?.content),
          onSave: () => saveNow.current(),
        });
      },
      (e: Error) => setTrouble(e),
    );
    return () => void (gone = true);
  }, [row?.version, blob]);
  useEffect(() => () => editor.current?.close(), []);
  useEffect(() => {
    if (line) editor.current?.goTo(line);
  }, [line]);
  // What is newer on the server replaces what nobody touched; else somebody is asked when they save.
  useEffect(() => {
    if (newer && !changed && row) {
      base.current = row;
      editor.current?.replace(row.content ?? "");
      setNewer(false);
    }
  }, [newer, changed, row]);
  const known = useRef(here.project.revision);
  useEffect(() => {
    if (known.current !== here.project.revision) refresh(name);
    known.current = here.project.revision;
  }, [here.project.revision]);
  useEffect(() => {
    if (!changed) return;
    const ask = (e: BeforeUnloadEvent) => e.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [changed]);
  useKeys([{ keys: "mod+s", name: t("save"), run: () => saveNow.current() }]);

  if (file.error && !row) return <Failure error={file.error} retry={() => refresh(name)} />;
  return (
    <div class="file">
      <header class="file-head">
        <a class="button quiet only-icon back-to-tree" href={link(["projects", here.id, "files"], carried("w", "show"))} aria-label={t("files.back")}><Icon name="back" /></a>
        <code>{path}</code>
        {changed && <span class="dot" title={t("files.unsaved")}><span class="hidden">{t("files.unsaved")}</span></span>}
        {newer && <span class="fine warn-text">{t("files.newer")}</span>}
        <span class="grow" />
        {row && <span class="fine tabular file-size">{bytes(row.size)}</span>}
        <Button kind="quiet" icon="download" label={t("download")} onClick={() => void save(rawFile(here.id, path), path.slice(path.lastIndexOf("/") + 1)).catch(sayFailure)} />
        <Button kind="quiet" icon="trash" label={t("files.delete")} onClick={onDelete} />
        {!blob && <Button id="save" kind={changed ? "primary" : "plain"} disabled={!changed} busy={saving} onClick={() => saveNow.current()}>{t("save")}</Button>}
      </header>
      {trouble ? <Failure error={trouble} /> : blob ? <Blob row={row!} project={here.id} /> : <div class="editor" ref={host} />}
      {!row && <Waiting rows={8} />}
      {clash && editor.current && (
        <Conflict
          path={path}
          pieces={clash.pieces}
          theirs="server"
          onClose={() => setClash(null)}
          onSave={(text) => {
            base.current = clash.theirs;
            editor.current?.replace(text);
            void write(text, clash.theirs.version);
          }}
          onTake={() => {
            base.current = clash.theirs;
            editor.current?.replace(clash.theirs.content ?? "");
            setClash(null);
            setNewer(false);
            setChanged(false);
          }}
        />
      )}
    </div>
  );
}

function Blob({ row, project }: { row: Row; project: string }) {
  const [picture, setPicture] = useState("");
  const shows = /\.(png|jpe?g|gif|webp|avif|ico)$/i.test(row.path);
  useEffect(() => {
    if (!shows) return;
    let at = "";
    let gone = false;
    void rawFile(project, row.path).then(async (r) => {
      if (gone) return;
      setPicture((at = URL.createObjectURL(await r.blob())));
    }, () => undefined);
    return () => ((gone = true), at && URL.revokeObjectURL(at));
  }, [row.path, row.version]);
  return picture ? <div class="picture"><img src={picture} alt={row.path} /></div> : <Notice icon="file" title={t("files.binary")}><p>{bytes(row.size)}</p></Notice>;
}

function NewFile({ here, folder, onClose }: { here: Here; folder: string; onClose: () => void }) {
  const [path, setPath] = useState(folder);
  const form = useSending();
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);
  const make = () => form.send(async () => {
    await client.files.create(here.id, { path: path.trim(), content: "" }, {}, { headers: { "If-None-Match": "*" } });
    refresh(`project/${here.id}/`);
    onClose();
    go(addressOf(here, path.trim()));
  });
  return (
    <Dialog title={t("files.new")} onClose={onClose}>
      <form onSubmit={(e) => (e.preventDefault(), void make())}>
        <label class="labelled">{t("files.path")}<input ref={input} class="field" value={path} placeholder="src/pages/about.ts" aria-invalid={!!form.error} onInput={(e) => (setPath(e.currentTarget.value), form.clear())} /></label>
        <FieldError>{form.error}</FieldError>
        <p class="dialog-foot"><Button onClick={onClose}>{t("cancel")}</Button><Button type="submit" kind="primary" busy={form.busy} disabled={!path.trim()}>{t("create")}</Button></p>
      </form>
    </Dialog>
  );
}

function DeleteFile({ here, path, onClose }: { here: Here; path: string; onClose: () => void }) {
  const remove = async () => {
    try {
      await client.files.delete(here.id, path);
      say(t("files.deleted", { path }), "calm");
      go(link(["projects", here.id, "files"]), "replace");
      refresh(`project/${here.id}/`);
    } catch (e) {
      sayFailure(e);
    }
    onClose();
  };
  return (
    <Dialog title={t("files.delete")} onClose={onClose}>
      <p>{t("files.delete.text", { path })}</p>
      <p class="dialog-foot"><Button onClick={onClose}>{t("cancel")}</Button><Button kind="danger" icon="trash" onClick={() => void remove()}>{t("files.delete")}</Button></p>
    </Dialog>
  );
}
