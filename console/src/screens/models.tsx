// Models and where the calls of each agent go: in which order, how they stand, what they cost, and what is wrong. One can be tried.
import { useEffect, useState } from "preact/hooks";
import { call, get } from "../api";
import { refresh, useData } from "../data";
import { compact, duration, money, t, tx } from "../i18n";
import { Button, Chip, Choice, Failure, Notice, useTitle, Waiting } from "../parts/basics";
import { Icon, type IconName } from "../parts/icon";
import { sayFailure } from "../parts/toast";
import { link, place, setQuery } from "../router";
import type { ModelList, ModelPrice, ModelState, ModelTrial } from "../schema";

type Show = "configured" | "all";

export function ModelsScreen() {
  useTitle(t("nav.models"));
  const list = useData<ModelList>("models", (s) => get("v1/models", s));
  const show: Show = place.value.query.get("show") === "all" ? "all" : "configured";
  const models = list.data?.models ?? [];
  const resting = models.some((m) => m.paused_ms > 0 || m.breaker !== "closed");
  useEffect(() => {
    if (!resting) return;
    const timer = setInterval(() => document.visibilityState === "visible" && refresh("models"), 5000);
    return () => clearInterval(timer);
  }, [resting]);
  return (
    <div class="page">
      <header class="page-head"><h1>{t("nav.models")}</h1><span class="grow" /><Button icon="reload" label={t("jobs.reload")} busy={list.loading && !!list.data} onClick={() => refresh("models")} /></header>
      {list.error && !list.data ? <Failure error={list.error} retry={() => refresh("models")} /> : !list.data ? <Waiting rows={8} /> : (
        <>
          {list.data.warnings.length > 0 && (
            <ul class="warnings" aria-label={t("models.warnings")}>
              {list.data.warnings.map((w, i) => <li key={i}><Icon name="warning" /><span>{w.message}</span></li>)}
            </ul>
          )}
          <Routes list={list.data} />
          <Models all={models} show={show} checked={list.data.checked_on} />
        </>
      )}
    </div>
  );
}

