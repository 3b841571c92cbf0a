// Made from the OpenAPI document by `make docs`; changes here are lost.

import { type CallOptions, Core, Pages, type PassingEvent, part, type StoredEvent, type Upload, type WatchOptions } from "./runtime.js";

export interface AgentRequest {
  agent_type: "research" | "wireframe" | "code" | "qa" | "pedagogy" | "roadmap";
  /** What becomes of the work: revisions, or a proposal for review. Left out: as the project says. */
  apply?: "auto" | "review";
  /** What happens when a job that changes files is queued or running on the project, and this one does too: it waits (so does what says nothing), it is refused with 409, or the others are cancelled. */
  if_busy?: "queue" | "reject" | "cancel_running";
  /** What the agent should know: an object of at most 10 keys, 50,000 characters and 5 levels, stored as it comes. A text under user_message is also written to the project's conversation. Under images it may name up to 6 PNG, JPEG, GIF or WebP pictures of the project by path: models that see are shown them. With preview_errors: true a code job is shown what went wrong in the preview of the revision that it works on. What is left out the agent takes from the project. */
  input_context?: Record<string, unknown>;
  /** Project to work on. */
  project_id: string;
}

export interface AgentResponse {
  /** What the job will probably take; for a new job, as far as models are known. */
  estimate?: Estimate;
  /** In words: what similar jobs took, once there were some. */
  estimated_time: string;
  job_id: string;
  /** queued, but for answers that end the job, and jobs that were waited for. */
  status: "queued" | "running" | "waiting_for_input" | "completed" | "cancelled";
  /** Event stream of the job. It needs no other credential, and holds until an hour after the job's end. */
  stream_url: string;
}

export interface Alive {
  status: "alive";
}

export interface AnswerPart {
  /** What the model said, what it thought of that (as far as its provider shows it), or what it called. */
  kind: "text" | "reasoning" | "refusal" | "tool_call";
  /** Of a tool that was called. */
  name?: string;
  /** What was said; of a tool what it was called with. A model wrote it: show it as text. */
  text: string;
}

export interface AnswerSet {
  /** Each {question: answer}, or {"question": ..., "answer": ...}. */
  answers?: (Record<string, string | {
    text: string;
  }>)[];
  /** Instead of answers. */
  responses?: ResponseEntry[];
}

export interface Applied {
  /** What the check found. */
  diagnostics: Diagnostic[];
  job_id: string;
  message: string;
  /** The newest one that is of the job; 0: none, since nothing was left to apply. */
  revision: number;
  /** Of the job: one that waited is completed. */
  status: "completed" | "failed" | "cancelled";
  /** Whether its files pass a check. */
  verified: boolean;
}

export interface ApplyRequest {
  /** The files to take over; left out: all. The others are dropped. */
  paths?: string[];
  /** What stands where the project was changed in the same places since, by path: yours, job, or {"text": ...} with the text of the file. * stands for all others. */
  resolve?: Record<string, string | {
    text: string;
  }>;
}

export interface Archived {
  /** Project archived, or Project deleted. */
  message: string;
  project_id: string;
}

export interface Budget {
  /** Of the job, project or user. */
  id: string;
  /** In millionths of a dollar. The lower one of the server's ceiling and the caller's own. */
  limit_micro_usd: number;
  /** What calls that run now may cost at most. */
  reserved_micro_usd: number;
  /** What it limits, and for how long. Days and months are those of UTC. */
  scope: "job" | "project_day" | "project_month" | "user_day" | "user_month";
  /** In this day or month, or by this job. */
  spent_micro_usd: number;
}

export interface BudgetList {
  /** Ceilings in force. What has none is not there. */
  items: Budget[];
  /** Models on the routes whose price is not known: their calls count 0 against every budget. MODELS_FILE can price them. */
  unpriced_models: string[];
}

export interface BudgetUpdate {
  /** Of the job or project. For a user it may be left out: it is the caller. */
  id?: string;
  /** The ceiling in millionths of a dollar; null lifts it. */
  limit_micro_usd?: number | null;
  /** The same in dollars, instead of limit_micro_usd. */
  limit_usd?: number | null;
  scope: "job" | "project_day" | "project_month" | "user_day" | "user_month";
}

export interface CallAnswer {
  call: number;
  /** Which kind of failure stands for an answer; null: there is one. */
  error_code: string | null;
  /** Why the answer ended; null: there was none. */
  finish_reason: string | null;
  /** As it was asked for. */
  job_id: string;
  /** Which answered, as provider:model; empty: it is not known. */
  model: string;
  /** In order. */
  parts: AnswerPart[];
  /** Why the model would not answer, in its own words. */
  refusal?: string;
}

export interface CallList {
  /** How many are here. */
  count: number;
  has_more: boolean;
  /** In the order in which they ended. Answers that a job got again, when it went on elsewhere, were not asked for again, and are not here twice. */
  items: ModelCall[];
  /** The job's own id, also when it was read through an alias. */
  job_id: string;
  /** What cursor takes for the next page; null: this is the last one. It is opaque. */
  next_cursor: string | null;
}

export interface CallRetryData {
  /** Of the call, from 1; 0: it was not made. */
  attempt: number;
  cost_micro_usd?: number;
  /** What went wrong, such as rate_limit, timeout or server_error. */
  kind: string;
  model: string;
  /** The same model again, or the next one of the chain; empty: this was the last. */
  next: "retry" | "fallback" | "";
  /** The user's own key was used. */
  own_key?: boolean;
  provider: string;
  reason: string;
  /** Why it was not made. */
  skipped?: string;
  stage: "research" | "wireframe" | "code" | "qa" | "pedagogy" | "roadmap" | "choice" | "refactor" | "builder" | "github_export" | "noop";
  /** Of the provider's answer; 0: there was none. */
  status: number;
  wait_ms: number;
}

export interface Cancelled {
  job_id: string;
  message: string;
  status: "cancelled";
}

export interface Check {
  /** What is wrong and what would mend it, or what is good to know. */
  message?: string;
  /** How long the last look took, in milliseconds. Looks are shared by those who ask within a second. */
  ms: number;
  name: string;
  state: "ok" | "degraded" | "failing";
}

export interface CheckData {
  /** Of all diagnostics. */
  count: number;
  /** The first few. */
  diagnostics: JobDiagnostic[];
  evidence?: Rung[];
  ok: boolean;
  stage: "research" | "wireframe" | "code" | "qa" | "pedagogy" | "roadmap" | "choice" | "refactor" | "builder" | "github_export" | "noop";
}

export interface ChoiceFramework {
  /** What is to be decided, and what it depends on in this project. */
  context: string;
  /** 2 to 5 ways that really differ. */
  options: ChoiceOption[];
  recommendation: string;
  /** What models took for it. */
  usage: Record<string, unknown>;
}

export interface ChoiceOption {
  cons: string[];
  description: string;
  difficulty: "beginner" | "intermediate" | "advanced";
  /** What is learned by it that the others do not teach. */
  educational_value: string;
  estimated_time: string;
  /** What recording the choice names. */
  id: string;
  pros: string[];
  title: string;
}

export interface ChoiceRecorded {
  message: string;
  /** From 0. */
  module_index: number;
  /** The id of an option that was laid out. */
  option_id: string;
}

export interface ChoiceRequest {
  /** What is to be decided, in the learner's words. */
  decision_context: string;
  /** The module of the roadmap that it belongs to, from 0. */
  module_index: number;
}

export interface ClarifyRequest {
  /** Each {question: answer}, or {"question": ..., "answer": ...}. */
  answers?: (Record<string, string | {
    text: string;
  }>)[];
  /** Job that asked. */
  job_id: string;
  /** Instead of answers. */
  responses?: ResponseEntry[];
}

export interface CompleteData {
  job_id: string;
  progress: number;
  /** As a read of the job has it. The stream of all of one's jobs leaves it out. */
  result?: unknown;
  status: "queued" | "running" | "waiting_for_input" | "completed" | "failed" | "cancelled";
}

export interface ConflictData {
  /** The revision that both started from. */
  base: number;
  conflicts: ConflictPlace[];
  /** What people made of it. */
  revision: number;
}

export interface ConflictPlace {
  /** What stood there before. */
  before?: string;
  /** Files of the people that path cannot lie beside. */
  beside?: string;
  /** null: it has no such file. */
  job: string | null;
  /** Where it stands in the people's text; left out: it is the whole file. */
  line?: number;
  path: string;
  /** null: they have no such file. */
  people: string | null;
}

export interface CostRange {
  p50: number | null;
  p90: number | null;
}

export interface DeliveryList {
  has_more: boolean;
  /** Newest first. Ended ones are kept for 7 days, and at most about 1,000 of a webhook. */
  items: WebhookDelivery[];
}

export interface DeltaData {
  stage: "research" | "wireframe" | "code" | "qa" | "pedagogy" | "roadmap" | "choice" | "refactor" | "builder" | "github_export" | "noop";
  text: string;
}

export interface Diagnosis {
  findings: Finding[];
}

export interface Diagnostic {
  column: number;
  /** Of a run: what was used there. */
  control?: string;
  file: string;
  /** From 1; 0: the whole file. */
  line: number;
  message: string;
  /** Of a run: the page where it was seen. */
  page?: string;
  /** The step that found it. */
  rung?: "parse" | "resolve" | "types" | "bundle" | "run";
  severity: "error" | "warning";
}

export interface DiffCounts {
  /** Files. */
  added: number;
  /** Lines. */
  additions: number;
  /** Of all these files, those of which no lines can be shown. */
  binary: number;
  /** Files. */
  deleted: number;
  /** Lines. */
  deletions: number;
  /** Files. */
  modified: number;
  /** Files. */
  renamed: number;
}

export interface DiffHunk {
  lines: DiffLine[];
  /** First line in the new text, from 1. */
  new_start: number;
  /** First line in the old text, from 1. */
  old_start: number;
}

export interface DiffLine {
  kind: "context" | "add" | "delete";
  /** The line, without its end. */
  text: string;
}

export interface DroppedData {
  job_id?: string;
  project_id?: string;
  /** Why the server ends the stream. */
  reason: string;
}

export interface Error {
  /** Unknown routes and wrong methods: the message again. */
  detail?: string;
  /** What the code says more about: field and reason, resource and id, retry_after, or errors, a list of {field, message, type}. */
  details: Record<string, unknown>;
  /** What went wrong, for programs. */
  error: string;
  /** What went wrong, for people. */
  message: string;
  /** Names the request in the server's log; also the header X-Request-ID. */
  request_id: string;
  /** Where requests are traced: the trace that this one belongs to. */
  trace_id?: string;
}

export interface Estimate {
  agent_type: string;
  /** history: what the caller's newest jobs of this agent took, those of the project alone when they are many enough. catalog: a guess from what such jobs usually take and what the model costs. */
  basis: "history" | "catalog";
  /** Prices or usage behind it are not known for sure. */
  cost_estimated: boolean;
  /** In millionths of a dollar; null: the price of the models is not known. */
  cost_micro_usd: CostRange;
  duration_ms: Quantiles;
  /** How many jobs the history has. */
  jobs: number;
  /** Who is asked first. */
  model: string;
  /** Input and output of all calls together. */
  tokens: Quantiles;
}

