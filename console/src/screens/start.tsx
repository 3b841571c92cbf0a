// Start: one question, and the projects that are there.
import { signal } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { client, isBuiltIn } from "../api";
import { change, refresh, useData, usePages } from "../data";
import { duration, money, t, tn } from "../i18n";
import { Button, Choice, Dialog, Failure, Notice, State, Time, useTitle, Waiting, Writing } from "../parts/basics";
import { useKeys } from "../parts/keys";
import { say, sayFailure } from "../parts/toast";
import { go, link, place, setQuery } from "../router";
import type { Estimate, Health, Project, ProjectCreate, ProjectList, UsageReport } from "../schema";
import { remembered } from "../settings";
import { follow } from "../stream";
import { Tile } from "./tile";

const ideas = ["idea.1", "idea.2", "idea.3"] as const;
/** What somebody typed is there again after a reload. */
const draft = remembered("draft", "");
const stack = remembered<"plain" | "react">("stack", "plain");
const mode = remembered<"builder" | "student">("mode", "builder");
const busy = signal(false);

/** titleOf makes a title of an idea: its first line, cut at a word. */
function titleOf(idea: string): string {
  const line = idea.trim().split("\n")[0]!.trim();
  const short = line.length <= 80 ? line : line.slice(0, 79).replace(/\s+\S*$/, "") + "…";
  return short.length < 3 ? "App: " + short : short;
}

async function build(idea: string): Promise<void> {
  if (busy.value) return; // a key that is held builds one
  busy.value = true;
  try {
    const body: ProjectCreate = { title: titleOf(idea), description: [...idea].slice(0, 1000).join(""), mode: mode.value };
    if (stack.value === "react") body.tech_stack = ["React", "Tailwind CSS", "TypeScript", "Vite"];
    const project = await client.projects.create(body);
    const job = await client.agents.runPipeline({ project_id: project.id, input_context: { user_message: idea } });
    draft.value = "";
    refresh("projects");
    go(link(["projects", project.id, "run", job.job_id]));
  } catch (e) {
    sayFailure(e);
  } finally {
    busy.value = false;
  }
}

export function StartScreen() {
  useTitle("");
  const shown = (place.value.query.get("show") ?? "all") as "all" | "archived";
  const query = shown === "archived" ? { status: shown } as const : {};
  const name = shown === "archived" ? "projects/archived" : "projects";
  const { list, more } = usePages(name, (s) => client.projects.list({ page_size: 24, ...query }, { signal: s }));
  const usage = useData<UsageReport>("usage/projects", (s) => client.models.sumUsage({ group_by: "project" }, { signal: s }));
  const costs = useMemo(() => usage.data && new Map(usage.data.items.map((u) => [u.key, u.cost_micro_usd])), [usage.data]);
  useOpenJobs();
  const input = useRef<HTMLTextAreaElement>(null);
  const [at, setAt] = useState(-1);
  const items = list.data?.items ?? [];
  useKeys([
    { keys: "/", name: t("start.focus"), run: () => input.current?.focus() },
    { keys: "j", name: t("start.next"), run: () => focusCard(setAt, Math.min(at + 1, items.length - 1)) },
    { keys: "k", name: t("start.previous"), run: () => focusCard(setAt, Math.max(at - 1, 0)) },
  ]);
  return (
    <div class="page start-page">
      <Ask input={input} />
      <section class="projects" aria-labelledby="projects-title">
        <header class="section-head">
          <h2 id="projects-title">{shown === "archived" ? t("projects.archived") : t("projects.title")}</h2>
          {list.data && list.data.total > 0 && <span class="count">{list.data.total}</span>}
          <span class="grow" />
          <Choice label={t("projects.show")} is={shown} of={[["all", t("projects.all")], ["archived", t("projects.archive")]]} onChange={(m) => setQuery({ show: m === "all" ? null : m })} />
        </header>
        {list.error && !list.data ? <Failure error={list.error} retry={() => refresh(name)} />
        : !list.data ? <div class="cards">{Array.from({ length: 3 }, (_, i) => <div class="card bone-card" key={i}><Waiting rows={1} /></div>)}</div>
        : items.length === 0 ? <Notice icon="layers" title={shown === "archived" ? t("projects.none.archived") : t("projects.none")}><p>{shown === "archived" ? "" : t("projects.none.text")}</p></Notice>
        : (
          <ul class="cards">
            {items.map((p) => <li key={p.id}><Card project={p} cost={costs?.get(p.id)} /></li>)}
          </ul>
        )}
        {list.data?.has_more && <p class="more"><Button onClick={more} busy={list.loading}>{t("more")}</Button></p>}
      </section>
    </div>
  );
}

function focusCard(set: (n: number) => void, n: number): void {
  set(n);
  document.querySelectorAll<HTMLElement>(".cards .card-link")[n]?.focus();
}