/** Routes say who is asked for what; what has no key is passed over. */
function Routes({ list }: { list: ModelList }) {
  const of = new Map(list.models.map((m) => [m.name, m]));
  return (
    <section>
      <header class="section-head"><h2>{t("routes.title")}</h2></header>
      <ul class="routes">
        {list.routes.map((r) => {
          const over = r.wanted.filter((m) => !r.chain.includes(m));
          return (
            <li key={r.agent}>
              <p class="route-agent"><strong>{tx("agent", r.agent)}</strong>{r.effort && <span class="fine">{t("routes.effort")}: {tx("effort", r.effort)}</span>}</p>
              <ol class="chain">
                {r.chain.map((m) => <li key={m}><Dot model={of.get(m)} /><code>{m}</code></li>)}
              </ol>
              {over.length > 0 && <p class="fine route-over">{t("routes.over")} {over.map((m, i) => <span key={m}>{i > 0 && ", "}<code>{m}</code></span>)}</p>}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** usable models can be called: with a key of the server, or because they need none. */
const usable = (m: ModelState) => m.configured || m.provider === "scaffold";

/** standing is how a model is: by a colour, an icon and a word. */
function standing(m: ModelState): readonly [tone: string, icon: IconName, word: string] {
  if (m.gone) return ["bad", "failed", t("models.gone")];
  if (m.breaker === "open") return ["bad", "paused", t("models.failing")];
  if (m.paused_ms > 0) return ["warn", "paused", t("models.paused", { n: Math.ceil(m.paused_ms / 1000) })];
  if (m.breaker === "half-open") return ["warn", "question", t("models.trying")];
  return usable(m) ? ["good", "check", t("models.ready")] : ["calm", "minus", t("models.nokey")];
}

function Dot({ model }: { model: ModelState | undefined }) {
  if (!model) return null;
  const [tone, icon, word] = standing(model);
  return <span class={"of-" + tone} title={word}><Icon name={icon} /><span class="hidden">{word}</span></span>;
}

function Models({ all, show, checked }: { all: readonly ModelState[]; show: Show; checked: string }) {
  const models = show === "all" ? all : all.filter(usable);
  return (
    <section>
      <header class="section-head">
        <h2>{t("nav.models")}</h2><span class="count">{models.length}</span><span class="grow" />
        <Choice label={t("models.show")} is={show} of={[["configured", t("models.configured")], ["all", t("models.all")]]} onChange={(to) => setQuery({ show: to })} />
      </header>
      {!all.some((m) => m.configured && m.provider !== "scaffold") && <p class="fine models-own">{t("models.none.text")} <a href={link(["settings", "keys"])}>{t("settings.keys")}</a></p>}
      {models.length === 0 ? <Notice icon="layers" title={t("models.none")} /> : <ul class="models">{models.map((m) => <Model key={m.name} model={m} />)}</ul>}
      {checked && <p class="fine models-own">{t("models.checked", { day: checked })}</p>}
    </section>
  );
}

const soonEnds = 60 * 86_400_000;

function Model({ model: m }: { model: ModelState }) {
  const [trial, setTrial] = useState<ModelTrial | null>(null);
  const [busy, setBusy] = useState(false);
  const [tone, icon, word] = standing(m);
  const price = m.prices[0];
  const one = !m.name.endsWith(":*"); // that stands for one, not for all that are not named
  const test = async () => {
    setBusy(true);
    try {
      setTrial(await call<ModelTrial>("POST", "v1/models/test", { body: { model: m.name } }));
      refresh("models", "usage");
    } catch (e) {
      sayFailure(e);
    } finally {
      setBusy(false);
    }
  };
  const ending = m.ends && Date.parse(m.ends) - Date.now() < soonEnds;
  return (
    <li data-model={m.name}>
      <div class="model-head">
        <code>{m.name}</code>
        <Chip tone={tone} icon={icon}>{word}</Chip>
        <span class="grow" />
        {one && usable(m) && m.provider !== "scaffold" && <Button busy={busy} onClick={() => void test()}>{t("models.test")}</Button>}
      </div>
      <dl class="model-facts">
        <div><dt>{t("models.in")}</dt><dd>{price ? money(price.input_micro_usd) : "–"}</dd></div>
        <div><dt>{t("models.out")}</dt><dd>{price ? money(price.output_micro_usd) : "–"}</dd></div>
        <div><dt>{t("models.context")}</dt><dd>{m.context ? compact(m.context) : "–"}</dd></div>
        <div><dt>{t("models.most")}</dt><dd>{m.max_output ? compact(m.max_output) : "–"}</dd></div>
        <div><dt>{t("models.ends")}</dt><dd class={ending ? "of-warn" : ""}>{m.ends ?? "–"}</dd></div>
      </dl>
      <Further model={m} />
      {trial && <Tried trial={trial} />}
    </li>
  );
}

/** Further is what is known of a model beyond its row. */
function Further({ model: m }: { model: ModelState }) {
  const tiers = m.prices.slice(1);
  const first = m.prices[0];
  const said: string[] = [];
  if (m.served_by) said.push(t("models.served", { name: m.served_by }));
  if (m.successor) said.push(t("models.successor", { name: m.successor }));
  if (first?.cached_read_micro_usd != null) said.push(t("models.cached", { n: money(first.cached_read_micro_usd) }));
  for (const p of tiers) said.push(tier(p));
  if (m.notes) said.push(m.notes);
  return said.length > 0 ? <p class="fine">{said.join(" · ")}</p> : null;
}

const tier = (p: ModelPrice) => t("models.tier", { n: compact(p.above_prompt), in: money(p.input_micro_usd), out: money(p.output_micro_usd) });

/** Tried says what came of a call. */
function Tried({ trial: x }: { trial: ModelTrial }) {
  if (!x.answered) return <p class="tried" role="status"><Chip tone="bad" icon="failed">{t("models.test.failed")}</Chip><span>{x.message}</span></p>;
  return (
    <p class="tried" role="status">
      <Chip tone="good" icon="check">{t("models.test.good")}</Chip>
      <span class="tabular">{[duration(x.duration_ms), x.first_token_ms != null && x.first_token_ms >= 50 ? t("models.test.first", { time: duration(x.first_token_ms) }) : "", t("models.test.tokens", { in: x.input_tokens, out: x.output_tokens }), money(x.cost_micro_usd), x.own_key ? t("models.test.own") : ""].filter(Boolean).join(" · ")}</span>
    </p>
  );
}
