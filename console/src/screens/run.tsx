// A run as it happens, and as it happened: its stages, what is said and written now, and all that was done, one line each.
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { ApiError, client, isBuiltIn } from "../api";
import { refresh, useData } from "../data";
import { compact, duration, money, number, t, tn, tx } from "../i18n";
import { Button, Chip, Choice, Failure, Notice, Progress, Time, useNow, Waiting } from "../parts/basics";
import { Calls } from "../parts/calls";
import { Counts, DiffLines, DiffLook, diffOf, Diffs, DiffView } from "../parts/diff";
import { Icon, type IconName } from "../parts/icon";
import { Rows } from "../parts/rows";
import { carried, link, place, setQuery } from "../router";
import { apply, isOver, num, runOf, seen, str, type Known, type Line, type RunFile, type Stage } from "../run";
import type { FileDiff, JobDetail, ProposalDiff, Rung } from "../schema";
import { collapsed } from "../settings";
import { follow } from "../stream";
import { cancel, StateOf, type Here } from "./project";

export function RunPane({ here, job: wanted }: { here: Here; job: string | undefined }) {
  const id = wanted ?? here.current?.job_id ?? here.jobs[0]?.job_id;
  if (!id) return <Notice icon="bolt" title={t("run.none")}><p>{t("run.none.text")}</p></Notice>;
  return <OneRun key={id} here={here} id={id} />;
}

function OneRun({ here, id }: { here: Here; id: string }) {
  const listed = here.jobs.find((j) => j.job_id === id);
  const detail = useData<JobDetail>(`project/${here.id}/jobs/${id}`, (s) => client.jobs.get(id, {}, { signal: s }));
  const job = listed && detail.data && detail.data.updated_at < listed.updated_at ? { ...detail.data, ...listed } : (detail.data ?? listed);
  const known = runOf(id);
  const r = seen(known);
  usePast(id, job ? isOver(job.status) || job.status === "waiting_for_input" : false);
  const part = (place.value.query.get("part") ?? "all") as Part;
  if (!job) return detail.error ? <Failure error={detail.error} retry={() => refresh(`project/${here.id}/jobs/${id}`)} /> : <Waiting rows={6} />;
  const running = !isOver(job.status) && !isOver(r.status);
  return (
    <div class="run">
      <RunHead job={job} known={known} running={running} />
      <Rail known={known} agent={job.agent_type} over={!running} />
      <div class="run-progress">{running && <Progress value={r.progress || job.progress} label={t("progress")} />}</div>
      {job.status === "failed" && <p class="run-error"><Icon name="failed" />{job.error}</p>}
      <div class="run-tabs">
        <Choice
          label={t("run.part")}
          is={part}
          of={job.proposal ? [...parts(r.files.size), ["proposal", t("run.proposal")]] : parts(r.files.size)}
          onChange={(to) => setQuery({ part: to === "all" ? null : to })}
        />
        <span class="grow" />
        {(part === "files" || part === "proposal") && <DiffLook />}
        {r.dropped > 0 && <span class="fine">{t("run.dropped", { n: number(r.dropped) })}</span>}
      </div>
      {part === "proposal" && job.proposal ? <Proposal id={id} /> : part === "calls" ? <Calls job={id} running={running} /> : part === "files" ? <RunFiles here={here} known={known} job={job} detail={detail.data} running={running} /> : <Rows items={r.lines} height={28} label={t("run.all")} follow={running} render={(l) => <LineRow line={l} />} class="run-lines" />}
      {running && part === "all" && r.status !== "waiting_for_input" && <Now known={known} />}
    </div>
  );
}

type Part = "all" | "files" | "calls" | "proposal";
const parts = (files: number): [Part, string][] => [["all", t("run.all")], ["files", t("run.files", { n: files })], ["calls", t("run.calls")]];