function Ask({ input }: { input: { current: HTMLTextAreaElement | null } }) {
  const health = useData<Health>("health", (s) => client.system.health({ signal: s }));
  const estimate = useData<Estimate>("estimate/builder", (s) => client.models.getEstimate({ agent_type: "builder" }, { signal: s }));
  const idea = draft.value;
  const submit = () => {
    if (idea.trim()) void build(idea.trim());
    else input.current?.focus();
  };
  return (
    <section class="ask" aria-labelledby="ask-title">
      <h1 id="ask-title">{t("start.title")}</h1>
      <form class="ask-box" onSubmit={(e) => (e.preventDefault(), submit())}>
        <Writing id="idea" input={input} text={idea} highest={320} label={t("start.title")} hint={t("start.hint")} onText={(to) => (draft.value = to)} onSend={submit} />
        <div class="ask-foot">
          <Choice label={t("stack")} is={stack.value} of={[["plain", t("stack.plain")], ["react", t("stack.react")]]} onChange={(to) => (stack.value = to)} />
          <label class="learn-too fine"><input type="checkbox" checked={mode.value === "student"} onChange={(e) => (mode.value = e.currentTarget.checked ? "student" : "builder")} />{t("start.learn")}</label>
          <span class="ask-facts" aria-live="off">
            {estimate.data && <Facts estimate={estimate.data} />}
          </span>
          <Button id="build" type="submit" kind="primary" icon="spark" busy={busy.value}>{t("start.build")}</Button>
        </div>
      </form>
      <div class="ideas" role="group" aria-label={t("ideas")}>
        {ideas.map((i) => (
          <button type="button" key={i} class="idea" onClick={() => ((draft.value = t(i)), input.current?.focus())}>{t(i)}</button>
        ))}
      </div>
      <p class="fine offline-model">{isBuiltIn(health.data?.model) && t("start.offline")}</p>
    </section>
  );
}

function Facts({ estimate }: { estimate: Estimate }) {
  const { p50: cost, p90: most } = estimate.cost_micro_usd;
  const free = isBuiltIn(estimate.model);
  const below = (n: string) => t("estimate.below", { n }) + (estimate.basis === "history" ? " " + tn("estimate.of", estimate.jobs) : "");
  return (
    <>
      <span title={t("estimate.model")}>{free ? t("model.offline") : estimate.model}</span>
      {(!free || estimate.basis === "history") && <span title={below(duration(estimate.duration_ms.p90))}>{t("estimate.about", { n: duration(estimate.duration_ms.p50) })}</span>}
      <span title={free || most === null ? undefined : below(money(most))}>{free ? t("cost.free") : cost === null ? t("cost.unknown") : t("estimate.about", { n: money(cost) })}</span>
    </>
  );
}

interface Running {
  readonly project: string;
  progress: number;
  status: string;
}

/** What runs now, of all projects, by project. */
const running = signal<ReadonlyMap<string, Running>>(new Map());

function useOpenJobs(): void {
  useEffect(() => {
    const jobs = new Map<string, Running>();
    return follow((o) => client.jobs.watchAll(o), {
      onEvents(events) {
        let ended = false;
        for (const { type, data } of events) {
          if (type === "ready") {
            jobs.clear();
            for (const j of data["jobs"] as { id: string; project_id: string; progress: number; status: string }[]) jobs.set(j.id, { project: j.project_id, progress: j.progress, status: j.status });
            continue;
          }
          const id = data["job_id"] as string;
          if (type === "job") jobs.set(id, { project: data["project_id"] as string, progress: 0, status: data["status"] as string });
          const j = jobs.get(id);
          if (j && typeof data["progress"] === "number") j.progress = data["progress"];
          if (j && typeof data["status"] === "string" && type !== "stage") j.status = data["status"];
          if (type === "complete" || type === "error" || type === "cancelled") ended = jobs.delete(id) || ended;
        }
        running.value = new Map([...jobs.values()].map((j) => [j.project, j]));
        if (ended) refresh("projects", "usage/");
      },
    });
  }, []);
}

function Card({ project: p, cost }: { project: Project; cost: number | null | undefined }) {
  const [asking, setAsking] = useState(false);
  const now = running.value.get(p.id);
  const archived = p.status === "archived";
  const archive = async () => {
    setAsking(false);
    try {
      await client.projects.archive(p.id);
      change<ProjectList>("projects", (l) => ({ ...l, items: l.items.filter((x) => x.id !== p.id), total: l.total - 1 }));
      refresh("projects");
      say(t("projects.archived.one", { title: p.title }), "calm", { name: t("undo"), run: () => void restore(p) });
    } catch (e) {
      sayFailure(e);
    }
  };
  return (
    <article class="card">
      <Tile project={p} />
      <div class="card-body">
        <h3><a class="card-link" href={link(["projects", p.id])}>{p.title}</a></h3>
        <p class="card-facts">
          <State is={now ? (now.status === "waiting_for_input" ? now.status : "running") : p.status} of={now ? "job" : "project"} />
          <span>{p.revision > 0 ? tn("revisions", p.revision) : t("revisions.none")}</span>
          {cost !== undefined && <span class="tabular" title={t("projects.cost")}>{cost === 0 ? t("cost.free") : money(cost)}</span>}
          <span class="grow" />
          <Time at={p.updated_at} />
        </p>
      </div>
      {now && <progress class="progress thin" max={100} value={now.progress} aria-label={t("progress")} />}
      <Button kind="quiet" class="card-more" icon={archived ? "restore" : "archive"} label={archived ? t("projects.restore", { title: p.title }) : t("projects.archive.one", { title: p.title })} onClick={() => (archived ? void restore(p) : setAsking(true))} />
      {asking && (
        <Dialog title={t("projects.archive.ask")} onClose={() => setAsking(false)}>
          <p>{t("projects.archive.text", { title: p.title })}</p>
          <p class="dialog-foot"><Button onClick={() => setAsking(false)}>{t("cancel")}</Button><Button kind="primary" icon="archive" onClick={() => void archive()}>{t("projects.archive.do")}</Button></p>
        </Dialog>
      )}
    </article>
  );
}

async function restore(p: Project): Promise<void> {
  try {
    await client.projects.update(p.id, { status: "in-progress" });
    refresh("projects");
  } catch (e) {
    sayFailure(e);
  }
}
