// A project: what is said about it, what is done to it, and how it looks, beside each other; on a phone one at a time.
import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { client } from "../api";
import { change, refresh, useData } from "../data";
import { t, tx } from "../i18n";
import { Button, Choice, Dialog, Failure, State, useTitle, Waiting } from "../parts/basics";
import { FieldError, useSending } from "../parts/forms";
import { Icon, type IconName } from "../parts/icon";
import { useKeys, type Shortcut } from "../parts/keys";
import { Later } from "../parts/later";
import { announce, say, sayFailure } from "../parts/toast";
import { carried, go, link, place, setQuery } from "../router";
import { apply, isOver, runOf, seen } from "../run";
import { collapsed, columns } from "../settings";
import type { AgentRequest, JobList, JobState, Message, MessageList, Project } from "../schema";
import { follow, type Liveness, type StreamEvent } from "../stream";
import { Conversation } from "./conversation";
import { FilesPane } from "./files";
import { HistoryPane } from "./history";
import { PreviewPane } from "./preview";
import { RunPane } from "./run";

const liveness = signal<Liveness>("connecting");

export type View = "run" | "files" | "history" | "learn";
type Side = "chat" | "work" | "preview";

export interface Here {
  readonly id: string;
  readonly project: Project;
  readonly jobs: JobState[];
  readonly current: JobState | undefined; // the newest that has not ended
}

/** The project that is shown, for the head of the page. */
const shown = signal<Project | null>(null);

const projectName = (id: string) => `project/${id}/row`;

export function ProjectScreen({ id }: { id: string }) {
  const ready = useProjectEvents(id);
  const project = useData<Project>(ready ? projectName(id) : null, (s) => client.projects.get(id, { signal: s }));
  const jobs = useData<JobList>(ready ? `project/${id}/jobs` : null, (s) => client.jobs.listOfProject(id, { limit: 30 }, { signal: s }));
  useTitle(project.data?.title ?? "");
  useEffect(() => {
    shown.value = project.data ?? null;
    return () => void (shown.value = null);
  }, [project.data]);
  if (project.error && !project.data) return <div class="page narrow"><Failure error={project.error} retry={() => refresh(`project/${id}/`)} /></div>;
  if (!project.data) return <div class="workspace"><div class="pane"><Waiting rows={6} /></div></div>;
  const list = jobs.data?.jobs ?? [];
  const here: Here = { id, project: project.data, jobs: list, current: list.find((j) => !isOver(j.status)) };
  return <Workspace here={here} />;
}

function Workspace({ here }: { here: Here }) {
  const { path, query } = place.value;
  const wanted = path[2] as View | undefined;
  const view: View = wanted && ["run", "files", "history", "learn"].includes(wanted) ? wanted : here.current ? "run" : here.project.revision > 0 ? "files" : "run";
  const side = (query.get("show") ?? (wanted ? "work" : "chat")) as Side;
  const { chat, preview } = collapsed.value;
  const diffs = view === "history" || (view === "run" && ["files", "proposal"].includes(query.get("part") ?? ""));
  const show = (v: View) => go(link(["projects", here.id, v], carried("w")));
  useKeys([
    { keys: "1", name: t("pane.chat.key"), run: () => toggle("chat") },
    { keys: "2", name: t("view.run"), run: () => show("run") },
    { keys: "3", name: t("view.files"), run: () => show("files") },
    { keys: "4", name: t("view.history"), run: () => show("history") },
    { keys: "5", name: t("pane.preview.key"), run: () => toggle("preview") },
    { keys: "e", name: t("key.files"), run: () => (view === "files" ? focusEditor() : show("files")) },
    ...(diffs ? [] : [{ keys: "d", name: t("key.history"), run: () => show("history") }]), // where diffs are shown, it is how
    { keys: "v", name: t("key.preview"), run: () => (isNarrow() ? setQuery({ show: side === "preview" ? "work" : "preview" }) : toggle("preview")) },
    ...(view === "run" ? runKeys(here, path[3]) : []),
  ]);
  const style = { "--chat": columns.value.chat + "px", "--preview": columns.value.preview + "px" };
  return (
    <div class="workspace" data-side={side} data-chat={chat ? "closed" : "open"} data-preview={preview ? "closed" : "open"} style={style}>
      <h1 class="hidden">{here.project.title}</h1>
      <Choice
        label={t("panes")}
        is={side}
        of={[["chat", t("pane.chat")], ["work", t("pane.work")], ["preview", t("pane.preview")]]}
        onChange={(to) => setQuery({ show: to })}
      />
      <section class="pane chat-pane" aria-label={t("pane.chat")}>
        <Conversation here={here} />
      </section>
      <Splitter name="chat" label={t("resize.chat")} />
      <section class="pane work-pane" aria-label={t("pane.work")}>
        <header class="pane-head">
          <Button kind="quiet" class="wide-only" icon={chat ? "chat" : "back"} label={chat ? t("pane.chat.open") : t("pane.chat.close")} pressed={!chat} onClick={() => toggle("chat")} />
          <nav class="tabs" aria-label={t("views")}>
            <Tab here={here} is={view} view="run" icon="bolt" />
            <Tab here={here} is={view} view="files" icon="code" />
            <Tab here={here} is={view} view="history" icon="history" />
            {here.project.mode === "student" && <Tab here={here} is={view} view="learn" icon="layers" />}
          </nav>
          <span class="grow" />
          <Live />
          <Button kind="quiet" class="wide-only" icon={preview ? "desktop" : "arrow"} label={preview ? t("pane.preview.open") : t("pane.preview.close")} pressed={!preview} onClick={() => toggle("preview")} />
        </header>
        {view === "run" ? <RunPane here={here} job={path[3]} /> : view === "files" ? <FilesPane here={here} path={path.slice(3).join("/")} /> : view === "learn" ? <Later>{({ LearnPane }) => <LearnPane here={here} />}</Later> : <HistoryPane here={here} at={Number(path[3] ?? 0)} />}
      </section>
      <Splitter name="preview" label={t("resize.preview")} />
      <section class="pane preview-pane" aria-label={t("pane.preview")}>
        <PreviewPane here={here} />
      </section>
    </div>
  );
}

