// What models were used for and cost, in all or for one project or job, and the ceilings on that.
import { useState } from "preact/hooks";
import { call, get } from "../api";
import { refresh, useData } from "../data";
import { compact, language, money, number, t, tn, tx } from "../i18n";
import { Button, Choice, Dialog, Failure, Notice, useTitle, Waiting } from "../parts/basics";
import { FieldError, useSending } from "../parts/forms";
import { Icon } from "../parts/icon";
import { say } from "../parts/toast";
import { link, place, setQuery } from "../router";
import type { Budget, BudgetList, Project, ProjectList, UsageReport, UsageSum, UserJobList } from "../schema";

type Group = "day" | "model" | "agent" | "project";
type Span = "7" | "30" | "90";
type Scope = Budget["scope"];

const groups: readonly Group[] = ["day", "model", "agent", "project"];
const useProjects = () => useData<ProjectList>("projects/all", (s) => get("v1/projects/?page_size=50", s));

export function UsageScreen() {
  useTitle(t("nav.usage"));
  const q = place.value.query;
  const span = (["7", "30", "90"].find((d) => d === q.get("days")) ?? "30") as Span;
  const project = q.get("project") ?? "";
  const job = q.get("job") ?? "";
  const asked = groups.find((g) => g === q.get("by")) ?? "day";
  const group = asked === "project" && (project || job) ? "day" : asked;
  const from = new Date(Date.now() - (Number(span) - 1) * 86_400_000).toISOString().slice(0, 10) + "T00:00:00Z";
  const of = (project ? "&project_id=" + project : "") + (job ? "&job_id=" + job : "");
  const load = (by: Group) => (s: AbortSignal) => get<UsageReport>(`v1/usage?group_by=${by}&limit=100&from=${from}${of}`, s);
  const days = useData<UsageReport>(`usage/day/${span}${of}`, load("day"));
  const other = useData<UsageReport>(group === "day" ? null : `usage/${group}/${span}${of}`, load(group));
  const projects = useProjects();
  const known = !!days.data || !!days.error; // what is below comes with what is above it
  return (
    <div class="page">
      <header class="page-head">
        <h1>{t("nav.usage")}</h1>
        <span class="grow" />
        {job ? <span class="only"><a href={link(["jobs"])}>{t("usage.job")} <code>{job.slice(0, 8)}</code></a><Button kind="quiet" icon="close" label={t("usage.every")} onClick={() => setQuery({ job: null })} /></span>
        : (
          <select class="select" id="usage-project" aria-label={t("usage.project")} value={project} onChange={(e) => setQuery({ project: e.currentTarget.value })}>
            <option value="">{t("usage.every")}</option>
            {projects.data?.items.map((p) => <option key={p.id} value={p.id}>{p.title}</option>)}
          </select>
        )}
        <Choice label={t("usage.span")} is={span} of={[["7", t("usage.days", { n: 7 })], ["30", t("usage.days", { n: 30 })], ["90", t("usage.days", { n: 90 })]]} onChange={(to) => setQuery({ days: to })} />
      </header>
      {days.error && !days.data ? <Failure error={days.error} retry={() => refresh("usage")} /> : !days.data ? <Waiting rows={5} /> : (
        <>
          <Totals of={days.data.total} />
          <Bars days={days.data.items} span={Number(span)} />
        </>
      )}
      {known && <section>
        <header class="section-head">
          <h2>{t("usage.by")}</h2>
          <span class="grow" />
          <Choice label={t("usage.by")} is={group} of={groups.filter((g) => g !== "project" || !(project || job)).map((g) => [g, t(`usage.${g}`)])} onChange={(to) => setQuery({ by: to })} />
        </header>
        <Table report={group === "day" ? days : other} group={group} known={projects.data?.items ?? []} />
      </section>}
      {known && <Budgets project={project} job={job} projects={projects.data?.items ?? []} />}
    </div>
  );
}