export interface File {
  /** Left out by ?content=false. Of what is no text of at most 100,000 characters it comes with the file alone, in base64. */
  content?: string;
  created_at: string;
  /** Of what is no text of at most 100,000 characters. */
  encoding?: "base64";
  /** Of such a file: the SHA-256 of its bytes. */
  hash?: string;
  id: string;
  language: string;
  path: string;
  project_id: string;
  /** The revision of the project that wrote it. */
  revision: number;
  /** Bytes of the content. */
  size: number;
  updated_at: string;
  /** Counts the changes of this path. */
  version: number;
}

export interface FileBody {
  /** Required here or in the query; may be empty. Text has at most 100,000 characters. */
  content?: string;
  /** What content is written in, where it is not the text itself. */
  encoding?: "base64";
  /** Derived from the path when left out. */
  language?: string;
  /** Any safe relative path. Required here or in the query. */
  path?: string;
}

export interface FileData {
  /** merged: people's changes came in; restored: as it was kept last. */
  action: "created" | "updated" | "deleted" | "merged" | "restored";
  /** Lines, since it was told of before. */
  added: number;
  bytes: number;
  language: string;
  lines: number;
  /** Of one that is created, with most of its text. */
  moved_from?: string;
  /** Of one that is deleted. */
  moved_to?: string;
  path: string;
  removed: number;
}

export interface FileDeleted {
  message: string;
  path: string;
}

export interface FileDeltaData {
  /** Bytes before it; 0: another text begins. */
  offset: number;
  path: string;
  stage: "research" | "wireframe" | "code" | "qa" | "pedagogy" | "roadmap" | "choice" | "refactor" | "builder" | "github_export" | "noop";
  text: string;
  /** write_file: of the whole file; edit_file: of what takes a place in it. */
  tool: "write_file" | "edit_file";
}

export interface FileDiff {
  /** Lines. */
  additions: number;
  /** What became of a file that is no text of at most 100,000 characters, on one side or both; there are no lines then. */
  binary?: string;
  /** Lines. */
  deletions: number;
  hunks: DiffHunk[];
  /** null: it was deleted. */
  new_version: number | null;
  /** Of a renamed file: the path that it had. Else null. */
  old_path: string | null;
  /** null: it did not exist. */
  old_version: number | null;
  path: string;
  /** renamed: a file went, and one came whose content is the same. */
  status: "added" | "modified" | "deleted" | "renamed";
  /** The change is too large to be shown: the counts are right, hunks and unified empty. */
  too_large: boolean;
  /** As a patch. */
  unified: string;
}

export interface FileList {
  count: number;
  /** Sorted by path. */
  files: File[];
  project_id: string;
  /** The state of the project that this is. */
  revision: number;
}

export interface FileUpdate {
  /** Text has at most 100,000 characters. */
  content: string;
  /** What content is written in, where it is not the text itself. */
  encoding?: "base64";
  /** Kept when left out. */
  language?: string;
}

export interface Finding {
  /** What to do about it, or what is good to know. */
  message: string;
  /** A name that does not change. */
  part: string;
  state: "ok" | "warning" | "broken";
  /** What was looked at. */
  title: string;
}

export interface FindingData {
  category: string;
  description: string;
  /** The same as file_path. */
  file: string;
  /** Empty: the whole project. */
  file_path: string;
  /** By which later rounds name it. */
  id: string;
  /** The same as line_hint. */
  line: number;
  /** From 1; 0: no line is meant. */
  line_hint: number;
  /** The same as description. */
  message: string;
  reason?: string;
  round: number;
  severity: "critical" | "high" | "medium" | "low";
  stage: "research" | "wireframe" | "code" | "qa" | "pedagogy" | "roadmap" | "choice" | "refactor" | "builder" | "github_export" | "noop";
  /** What the developer says of it: fixed or declined. */
  status?: string;
  suggestion: string;
}

export interface GitHubExport {
  /** Which the commit is on. */
  branch: string;
  clone_url: string;
  commit_sha: string;
  /** The repository was made. */
  created: boolean;
  default_branch: string;
  /** How many files the commit has of the project. */
  files_exported: number;
  /** How many of them the repository did not have like this; 0: it had all, and there is no new commit. */
  files_pushed: number;
  /** How many were sent: GitHub had the others, of this repository's past or of an export that was cut off. */
  files_uploaded: number;
  owner: string;
  pull_request_url: string | null;
  repo_name: string;
  repo_url: string;
  /** The same. */
  repository_url: string;
  /** Of the project. */
  revision: number;
  summary: string;
}

export interface GitHubExportRequest {
  /** Left out: the project's title and the revision. */
  commit_message?: string;
  /** Of a repository that is made. */
  description?: string;
  /** Classic (scope repo; public_repo for public ones), fine-grained (contents and pull requests: write; administration: write to make a repository) or of a GitHub App. It is kept in memory while the export runs, and nowhere else. */
  github_token: string;
  /** Where the repository has commits. auto: the default branch moves on if its newest commit is an export of this project, else a branch and a pull request are made. */
  on_existing?: "auto" | "fast_forward" | "pull_request" | "refuse";
  /** The organization or user whose repository it is. Left out: whose the token is. */
  owner?: string;
  /** Of a repository that is made. Left out: true. */
  private?: boolean;
  repo_name: string;
}

export interface GitHubImportRequest {
  /** For a private repository. It is used for this request, and kept nowhere. */
  github_token?: string;
  /** A branch, tag or commit. Left out: the default branch. */
  ref?: string;
  /** As owner/name, or its address. */
  repository: string;
}

export interface GuardData {
  action: "refused" | "objected" | "noted" | "ended";
  guard: "placeholder" | "shrink" | "deletion" | "secret" | "loop" | "instructions" | "bound";
  message: string;
  path?: string;
  stage: "research" | "wireframe" | "code" | "qa" | "pedagogy" | "roadmap" | "choice" | "refactor" | "builder" | "github_export" | "noop";
}

export interface Health {
  /** Each part that the server depends on, and how it is. */
  dependencies: Record<string, string>;
  /** The model that answers where nothing else is configured; scaffold is the built-in offline one. */
  model: string;
  service: string;
  status: "healthy" | "degraded";
  version: string;
}

export interface Imported {
  /** Of those. */
  bytes: number;
  created: number;
  /** Files of the project that the archive does not have, with mode replace. */
  deleted: number;
  /** How many of the archive's files the project has now. */
  files: number;
  format: "zip" | "tar" | "tar.gz";
  /** Files of the project that the archive does not have, with mode merge. */
  kept: number;
  /** What of the archive is not in the project, and why, by path. */
  left_out: LeftOut[];
  /** How many further paths were left out that are not listed. */
  left_out_more: number;
  message: string;
  mode: "merge" | "replace";
  project_id: string;
  /** The newest one: that of the import, or as before where it changed nothing. */
  revision: number;
  /** The one folder that held all, which paths are without. */
  top_folder?: string;
  unchanged: number;
  updated: number;
}

export interface JobData {
  /** Empty: the job is gone since. */
  agent_type: string;
  at: string;
  job_id: string;
  /** Empty: the job is gone since. */
  project_id: string;
  status: "queued" | "running" | "waiting_for_input" | "completed" | "failed" | "cancelled";
}

export interface JobDetail {
  agent_type: "research" | "wireframe" | "code" | "qa" | "pedagogy" | "roadmap" | "choice" | "refactor" | "builder" | "github_export" | "noop";
  /** What becomes of its work. */
  apply: "auto" | "review";
  /** The revision of the project that it works on; null: it has not begun, or there was none. */
  base_revision: number | null;
  /** Questions and answers of a job that asked, else null. */
  clarification_data: unknown;
  completed_at: string | null;
  /** Some of the cost is a guess, or not in it: of calls whose usage or price is not known. */
  cost_estimated: boolean;
  /** What models cost so far, in millionths of a dollar; null: nothing is known of it. */
  cost_micro_usd: number | null;
  created_at: string;
  /** Why it failed. */
  error: string | null;
  /** As it was sent. */
  input_context: unknown;
  /** The job's own id, also when it was read through an alias. */
  job_id: string;
  progress: number;
  project_id: string;
  /** What it would change, until it is applied or rejected. */
  proposal?: Proposal;
  /** Of a queued job: where it stands now. */
  queue?: QueueState;
  /** The agent's output, an object; null while there is none. Contents of files are left out in lists. */
  result: unknown;
  /** The job that this one does again. */
  retry_of: string | null;
  /** The newest revision of the project that it made, if any. It stays whatever becomes of the job. */
  revision: number | null;
  started_at: string | null;
  status: "queued" | "running" | "waiting_for_input" | "completed" | "failed" | "cancelled";
  updated_at: string;
  user_id: string;
}

export interface JobDiagnostic {
  column: number;
  /** Of a run: what was used there. */
  control?: string;
  file: string;
  /** The guard that found it. */
  guard?: string;
  /** From 1; 0: the whole file. */
  line: number;
  message: string;
  /** Of a run: the page where it was seen. */
  page?: string;
  /** It was there before the job, which need not mend it. */
  preexisting?: boolean;
  /** The step that found it. */
  rung?: "parse" | "resolve" | "types" | "bundle" | "run";
  severity: "error" | "warning";
}

/** An event of a job. Names that are not here may come: pass over them. */
export type JobEvent =
  /** The job began, is so far, or went back to the queue. */
  | StoredEvent<"progress", StateData>
  /** The job's end: it did its work. */
  | StoredEvent<"complete", CompleteData>
  /** The job's end: it failed. */
  | StoredEvent<"error", JobFailure>
  /** The job's end: it was cancelled. */
  | StoredEvent<"cancelled", StateData>
  /** The job asks, and goes on when it is answered. */
  | StoredEvent<"waiting", WaitingData>
  /** A stage of the work began or ended. */
  | StoredEvent<"stage", StageData>
  /** A file of the working tree was written, edited or deleted. */
  | StoredEvent<"file", FileData>
  /** A tool was called, and answered. */
  | StoredEvent<"tool", ToolData>
  /** A specification was written. */
  | StoredEvent<"spec", SpecData>
  /** The working tree was verified. */
  | StoredEvent<"check", CheckData>
  /** A review found an issue. */
  | StoredEvent<"finding", FindingData>
  /** A review came to its end. */
  | StoredEvent<"review", ReviewData>
  /** A guard acted on what a model did. */
  | StoredEvent<"guard", GuardData>
  /** A model answered; what it took. */
  | StoredEvent<"usage", UsageData>
  /** A call of a model gave no answer, or was not made. Or: The job is tried again. */
  | StoredEvent<"retry", CallRetryData>
  /** A call of a model gave no answer, or was not made. Or: The job is tried again. */
  | StoredEvent<"retry", JobRetryData>
  /** What was shown of an answer on its way (delta, file_delta) is void. */
  | StoredEvent<"restart", RestartData>
  /** What a stage made is in the project, or proposed to it. */
  | StoredEvent<"kept", KeptData>
  /** The job and people changed the same places. */
  | StoredEvent<"conflict", ConflictData>
  /** Words of an answer as they come. */
  | PassingEvent<"delta", DeltaData>
  /** Text of a file as it is written. */
  | PassingEvent<"file_delta", FileDeltaData>
  /** A line for whoever watches. */
  | PassingEvent<"log", LogData>
  /** Where a queued job stands, when that changes. */
  | PassingEvent<"queue", QueueData>;