/** isNarrow reports whether one pane is shown at a time. */
const isNarrow = () => matchMedia("(max-width: 1099px)").matches;

/** focusEditor goes into the file that is open, else to where one is found. */
function focusEditor(): void {
  const editor = document.querySelector<HTMLElement>(".editor");
  if (editor) editor.focus();
  else document.querySelector<HTMLElement>(".tree-row[href], .search input")?.focus();
}

/** runKeys go to the run before, and to the one after. */
function runKeys(here: Here, job: string | undefined): Shortcut[] {
  const at = Math.max(0, here.jobs.findIndex((j) => j.job_id === job));
  const open = (j: JobState | undefined) => j && go(link(["projects", here.id, "run", j.job_id], carried("w", "show", "part")), "replace");
  return [
    { keys: "[", name: t("run.previous"), run: () => open(here.jobs[at + 1]) },
    { keys: "]", name: t("run.next"), run: () => open(here.jobs[at - 1]) },
  ];
}

/** Crumb names the project, and opens what can be set of it. */
export function Crumb() {
  const [open, setOpen] = useState(false);
  const p = shown.value;
  if (!p) return null;
  return (
    <>
      <button type="button" class="crumb" onClick={() => setOpen(true)} title={t("project.settings")}>
        <span>{p.title}</span>
        <Icon name="edit" />
      </button>
      {open && <ProjectSettings project={p} onClose={() => setOpen(false)} />}
    </>
  );
}

function ProjectSettings({ project: p, onClose }: { project: Project; onClose: () => void }) {
  const [title, setTitle] = useState(p.title);
  const [mode, setMode] = useState(p.apply);
  const form = useSending();
  const keep = () => form.send(async () => {
    const made = await client.projects.update(p.id, { title: title.trim(), apply: mode });
    change<Project>(projectName(p.id), () => made);
    refresh("projects");
    onClose();
  });
  return (
    <Dialog title={t("project.settings")} onClose={onClose}>
      <form onSubmit={(e) => (e.preventDefault(), void keep())}>
        <label class="labelled">{t("project.title")}<input class="field" value={title} maxLength={200} onInput={(e) => (setTitle(e.currentTarget.value), form.clear())} /></label>
        <fieldset class="labelled">
          <legend>{t("project.apply")}</legend>
          {(["auto", "review"] as const).map((m) => (
            <label class="option" key={m}><input type="radio" name="apply" checked={mode === m} onChange={() => setMode(m)} /><span>{t(`project.apply.${m}`)}</span></label>
          ))}
        </fieldset>
        <FieldError>{form.error}</FieldError>
        <p class="dialog-foot"><Button onClick={onClose}>{t("cancel")}</Button><Button type="submit" kind="primary" busy={form.busy} disabled={title.trim().length < 3}>{t("save")}</Button></p>
      </form>
    </Dialog>
  );
}

function toggle(which: "chat" | "preview"): void {
  collapsed.value = { ...collapsed.value, [which]: !collapsed.value[which] };
}

function Tab({ here, is, view, icon }: { here: Here; is: View; view: View; icon: IconName }) {
  return (
    <a href={link(["projects", here.id, view], carried("w"))} aria-current={is === view ? "page" : undefined}>
      <Icon name={icon} />
      {t(`view.${view}`)}
      {view === "run" && here.current && <span class="dot" title={tx("job", here.current.status)} />}
    </a>
  );
}

function Live() {
  const state = liveness.value;
  return <span class={"live " + state} role="status"><span class="dot" />{t(`live.${state}`)}</span>;
}

