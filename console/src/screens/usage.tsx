// What models were used for and cost, and the ceilings on that.
import { useState } from "preact/hooks";
import { call, get } from "../api";
import { refresh, useData } from "../data";
import { compact, language, money, number, t, tn, tx } from "../i18n";
import { Button, Choice, Dialog, Failure, Notice, useTitle, Waiting, words } from "../parts/basics";
import { say } from "../parts/toast";
import { place, setQuery } from "../router";
import type { Budget, BudgetList, ProjectList, UsageReport, UsageSum } from "../schema";

type Group = "day" | "model" | "agent" | "project";
type Span = "7" | "30" | "90";

export function UsageScreen() {
  useTitle(t("nav.usage"));
  const group = (place.value.query.get("by") ?? "day") as Group;
  const span = (place.value.query.get("days") ?? "30") as Span;
  const from = new Date(Date.now() - (Number(span) - 1) * 86_400_000).toISOString().slice(0, 10) + "T00:00:00Z";
  const days = useData<UsageReport>(`usage/day/${span}`, (s) => get(`v1/usage?group_by=day&limit=100&from=${from}`, s));
  const other = useData<UsageReport>(group === "day" ? null : `usage/${group}/${span}`, (s) => get(`v1/usage?group_by=${group}&limit=100&from=${from}`, s));
  const projects = useData<ProjectList>(group === "project" ? "projects" : null, (s) => get("v1/projects/?page_size=24", s));
  const report = group === "day" ? days : other;
  const nameOf = (key: string) => (group === "project" ? (projects.data?.items.find((p) => p.id === key)?.title ?? key.slice(0, 8)) : group === "agent" ? tx("agent", key) : key);
  return (
    <div class="page">
      <header class="page-head">
        <h1>{t("nav.usage")}</h1>
        <span class="grow" />
        <Choice label={t("usage.span")} is={span} of={[["7", t("usage.days", { n: 7 })], ["30", t("usage.days", { n: 30 })], ["90", t("usage.days", { n: 90 })]]} onChange={(to) => setQuery({ days: to })} />
      </header>
      {days.error && !days.data ? <Failure error={days.error} retry={() => refresh("usage")} /> : !days.data ? <Waiting rows={5} /> : (
        <>
          <dl class="totals">
            <div><dt>{t("run.cost")}</dt><dd>{money(days.data.total.cost_micro_usd)}</dd></div>
            <div><dt>{t("run.calls")}</dt><dd>{number(days.data.total.calls)}</dd></div>
            <div><dt>{t("usage.failed")}</dt><dd>{number(days.data.total.failed)}</dd></div>
            <div><dt>{t("usage.in")}</dt><dd>{compact(days.data.total.input_tokens)}</dd></div>
            <div><dt>{t("usage.out")}</dt><dd>{compact(days.data.total.output_tokens)}</dd></div>
          </dl>
          <Bars days={days.data.items} span={Number(span)} />
        </>
      )}
      <section>
        <header class="section-head">
          <h2>{t("usage.by")}</h2>
          <span class="grow" />
          <Choice label={t("usage.by")} is={group} of={[["day", t("usage.day")], ["model", t("usage.model")], ["agent", t("usage.agent")], ["project", t("usage.project")]]} onChange={(to) => setQuery({ by: to })} />
        </header>
        {report.error && !report.data ? <Failure error={report.error} /> : !report.data ? <Waiting rows={4} /> : report.data.items.length === 0 ? <Notice icon="coins" title={t("usage.none")} /> : (
          <div class="table-scroll" tabIndex={0} role="group" aria-label={t("usage.by")}>
            <table class="table">
              <thead><tr><th>{t(`usage.${group}`)}</th><th class="num">{t("run.calls")}</th><th class="num">{t("usage.failed")}</th><th class="num">{t("usage.in")}</th><th class="num">{t("usage.out")}</th><th class="num">{t("run.cost")}</th></tr></thead>
              <tbody>
                {report.data.items.map((u) => (
                  <tr key={u.key}><td>{nameOf(u.key)}</td><td class="num">{number(u.calls)}</td><td class="num">{number(u.failed)}</td><td class="num">{compact(u.input_tokens)}</td><td class="num">{compact(u.output_tokens)}</td><td class="num">{money(u.cost_micro_usd)}</td></tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
      <Budgets />
    </div>
  );
}

/** Bars are tokens by day, as a picture that the table below has in numbers. */
function Bars({ days, span }: { days: readonly UsageSum[]; span: number }) {
  const of = new Map(days.map((d) => [d.key.slice(0, 10), d]));
  const all = Array.from({ length: span }, (_, i) => new Date(Date.now() - (span - 1 - i) * 86_400_000).toISOString().slice(0, 10));
  const tokens = (d: string) => (of.get(d)?.input_tokens ?? 0) + (of.get(d)?.output_tokens ?? 0);
  const most = Math.max(1, ...all.map(tokens));
  const wide = 600 / span;
  const day = (d: string) => new Date(d).toLocaleDateString(language.value, { day: "numeric", month: "short" });
  return (
    <figure class="bars">
      <figcaption>{t("usage.chart")}<span class="grow" />{t("usage.most", { n: compact(most) })}</figcaption>
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

function Budgets() {
  const list = useData<BudgetList>("budgets", (s) => get("v1/budgets", s));
  const [asking, setAsking] = useState(false);
  return (
    <section>
      <header class="section-head"><h2>{t("budgets.title")}</h2><span class="grow" /><Button icon="edit" onClick={() => setAsking(true)}>{t("budgets.set")}</Button></header>
      {list.error && !list.data ? <Failure error={list.error} retry={() => refresh("budgets")} /> : !list.data ? <Waiting rows={2} /> : list.data.items.length === 0 ? <p class="fine">{t("budgets.none")}</p> : (
        <ul class="budgets">
          {list.data.items.map((b) => {
            const full = Math.max(1, b.limit_micro_usd);
            return (
              <li key={b.scope + b.id}>
                <p><strong>{tx("scope", b.scope)}</strong><span class="grow" />{t("budgets.of", { spent: money(b.spent_micro_usd), limit: money(b.limit_micro_usd) })}</p>
                <svg class="meter" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label={t("budgets.of", { spent: money(b.spent_micro_usd), limit: money(b.limit_micro_usd) })}>
                  <rect class="meter-all" width="100" height="6" />
                  <rect class="meter-spent" width={Math.min(100, (b.spent_micro_usd / full) * 100)} height="6" />
                  <rect class="meter-reserved" x={Math.min(100, (b.spent_micro_usd / full) * 100)} width={Math.min(100, (b.reserved_micro_usd / full) * 100)} height="6" />
                </svg>
                {b.reserved_micro_usd > 0 && <p class="fine">{t("budgets.reserved", { n: money(b.reserved_micro_usd) })}</p>}
              </li>
            );
          })}
        </ul>
      )}
      {list.data && list.data.unpriced_models.length > 0 && <p class="fine">{t("budgets.unpriced", { models: tn("models", list.data.unpriced_models.length) })}: {list.data.unpriced_models.join(", ")}</p>}
      {asking && <SetBudget onClose={() => setAsking(false)} />}
    </section>
  );
}

function SetBudget({ onClose }: { onClose: () => void }) {
  const [scope, setScope] = useState<Budget["scope"]>("user_day");
  const [limit, setLimit] = useState("");
  const [error, setError] = useState("");
  const set = async (to: number | null) => {
    try {
      await call("PUT", "v1/budgets", { body: { scope, limit_usd: to } });
      refresh("budgets");
      say(t("budgets.done"), "good");
      onClose();
    } catch (e) {
      setError(words(e));
    }
  };
  const amount = Number(limit.replace(",", "."));
  const good = limit.trim() !== "" && Number.isFinite(amount) && amount >= 0;
  return (
    <Dialog title={t("budgets.set")} onClose={onClose}>
      <form onSubmit={(e) => (e.preventDefault(), good && void set(amount))}>
        <label class="labelled">{t("budgets.scope")}
          <select class="select" value={scope} onChange={(e) => setScope(e.currentTarget.value as Budget["scope"])}>
            {(["user_day", "user_month"] as const).map((s) => <option key={s} value={s}>{tx("scope", s)}</option>)}
          </select>
        </label>
        <label class="labelled">{t("budgets.limit")}<input class="field" inputMode="decimal" value={limit} placeholder="5.00" onInput={(e) => (setLimit(e.currentTarget.value), setError(""))} /></label>
        <p class="fine">{t("budgets.text")}</p>
        {error && <p class="field-error" role="alert">{error}</p>}
        <p class="dialog-foot"><Button kind="quiet" onClick={() => void set(null)}>{t("budgets.lift")}</Button><span class="grow" /><Button onClick={onClose}>{t("cancel")}</Button><Button type="submit" kind="primary" disabled={!good}>{t("save")}</Button></p>
      </form>
    </Dialog>
  );
}