export interface JobFailure {
  /** What more is known of it. */
  details?: Record<string, unknown>;
  /** Why, for people. */
  error: string;
  job_id: string;
  /** Of what kind the error is, such as external_service or agent_failed. */
  kind?: string;
  reason?: "error" | "timeout";
  /** After how long another try makes sense. */
  retry_after_ms?: number;
  status: "failed";
}

export interface JobList {
  /** How many are here. */
  count: number;
  has_more: boolean;
  /** The same as jobs. */
  items: JobState[];
  /** Newest first. */
  jobs: JobState[];
  page: number;
  page_size: number;
  project_id: string;
  /** How many there are in all. */
  total: number;
}

export interface JobRetryData {
  /** The one that comes, from 2. */
  attempt: number;
  /** How many it has at most. */
  of: number;
  reason: string;
  wait_ms: number;
}

export interface JobState {
  agent_type: "research" | "wireframe" | "code" | "qa" | "pedagogy" | "roadmap" | "choice" | "refactor" | "builder" | "github_export" | "noop";
  /** What becomes of its work. */
  apply: "auto" | "review";
  /** Questions and answers of a job that asked, else null. */
  clarification_data: unknown;
  completed_at: string | null;
  created_at: string;
  /** Why it failed. */
  error: string | null;
  /** As it was sent. */
  input_context: unknown;
  /** The job's own id, also when it was read through an alias. */
  job_id: string;
  progress: number;
  project_id: string;
  /** What it would change, until it is applied or rejected. */
  proposal?: Proposal;
  /** Of a queued job: where it stands now. */
  queue?: QueueState;
  /** The agent's output, an object; null while there is none. Contents of files are left out in lists. */
  result: unknown;
  /** The job that this one does again. */
  retry_of: string | null;
  /** The newest revision of the project that it made, if any. It stays whatever becomes of the job. */
  revision: number | null;
  started_at: string | null;
  status: "queued" | "running" | "waiting_for_input" | "completed" | "failed" | "cancelled";
  updated_at: string;
  user_id: string;
}

export interface KeptData {
  /** That changed. */
  files?: string[];
  /** The files wait for somebody to apply them. */
  proposal?: boolean;
  /** Left out: specifications alone, or a proposal. */
  revision?: number;
  /** 0: the first. */
  round: number;
  stage: "research" | "wireframe" | "code" | "qa" | "pedagogy" | "roadmap" | "choice" | "refactor" | "builder" | "github_export" | "noop";
}

export interface KeyDeleted {
  message: string;
  provider: string;
}

export interface KeyList {
  /** By provider. */
  items: ProviderKey[];
  /** Those for which a key can be kept here; none: this server keeps no keys of users. */
  providers: string[];
}

export interface KeyPut {
  /** As the provider gave it. */
  key: string;
  /** openai, anthropic, google, or the name of an endpoint of this server's models file. */
  provider: string;
}

export interface KeyTest {
  /** The same in words, with what to do. */
  message: string;
  provider: string;
  /** unknown: the provider could not be asked, or has nothing that a key could be tried on. lost: this server can no longer open the key. */
  state: "accepted" | "refused" | "unknown" | "lost";
}

export interface LeftOut {
  bytes: number;
  files: number;
  /** A file, or with a slash at its end a folder with all that is in it. */
  path: string;
  reason: string;
}

export interface Lesson {
  encouragement: string;
  further_exploration: string[];
  key_concept: string;
  /** The same as encouragement. */
  message: string;
  steps: LessonStep[];
  /** The same as key_concept. */
  summary: string;
  /** What models took for it. */
  usage: Record<string, unknown>;
}

export interface LessonStep {
  concept: string;
  hint: string;
  question: string;
  step_number: number;
}

export interface LogData {
  message: string;
}

export interface Message {
  content: string;
  created_at: string;
  id: string;
  is_thinking: boolean;
  /** An object, or null. */
  metadata: unknown;
  project_id: string;
  role: "user" | "assistant" | "system";
}

export interface MessageData {
  content: string;
  created_at: string;
  id: string;
  is_thinking: boolean;
  /** An object, or null. */
  metadata: unknown;
  project_id: string;
  role: "user" | "assistant" | "system";
  /** The content is longer. */
  truncated?: boolean;
}

export interface MessageDeletedData {
  at: string;
  id: string;
  /** Empty: the job is gone since. */
  project_id: string;
}

export interface MessageList {
  /** There are older ones. */
  has_more: boolean;
  /** Oldest first. One with is_thinking says that a job runs; it goes when there is an answer, or none comes. */
  items: Message[];
  /** What before takes for them; null: there are none. */
  next_before: string | null;
}

export interface ModelAlias {
  model: string;
  name: string;
}

export interface ModelCall {
  /** The agent of the job. */
  agent: string;
  /** Within the call, from 1, over all models. */
  attempt: number;
  cache_write_tokens: number;
  /** The provider had a part of the prompt in its cache: cached_read_tokens of the input tokens. */
  cached: boolean;
  cached_read_tokens: number;
  /** Number of the call in its job, from 1. A call has one item for each attempt. */
  call: number;
  cost_estimated: boolean;
  /** In millionths of a dollar; null: nothing is known of it. */
  cost_micro_usd: number | null;
  duration_ms: number;
  /** Which kind of failure it was; null: it answered. */
  error_code: string | null;
  /** Another model was asked than the one that the call went to first. */
  fallback: boolean;
  /** Why the answer ended; null: there was none. */
  finish_reason: string | null;
  /** After the start; null: the answer was not streamed, or nothing came. */
  first_token_ms: number | null;
  /** null: none is known. */
  http_status: number | null;
  id: string;
  input_tokens: number;
  /** Which was asked for. */
  model: string;
  output_tokens: number;
  /** With a key of the user's own, who paid. */
  own_key: boolean;
  provider: string;
  reasoning_tokens: number;
  /** Which answered, in the provider's words; null: none, or it does not say. */
  served_model: string | null;
  /** The agent that asked; of a pipeline the one whose stage it was. */
  stage: string;
  started_at: string;
  /** The provider did not say what it used. */
  usage_unknown: boolean;
}

export interface ModelList {
  /** Old names that are taken, with a warning, and where they lead. */
  aliases: ModelAlias[];
  /** When the catalog was last held against what providers say; empty: not known. */
  checked_on: string;
  models: ModelState[];
  routes: ModelRoute[];
  /** What is wrong with the routes as they are configured. */
  warnings: ModelWarning[];
}

export interface ModelPrice {
  /** For prompts of more tokens than this. */
  above_prompt: number;
  cache_write_micro_usd: number | null;
  cached_read_micro_usd: number | null;
  /** A million tokens neither read from nor written to a cache. */
  input_micro_usd: number | null;
  output_micro_usd: number | null;
  /** null: it always was so. */
  valid_from: string | null;
}

export interface ModelRoute {
  /** default: of agents that have no route of their own. */
  agent: string;
  /** In force now: tried in this order. */
  chain: string[];
  /** Of reasoning, where a call asks for none; may be empty. */
  effort: string;
  /** As the models file has it, whether configured or not. */
  wanted: string[];
}

export interface ModelState {
  /** open: it failed too often and is left alone for a while. */
  breaker: "closed" | "half-open" | "open";
  /** Its provider can be called. */
  configured: boolean;
  /** Tokens of input and output together. */
  context: number | null;
  /** Of reasoning, that it takes. */
  efforts: string[];
  /** From this day on it does not answer. */
  ends: string | null;
  /** Its provider does not know it. */
  gone: boolean;
  /** The catalog has it. What is not known is called as named; its price is not known. */
  known: boolean;
  /** Tokens, thinking included. */
  max_output: number | null;
  /** provider:model; * stands for all of a provider that are not named. */
  name: string;
  notes: string;
  /** How much longer it is left alone because it said so; 0: it is not. */
  paused_ms: number;
  /** In force now, by length of the prompt. Empty: not known. */
  prices: ModelPrice[];
  provider: string;
  /** Who answers in its place, and at its own price, from then on. */
  served_by: string | null;
  /** Where its users should go. */
  successor: string | null;
}

export interface ModelTrial {
  answered: boolean;
  cache_write_tokens: number;
  cached_read_tokens: number;
  cost_estimated: boolean;
  /** In millionths of a dollar; null: nothing is known of it. */
  cost_micro_usd: number | null;
  duration_ms: number;
  /** Until the answer began; null: not known. */
  first_token_ms: number | null;
  input_tokens: number;
  /** What came of it, in words. */
  message: string;
  /** That was called: provider:model. */
  model: string;
  output_tokens: number;
  /** It was called with an own key of the caller. */
  own_key: boolean;
  /** Why it did not answer, in a word; null: it did. */
  reason: string | null;
  reasoning_tokens: number;
  /** What its provider calls the model that answered; null: none did, or it is not said. */
  served: string | null;
}

export interface ModelTrialRequest {
  /** provider:model, or an alias of one. */
  model: string;
}

export interface ModelWarning {
  kind: "alias" | "ended" | "ending" | "gone" | "unlisted" | "unrouted" | "scaffold";
  message: string;
  model: string;
  /** null: all. */
  route: string | null;
  successor: string | null;
}

export interface OfJob {
  job_id: string;
  /** Number of the event in its job; those that are not stored have none. */
  seq?: number;
}

export interface OpenJob {
  agent_type: "research" | "wireframe" | "code" | "qa" | "pedagogy" | "roadmap" | "choice" | "refactor" | "builder" | "github_export" | "noop";
  /** Number of the newest. */
  events: number;
  id: string;
  progress: number;
  project_id: string;
  status: "queued" | "running" | "waiting_for_input";
}

export interface PipelineRequest {
  /** Ignored. */
  agent_type?: string;
  /** What becomes of the work: revisions, or a proposal for review. Left out: as the project says. */
  apply?: "auto" | "review";
  /** What happens when a job that changes files is queued or running on the project, and this one does too: it waits (so does what says nothing), it is refused with 409, or the others are cancelled. */
  if_busy?: "queue" | "reject" | "cancel_running";
  /** What the agent should know: an object of at most 10 keys, 50,000 characters and 5 levels, stored as it comes. A text under user_message is also written to the project's conversation. Under images it may name up to 6 PNG, JPEG, GIF or WebP pictures of the project by path: models that see are shown them. With preview_errors: true a code job is shown what went wrong in the preview of the revision that it works on. What is left out the agent takes from the project. */
  input_context?: Record<string, unknown>;
  /** Project to work on. */
  project_id: string;
}

export interface PlacedChoiceRequest {
  /** What is to be decided, in the learner's words. */
  decision_context: string;
  /** The module of the roadmap that it belongs to, from 0. */
  module_index: number;
  project_id: string;
}