function Totals({ of: u }: { of: UsageSum }) {
  return (
    <dl class="totals">
      <div><dt>{t("run.cost")}</dt><dd>{money(u.cost_micro_usd)}{u.cost_estimated && u.cost_micro_usd !== null && <small>{t("usage.guess")}</small>}</dd></div>
      {u.own_calls > 0 && <div><dt>{t("usage.own")}</dt><dd>{money(u.own_cost_micro_usd)}</dd></div>}
      <div><dt>{t("run.calls")}</dt><dd>{number(u.calls)}</dd></div>
      <div><dt>{t("usage.failed")}</dt><dd>{number(u.failed)}</dd></div>
      <div><dt>{t("usage.in")}</dt><dd>{compact(u.input_tokens)}</dd></div>
      <div><dt>{t("usage.out")}</dt><dd>{compact(u.output_tokens)}</dd></div>
    </dl>
  );
}

function Table({ report, group, known }: { report: { data?: UsageReport; error?: Error }; group: Group; known: readonly Project[] }) {
  if (report.error && !report.data) return <Failure error={report.error} retry={() => refresh("usage")} />;
  if (!report.data) return <Waiting rows={4} />;
  if (report.data.items.length === 0) return <Notice icon="coins" title={t("usage.none")} />;
  return (
    <div class="table-scroll" tabIndex={0} role="group" aria-label={t("usage.by")}>
      <table class="table usage-table">
        <thead><tr><th>{t(`usage.${group}`)}</th><th class="num">{t("run.calls")}</th><th class="num">{t("usage.failed")}</th><th class="num">{t("usage.in")}</th><th class="num">{t("usage.out")}</th><th class="num">{t("run.cost")}</th></tr></thead>
        <tbody>
          {report.data.items.map((u) => (
            <tr key={u.key}><td><Name group={group} of={u.key} known={known} /></td><td class="num">{number(u.calls)}</td><td class="num">{number(u.failed)}</td><td class="num">{compact(u.input_tokens)}</td><td class="num">{compact(u.output_tokens)}</td><td class="num">{money(u.cost_micro_usd)}</td></tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Name is what a row is of. A project that the list does not have is asked for by itself. */
function Name({ group, of, known }: { group: Group; of: string; known: readonly Project[] }) {
  const there = known.find((p) => p.id === of);
  const asked = useData<Project>(group === "project" && of && !there ? `project/${of}` : null, (s) => get(`v1/projects/${of}`, s));
  if (of === "") return <>{t("usage.nothing")}</>;
  if (group === "agent") return <>{tx("agent", of)}</>;
  if (group === "model") return <code>{of}</code>;
  if (group === "day") return <>{new Date(of).toLocaleDateString(language.value, { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" })}</>;
  const title = there?.title ?? asked.data?.title;
  return title ? <a class="named" href={link(["usage"], { project: of })}>{title}</a> : <span class="fine">{t("usage.gone")} <code>{of.slice(0, 8)}</code></span>;
}

/** Bars are tokens by day, as a picture that the table below has in numbers. */
function Bars({ days, span }: { days: readonly UsageSum[]; span: number }) {
  const of = new Map(days.map((d) => [d.key.slice(0, 10), d]));
  const all = Array.from({ length: span }, (_, i) => new Date(Date.now() - (span - 1 - i) * 86_400_000).toISOString().slice(0, 10));
  const tokens = (d: string) => (of.get(d)?.input_tokens ?? 0) + (of.get(d)?.output_tokens ?? 0);
  const most = Math.max(1, ...all.map(tokens));
  const wide = 600 / span;
  const day = (d: string) => new Date(d).toLocaleDateString(language.value, { day: "numeric", month: "short", timeZone: "UTC" });
  return (
    <figure class="bars">
      <figcaption>{t("usage.chart")}<span class="grow" />{most > 1 && t("usage.most", { n: compact(most) })}</figcaption>
      <svg viewBox="0 0 600 96" preserveAspectRatio="none" role="img" aria-label={t("usage.chart")}>
        {all.map((d, i) => {
          const high = Math.max(tokens(d) ? 2 : 0, (tokens(d) / most) * 92);
          return <rect key={d} class="bar" x={i * wide + wide * 0.15} y={96 - high} width={wide * 0.7} height={high}><title>{`${day(d)}: ${compact(tokens(d))}`}</title></rect>;
        })}
        <line x1="0" y1="95.500" x2="600" y2="95.500" class="axis" />
      </svg>
      <p class="bars-ends"><span>{day(all[0]!)}</span><span>{day(all[span - 1]!)}</span></p>
    </figure>
  );
}

/** Budgets are the ceilings on somebody, and on the project or job that the page is about. */
function Budgets({ project, job, projects }: { project: string; job: string; projects: readonly Project[] }) {
  const of = (project ? "&project_id=" + project : "") + (job ? "&job_id=" + job : "");
  const name = "budgets/" + of;
  const list = useData<BudgetList>(name, (s) => get("v1/budgets?" + of.slice(1), s));
  const [asking, setAsking] = useState<{ scope: Scope; id: string } | null>(null);
  const titleOf = (b: Budget) => (b.scope.startsWith("project") ? (projects.find((p) => p.id === b.id)?.title ?? "") : b.scope === "job" ? b.id.slice(0, 8) : "");
  return (
    <section>
      <header class="section-head"><h2>{t("budgets.title")}</h2><span class="grow" /><Button id="set-budget" icon="add" onClick={() => setAsking(job ? { scope: "job", id: job } : project ? { scope: "project_month", id: project } : { scope: "user_month", id: "" })}>{t("budgets.set")}</Button></header>
      {list.error && !list.data ? <Failure error={list.error} retry={() => refresh(name)} /> : !list.data ? <Waiting rows={2} /> : list.data.items.length === 0 ? <Notice icon="coins" title={t("budgets.none")}><p>{t("budgets.text")}</p></Notice> : (
        <ul class="budgets">{list.data.items.map((b) => <Ceiling key={b.scope + b.id} budget={b} title={titleOf(b)} onEdit={() => setAsking({ scope: b.scope, id: b.id })} />)}</ul>
      )}
      {list.data && list.data.unpriced_models.length > 0 && <p class="fine models-own">{t("budgets.unpriced", { models: tn("models", list.data.unpriced_models.length) })}: {list.data.unpriced_models.join(", ")}</p>}
      {asking && <SetBudget scope={asking.scope} id={asking.id} projects={projects} onClose={() => setAsking(null)} />}
    </section>
  );
}

function Ceiling({ budget: b, title, onEdit }: { budget: Budget; title: string; onEdit: () => void }) {
  const full = Math.max(1, b.limit_micro_usd);
  const part = (n: number) => Math.min(100, (n / full) * 100);
  const free = Math.max(0, b.limit_micro_usd - b.spent_micro_usd - b.reserved_micro_usd);
  const said = t("budgets.of", { spent: money(b.spent_micro_usd), limit: money(b.limit_micro_usd) });
  const tight = free === 0 ? "over" : free < full * 0.1 ? "near" : "";
  return (
    <li class={tight}>
      <p><strong>{tx("scope", b.scope)}</strong>{title && <span class="budget-of">{title}</span>}<span class="grow" /><Button kind="quiet" icon="edit" label={t("budgets.change", { name: tx("scope", b.scope) })} onClick={onEdit} /></p>
      <svg class="meter" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label={said}>
        <rect class="meter-all" width="100" height="6" />
        <rect class="meter-spent" width={part(b.spent_micro_usd)} height="6" />
        <rect class="meter-reserved" x={part(b.spent_micro_usd)} width={part(b.reserved_micro_usd)} height="6" />
      </svg>
      <p class="fine budget-facts">
        {tight && <span class="tight"><Icon name="warning" />{tight === "over" ? t("budgets.over") : t("budgets.near")}</span>}
        <strong class="tabular">{said}</strong>
        <span>{t("budgets.free", { n: money(free) })}</span>
        {b.reserved_micro_usd > 0 && <span class="reserved">{t("budgets.reserved", { n: money(b.reserved_micro_usd) })}</span>}
        {b.scope !== "job" && <span>{b.scope.endsWith("day") ? t("budgets.until.day") : t("budgets.until.month")}</span>}
      </p>
    </li>
  );
}

const scopes: readonly Scope[] = ["user_month", "user_day", "project_month", "project_day", "job"];

function SetBudget({ scope: first, id: of, projects, onClose }: { scope: Scope; id: string; projects: readonly Project[]; onClose: () => void }) {
  const [scope, setScope] = useState(first);
  const [ids, setIDs] = useState({ project: first.startsWith("project") ? of : "", job: first === "job" ? of : "" });
  const [limit, setLimit] = useState("");
  const form = useSending();
  const jobs = useData<UserJobList>(scope === "job" ? "jobs/budgets" : null, (s) => get("v1/jobs?limit=50", s));
  const open = (jobs.data?.items ?? []).filter((j) => !["completed", "failed", "cancelled"].includes(j.status) || j.job_id === ids.job);
  const id = scope === "job" ? ids.job : scope.startsWith("project") ? ids.project : "";
  const set = (to: number | null) => form.send(async () => {
    await call("PUT", "v1/budgets", { body: { scope, limit_usd: to, ...(id ? { id } : {}) } });
    refresh("budgets/");
    say(to === null ? t("budgets.lifted") : t("budgets.done"), "good");
    onClose();
  });
  const amount = Number(limit.replace(",", "."));
  const named = scope.startsWith("user") || id !== "";
  const good = named && limit.trim() !== "" && Number.isFinite(amount) && amount >= 0;
  return (
    <Dialog title={t("budgets.set")} onClose={onClose}>
      <form onSubmit={(e) => (e.preventDefault(), good && void set(amount))}>
        <label class="labelled">{t("budgets.scope")}
          <select class="select wide" id="budget-scope" value={scope} onChange={(e) => (setScope(e.currentTarget.value as Scope), form.clear())}>
            {scopes.map((s) => <option key={s} value={s}>{tx("scope", s)}</option>)}
          </select>
        </label>
        {scope.startsWith("project") && <label class="labelled">{t("usage.project")}
          <select class="select wide" id="budget-project" required value={ids.project} onChange={(e) => (setIDs({ ...ids, project: e.currentTarget.value }), form.clear())}>
            <option value="">{t("budgets.pick")}</option>
            {projects.map((p) => <option key={p.id} value={p.id}>{p.title}</option>)}
          </select>
        </label>}
        {scope === "job" && (open.length === 0 && !ids.job ? <p class="fine">{jobs.loading ? t("loading") : t("budgets.nojob")}</p> : <label class="labelled">{t("usage.job")}
          <select class="select wide" value={ids.job} onChange={(e) => (setIDs({ ...ids, job: e.currentTarget.value }), form.clear())}>
            <option value="">{t("budgets.pick")}</option>
            {ids.job && !open.some((j) => j.job_id === ids.job) && <option value={ids.job}>{ids.job.slice(0, 8)}</option>}
            {open.map((j) => <option key={j.job_id} value={j.job_id}>{tx("agent", j.agent_type)} · {projects.find((p) => p.id === j.project_id)?.title ?? j.job_id.slice(0, 8)} · {tx("job", j.status)}</option>)}
          </select>
        </label>)}
        <label class="labelled">{t("budgets.limit")}<input class="field" id="budget-limit" autofocus inputMode="decimal" autocomplete="off" value={limit} placeholder="5.00" onInput={(e) => (setLimit(e.currentTarget.value), form.clear())} /></label>
        <p class="fine">{t("budgets.text")}</p>
        <FieldError>{form.error}</FieldError>
        <p class="dialog-foot"><Button kind="quiet" disabled={!named || form.busy} onClick={() => void set(null)}>{t("budgets.lift")}</Button><span class="grow" /><Button onClick={onClose}>{t("cancel")}</Button><Button type="submit" id="save-budget" kind="primary" busy={form.busy} disabled={!good}>{t("save")}</Button></p>
      </form>
    </Dialog>
  );
}
