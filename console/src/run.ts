// What is known of a run of a job, made of its events. Events change a plain model; those who show it look at its signal, which
// moves once for each frame.
import { signal, type Signal } from "@preact/signals";
import type { StreamEvent } from "./stream";

export type JobStatus = "queued" | "running" | "waiting_for_input" | "completed" | "failed" | "cancelled";
export const isOver = (s: JobStatus) => s === "completed" || s === "failed" || s === "cancelled";

export type StageState = "running" | "done" | "stopped";

export interface Stage {
  readonly name: string;
  readonly round: number;
  state: StageState;
  began: number; // performance.now; 0: not seen as it happened
  ended: number;
  calls: number;
  files: number;
}

/** Line is one thing that happened, for the list of all. */
export interface Line {
  readonly kind: string;
  readonly stage: number; // index; -1: before the first
  readonly data: Record<string, unknown>;
}

export interface RunFile {
  readonly path: string;
  action: string;
  lines: number;
  added: number;
  removed: number;
  writing: boolean;
  text: string; // as it is written; "": nothing was seen of that
}

export interface Question {
  readonly question: string;
  readonly why?: string;
  readonly options?: string[];
}

export interface Run {
  readonly id: string;
  agent: string;
  status: JobStatus;
  progress: number;
  stages: Stage[];
  lines: Line[];
  dropped: number; // lines that are no more kept
  files: Map<string, RunFile>;
  writing: string; // path of the file that is written now
  text: string; // what the model says now
  speaking: string; // the stage of it
  paused: boolean; // that was all of an answer
  calls: number;
  tokens: number;
  cost: number | null; // micro-dollars
  model: string;
  retries: number;
  questions: Question[];
  error: string;
  revision: number;
  proposal: boolean;
  queue: { place: number; waiting_for: string } | null;
  seq: number;
  liveFrom: number; // events up to this number were there before somebody looked
}

const mostLines = 20_000;
const mostText = 24_000;

export interface Known {
  readonly run: Run;
  readonly version: Signal<number>;
}

const runs = new Map<string, Known>();

/** seen is a run for who shows it: what shows it again when something happens in it. */
export function seen(k: Known): Run {
  void k.version.value;
  return k.run;
}

export function runOf(id: string): Known {
  let k = runs.get(id);
  if (!k) {
    if (runs.size > 20) runs.delete(runs.keys().next().value!);
    runs.set(id, (k = { run: newRun(id), version: signal(0) }));
  }
  return k;
}

function newRun(id: string): Run {
  return {
    id, agent: "", status: "queued", progress: 0, stages: [], lines: [], dropped: 0, files: new Map(), writing: "", text: "", speaking: "", paused: false,
    calls: 0, tokens: 0, cost: 0, model: "", retries: 0, questions: [], error: "", revision: 0, proposal: false, queue: null, seq: 0, liveFrom: 0,
  };
}

/** apply has events of jobs change what is known of their runs. */
export function apply(events: readonly StreamEvent[], jobID?: string): void {
  const touched = new Set<Known>();
  for (const e of events) {
    const id = jobID ?? (e.data["job_id"] as string | undefined);
    if (!id) continue;
    const k = runOf(id);
    const seq = Number(e.data["seq"] ?? (jobID ? e.id : 0)); // a job's own stream numbers its events by their ids
    if (seq && seq <= k.run.seq) continue; // told before
    if (seq) k.run.seq = seq;
    one(k.run, e.type, e.data);
    touched.add(k);
  }
  for (const k of touched) k.version.value++;
}

const text = (d: Record<string, unknown>, key: string) => (typeof d[key] === "string" ? (d[key] as string) : "");
const num = (d: Record<string, unknown>, key: string) => (typeof d[key] === "number" ? (d[key] as number) : 0);

function note(r: Run, kind: string, data: Record<string, unknown>): void {
  if (r.lines.length >= mostLines) r.dropped += r.lines.splice(0, mostLines / 4).length;
  r.lines.push({ kind, stage: r.stages.length - 1, data });
}

function one(r: Run, type: string, d: Record<string, unknown>): void {
  const does = handlers[type];
  if (does) does(r, d);
}

function state(r: Run, d: Record<string, unknown>): void {
  const status = text(d, "status") as JobStatus;
  if (status) {
    if (status === "running" && r.status === "waiting_for_input") r.questions = [];
    r.status = status;
  }
  if (status !== "queued") r.queue = null;
  if (typeof d["progress"] === "number") r.progress = Math.max(r.progress, num(d, "progress"));
}