export interface PlacedRefactorRequest {
  /** What is to become of it. */
  instruction: string;
  path: string;
  project_id: string;
  /** A part of the file, byte for byte. */
  selected_code: string;
  /** The line, from 1, in which the selected code begins: needed where it stands in the file more than once. */
  start_line?: number;
}

export interface PlannedModule {
  concepts: string[];
  description: string;
  estimated_hours: number;
  exercises: string[];
  title: string;
}

export interface PlannedRoadmap {
  created_at: string;
  current_step_index: number;
  id: string;
  learning_objectives: string[];
  modules: PlannedModule[];
  prerequisites: string[];
  project_id: string;
  total_estimated_hours: number;
}

export interface PreviewError {
  column: number;
  /** How often it was seen. */
  count: number;
  /** Of the project where that is known, else the address of what was built. */
  file: string;
  first_at: string;
  /** Whose working tree the page showed, if any. */
  job_id: string | null;
  /** error: an exception that nothing caught. rejection: a promise whose rejection nothing handled. load: a script, style sheet or picture that did not load. blocked: what previews load from nowhere else. */
  kind: "error" | "rejection" | "load" | "blocked";
  last_at: string;
  /** From 1; 0: not known. */
  line: number;
  message: string;
  /** The address that was open. */
  page: string;
  /** That the page showed. */
  revision: number;
  /** A line for each place, the innermost first. */
  stack: string;
}

export interface PreviewErrorList {
  /** The last seen first. What they say was written by the page: show it as text. */
  items: PreviewError[];
  /** Whose errors these are. */
  revision: number;
}

export interface PreviewState {
  /** The errors, of one that does not build. */
  diagnostics: Diagnostic[];
  /** How far what is shown is known to get, step by step. */
  evidence: Rung[];
  /** Why it shows no more than it does, in words for people; empty when it shows all. */
  reason: string;
  /** The state of the files that is shown; of a job, the one that its work lies on. */
  revision: number;
  /** ready: the project is shown. partial: without what the reason names. empty: there are no files. no_page: nothing in it is for a browser. needs_server: it is a program for a server. broken: it does not build. unknown: it could not be built just now. */
  status: "ready" | "partial" | "empty" | "no_page" | "needs_server" | "broken" | "unknown";
  /** Where a person opens it. It is given whatever the status: what is there opens, and what is not yet appears there. */
  url: string;
}

export interface Profile {
  avatar_url: string | null;
  created_at: string;
  full_name: string | null;
  /** Of the user. */
  id: string;
  skill_level: "beginner" | "intermediate" | "advanced" | null;
  updated_at: string;
  username: string | null;
}

export interface ProfileDeleted {
  /** Of the user. */
  id: string;
  message: string;
}

export interface ProfilePatch {
  /** Empty: none. null: as it is. */
  avatar_url?: string | null;
  /** null: as it is. */
  full_name?: string | null;
  /** null: as it is. */
  skill_level?: "beginner" | "intermediate" | "advanced" | null;
  /** No two users have the same. null: as it is. */
  username?: string | null;
}

export interface Project {
  /** What becomes of the work of jobs: a revision, or a proposal for review. */
  apply: "auto" | "review";
  /** What wireframe laid out, an object, or null. */
  architecture_spec: unknown;
  created_at: string;
  description: string;
  id: string;
  mode: "builder" | "student";
  /** What research found, an object, or null. */
  requirements_spec: unknown;
  /** Number of the newest state of the files; 0 before the first. */
  revision: number;
  status: "planning" | "in-progress" | "building" | "completed" | "archived";
  tech_stack: string[] | null;
  title: string;
  updated_at: string;
  user_id: string;
}

export interface ProjectCopy {
  /** Which revision is copied. Left out: the newest. */
  revision?: number;
  /** Left out: the title of the project, with words that say that it is a copy. */
  title?: string;
}

export interface ProjectCreate {
  /** What becomes of the work of jobs: revisions, or a proposal for review. */
  apply?: "auto" | "review";
  description?: string;
  mode?: "builder" | "student";
  /** Each at most 100 characters. */
  tech_stack?: string[] | null;
  title: string;
}

export interface ProjectData {
  at: string;
  /** That have other values. */
  fields: string[];
  /** Empty: the job is gone since. */
  project_id: string;
}

/** An event of a project, or of one of its jobs. Names that are not here may come: pass over them. */
export type ProjectEvent =
  /** The job began, is so far, or went back to the queue. */
  | StoredEvent<"progress", StateData & OfJob>
  /** The job's end: it did its work. */
  | StoredEvent<"complete", CompleteData & OfJob>
  /** The job's end: it failed. */
  | StoredEvent<"error", JobFailure & OfJob>
  /** The job's end: it was cancelled. */
  | StoredEvent<"cancelled", StateData & OfJob>
  /** The job asks, and goes on when it is answered. */
  | StoredEvent<"waiting", WaitingData & OfJob>
  /** A stage of the work began or ended. */
  | StoredEvent<"stage", StageData & OfJob>
  /** A file of the working tree was written, edited or deleted. */
  | StoredEvent<"file", FileData & OfJob>
  /** A tool was called, and answered. */
  | StoredEvent<"tool", ToolData & OfJob>
  /** A specification was written. */
  | StoredEvent<"spec", SpecData & OfJob>
  /** The working tree was verified. */
  | StoredEvent<"check", CheckData & OfJob>
  /** A review found an issue. */
  | StoredEvent<"finding", FindingData & OfJob>
  /** A review came to its end. */
  | StoredEvent<"review", ReviewData & OfJob>
  /** A guard acted on what a model did. */
  | StoredEvent<"guard", GuardData & OfJob>
  /** A model answered; what it took. */
  | StoredEvent<"usage", UsageData & OfJob>
  /** A call of a model gave no answer, or was not made. Or: The job is tried again. */
  | StoredEvent<"retry", CallRetryData & OfJob>
  /** A call of a model gave no answer, or was not made. Or: The job is tried again. */
  | StoredEvent<"retry", JobRetryData & OfJob>
  /** What was shown of an answer on its way (delta, file_delta) is void. */
  | StoredEvent<"restart", RestartData & OfJob>
  /** What a stage made is in the project, or proposed to it. */
  | StoredEvent<"kept", KeptData & OfJob>
  /** The job and people changed the same places. */
  | StoredEvent<"conflict", ConflictData & OfJob>
  /** Words of an answer as they come. */
  | PassingEvent<"delta", DeltaData & OfJob>
  /** Text of a file as it is written. */
  | PassingEvent<"file_delta", FileDeltaData & OfJob>
  /** A line for whoever watches. */
  | PassingEvent<"log", LogData & OfJob>
  /** The stream begins here. */
  | StoredEvent<"ready", ReadyData>
  /** What happened since the id that was given is not kept: read anew what you hold. ready follows. */
  | StoredEvent<"reset", ResetData>
  /** A job began, went back to the queue, waits, or ended. */
  | StoredEvent<"job", JobData>
  /** The files have a new revision. */
  | StoredEvent<"revision", RevisionData>
  /** A line was added to the conversation. */
  | StoredEvent<"message", MessageData>
  /** A line of the conversation is gone. */
  | StoredEvent<"message_deleted", MessageDeletedData>
  /** Fields of the project have other values. */
  | StoredEvent<"project", ProjectData>
  /** The server disabled a webhook. */
  | StoredEvent<"webhook", WebhookData>;

export interface ProjectList {
  has_more: boolean;
  /** Newest first. */
  items: Project[];
  page: number;
  page_size: number;
  /** How many there are in all. */
  total: number;
}

export interface ProjectReport {
  diagnostics: Diagnostic[];
  /** The entry points that were bundled. */
  entries: string[];
  /** How far the files are known to get, step by step. That of run is what a job saw, whose work the revision is. */
  evidence: Rung[];
  files: number;
  /** Whether no step found an error. */
  ok: boolean;
  project_id: string;
  /** What was checked. */
  revision: number;
}

export interface ProjectUpdate {
  apply?: "auto" | "review";
  /** An object of at most 200,000 bytes, or null. */
  architecture_spec?: Record<string, unknown> | null;
  description?: string;
  /** An object of at most 200,000 bytes, or null. */
  requirements_spec?: Record<string, unknown> | null;
  status?: "planning" | "in-progress" | "building" | "completed" | "archived";
  /** Each at most 100 characters. */
  tech_stack?: string[] | null;
  title?: string;
}

export interface Proposal {
  /** The revision of the project that it was made to. */
  base: number;
  created_at: string;
  files_changed: number;
  message: string;
  /** Whether the files that it leads to passed the job's checks. */
  verified: boolean;
}

export interface ProposalDiff {
  /** The revision of the project that it was made to. */
  base: number;
  counts: DiffCounts;
  created_at: string;
  /** Sorted by path. */
  files: FileDiff[];
  files_changed: number;
  job_id: string;
  message: string;
  project_id: string;
  /** The newest revision of the project, into which it would be merged. */
  revision: number;
  /** How many files changed too much to be shown, alone or with those before them. */
  too_large: number;
  /** All changes of texts that are shown as one patch, as git apply takes it. */
  unified: string;
  /** Whether the files that it leads to passed the job's checks. */
  verified: boolean;
}

export interface ProviderKey {
  created_at: string;
  /** How the key ends. No more of it is ever shown. */
  hint: string;
  provider: string;
  updated_at: string;
}

export interface Quantiles {
  p50: number;
  p90: number;
}

export interface Question {
  /** Likely answers, the recommended one first. */
  options: string[];
  question: string;
  /** What the answer decides. */
  why: string;
}

export interface QuestionRequest {
  /** What it is about; left out: the project's files. */
  code?: string;
  /** The file that the code is of, or the question about. */
  file_path?: string;
  project_id: string;
  /** To the mentor, in the learner's words. */
  question: string;
}

export interface QueueData {
  job_id: string;
  /** 1: the next. */
  place: number;
  /** The same in words. */
  reason: string;
  waiting_for: "free_worker" | "project" | "agent_limit" | "user_limit" | "retry" | "recovery" | "no_worker_running";
}

export interface QueueState {
  /** 1: the next, if all that stand before it stay as they are. */
  place: number;
  /** What it waits for: a free worker, an older job on this project, the limit of its agent type, your own running jobs, its time to be tried again, another job whose workers vanished, or any worker, since none is running. */
  waiting_for: "free_worker" | "project" | "agent_limit" | "user_limit" | "retry" | "recovery" | "no_worker_running";
}

export interface Readiness {
  /** With verbose: every part that was looked at. */
  checks?: Check[];
  /** Parts that make the server slower, or that are in danger, and do not keep it from answering. */
  degraded?: string[];
  /** What keeps users apart. */
  isolation: string;
  /** The default model. */
  model: string;
  status: "ready";
  /** Where data lies. */
  store: string;
}

export interface ReadyData {
  /** The newest 100 that have not ended. */
  jobs: OpenJob[];
  /** There are others. */
  more: boolean;
  project_id?: string;
}

export interface RecordChoice {
  /** From 0. */
  module_index: number;
  /** The id of an option that was laid out. */
  option_id: string;
}