/** usePast reads the events of a job that no feed tells of any more. */
function usePast(id: string, over: boolean): void {
  useEffect(() => {
    const r = runOf(id).run;
    if (!over || r.lines.length || r.seq) return;
    r.liveFrom = Number.MAX_SAFE_INTEGER;
    return follow((o) => client.jobs.watch(id, o), { onEvents: (events) => apply(events, id) });
  }, [id, over]);
}

function RunHead({ job, known, running }: { job: AnyJob; known: Known; running: boolean }) {
  const r = seen(known);
  const now = useNow(running, 500);
  void now;
  const began = job.started_at ? new Date(job.started_at).getTime() : 0;
  const ended = job.completed_at ? new Date(job.completed_at).getTime() : job.status === "waiting_for_input" ? new Date(job.updated_at).getTime() : Date.now(); // that somebody thinks is no work
  const cost = running ? r.cost : ("cost_micro_usd" in job ? job.cost_micro_usd : r.cost);
  const free = isBuiltIn(r.model) || r.model === "";
  const queue = r.queue ?? job.queue;
  return (
    <header class="run-head">
      <div class="run-title">
        <h2>{tx("agent", job.agent_type)}</h2>
        <StateOf job={job as Here["jobs"][number]} />
        {!running && <Time at={job.completed_at} />}
        {job.status === "queued" && queue && <span class="fine queue-place">{t("queue.place", { n: queue.place, why: tx("queue", queue.waiting_for) })}</span>}
        <span class="grow" />
        {(job.revision ?? 0) > 0 && <a class="button quiet" href={link(["projects", job.project_id, "history", job.revision!], carried("w"))}><Icon name="history" /><span>{t("revision.n", { n: job.revision! })}</span></a>}
        {(job.proposal || job.status === "waiting_for_input") && <Button kind="primary" class="to-chat" onClick={toChat}>{job.proposal ? t("run.review") : t("run.answer")}</Button>}
        {running && <Button icon="stop" onClick={() => void cancel(job.job_id)}>{t("stop")}</Button>}
      </div>
      <dl class="facts">
        {began > 0 && <div><dt>{t("run.elapsed")}</dt><dd>{duration(Math.max(0, ended - began))}</dd></div>}
        {r.calls > 0 && <div><dt>{t("run.calls")}</dt><dd>{number(r.calls)}</dd></div>}
        {r.tokens > 0 && <div><dt>{t("run.tokens")}</dt><dd>{compact(r.tokens)}</dd></div>}
        {r.calls > 0 && <div><dt>{t("run.cost")}</dt><dd><a href={link(["usage"], { job: job.job_id })} title={t("run.ceilings")}>{free && !cost ? t("cost.free") : money(cost)}</a></dd></div>}
        {r.retries > 0 && <div><dt>{t("run.retries")}</dt><dd>{number(r.retries)}</dd></div>}
      </dl>
    </header>
  );
}

/** toChat goes where questions are answered and work is decided on, which a screen need not have room for beside this. */
function toChat(): void {
  collapsed.value = { ...collapsed.value, chat: false };
  setQuery({ show: "chat" });
}

const pipeline = ["research", "wireframe", "code", "qa"];

/** Rail is the way of the job: what was done, what is done now, what comes. */
function Rail({ known, agent, over }: { known: Known; agent: string; over: boolean }) {
  const r = seen(known);
  const running = r.stages.some((s) => s.state === "running");
  const now = useNow(running, 200);
  const ref = useRef<HTMLOListElement>(null);
  useEffect(() => {
    const e = ref.current;
    if (e) e.scrollLeft = (e.querySelector<HTMLElement>("[aria-current]")?.offsetLeft ?? 0) - 60;
  }, [r.stages.length]);
  const coming = agent === "builder" && !over ? pipeline.filter((p) => !r.stages.some((s) => s.name === p)) : [];
  if (!r.stages.length && !coming.length) return null;
  return (
    <ol class="rail" ref={ref} tabIndex={0} aria-label={t("rail")}>
      {r.stages.map((s, i) => (
        <li key={i} class={s.state} aria-current={s.state === "running" ? "step" : undefined}>
          <Icon name={s.state === "done" ? "check" : s.state === "running" ? "bolt" : "minus"} />
          <span class="rail-name">{tx("stage.short", s.name)}{s.round > 0 ? " " + (s.round + 1) : ""}</span>
          <span class="rail-more">{tookOf(s, now)}</span>
          <span class="hidden">{t(`stage.is.${s.state}`)}</span>
        </li>
      ))}
      {coming.map((name) => (
        <li key={name} class="coming">
          <span class="ring" />
          <span class="rail-name">{tx("stage.short", name)}</span>
        </li>
      ))}
    </ol>
  );
}