function end(r: Run, d: Record<string, unknown>, otherwise: JobStatus): void {
  r.status = (text(d, "status") as JobStatus) || otherwise;
  r.queue = null;
  r.text = r.writing = "";
  r.questions = [];
  for (const f of r.files.values()) f.writing = false;
  for (const s of r.stages) if (s.state === "running") finish(s, "stopped");
}

function finish(s: Stage, as: StageState): void {
  s.state = as;
  s.ended = s.began ? performance.now() : 0;
}

function stageNow(r: Run): Stage | undefined {
  return r.stages[r.stages.length - 1];
}

const handlers: Record<string, (r: Run, d: Record<string, unknown>) => void> = {
  progress: state,
  stage(r, d) {
    const name = text(d, "stage");
    const round = num(d, "round");
    if (text(d, "status") === "started") {
      for (const s of r.stages) if (s.state === "running") finish(s, "stopped");
      const live = r.liveFrom === 0 || r.seq > r.liveFrom;
      r.stages.push({ name, round, state: "running", began: live ? performance.now() : 0, ended: 0, calls: 0, files: 0 });
    } else {
      for (const s of r.stages) if (s.name === name && s.round === round && s.state === "running") finish(s, "done");
    }
    r.text = "";
    note(r, "stage", d);
  },
  delta(r, d) {
    const stage = text(d, "stage");
    if (stage !== r.speaking) r.text = "";
    else if (r.paused && r.text) r.text += "\n\n";
    r.speaking = stage;
    r.paused = false;
    r.text = (r.text + text(d, "text")).slice(-mostText);
  },
  file_delta(r, d) {
    const path = text(d, "path");
    const f = fileOf(r, path);
    if (num(d, "offset") === 0) f.text = "";
    f.text = (f.text + text(d, "text")).slice(-mostText);
    f.writing = true;
    r.writing = path;
  },
  file(r, d) {
    const f = fileOf(r, text(d, "path"));
    f.action = text(d, "action");
    f.lines = num(d, "lines");
    f.added += num(d, "added");
    f.removed += num(d, "removed");
    f.writing = false;
    if (r.writing === f.path) r.writing = "";
    const s = stageNow(r);
    if (s) s.files++;
    note(r, "file", d);
  },
  usage(r, d) {
    r.paused = true;
    r.calls++;
    r.tokens += num(d, "input_tokens") + num(d, "output_tokens");
    r.model = text(d, "model") || r.model;
    const cost = d["cost_micro_usd"];
    if (typeof cost === "number") r.cost = (r.cost ?? 0) + cost;
    else if (!r.cost) r.cost = null;
    const s = stageNow(r);
    if (s) s.calls++;
    note(r, "usage", d);
  },
  retry(r, d) {
    r.retries++;
    note(r, "retry", d);
  },
  restart(r, d) {
    r.text = "";
    note(r, "restart", d);
  },
  queue(r, d) {
    r.queue = { place: num(d, "place"), waiting_for: text(d, "waiting_for") };
  },
  kept(r, d) {
    r.revision = num(d, "revision") || r.revision;
    if (d["proposal"] === true) r.proposal = true;
    note(r, "kept", d);
  },
  waiting(r, d) {
    state(r, d);
    const asked = d["questions"];
    r.questions = Array.isArray(asked) ? (asked as Question[]) : [];
    for (const s of r.stages) if (s.state === "running") finish(s, "done");
    note(r, "waiting", d);
  },
  complete(r, d) {
    for (const s of r.stages) if (s.state === "running") finish(s, "done");
    end(r, d, "completed");
    r.progress = 100;
  },
  error(r, d) {
    end(r, d, "failed");
    r.error = text(d, "error");
    note(r, "error", d);
  },
  cancelled(r, d) {
    end(r, d, "cancelled");
    note(r, "cancelled", d);
  },
};
handlers["tool"] = (r, d) => {
  if (!d["ok"] || !shownByFiles.has(text(d, "name"))) note(r, "tool", d);
};
for (const kind of ["check", "finding", "review", "guard", "conflict", "spec", "log"]) handlers[kind] = (r, d) => note(r, kind, d);

/** Tools of which the event of the file says enough. */
const shownByFiles = new Set(["write_file", "edit_file", "move_file", "delete_file"]);

function fileOf(r: Run, path: string): RunFile {
  let f = r.files.get(path);
  if (!f) r.files.set(path, (f = { path, action: "created", lines: 0, added: 0, removed: 0, writing: false, text: "" }));
  return f;
}