export interface RefactorRequest {
  /** What is to become of it. */
  instruction: string;
  /** A part of the file, byte for byte. */
  selected_code: string;
  /** The line, from 1, in which the selected code begins: needed where it stands in the file more than once. */
  start_line?: number;
}

export interface RefactorResult {
  applied: boolean;
  /** The revision of the project that was worked on. */
  base_revision: number;
  /** false: the code was left as it is, and the explanation says why. */
  changed: boolean;
  /** What the check found, with file, line, column, severity and message; preexisting ones were there before. */
  diagnostics: unknown[];
  /** Unified; empty where it is very long. */
  diff: string;
  end_line: number;
  /** How far the project is known to get with it. */
  evidence?: unknown;
  explanation: string;
  file_path: string;
  /** The whole file with it: as the revision has it, or as it would be. */
  full_file_content: string;
  /** Of the selection in that revision's file, in bytes. */
  offset: number;
  /** What was selected. */
  original_code: string;
  /** What takes its place. */
  refactored_code: string;
  /** That it was made, if it was. */
  revision: number | null;
  /** Of the selection, from 1. */
  start_line: number;
  summary: string;
  /** What models took for it. */
  usage: Record<string, unknown>;
  /** Nothing is wrong with the project that was not before. */
  verified: boolean;
  /** Of the file then. */
  version: number | null;
}

export interface Rejected {
  job_id: string;
  message: string;
  /** Of the job: one that waited is cancelled. */
  status: "completed" | "failed" | "cancelled";
}

export interface ResetData {
  reason: string;
}

export interface ResponseEntry {
  /** Words, or {"text": ...}: the text of a file. */
  answer: string | {
    text: string;
  };
  /** The question's text or id, or its number. */
  question_id: string | number;
}

export interface RestartData {
  /** That answers from here on, as far as it is known. */
  model: string;
  reason: string;
  stage: "research" | "wireframe" | "code" | "qa" | "pedagogy" | "roadmap" | "choice" | "refactor" | "builder" | "github_export" | "noop";
}

export interface RetryRequest {
  /** The stage of a pipeline to begin with, on the project's own specifications; left out: the one that the job itself began with. */
  from?: "research" | "wireframe" | "code" | "qa";
  /** As in run-agent. */
  if_busy?: "queue" | "reject" | "cancel_running";
}

export interface ReviewData {
  issues: number;
  passed: boolean;
  /** Of the code that was reviewed. */
  round: number;
  score: number;
  stage: "research" | "wireframe" | "code" | "qa" | "pedagogy" | "roadmap" | "choice" | "refactor" | "builder" | "github_export" | "noop";
  summary: string;
}

export interface Revision {
  /** user, or the agent type that wrote it. */
  author: string;
  created_at: string;
  /** How far its files are known to get, step by step. Empty: nobody looked yet. */
  evidence: Rung[];
  files_changed: number;
  /** The job that made it; null: written by hand. */
  job_id: string | null;
  message: string;
  revision: number;
  /** Whether its files build. null: nobody checked them yet, as after a write by hand; GET /check does. Of a job: it found no error that was not there before. */
  verified: boolean | null;
}

export interface RevisionData {
  at: string;
  /** user, or the agent type that wrote it. */
  author: string;
  files_changed: number;
  /** The job that made it. */
  job_id?: string;
  message: string;
  /** Empty: the job is gone since. */
  project_id: string;
  revision: number;
}

export interface RevisionDiff {
  /** What it is compared with: the revision that from named, or the one before; 0: no files at all. */
  base: number;
  counts: DiffCounts;
  /** Sorted by path. */
  files: FileDiff[];
  project_id: string;
  revision: number;
  /** How many files changed too much to be shown, alone or with those before them. */
  too_large: number;
  /** All changes of texts that are shown as one patch, as git apply takes it. */
  unified: string;
}

export interface RevisionList {
  has_more: boolean;
  /** Newest first. */
  items: Revision[];
  page: number;
  page_size: number;
  /** How many there are in all. */
  total: number;
}

export interface RevisionState {
  /** user, or the agent type that wrote it. */
  author: string;
  count: number;
  created_at: string;
  /** How far its files are known to get, step by step. Empty: nobody looked yet. */
  evidence: Rung[];
  /** All files as they were, sorted by path. */
  files: File[];
  files_changed: number;
  /** The job that made it; null: written by hand. */
  job_id: string | null;
  message: string;
  project_id: string;
  revision: number;
  /** Whether its files build. null: nobody checked them yet, as after a write by hand; GET /check does. Of a job: it found no error that was not there before. */
  verified: boolean | null;
}

export interface Roadmap {
  created_at: string;
  /** The module that comes next, from 0: those before it are done. */
  current_step_index: number;
  id: string;
  modules: ({
    /** The id of the option that the student chose; missing: none yet. */
    chosen_option?: string;
    concepts?: string[];
    description?: string;
    estimated_hours?: number;
    exercises?: string[];
    title?: string;
  })[];
  project_id: string;
}

export interface RoadmapRequest {
  /** What is to be learned above all. */
  focus_areas?: string[];
  skill_level: "beginner" | "intermediate" | "advanced";
}

export interface RoadmapResult {
  learning_objectives: string[];
  /** The same as in roadmap. */
  modules: PlannedModule[];
  prerequisites: string[];
  /** As reading the roadmap answers, and what belongs to it. */
  roadmap: PlannedRoadmap;
  summary: string;
  total_estimated_hours: number;
  total_modules: number;
  /** What models took for it. */
  usage: Record<string, unknown>;
}

export interface RoadmapStep {
  /** The module that comes next, from 0. */
  step_index: number;
}

export interface Rung {
  duration_ms: number;
  name: "parse" | "resolve" | "types" | "bundle" | "run";
  /** Why it was not checked, or not wholly. */
  reason?: string;
  status: "passed" | "failed" | "not_checked";
  tool?: string;
  /** Of the tool. */
  version?: string;
}

export interface Screenshot {
  page: string;
  type: string;
  /** Of the window, in pixels. */
  width: number;
}

export interface ScreenshotList {
  /** By page and width. */
  items: Screenshot[];
}

export interface Session {
  concepts_covered: string[];
  created_at: string;
  duration_minutes: number;
  id: string;
  project_id: string;
  /** Objects, 200,000 bytes of all. Their texts stay as they are. */
  transcript: (Record<string, unknown>)[];
}

export interface SessionCreate {
  /** Each at most 200 characters. */
  concepts_covered: string[];
  duration_minutes?: number;
  /** Objects, 200,000 bytes of all. Their texts stay as they are. */
  transcript: (Record<string, unknown>)[];
}

export interface SessionList {
  /** How many are here. */
  count: number;
  project_id: string;
  /** Newest first. */
  sessions: Session[];
}

export interface ShownToken {
  created_at: string;
  /** null: it does not end by itself. */
  expires_at: string | null;
  /** How the token begins, to tell it from others. */
  hint: string;
  id: string;
  /** To about a minute; null: never. */
  last_used_at: string | null;
  name: string;
  revoked_at: string | null;
  scopes: ("read" | "write" | "jobs" | "account")[];
  /** What to send as a bearer. It is not shown again. */
  token: string;
}

export interface ShownWebhook {
  created_at: string;
  description: string;
  disabled_at: string | null;
  /** Why the server disabled it: failing (nothing but failures for 5 days) or gone (the receiver answered 410). null: it did not. */
  disabled_reason: string | null;
  /** Events at least that it did not get because 10,000 deliveries waited already. */
  dropped: number;
  enabled: boolean;
  /** The types of events that it gets; none: all, those that are new too. */
  events: string[];
  /** The first of them. */
  failing_since: string | null;
  /** Attempts that failed since the last success. */
  failures: number;
  id: string;
  /** Until then the secret from before the last rotation signs too. */
  old_secret_until: string | null;
  /** Deliveries that wait to be sent, or to be sent again. */
  pending: number;
  /** The project whose events it gets; null: all of its owner's. */
  project_id: string | null;
  /** What deliveries are signed with. It is not shown again. */
  secret: string;
  updated_at: string;
  url: string;
}

export interface SpecData {
  /** The specification, an object. */
  document: unknown;
  kind: "requirements" | "architecture";
  stage: "research" | "wireframe" | "code" | "qa" | "pedagogy" | "roadmap" | "choice" | "refactor" | "builder" | "github_export" | "noop";
}

export interface StageData {
  /** Of code and review, as of what is kept; 0: the first. */
  round: number;
  stage: "research" | "wireframe" | "code" | "qa" | "pedagogy" | "roadmap" | "choice" | "refactor" | "builder" | "github_export" | "noop";
  status: "started" | "completed";
  /** What is done, for people. */
  title: string;
}

export interface StateData {
  job_id: string;
  progress: number;
  status: "queued" | "running" | "waiting_for_input" | "completed" | "failed" | "cancelled";
}

export interface StudentProgress {
  completed_modules: number;
  /** The title of the module that comes next; empty when all are done. */
  current_module: string;
  /** Of the modules, with one decimal. */
  percent_complete: number;
  project_id: string;
  roadmap_id: string;
  total_modules: number;
  total_sessions: number;
  /** Of all sessions. */
  total_time_minutes: number;
}

export interface TokenCreate {
  /** 0: it does not end by itself. */
  expires_in_days?: number;
  /** What it is for. */
  name: string;
  /** What it may do: read (every GET), write (change projects and files, and whatever has no scope of its own), jobs (start, answer and cancel them), account (tokens, profile and keys). None includes another. */
  scopes: ("read" | "write" | "jobs" | "account")[];
}

export interface TokenList {
  /** Newest first. Those that were revoked or expired are listed for 30 days or longer. */
  items: TokenRecord[];
}

export interface TokenRecord {
  created_at: string;
  /** null: it does not end by itself. */
  expires_at: string | null;
  /** How the token begins, to tell it from others. */
  hint: string;
  id: string;
  /** To about a minute; null: never. */
  last_used_at: string | null;
  name: string;
  revoked_at: string | null;
  scopes: ("read" | "write" | "jobs" | "account")[];
}

export interface TokenRevoked {
  message: string;
  token_id: string;
}

export interface ToolData {
  /** In one line. */
  answer: string;
  /** The path or what else it is about, shortened. */
  argument: string;
  name: string;
  ok: boolean;
  stage: "research" | "wireframe" | "code" | "qa" | "pedagogy" | "roadmap" | "choice" | "refactor" | "builder" | "github_export" | "noop";
}

export interface UsageData {
  cache_write_tokens: number;
  cached_read_tokens: number;
  /** In millionths of a dollar; null: not known. */
  cost_micro_usd: number | null;
  /** The cost is a guess. */
  estimated: boolean;
  /** 0: not known. */
  first_token_ms: number;
  input_tokens: number;
  latency_ms: number;
  /** The provider told of no tokens. */
  missing?: boolean;
  /** As served. */
  model: string;
  output_tokens: number;
  /** The user's own key paid. */
  own_key?: boolean;
  /** The provider told of some of the tokens. */
  partial?: boolean;
  provider: string;
  reasoning_tokens: number;
  /** It came from the job's journal. */
  replayed: boolean;
  stage: "research" | "wireframe" | "code" | "qa" | "pedagogy" | "roadmap" | "choice" | "refactor" | "builder" | "github_export" | "noop";
}

