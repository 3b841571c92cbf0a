// Models and where the calls of each agent go: in which order, how they stand, what they cost, and what is wrong.
import { get } from "../api";
import { refresh, useData } from "../data";
import { compact, money, t, tx } from "../i18n";
import { Chip, Choice, Failure, Notice, useTitle, Waiting } from "../parts/basics";
import { Icon } from "../parts/icon";
import { place, setQuery } from "../router";
import type { ModelList, ModelState } from "../schema";

export function ModelsScreen() {
  useTitle(t("nav.models"));
  const list = useData<ModelList>("models", (s) => get("v1/models", s));
  const show = (place.value.query.get("show") ?? "configured") as "configured" | "all";
  const all = list.data?.models ?? [];
  const models = show === "all" ? all : all.filter(usable);
  return (
    <div class="page">
      <header class="page-head"><h1>{t("nav.models")}</h1></header>
      {list.error && !list.data ? <Failure error={list.error} retry={() => refresh("models")} /> : !list.data ? <Waiting rows={8} /> : (
        <>
          {list.data.warnings.length > 0 && (
            <ul class="warnings">
              {list.data.warnings.map((w, i) => <li key={i}><Icon name="warning" />{w.message}</li>)}
            </ul>
          )}
          <section>
            <header class="section-head"><h2>{t("routes.title")}</h2></header>
            <div class="table-scroll" tabIndex={0} role="group" aria-label={t("routes.title")}>
              <table class="table">
                <thead><tr><th>{t("usage.agent")}</th><th>{t("routes.chain")}</th><th>{t("routes.effort")}</th></tr></thead>
                <tbody>
                  {list.data.routes.map((r) => (
                    <tr key={r.agent}>
                      <td>{tx("agent", r.agent)}</td>
                      <td class="chain">{r.chain.map((m, i) => <span key={m}>{i > 0 && <Icon name="arrow" />}<code>{m}</code></span>)}</td>
                      <td>{r.effort || "–"}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </section>
          <section>
            <header class="section-head">
              <h2>{t("nav.models")}</h2><span class="count">{models.length}</span><span class="grow" />
              <Choice label={t("models.show")} is={show} of={[["configured", t("models.configured")], ["all", t("models.all")]]} onChange={(to) => setQuery({ show: to })} />
            </header>
            {models.length === 0 ? <Notice icon="layers" title={t("models.none")}><p>{t("models.none.text")}</p></Notice> : (
              <div class="table-scroll" tabIndex={0} role="group" aria-label={t("nav.models")}>
                <table class="table">
                  <thead><tr><th>{t("usage.model")}</th><th>{t("models.state")}</th><th class="num">{t("models.context")}</th><th class="num">{t("models.in")}</th><th class="num">{t("models.out")}</th><th>{t("models.ends")}</th></tr></thead>
                  <tbody>{models.map((m) => <Row key={m.name} model={m} />)}</tbody>
                </table>
              </div>
            )}
          </section>
        </>
      )}
    </div>
  );
}

const usable = (m: ModelState) => m.configured || m.provider === "scaffold";

function Row({ model: m }: { model: ModelState }) {
  const price = m.prices[0];
  const [tone, icon, word] =
    m.gone ? (["bad", "failed", t("models.gone")] as const)
    : m.breaker === "open" ? (["bad", "paused", t("models.paused", { n: Math.ceil(m.paused_ms / 1000) })] as const)
    : m.breaker === "half-open" ? (["warn", "question", t("models.trying")] as const)
    : usable(m) ? (["good", "check", t("models.ready")] as const)
    : (["calm", "minus", t("models.nokey")] as const);
  return (
    <tr>
      <td><code>{m.name}</code></td>
      <td><Chip tone={tone} icon={icon}>{word}</Chip></td>
      <td class="num">{m.context ? compact(m.context) : "–"}</td>
      <td class="num">{price ? money(price.input_micro_usd) : "–"}</td>
      <td class="num">{price ? money(price.output_micro_usd) : "–"}</td>
      <td>{m.ends ? m.ends.slice(0, 10) : "–"}</td>
    </tr>
  );
}
