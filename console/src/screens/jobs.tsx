// The jobs of all projects, the newest first, and a look into one.
import { useState } from "preact/hooks";
import { client } from "../api";
import { refresh, useData, usePages } from "../data";
import { duration, money, t, tn, tx } from "../i18n";
import { Button, Failure, Notice, State, Time, useTitle, Waiting } from "../parts/basics";
import { useKeys } from "../parts/keys";
import { link, place, setQuery } from "../router";
import type { JobStatus } from "../run";
import type { JobDetail, JobState, ProjectList } from "../schema";

const states = ["running", "queued", "waiting_for_input", "completed", "failed", "cancelled"] as const;
const agents = ["builder", "code", "qa", "research", "wireframe", "pedagogy", "refactor", "roadmap", "choice", "github_export"] as const;

export function JobsScreen() {
  useTitle(t("nav.jobs"));
  const state = (place.value.query.get("state") ?? "") as JobStatus | "";
  const agent = (place.value.query.get("agent") ?? "") as JobState["agent_type"] | "";
  const filter = (state ? "&state=" + state : "") + (agent ? "&agent=" + agent : "");
  const name = "jobs/" + filter;
  const { list, more } = usePages(name, (s) => client.jobs.list({ limit: 50, ...(state && { state }), ...(agent && { agent }) }, { signal: s }));
  const projects = useData<ProjectList>("projects", (s) => client.projects.list({ page_size: 24 }, { signal: s }));
  const [at, setAt] = useState(-1);
  const items = list.data?.items ?? [];
  const focus = (n: number) => (setAt(n), document.querySelectorAll<HTMLElement>(".jobs li > a")[n]?.focus());
  const [peeked, setPeeked] = useState("");
  const peek = (id: string | undefined) => setPeeked(id === peeked ? "" : (id ?? ""));
  useKeys([
    { keys: "v", name: t("jobs.peek"), run: () => peek(items[at]?.job_id) },
    { keys: "j", name: t("jobs.next"), run: () => focus(Math.min(at + 1, items.length - 1)) },
    { keys: "k", name: t("jobs.previous"), run: () => focus(Math.max(at - 1, 0)) },
  ]);
  const titleOf = (j: JobState) => projects.data?.items.find((p) => p.id === j.project_id)?.title ?? t("jobs.project");
  return (
    <div class="page">
      <header class="page-head">
        <h1>{t("nav.jobs")}</h1>
        <span class="grow" />
        <select class="select" aria-label={t("jobs.state")} value={state} onChange={(e) => setQuery({ state: e.currentTarget.value })}>
          <option value="">{t("jobs.state.all")}</option>
          {states.map((s) => <option key={s} value={s}>{tx("job", s)}</option>)}
        </select>
        <select class="select" aria-label={t("usage.agent")} value={agent} onChange={(e) => setQuery({ agent: e.currentTarget.value })}>
          <option value="">{t("jobs.agent.all")}</option>
          {agents.map((a) => <option key={a} value={a}>{tx("agent", a)}</option>)}
        </select>
        <Button icon="reload" label={t("jobs.reload")} busy={list.loading && !!list.data} onClick={() => refresh(name)} />
      </header>
      {list.error && !list.data ? <Failure error={list.error} retry={() => refresh(name)} />
      : !list.data ? <Waiting rows={8} />
      : items.length === 0 ? <Notice icon="list" title={t("jobs.none")}>{filter ? <Button onClick={() => setQuery({ state: null, agent: null })}>{t("jobs.unfilter")}</Button> : null}</Notice>
      : (
        <ul class="jobs">
          {items.map((j, i) => (
            <li key={j.job_id}>
              <a href={link(["projects", j.project_id, "run", j.job_id])} onFocus={() => setAt(i)}>
                <State is={j.status} />
                <span class="job-what"><strong>{tx("agent", j.agent_type)}</strong> {wishOf(j)}</span>
                <span class="job-project">{titleOf(j)}</span>
                <span class="fine tabular">{j.started_at && j.completed_at ? duration(new Date(j.completed_at).getTime() - new Date(j.started_at).getTime()) : ""}</span>
                <Time at={j.created_at} />
              </a>
              <Button kind="quiet" class="peek-button" icon="down" label={t("jobs.peek")} aria-expanded={peeked === j.job_id} onClick={() => peek(j.job_id)} />
              {peeked === j.job_id && <Peek job={j} />}
            </li>
          ))}
        </ul>
      )}
      {list.data?.has_more && <p class="more"><Button busy={list.loading} onClick={more}>{t("more")}</Button></p>}
    </div>
  );
}

/** Peek is a job in short: what was wanted of it in full, and what it came to. */
function Peek({ job: j }: { job: JobState }) {
  const detail = useData<JobDetail>(`jobs/one/${j.job_id}`, (s) => client.jobs.get(j.job_id, {}, { signal: s }));
  const said = (j.input_context as { user_message?: unknown } | null)?.user_message;
  const d = detail.data;
  return (
    <div class="peek">
      {typeof said === "string" && said && <p>{said}</p>}
      {j.error && <p class="bad-text">{j.error}</p>}
      <dl class="facts">
        {j.started_at && <div><dt>{t("run.elapsed")}</dt><dd>{duration((j.completed_at ? Date.parse(j.completed_at) : Date.now()) - Date.parse(j.started_at))}</dd></div>}
        <div><dt>{t("run.cost")}</dt><dd>{d ? (d.cost_micro_usd === 0 ? t("cost.free") : money(d.cost_micro_usd)) : "…"}</dd></div>
        {!!j.revision && <div><dt>{t("view.history")}</dt><dd><a href={link(["projects", j.project_id, "history", j.revision])}>{t("revision.n", { n: j.revision })}</a></dd></div>}
        {j.proposal && <div><dt>{t("run.proposal")}</dt><dd>{tn("files.changed", j.proposal.files_changed)}</dd></div>}
      </dl>
    </div>
  );
}

/** wishOf is what somebody said that the job should do, or why it failed. */
function wishOf(j: JobState): string {
  if (j.error) return j.error;
  const input = j.input_context as { user_message?: unknown; question?: unknown } | null;
  const said = input?.user_message ?? input?.question;
  return typeof said === "string" ? said.slice(0, 200) : "";
}