export interface UsageReport {
  /** null: since the beginning. */
  from: string | null;
  group_by: "day" | "project" | "job" | "model" | "agent";
  /** Days and jobs newest first, all others dearest first. */
  items: UsageSum[];
  /** Exclusive; null: until now. */
  to: string | null;
  total: UsageSum;
}

export interface UsageSum {
  cache_write_tokens: number;
  cached_read_tokens: number;
  /** Attempts at calls of models. */
  calls: number;
  /** Some of the cost is a guess, or not in it: of calls whose usage or price is not known. */
  cost_estimated: boolean;
  /** In millionths of a dollar; null: nothing is known of it, since the models file has no price. */
  cost_micro_usd: number | null;
  /** Attempts that gave no answer. */
  failed: number;
  input_tokens: number;
  /** What the group is of: a day (UTC), an id, provider:model, an agent. Empty: calls of no project or job. Of the total: total. */
  key: string;
  /** All attempts together. */
  latency_ms: number;
  output_tokens: number;
  /** Attempts with own keys of the user. They are in all other numbers but the cost, which is what the server paid. */
  own_calls: number;
  /** What those cost, in millionths of a dollar; null: nothing is known of it. */
  own_cost_micro_usd: number | null;
  reasoning_tokens: number;
  /** Attempts of which the provider did not say what they used. Their cost is a guess, their tokens are not in the sums. */
  usage_unknown: number;
}

/** How one of the caller's jobs is. Names that are not here may come: pass over them. */
export type UserEvent =
  /** The job began, is so far, or went back to the queue. */
  | StoredEvent<"progress", StateData & OfJob>
  /** The job's end: it did its work. */
  | StoredEvent<"complete", CompleteData & OfJob>
  /** The job's end: it failed. */
  | StoredEvent<"error", JobFailure & OfJob>
  /** The job's end: it was cancelled. */
  | StoredEvent<"cancelled", StateData & OfJob>
  /** The job asks, and goes on when it is answered. */
  | StoredEvent<"waiting", WaitingData & OfJob>
  /** A stage of the work began or ended. */
  | StoredEvent<"stage", StageData & OfJob>
  /** A call of a model gave no answer, or was not made. Or: The job is tried again. */
  | StoredEvent<"retry", CallRetryData & OfJob>
  /** A call of a model gave no answer, or was not made. Or: The job is tried again. */
  | StoredEvent<"retry", JobRetryData & OfJob>
  /** What a stage made is in the project, or proposed to it. */
  | StoredEvent<"kept", KeptData & OfJob>
  /** The job and people changed the same places. */
  | StoredEvent<"conflict", ConflictData & OfJob>
  /** The stream begins here. */
  | StoredEvent<"ready", ReadyData>
  /** What happened since the id that was given is not kept: read anew what you hold. ready follows. */
  | StoredEvent<"reset", ResetData>
  /** A job began, went back to the queue, waits, or ended. */
  | StoredEvent<"job", JobData>;

export interface UserJobList {
  /** How many are here. */
  count: number;
  has_more: boolean;
  /** The same as jobs. */
  items: JobState[];
  /** Newest first. */
  jobs: JobState[];
  /** What cursor takes for the next page; null: this is the last one. It is opaque. */
  next_cursor: string | null;
}

export interface WaitingData {
  job_id: string;
  progress: number;
  questions: Question[];
  /** What the job has by now, an object with its questions. */
  result: unknown;
  status: "queued" | "running" | "waiting_for_input" | "completed" | "failed" | "cancelled";
}

export interface WaitlistEntry {
  /** Kept in lower case. */
  email: string;
}

export interface WaitlistJoined {
  message: string;
}

export interface Webhook {
  created_at: string;
  description: string;
  disabled_at: string | null;
  /** Why the server disabled it: failing (nothing but failures for 5 days) or gone (the receiver answered 410). null: it did not. */
  disabled_reason: string | null;
  /** Events at least that it did not get because 10,000 deliveries waited already. */
  dropped: number;
  enabled: boolean;
  /** The types of events that it gets; none: all, those that are new too. */
  events: string[];
  /** The first of them. */
  failing_since: string | null;
  /** Attempts that failed since the last success. */
  failures: number;
  id: string;
  /** Until then the secret from before the last rotation signs too. */
  old_secret_until: string | null;
  /** Deliveries that wait to be sent, or to be sent again. */
  pending: number;
  /** The project whose events it gets; null: all of its owner's. */
  project_id: string | null;
  updated_at: string;
  url: string;
}

export interface WebhookAttempt {
  at: string;
  duration_ms: number;
  /** Why it counts as failed; null: it was taken. */
  error: string | null;
  /** The beginning of the answer's body. The receiver wrote it: show it as text. */
  response: string;
  /** Status of the answer; null: there was none. */
  status: number | null;
}

export interface WebhookCreate {
  description?: string;
  /** The types of events that it gets; none: all, those that are new too. */
  events?: ("job.queued" | "job.completed" | "job.failed" | "job.cancelled" | "job.waiting_for_input" | "job.kept" | "revision.created" | "project.created" | "project.updated" | "project.archived" | "webhook.disabled")[];
  /** Where deliveries are posted to: https, at a public address. */
  url: string;
}

export interface WebhookData {
  at: string;
  /** Why the server disabled it. */
  disabled: string;
  /** null: of all projects. */
  project_id: string | null;
  webhook_id: string;
}

export interface WebhookDeleted {
  message: string;
  webhook_id: string;
}

export interface WebhookDelivery {
  /** The newest 20, oldest first. */
  attempts: WebhookAttempt[];
  created_at: string;
  /** Of the event, but for the links. */
  data: unknown;
  ended_at: string | null;
  /** The webhook-id of its requests, the same however often it is sent. */
  id: string;
  /** null: none is to come, or the webhook is disabled. */
  next_attempt_at: string | null;
  status: "pending" | "delivered" | "failed";
  /** Attempts that were begun since it was made, or asked for again. */
  tries: number;
  type: string;
  webhook_id: string;
}

export interface WebhookList {
  /** Oldest first. */
  items: Webhook[];
}

export interface WebhookUpdate {
  description?: string;
  /** false: what is pending rests until it is true again. */
  enabled?: boolean;
  /** The types of events that it gets; none: all, those that are new too. */
  events?: ("job.queued" | "job.completed" | "job.failed" | "job.cancelled" | "job.waiting_for_input" | "job.kept" | "revision.created" | "project.created" | "project.updated" | "project.archived" | "webhook.disabled")[];
  /** Where deliveries are posted to: https, at a public address. */
  url?: string;
}

export interface WorkingFile {
  /** What the job did to it so far. */
  change: "created" | "updated" | "none";
  /** Only of one that was asked for by its path, and is a text of at most 100,000 characters. */
  content?: string;
  /** Of what is no such text. */
  encoding?: "base64";
  language: string;
  path: string;
  /** Bytes of the content. */
  size: number;
}

export interface WorkingList {
  count: number;
  /** Paths that the job deleted. */
  deleted: string[];
  /** Sorted by path. */
  files: WorkingFile[];
  job_id: string;
  project_id: string;
  /** The state of the project that the job works on; of one that has ended with a revision, that revision. */
  revision: number;
  status: "queued" | "running" | "waiting_for_input" | "completed" | "failed" | "cancelled";
}

export class Agents {
  constructor(protected readonly core: Core) {}

  /** Answer a job's questions, with its id in the body. */
  clarify(body: ClarifyRequest, options?: CallOptions): Promise<AgentResponse> {
    return this.core.call({ method: "POST", path: "/v1/clarify", body }, options);
  }

  /** Answer a job's questions. */
  respond(jobId: string, body: AnswerSet, options?: CallOptions): Promise<AgentResponse> {
    return this.core.call({ method: "POST", path: `/v1/jobs/${part(jobId)}/respond`, body }, options);
  }

  /** Run an agent. */
  run(body: AgentRequest, options?: CallOptions): Promise<AgentResponse> {
    return this.core.call({ method: "POST", path: "/v1/run-agent", body, keyed: true }, options);
  }

  /** Run the pipeline. */
  runPipeline(body: PipelineRequest, options?: CallOptions): Promise<AgentResponse> {
    return this.core.call({ method: "POST", path: "/v1/run-pipeline", body, keyed: true }, options);
  }
}

export class Files {
  constructor(protected readonly core: Core) {}

  /** Export as tar.gz. */
  exportTarGz(projectId: string, query: { revision?: number | undefined } = {}, options?: CallOptions): Promise<Response> {
    return this.core.send({ method: "GET", path: `/v1/projects/${part(projectId)}/archive.tar.gz`, query, accept: "*/*" }, options);
  }

  /** Export as zip. */
  exportZip(projectId: string, query: { revision?: number | undefined } = {}, options?: CallOptions): Promise<Response> {
    return this.core.send({ method: "GET", path: `/v1/projects/${part(projectId)}/archive.zip`, query, accept: "*/*" }, options);
  }

  /** Export to GitHub. */
  exportGithub(projectId: string, body: GitHubExportRequest, options?: CallOptions): Promise<GitHubExport> {
    return this.core.call({ method: "POST", path: `/v1/projects/${part(projectId)}/export/github`, body, keyed: true }, options);
  }

  /** List files. */
  list(projectId: string, query: { content?: boolean | undefined } = {}, options?: CallOptions): Promise<FileList> {
    return this.core.call({ method: "GET", path: `/v1/projects/${part(projectId)}/files`, query }, options);
  }

  /** Write a file. */
  create(projectId: string, body?: FileBody, query: { path?: string | undefined; content?: string | undefined; language?: string | undefined } = {}, options?: CallOptions): Promise<File> {
    return this.core.call({ method: "POST", path: `/v1/projects/${part(projectId)}/files`, body, query }, options);
  }

  /** Delete a file. */
  delete(projectId: string, path: string, options?: CallOptions): Promise<FileDeleted> {
    return this.core.call({ method: "DELETE", path: `/v1/projects/${part(projectId)}/files/${part(path, true)}` }, options);
  }

  /** Read a file. */
  get(projectId: string, path: string, options?: CallOptions): Promise<File> {
    return this.core.call({ method: "GET", path: `/v1/projects/${part(projectId)}/files/${part(path, true)}` }, options);
  }

  /** Replace a file's content. */
  update(projectId: string, path: string, body: FileUpdate | Upload, options?: CallOptions): Promise<File> {
    return this.core.call({ method: "PUT", path: `/v1/projects/${part(projectId)}/files/${part(path, true)}`, body }, options);
  }

  /** Refactor a part of a file. */
  refactor(projectId: string, path: string, body: RefactorRequest, query: { apply?: boolean | undefined } = {}, options?: CallOptions): Promise<RefactorResult> {
    return this.core.call({ method: "POST", path: `/v1/projects/${part(projectId)}/files/${part(path, true)}/refactor`, body, query, keyed: true }, options);
  }