const tookOf = (s: Stage, now: number) => (s.began ? duration(Math.max(0, (s.ended || now) - s.began)) : s.files ? tn("files", s.files) : "");

/** Now is what is said and written at this moment. */
function Now({ known }: { known: Known }) {
  const r = seen(known);
  const file = r.writing ? r.files.get(r.writing) : undefined;
  const stage = r.stages.at(-1)?.name; // nothing is said yet: its place is kept, or all above it would move
  return (
    <div class="now">
      {file ? (
        <>
          <p class="now-head"><Icon name="edit" /><code>{file.path}</code></p>
          <pre class="now-text" aria-label={t("run.writing", { path: file.path })} tabIndex={0}>{file.text.slice(-4000)}</pre>
        </>
      ) : (
        <>
          <p class="now-head">{r.text ? <Icon name="chat" /> : <span class="spinner" aria-hidden="true" />}{r.text ? tx("stage", r.speaking) : stage ? tx("stage", stage) : t("job.queued")}</p>
          <p class="now-text said" tabIndex={0}>{r.text.slice(-3000)}</p>
        </>
      )}
    </div>
  );
}

/** RunFiles are the files that a run wrote, and what became of one of them: of the one that is written now, unless somebody picks. */
function RunFiles({ here, known, job, detail, running }: { here: Here; known: Known; job: AnyJob; detail: JobDetail | undefined; running: boolean }) {
  const r = seen(known);
  const files = [...r.files.values()];
  if (!files.length) return <Notice icon="file" title={t("run.nofiles")} />;
  const picked = place.value.query.get("file");
  const path = picked ?? (running ? r.writing || files.at(-1)!.path : files[0]!.path);
  const file = r.files.get(path);
  return (
    <div class="run-files-pane">
      <Rows
        items={files}
        height={32}
        label={t("run.files", { n: files.length })}
        class="run-files"
        render={(f) => (
          <a class="file-line" href={link(place.value.path, { ...Object.fromEntries(place.value.query), file: f.path })} aria-current={f.path === path ? "true" : undefined}>
            <Icon name={f.action === "deleted" ? "trash" : f.writing ? "edit" : "file"} />
            <code>{f.path}</code>
            <span class="grow" />
            <Counts added={f.added} removed={f.removed} />
          </a>
        )}
      />
      {file && (
        <section class="run-file" aria-label={t("run.files.of", { path })}>
          <header class="file-head">
            {file.writing ? <span class="spinner" aria-hidden="true" /> : <Icon name="file" />}
            <code>{path}</code>
            <span class="grow" />
            {file.action !== "deleted" && <a class="button quiet" href={link(["projects", here.id, "files", ...path.split("/")], carried("w"))}>{t("run.file.open")}</a>}
          </header>
          {running ? <Working key={path} here={here} job={detail} file={file} /> : <Kept key={path} here={here} job={job} known={known} path={path} />}
        </section>
      )}
    </div>
  );
}

const orNone = <T,>(of: Promise<T>): Promise<T | null> => of.catch((e: unknown) => (e instanceof ApiError && e.status === 404 ? null : Promise.reject(e)));