/** Splitter resizes the pane beside it, by pointer and by arrows. */
function Splitter({ name, label }: { name: "chat" | "preview"; label: string }) {
  const start = useRef<{ x: number; width: number } | null>(null);
  const set = (width: number) => (columns.value = { ...columns.value, [name]: Math.round(Math.min(Math.max(width, 260), 1000)) });
  const direction = name === "chat" ? 1 : -1;
  const width = columns.value[name];
  return (
    <div
      class={"splitter " + name}
      role="separator"
      tabIndex={0}
      aria-orientation="vertical"
      aria-label={label}
      aria-valuenow={width}
      aria-valuemin={260}
      aria-valuemax={1000}
      onPointerDown={(e) => {
        start.current = { x: e.clientX, width };
        e.currentTarget.setPointerCapture(e.pointerId);
        document.body.classList.add("resizing");
      }}
      onPointerMove={(e) => start.current && set(start.current.width + direction * (e.clientX - start.current.x))}
      onLostPointerCapture={() => ((start.current = null), document.body.classList.remove("resizing"))}
      onKeyDown={(e) => {
        const step = e.key === "ArrowRight" ? 24 : e.key === "ArrowLeft" ? -24 : 0;
        if (step) (e.preventDefault(), set(width + direction * step));
      }}
      onDblClick={() => set(name === "chat" ? 330 : 430)}
    />
  );
}

/** useProjectEvents follows a project while it is shown; it is true once what is read is not older than what will be told. */
function useProjectEvents(id: string): boolean {
  const [ready, setReady] = useState(false);
  useEffect(() => {
    const patience = setTimeout(() => setReady(true), 700); // without a stream the project is shown all the same
    let first = true;
    const stop = follow((o) => client.projects.watch(id, o), {
      onState: (s) => (liveness.value = s),
      onEvents(events) {
        const told = new Set<string>();
        for (const e of events) take(id, e, told);
        apply(events.filter((e) => e.data["job_id"] !== undefined && e.type !== "job" && e.type !== "revision" && e.type !== "message"));
        if (events.some((e) => e.type === "ready")) {
          clearTimeout(patience);
          setReady(true);
          if (!first) told.add(`project/${id}/`);
          first = false;
        }
        if (told.size) refresh(...told);
      },
    });
    return () => (clearTimeout(patience), stop());
  }, [id]);
  return ready;
}

/** take has one change of the project change what is shown of it, and collects what has to be read anew. */
function take(id: string, { type, data }: StreamEvent, told: Set<string>): void {
  const jobID = data["job_id"] as string | undefined;
  switch (type) {
    case "ready":
      for (const j of data["jobs"] as { id: string; events: number }[]) runOf(j.id).run.liveFrom = j.events;
      return;
    case "reset":
      told.add(`project/${id}/`);
      return;
    case "project":
      told.add(`project/${id}/row`);
      return;
    case "revision":
      change<Project>(projectName(id), (p) => ({ ...p, revision: Math.max(p.revision, data["revision"] as number) }));
      for (const part of ["files", "revisions", "preview"]) told.add(`project/${id}/${part}`);
      return;
    case "message": {
      const m = data as unknown as Message;
      change<MessageList>(`project/${id}/messages`, (l) => ({ ...l, items: [...l.items.filter((x) => x.id !== m.id), m] }));
      return;
    }
    case "message_deleted":
      change<MessageList>(`project/${id}/messages`, (l) => ({ ...l, items: l.items.filter((x) => x.id !== data["id"]) }));
      return;
    case "job":
      told.add(`project/${id}/jobs`);
      return;
    case "stage":
      if (data["status"] === "started") announce(tx("stage", data["stage"] as string));
      setJob(id, jobID, { status: "running" });
      return;
    case "complete":
    case "error":
    case "cancelled":
    case "waiting":
      announce(t(`announce.${type}`));
      told.add(`project/${id}/jobs`);
      return;
  }
}

function setJob(id: string, jobID: string | undefined, to: Partial<JobState>): void {
  change<JobList>(`project/${id}/jobs`, (l) => {
    if (!l.jobs.some((j) => j.job_id === jobID && j.status !== to.status)) return l;
    return { ...l, jobs: l.jobs.map((j) => (j.job_id === jobID ? { ...j, ...to } : j)) };
  });
}

/** submit has an agent do something to a project, and shows it. */
export async function submit(here: Here, agent: AgentRequest["agent_type"] | "builder", input: Record<string, unknown>): Promise<boolean> {
  try {
    const wish = { project_id: here.id, input_context: input };
    const job = agent === "builder" ? await client.agents.runPipeline(wish) : await client.agents.run({ ...wish, agent_type: agent });
    refresh(`project/${here.id}/jobs`);
    if (agent !== "pedagogy") go(link(["projects", here.id, "run", job.job_id], { ...carried("w"), show: place.value.query.get("show") ?? "chat" }));
    return true;
  } catch (e) {
    sayFailure(e);
    return false;
  }
}

export async function cancel(jobID: string): Promise<void> {
  try {
    const said = await client.jobs.cancel(jobID);
    say(said.message, "calm");
  } catch (e) {
    sayFailure(e);
  }
}

export function StateOf({ job }: { job: JobState }) {
  const r = seen(runOf(job.job_id));
  return <State is={isOver(job.status) ? job.status : r.seq || r.lines.length ? r.status : job.status} />;
}