  /** Import an archive. */
  importProject(projectId: string, body: {
    url: string;
  } | Upload, query: { mode?: "merge" | "replace" | undefined } = {}, options?: CallOptions): Promise<Imported> {
    return this.core.call({ method: "POST", path: `/v1/projects/${part(projectId)}/import`, body, query }, options);
  }

  /** Import a repository from GitHub. */
  importGithub(projectId: string, body: GitHubImportRequest, query: { mode?: "merge" | "replace" | undefined } = {}, options?: CallOptions): Promise<Imported> {
    return this.core.call({ method: "POST", path: `/v1/projects/${part(projectId)}/import/github`, body, query }, options);
  }

  /** Refactor a part of a file, with its place in the body. */
  refactorPlaced(body: PlacedRefactorRequest, query: { apply?: boolean | undefined } = {}, options?: CallOptions): Promise<RefactorResult> {
    return this.core.call({ method: "POST", path: "/v1/refactor", body, query, keyed: true }, options);
  }

  /** Read a file, as it is. */
  getRaw(projectId: string, path: string, options?: CallOptions): Promise<Response> {
    return this.core.send({ method: "GET", path: `/v1/projects/${part(projectId)}/files/${part(path, true)}`, accept: "application/octet-stream" }, options);
  }
}

export class Jobs {
  constructor(protected readonly core: Core) {}

  /** Watch all of one's jobs. */
  watchAll(options?: WatchOptions): AsyncGenerator<UserEvent, void, undefined> {
    return this.core.stream<UserEvent>("/v1/events", false, options);
  }

  /** List the jobs of all projects. */
  list(query: { state?: "queued" | "running" | "waiting_for_input" | "completed" | "failed" | "cancelled" | undefined; agent?: "research" | "wireframe" | "code" | "qa" | "pedagogy" | "roadmap" | "choice" | "refactor" | "builder" | "github_export" | "noop" | undefined; project?: string | undefined; cursor?: string | undefined; limit?: number | undefined } = {}, options?: CallOptions): Pages<UserJobList, JobState> {
    return this.core.pages({ method: "GET", path: "/v1/jobs", query }, options);
  }

  /** Read a job. */
  get(jobId: string, query: { wait?: string | undefined } = {}, options?: CallOptions): Promise<JobDetail> {
    return this.core.call({ method: "GET", path: `/v1/jobs/${part(jobId)}`, query }, options);
  }

  /** Apply a job's proposal. */
  applyProposal(jobId: string, body?: ApplyRequest, options?: CallOptions): Promise<Applied> {
    return this.core.call({ method: "POST", path: `/v1/jobs/${part(jobId)}/apply`, body }, options);
  }

  /** List what models were asked for a job. */
  listCalls(jobId: string, query: { cursor?: string | undefined; limit?: number | undefined } = {}, options?: CallOptions): Pages<CallList, ModelCall> {
    return this.core.pages({ method: "GET", path: `/v1/jobs/${part(jobId)}/calls`, query }, options);
  }

  /** Read what a model answered. */
  getCall(jobId: string, call: string, options?: CallOptions): Promise<CallAnswer> {
    return this.core.call({ method: "GET", path: `/v1/jobs/${part(jobId)}/calls/${part(call)}` }, options);
  }

  /** Cancel a job. */
  cancel(jobId: string, query: { keep?: boolean | undefined } = {}, options?: CallOptions): Promise<Cancelled> {
    return this.core.call({ method: "POST", path: `/v1/jobs/${part(jobId)}/cancel`, query }, options);
  }

  /** Read a job's working tree. */
  listFiles(jobId: string, query: { path?: string | undefined } = {}, options?: CallOptions): Promise<WorkingList> {
    return this.core.call({ method: "GET", path: `/v1/jobs/${part(jobId)}/files`, query }, options);
  }

  /** What a preview of the working tree shows, and where. */
  preview(jobId: string, query: { fresh?: boolean | undefined } = {}, options?: CallOptions): Promise<PreviewState> {
    return this.core.call({ method: "GET", path: `/v1/jobs/${part(jobId)}/preview`, query }, options);
  }

  /** Read a job's proposal. */
  getProposal(jobId: string, options?: CallOptions): Promise<ProposalDiff> {
    return this.core.call({ method: "GET", path: `/v1/jobs/${part(jobId)}/proposal` }, options);
  }

  /** Reject a job's proposal. */
  rejectProposal(jobId: string, options?: CallOptions): Promise<Rejected> {
    return this.core.call({ method: "POST", path: `/v1/jobs/${part(jobId)}/reject` }, options);
  }

  /** Try a job again. */
  retry(jobId: string, body?: RetryRequest, options?: CallOptions): Promise<AgentResponse> {
    return this.core.call({ method: "POST", path: `/v1/jobs/${part(jobId)}/retry`, body, keyed: true }, options);
  }

  /** Watch a job. */
  watch(jobId: string, options?: WatchOptions): AsyncGenerator<JobEvent, void, undefined> {
    return this.core.stream<JobEvent>(`/v1/jobs/${part(jobId)}/stream`, true, options);
  }

  /** List a project's jobs. */
  listOfProject(projectId: string, query: { limit?: number | undefined; offset?: number | undefined; page?: number | undefined; page_size?: number | undefined } = {}, options?: CallOptions): Pages<JobList, JobState> {
    return this.core.pages({ method: "GET", path: `/v1/jobs/${part(projectId)}/list`, query }, options);
  }
}

export class Keys {
  constructor(protected readonly core: Core) {}

  /** List own keys. */
  list(options?: CallOptions): Promise<KeyList> {
    return this.core.call({ method: "GET", path: "/v1/keys" }, options);
  }

  /** Keep an own key for a provider. */
  put(body: KeyPut, options?: CallOptions): Promise<ProviderKey> {
    return this.core.call({ method: "POST", path: "/v1/keys", body }, options);
  }

  /** Delete an own key. */
  delete(provider: string, options?: CallOptions): Promise<KeyDeleted> {
    return this.core.call({ method: "DELETE", path: `/v1/keys/${part(provider)}` }, options);
  }

  /** Try an own key. */
  test(provider: string, options?: CallOptions): Promise<KeyTest> {
    return this.core.call({ method: "POST", path: `/v1/keys/${part(provider)}/test` }, options);
  }
}

export class Learning {
  constructor(protected readonly core: Core) {}

  /** Ask the mentor. */
  askMentor(body: QuestionRequest, options?: CallOptions): Promise<Lesson> {
    return this.core.call({ method: "POST", path: "/v1/student/ask", body, keyed: true }, options);
  }

  /** Lay out a choice, with its project in the body. */
  makePlacedChoice(body: PlacedChoiceRequest, options?: CallOptions): Promise<ChoiceFramework> {
    return this.core.call({ method: "POST", path: "/v1/student/choice-framework", body, keyed: true }, options);
  }

  /** Lay out a choice. */
  makeChoice(projectId: string, body: ChoiceRequest, options?: CallOptions): Promise<ChoiceFramework> {
    return this.core.call({ method: "POST", path: `/v1/student/${part(projectId)}/choice`, body, keyed: true }, options);
  }

  /** Record a choice. */
  recordChoice(projectId: string, body: RecordChoice, options?: CallOptions): Promise<ChoiceRecorded> {
    return this.core.call({ method: "PUT", path: `/v1/student/${part(projectId)}/choice`, body }, options);
  }

  /** How far the student has come. */
  getStudentProgress(projectId: string, options?: CallOptions): Promise<StudentProgress> {
    return this.core.call({ method: "GET", path: `/v1/student/${part(projectId)}/progress` }, options);
  }

  /** Read the roadmap. */
  getRoadmap(projectId: string, query: { optional?: boolean | undefined } = {}, options?: CallOptions): Promise<Roadmap | undefined> {
    return this.core.call({ method: "GET", path: `/v1/student/${part(projectId)}/roadmap`, query }, options);
  }

  /** Plan a roadmap. */
  planRoadmap(projectId: string, body: RoadmapRequest, options?: CallOptions): Promise<RoadmapResult> {
    return this.core.call({ method: "POST", path: `/v1/student/${part(projectId)}/roadmap`, body, keyed: true }, options);
  }

  /** Say which module comes next. */
  setRoadmapStep(projectId: string, body: RoadmapStep, options?: CallOptions): Promise<Roadmap> {
    return this.core.call({ method: "PUT", path: `/v1/student/${part(projectId)}/roadmap/progress`, body }, options);
  }

  /** List sessions. */
  listSessions(projectId: string, query: { limit?: number | undefined } = {}, options?: CallOptions): Promise<SessionList> {
    return this.core.call({ method: "GET", path: `/v1/student/${part(projectId)}/sessions`, query }, options);
  }

  /** Keep a session. */
  addSession(projectId: string, body: SessionCreate, options?: CallOptions): Promise<Session> {
    return this.core.call({ method: "POST", path: `/v1/student/${part(projectId)}/sessions`, body }, options);
  }
}

export class Models {
  constructor(protected readonly core: Core) {}

  /** List budgets. */
  listBudgets(query: { project_id?: string | undefined; job_id?: string | undefined } = {}, options?: CallOptions): Promise<BudgetList> {
    return this.core.call({ method: "GET", path: "/v1/budgets", query }, options);
  }

  /** Set a budget. */
  setBudget(body: BudgetUpdate, options?: CallOptions): Promise<BudgetList> {
    return this.core.call({ method: "PUT", path: "/v1/budgets", body }, options);
  }

  /** What a job will probably take. */
  getEstimate(query: { agent_type: "research" | "wireframe" | "code" | "qa" | "pedagogy" | "roadmap" | "choice" | "refactor" | "builder"; project_id?: string | undefined }, options?: CallOptions): Promise<Estimate> {
    return this.core.call({ method: "GET", path: "/v1/estimate", query }, options);
  }

  /** List models. */
  list(options?: CallOptions): Promise<ModelList> {
    return this.core.call({ method: "GET", path: "/v1/models" }, options);
  }

  /** Try a model. */
  test(body: ModelTrialRequest, options?: CallOptions): Promise<ModelTrial> {
    return this.core.call({ method: "POST", path: "/v1/models/test", body }, options);
  }

  /** What was used. */
  sumUsage(query: { group_by?: "day" | "project" | "job" | "model" | "agent" | undefined; project_id?: string | undefined; job_id?: string | undefined; agent_type?: string | undefined; from?: string | undefined; to?: string | undefined; limit?: number | undefined } = {}, options?: CallOptions): Promise<UsageReport> {
    return this.core.call({ method: "GET", path: "/v1/usage", query }, options);
  }
}

export class Profiles {
  constructor(protected readonly core: Core) {}

  /** Make or change the profile. */
  put(body: ProfilePatch, options?: CallOptions): Promise<Profile> {
    return this.core.call({ method: "POST", path: "/v1/profiles/", body }, options);
  }

  /** Delete all that the caller has. */
  delete(query: { permanent: boolean }, options?: CallOptions): Promise<ProfileDeleted> {
    return this.core.call({ method: "DELETE", path: "/v1/profiles/me", query }, options);
  }

  /** Read the profile. */
  get(options?: CallOptions): Promise<Profile> {
    return this.core.call({ method: "GET", path: "/v1/profiles/me" }, options);
  }