/** Working is a file of a job that runs, beside what it began with: as it is written, and when it was. */
function Working({ here, job, file }: { here: Here; job: JobDetail | undefined; file: RunFile }) {
  const base = job?.started_at ? (job.base_revision ?? 0) : undefined;
  const before = useData(base === undefined ? null : `base/${here.id}/${base}/${file.path}`, async (s) => (base ? ((await client.revisions.get(here.id, base, { path: file.path }, { signal: s })).files[0]?.content ?? null) : null));
  const id = job?.job_id ?? "";
  const after = useData(file.writing || !id ? null : `working/${id}/${file.path}/${file.added}/${file.removed}`, async (s) => (file.action === "deleted" ? null : ((await orNone(client.jobs.listFiles(id, { path: file.path }, { signal: s })))?.files[0]?.content ?? null)));
  const error = before.error ?? after.error;
  if (error) return <Failure error={error} />;
  if (before.data === undefined || (!file.writing && after.data === undefined)) return <Waiting rows={5} />;
  if (file.writing) return <Shown diff={diffOf(file.path, linesUpTo(before.data, file.text), file.text)} end />;
  return <Shown diff={diffOf(file.path, before.data, after.data ?? null)} />;
}

/** linesUpTo is as much of a text as of it can have been written anew so far. */
const linesUpTo = (text: string | null, written: string) => text && text.split("\n").slice(0, written.split("\n").length).join("\n");

/** Kept is what became of a file in the end. */
function Kept({ here, job, known, path }: { here: Here; job: AnyJob; known: Known; path: string }) {
  const to = job.revision ?? 0;
  const kept = seen(known).lines.filter((l) => l.kind === "kept").map((l) => num(l.data, "revision")).filter((n) => n > 0);
  const from = Math.min(to, ...kept) - 1;
  const diff = useData<{ files: FileDiff[] } | null>(`kept/${job.job_id}/${to}/${from}`, (s) => orNone<{ files: FileDiff[] }>(job.proposal ? client.jobs.getProposal(job.job_id, { signal: s }) : to > 0 ? client.revisions.diff(here.id, to, { from }, { signal: s }) : Promise.resolve({ files: [] })));
  if (diff.error) return <Failure error={diff.error} />;
  if (diff.data === undefined) return <Waiting rows={5} />;
  const file = diff.data?.files.find((f) => f.path === path);
  return file ? <Shown diff={file} /> : <p class="fine diff-note">{to > 0 || job.proposal ? t("run.file.same") : t("run.file.gone")}</p>;
}

/** Shown is one diff; one that grows is seen at its end. */
function Shown({ diff, end = false }: { diff: FileDiff; end?: boolean }) {
  const ref = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (end && ref.current) ref.current.scrollTop = ref.current.scrollHeight;
  });
  return <div class="scroll" ref={ref}>{diff.hunks.length || diff.binary || diff.too_large ? <Diffs><DiffLines file={diff} /></Diffs> : <p class="fine diff-note">{t("run.file.same")}</p>}</div>;
}

type AnyJob = JobDetail | Here["jobs"][number];

function Proposal({ id }: { id: string }) {
  const diff = useData<ProposalDiff>(`proposal/${id}`, (s) => client.jobs.getProposal(id, { signal: s }));
  if (diff.error) return <Failure error={diff.error} />;
  if (!diff.data) return <Waiting rows={6} />;
  return <div class="scroll"><DiffView files={diff.data.files} /></div>;
}

interface Told {
  icon: IconName;
  tone?: string;
  text: string;
  detail?: string;
  counts?: { added: number; removed: number };
}

