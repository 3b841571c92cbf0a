// What is known of a run of a job, made of its events. Events change a plain model; those who show it look at its signal, which
// moves once for each frame.
import { signal, type Signal } from "@preact/signals";
import type { JobState } from "./schema";
import type { StreamEvent } from "./stream";

export type JobStatus = JobState["status"];
export const isOver = (s: JobStatus) => s === "completed" || s === "failed" || s === "cancelled";

export type StageState = "running" | "done" | "stopped";

export interface Stage {
  readonly name: string;
  readonly round: number;
  state: StageState;
  began: number; // performance.now; 0: not seen as it happened
  ended: number;
  files: number;
}

/** Line is one thing that happened, for the list of all. */
export interface Line {
  readonly kind: string;
  readonly data: Record<string, unknown>;
}

export interface RunFile {
  readonly path: string;
  action: string;
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
    runs.set(id, (k = { run: newRun(), version: signal(0) }));
  }
  return k;
}

function newRun(): Run {
  return {
    status: "queued", progress: 0, stages: [], lines: [], dropped: 0, files: new Map(), writing: "", text: "", speaking: "", paused: false,
    calls: 0, tokens: 0, cost: 0, model: "", retries: 0, questions: [], proposal: false, queue: null, seq: 0, liveFrom: 0,
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
    handlers[e.type]?.(k.run, e.data);
    touched.add(k);
  }
  for (const k of touched) k.version.value++;
}

export const str = (d: Record<string, unknown>, key: string) => (typeof d[key] === "string" ? (d[key] as string) : "");
export const num = (d: Record<string, unknown>, key: string) => (typeof d[key] === "number" ? (d[key] as number) : 0);

function note(r: Run, kind: string, data: Record<string, unknown>): void {
  if (r.lines.length >= mostLines) r.dropped += r.lines.splice(0, mostLines / 4).length;
  r.lines.push({ kind, data });
}

function state(r: Run, d: Record<string, unknown>): void {
  const status = str(d, "status") as JobStatus;
  if (status) {
    if (status === "running" && r.status === "waiting_for_input") r.questions = [];
    r.status = status;
  }
  if (status !== "queued") r.queue = null;
  if (typeof d["progress"] === "number") r.progress = Math.max(r.progress, num(d, "progress"));
}

function end(r: Run, d: Record<string, unknown>, otherwise: JobStatus): void {
  r.status = (str(d, "status") as JobStatus) || otherwise;
  r.queue = null;
  r.text = r.writing = "";
  r.questions = [];
  for (const f of r.files.values()) f.writing = false;
  finish(r, "stopped");
}

/** finish ends the stages that run, or those of them that are meant. */
function finish(r: Run, as: StageState, meant: (s: Stage) => boolean = () => true): void {
  for (const s of r.stages) {
    if (s.state !== "running" || !meant(s)) continue;
    s.state = as;
    s.ended = s.began ? performance.now() : 0;
  }
}

const handlers: Record<string, (r: Run, d: Record<string, unknown>) => void> = {
  progress: state,
  stage(r, d) {
    const name = str(d, "stage");
    const round = num(d, "round");
    if (str(d, "status") === "started") {
      finish(r, "stopped");
      const live = r.liveFrom === 0 || r.seq > r.liveFrom;
      r.stages.push({ name, round, state: "running", began: live ? performance.now() : 0, ended: 0, files: 0 });
    } else {
      finish(r, "done", (s) => s.name === name && s.round === round);
    }
    r.text = "";
    note(r, "stage", d);
  },
  delta(r, d) {
    const stage = str(d, "stage");
    if (stage !== r.speaking) r.text = "";
    else if (r.paused && r.text) r.text += "\n\n";
    r.speaking = stage;
    r.paused = false;
    r.text = (r.text + str(d, "text")).slice(-mostText);
  },
  file_delta(r, d) {
    const path = str(d, "path");
    const f = fileOf(r, path);
    if (num(d, "offset") === 0) f.text = "";
    f.text = (f.text + str(d, "text")).slice(-mostText);
    f.writing = true;
    r.writing = path;
  },
  file(r, d) {
    const f = fileOf(r, str(d, "path"));
    f.action = str(d, "action");
    f.added += num(d, "added");
    f.removed += num(d, "removed");
    f.writing = false;
    if (r.writing === f.path) r.writing = "";
    const s = r.stages.at(-1);
    if (s) s.files++;
    note(r, "file", d);
  },
  usage(r, d) {
    r.paused = true;
    r.calls++;
    r.tokens += num(d, "input_tokens") + num(d, "output_tokens");
    r.model = str(d, "model") || r.model;
    const cost = d["cost_micro_usd"];
    if (typeof cost === "number") r.cost = (r.cost ?? 0) + cost;
    else if (!r.cost) r.cost = null;
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
    r.queue = { place: num(d, "place"), waiting_for: str(d, "waiting_for") };
  },
  kept(r, d) {
    if (d["proposal"] === true) r.proposal = true;
    note(r, "kept", d);
  },
  waiting(r, d) {
    state(r, d);
    const asked = d["questions"];
    r.questions = Array.isArray(asked) ? (asked as Question[]) : [];
    finish(r, "done");
    note(r, "waiting", d);
  },
  complete(r, d) {
    finish(r, "done");
    end(r, d, "completed");
    r.progress = 100;
  },
  error(r, d) {
    end(r, d, "failed");
    note(r, "error", d);
  },
  cancelled(r, d) {
    end(r, d, "cancelled");
    note(r, "cancelled", d);
  },
};
handlers["tool"] = (r, d) => {
  if (!d["ok"] || !shownByFiles.has(str(d, "name"))) note(r, "tool", d);
};
for (const kind of ["check", "finding", "review", "guard", "conflict", "spec", "log"]) handlers[kind] = (r, d) => note(r, kind, d);

/** Tools of which the event of the file says enough. */
const shownByFiles = new Set(["write_file", "edit_file", "move_file", "delete_file"]);

function fileOf(r: Run, path: string): RunFile {
  let f = r.files.get(path);
  if (!f) r.files.set(path, (f = { path, action: "created", added: 0, removed: 0, writing: false, text: "" }));
  return f;
}