  /** Change the profile. */
  update(body: ProfilePatch, options?: CallOptions): Promise<Profile> {
    return this.core.call({ method: "PUT", path: "/v1/profiles/me", body }, options);
  }

  /** Export all that the caller has. */
  export(options?: CallOptions): Promise<Response> {
    return this.core.send({ method: "GET", path: "/v1/profiles/me/export", accept: "*/*" }, options);
  }

  /** Join the waitlist. */
  joinWaitlist(body: WaitlistEntry, options?: CallOptions): Promise<WaitlistJoined> {
    return this.core.call({ method: "POST", path: "/v1/waitlist/", body }, options);
  }
}

export class Projects {
  constructor(protected readonly core: Core) {}

  /** List projects. */
  list(query: { page?: number | undefined; page_size?: number | undefined; mode?: "builder" | "student" | undefined; status?: "planning" | "in-progress" | "building" | "completed" | "archived" | undefined } = {}, options?: CallOptions): Pages<ProjectList, Project> {
    return this.core.pages({ method: "GET", path: "/v1/projects/", query }, options);
  }

  /** Create a project. */
  create(body: ProjectCreate, options?: CallOptions): Promise<Project> {
    return this.core.call({ method: "POST", path: "/v1/projects/", body }, options);
  }

  /** Archive a project, or delete it. */
  archive(projectId: string, query: { permanent?: boolean | undefined } = {}, options?: CallOptions): Promise<Archived> {
    return this.core.call({ method: "DELETE", path: `/v1/projects/${part(projectId)}`, query }, options);
  }

  /** Read a project. */
  get(projectId: string, options?: CallOptions): Promise<Project> {
    return this.core.call({ method: "GET", path: `/v1/projects/${part(projectId)}` }, options);
  }

  /** Change a project. */
  update(projectId: string, body: ProjectUpdate, options?: CallOptions): Promise<Project> {
    return this.core.call({ method: "PUT", path: `/v1/projects/${part(projectId)}`, body }, options);
  }

  /** Verify the files. */
  check(projectId: string, query: { revision?: number | undefined; run?: boolean | undefined } = {}, options?: CallOptions): Promise<ProjectReport> {
    return this.core.call({ method: "GET", path: `/v1/projects/${part(projectId)}/check`, query }, options);
  }

  /** Copy a project. */
  copy(projectId: string, body?: ProjectCopy, options?: CallOptions): Promise<Project> {
    return this.core.call({ method: "POST", path: `/v1/projects/${part(projectId)}/copy`, body, keyed: true }, options);
  }

  /** Watch a project. */
  watch(projectId: string, options?: WatchOptions): AsyncGenerator<ProjectEvent, void, undefined> {
    return this.core.stream<ProjectEvent>(`/v1/projects/${part(projectId)}/events`, false, options);
  }

  /** Read the conversation. */
  listMessages(projectId: string, query: { limit?: number | undefined; before?: string | undefined; role?: "user" | "assistant" | "system" | undefined; thinking?: boolean | undefined } = {}, options?: CallOptions): Pages<MessageList, Message> {
    return this.core.pages({ method: "GET", path: `/v1/projects/${part(projectId)}/messages`, query }, options);
  }

  /** What the preview shows, and where. */
  preview(projectId: string, query: { revision?: number | undefined; fresh?: boolean | undefined } = {}, options?: CallOptions): Promise<PreviewState> {
    return this.core.call({ method: "GET", path: `/v1/projects/${part(projectId)}/preview`, query }, options);
  }

  /** What went wrong in the preview. */
  listPreviewErrors(projectId: string, query: { revision?: number | undefined; job_id?: string | undefined } = {}, options?: CallOptions): Promise<PreviewErrorList> {
    return this.core.call({ method: "GET", path: `/v1/projects/${part(projectId)}/preview/errors`, query }, options);
  }
}

export class Revisions {
  constructor(protected readonly core: Core) {}

  /** List revisions. */
  list(projectId: string, query: { page?: number | undefined; page_size?: number | undefined } = {}, options?: CallOptions): Pages<RevisionList, Revision> {
    return this.core.pages({ method: "GET", path: `/v1/projects/${part(projectId)}/revisions`, query }, options);
  }

  /** Read a revision. */
  get(projectId: string, revision: number, query: { content?: boolean | undefined; path?: string | undefined } = {}, options?: CallOptions): Promise<RevisionState> {
    return this.core.call({ method: "GET", path: `/v1/projects/${part(projectId)}/revisions/${part(revision)}`, query }, options);
  }

  /** Compare a revision. */
  diff(projectId: string, revision: number, query: { from?: number | undefined } = {}, options?: CallOptions): Promise<RevisionDiff> {
    return this.core.call({ method: "GET", path: `/v1/projects/${part(projectId)}/revisions/${part(revision)}/diff`, query }, options);
  }

  /** Restore a revision. */
  restore(projectId: string, revision: number, options?: CallOptions): Promise<Revision> {
    return this.core.call({ method: "POST", path: `/v1/projects/${part(projectId)}/revisions/${part(revision)}/restore` }, options);
  }

  /** Look at a page. */
  getScreenshot(projectId: string, revision: number, query: { page?: string | undefined; width?: number | undefined } = {}, options?: CallOptions): Promise<Response> {
    return this.core.send({ method: "GET", path: `/v1/projects/${part(projectId)}/revisions/${part(revision)}/screenshot`, query, accept: "*/*" }, options);
  }

  /** List screenshots. */
  listScreenshots(projectId: string, revision: number, options?: CallOptions): Promise<ScreenshotList> {
    return this.core.call({ method: "GET", path: `/v1/projects/${part(projectId)}/revisions/${part(revision)}/screenshots` }, options);
  }

  /** Compare a revision, as it is. */
  diffRaw(projectId: string, revision: number, query: { from?: number | undefined } = {}, options?: CallOptions): Promise<Response> {
    return this.core.send({ method: "GET", path: `/v1/projects/${part(projectId)}/revisions/${part(revision)}/diff`, query, accept: "text/x-diff" }, options);
  }
}

export class System {
  constructor(protected readonly core: Core) {}

  /** Health. */
  health(options?: CallOptions): Promise<Health> {
    return this.core.call({ method: "GET", path: "/health" }, options);
  }

  /** Liveness. */
  live(options?: CallOptions): Promise<Alive> {
    return this.core.call({ method: "GET", path: "/livez" }, options);
  }

  /** Readiness. */
  ready(query: { verbose?: string | undefined } = {}, options?: CallOptions): Promise<Readiness> {
    return this.core.call({ method: "GET", path: "/readyz", query }, options);
  }

  /** Look at every part. */
  diagnose(options?: CallOptions): Promise<Diagnosis> {
    return this.core.call({ method: "POST", path: "/v1/doctor" }, options);
  }
}

export class Tokens {
  constructor(protected readonly core: Core) {}

  /** List tokens. */
  list(options?: CallOptions): Promise<TokenList> {
    return this.core.call({ method: "GET", path: "/v1/tokens" }, options);
  }

  /** Make a token. */
  create(body: TokenCreate, options?: CallOptions): Promise<ShownToken> {
    return this.core.call({ method: "POST", path: "/v1/tokens", body }, options);
  }

  /** Revoke a token. */
  revoke(tokenId: string, options?: CallOptions): Promise<TokenRevoked> {
    return this.core.call({ method: "DELETE", path: `/v1/tokens/${part(tokenId)}` }, options);
  }
}

export class Webhooks {
  constructor(protected readonly core: Core) {}

  /** List a project's webhooks. */
  listProject(projectId: string, options?: CallOptions): Promise<WebhookList> {
    return this.core.call({ method: "GET", path: `/v1/projects/${part(projectId)}/webhooks` }, options);
  }

  /** Create a webhook for a project. */
  createProject(projectId: string, body: WebhookCreate, options?: CallOptions): Promise<ShownWebhook> {
    return this.core.call({ method: "POST", path: `/v1/projects/${part(projectId)}/webhooks`, body }, options);
  }

  /** List webhooks for all projects. */
  list(options?: CallOptions): Promise<WebhookList> {
    return this.core.call({ method: "GET", path: "/v1/webhooks" }, options);
  }

  /** Create a webhook for all projects. */
  create(body: WebhookCreate, options?: CallOptions): Promise<ShownWebhook> {
    return this.core.call({ method: "POST", path: "/v1/webhooks", body }, options);
  }

  /** Delete a webhook. */
  delete(webhookId: string, options?: CallOptions): Promise<WebhookDeleted> {
    return this.core.call({ method: "DELETE", path: `/v1/webhooks/${part(webhookId)}` }, options);
  }

  /** Read a webhook. */
  get(webhookId: string, options?: CallOptions): Promise<Webhook> {
    return this.core.call({ method: "GET", path: `/v1/webhooks/${part(webhookId)}` }, options);
  }

  /** Change a webhook. */
  update(webhookId: string, body: WebhookUpdate, options?: CallOptions): Promise<Webhook> {
    return this.core.call({ method: "PUT", path: `/v1/webhooks/${part(webhookId)}`, body }, options);
  }

  /** List deliveries. */
  listDeliveries(webhookId: string, query: { limit?: number | undefined; before?: string | undefined; status?: "pending" | "delivered" | "failed" | undefined } = {}, options?: CallOptions): Pages<DeliveryList, WebhookDelivery> {
    return this.core.pages({ method: "GET", path: `/v1/webhooks/${part(webhookId)}/deliveries`, query }, options);
  }

  /** Send a delivery again. */
  redeliver(webhookId: string, deliveryId: string, options?: CallOptions): Promise<WebhookDelivery> {
    return this.core.call({ method: "POST", path: `/v1/webhooks/${part(webhookId)}/deliveries/${part(deliveryId)}/redeliver` }, options);
  }

  /** Give a webhook a new secret. */
  rotate(webhookId: string, query: { grace_seconds?: number | undefined } = {}, options?: CallOptions): Promise<ShownWebhook> {
    return this.core.call({ method: "POST", path: `/v1/webhooks/${part(webhookId)}/rotate`, query }, options);
  }

  /** Send a test. */
  test(webhookId: string, options?: CallOptions): Promise<WebhookDelivery> {
    return this.core.call({ method: "POST", path: `/v1/webhooks/${part(webhookId)}/test` }, options);
  }
}

/** All groups of methods. */
export class Api {
  readonly agents: Agents;
  readonly files: Files;
  readonly jobs: Jobs;
  readonly keys: Keys;
  readonly learning: Learning;
  readonly models: Models;
  readonly profiles: Profiles;
  readonly projects: Projects;
  readonly revisions: Revisions;
  readonly system: System;
  readonly tokens: Tokens;
  readonly webhooks: Webhooks;

  constructor(core: Core) {
    this.agents = new Agents(core);
    this.files = new Files(core);
    this.jobs = new Jobs(core);
    this.keys = new Keys(core);
    this.learning = new Learning(core);
    this.models = new Models(core);
    this.profiles = new Profiles(core);
    this.projects = new Projects(core);
    this.revisions = new Revisions(core);
    this.system = new System(core);
    this.tokens = new Tokens(core);
    this.webhooks = new Webhooks(core);
  }
}