const tell: Record<string, (d: Record<string, unknown>) => Told> = {
  stage: (d) => ({ icon: d["status"] === "started" ? "play" : "check", tone: "strong", text: tx("stage", str(d, "stage")) + (num(d, "round") ? ` · ${t("round", { n: num(d, "round") + 1 })}` : ""), detail: t(d["status"] === "started" ? "stage.began" : "stage.ended") }),
  file: (d) => ({ icon: d["action"] === "deleted" ? "trash" : "file", text: str(d, "path"), detail: tx("action", str(d, "action")), counts: { added: num(d, "added"), removed: num(d, "removed") } }),
  tool: (d) => ({ icon: "gear", tone: d["ok"] ? "" : "warn", text: `${str(d, "name")} ${str(d, "argument")}`, detail: str(d, "answer") }),
  usage: (d) => ({ icon: "coins", text: str(d, "model"), detail: t("run.call", { in: compact(num(d, "input_tokens")), out: compact(num(d, "output_tokens")), time: duration(num(d, "latency_ms")) }) }),
  check: (d) => ({ icon: d["ok"] ? "check" : "warning", tone: d["ok"] ? "good" : "warn", text: d["ok"] ? t("check.ok") : tn("check.found", num(d, "count")), detail: rungsOf(d["evidence"]) || firstOf(d["diagnostics"]) }),
  finding: (d) => ({ icon: "warning", tone: "warn", text: `${tx("severity", str(d, "severity"))}: ${str(d, "description")}`, detail: str(d, "file") }),
  review: (d) => ({ icon: d["passed"] ? "check" : "edit", tone: d["passed"] ? "good" : "warn", text: t("review.score", { n: num(d, "score") }) + " · " + tn("findings", num(d, "issues")), detail: str(d, "summary") }),
  guard: (d) => ({ icon: "warning", tone: "warn", text: str(d, "message"), detail: str(d, "path") }),
  retry: (d) => ({ icon: "reload", tone: "warn", text: str(d, "reason"), detail: [str(d, "model"), d["next"] === "fallback" ? t("retry.fallback") : t("retry.again"), num(d, "wait_ms") ? duration(num(d, "wait_ms")) : ""].filter(Boolean).join(" · ") }),
  restart: (d) => ({ icon: "reload", tone: "warn", text: str(d, "reason") }),
  spec: (d) => ({ icon: "layers", text: tx("spec", str(d, "kind")) }),
  kept: (d) => ({ icon: "history", tone: "good", text: d["proposal"] ? t("kept.proposal") : num(d, "revision") ? t("kept.revision", { n: num(d, "revision") }) : t("kept.spec"), detail: Array.isArray(d["files"]) ? tn("files", d["files"].length) : "" }),
  conflict: () => ({ icon: "conflict", tone: "warn", text: t("conflict.title") }),
  waiting: () => ({ icon: "question", tone: "warn", text: t("job.waiting_for_input") }),
  error: (d) => ({ icon: "failed", tone: "bad", text: str(d, "error") }),
  cancelled: () => ({ icon: "minus", text: t("job.cancelled") }),
  log: (d) => ({ icon: "dots", text: str(d, "message") }),
};

function rungsOf(evidence: unknown): string {
  return Array.isArray(evidence) ? (evidence as Rung[]).filter((r) => r.status === "passed").map((r) => tx("rung", r.name)).join(", ") : "";
}

function firstOf(list: unknown): string {
  const d = Array.isArray(list) ? (list[0] as { file?: string; line?: number; message?: string } | undefined) : undefined;
  return d ? `${d.file ?? ""}${d.line ? ":" + d.line : ""} ${d.message ?? ""}` : "";
}

function LineRow({ line }: { line: Line }) {
  const told = tell[line.kind]?.(line.data);
  if (!told) return null;
  return (
    <div class={"line " + (told.tone ?? "")} title={told.detail ? `${told.text}\n${told.detail}` : told.text}>
      <Icon name={told.icon} />
      <span class="line-text">{told.text}</span>
      {told.detail && <span class="line-detail">{told.detail}</span>}
      {told.counts && <Counts {...told.counts} />}
    </div>
  );
}

/** Evidence is how far what is there is known to work. */
export function Evidence({ rungs }: { rungs: readonly Rung[] }) {
  return (
    <span class="evidence">
      {rungs.map((r) => (
        <Chip key={r.name} icon={r.status === "passed" ? "check" : r.status === "failed" ? "failed" : "minus"} tone={r.status === "passed" ? "good" : r.status === "failed" ? "bad" : "calm"} title={r.reason || undefined}>
          {tx("rung", r.name)}
          <span class="hidden">{tx("rungstatus", r.status)}</span>
        </Chip>
      ))}
    </span>
  );
}
