// What runs here: its version, how its parts are, what the doctor finds, and what to read.
import { useState } from "preact/hooks";
import { base, call, get, isBuiltIn } from "../../api";
import { refresh, useData } from "../../data";
import { t, tn, tx } from "../../i18n";
import { Button, Chip, Failure, Time, Waiting, words } from "../../parts/basics";
import { Icon, type IconName } from "../../parts/icon";
import type { Diagnosis, Finding, Health, Readiness } from "../../schema";
import { served } from "../../settings";

type Tone = readonly [tone: string, icon: IconName];
const ofCheck: Record<string, Tone> = { ok: ["good", "check"], degraded: ["warn", "warning"], failing: ["bad", "failed"] };
const ofFinding: Record<Finding["state"], Tone> = { broken: ["bad", "failed"], warning: ["warn", "warning"], ok: ["good", "check"] };

export function Server() {
  const health = useData<Health>("health", (s) => get("health", s));
  const ready = useData<Readiness>("readiness", (s) => get("readyz?verbose=true", s));
  return (
    <>
      <section class="settings-group">
        <header class="section-head"><h2>{t("settings.server")}</h2><span class="grow" /><Button kind="quiet" icon="reload" label={t("jobs.reload")} busy={ready.loading && !!ready.data} onClick={() => refresh("readiness", "health")} /></header>
        <dl class="about">
          <div><dt>{t("settings.version")}</dt><dd>CodeForge {served.version || health.data?.version}</dd></div>
          <div><dt>{t("settings.model")}</dt><dd>{isBuiltIn(health.data?.model) ? t("model.offline") : (health.data?.model ?? "–")}</dd></div>
          {ready.data && <div><dt>{t("settings.store")}</dt><dd>{ready.data.store} · {ready.data.isolation}</dd></div>}
        </dl>
        {ready.error && !ready.data ? <Failure error={ready.error} retry={() => refresh("readiness")} /> : !ready.data ? <Waiting rows={3} /> : (
          <ul class="findings">
            {(ready.data.checks ?? []).map((c) => <li key={c.name}><Mark of={ofCheck[c.state]} /><p><strong>{tx("health", c.name)}</strong>{c.message && <small>{c.message}</small>}</p><span class="fine tabular">{c.ms >= 0.5 ? Math.round(c.ms) + " ms" : ""}</span></li>)}
          </ul>
        )}
      </section>
      <Doctor />
      <section class="settings-group">
        <h2>{t("settings.docs")}</h2>
        <ul class="doc-links">
          {([["docs/guide", "settings.docs.guide"], ["docs/guide/models", "settings.docs.models"], ["docs/guide/api", "settings.docs.api"], ["docs/guide/troubleshooting", "settings.docs.trouble"], ["openapi.json", "settings.docs.openapi"]] as const).map(([at, word]) => <li key={at}><a href={new URL(at, base).href} target="_blank" rel="noreferrer"><Icon name="external" />{t(word)}</a></li>)}
          <li><a href={new URL("licences.txt", import.meta.url).href} target="_blank" rel="noreferrer"><Icon name="external" />{t("settings.licences")}</a></li>
        </ul>
      </section>
    </>
  );
}

const Mark = ({ of }: { of: Tone | undefined }) => <Icon name={of?.[1] ?? "question"} class={"of-" + (of?.[0] ?? "warn")} />;

/** Doctor has every part tried, where the server tells whoever uses it. */
function Doctor() {
  const [found, setFound] = useState<{ all: readonly Finding[]; at: string } | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const [whole, setWhole] = useState(false);
  const look = async () => {
    setBusy(true);
    setError("");
    try {
      setFound({ all: (await call<Diagnosis>("POST", "v1/doctor")).findings, at: new Date().toISOString() });
    } catch (e) {
      setError(words(e));
    } finally {
      setBusy(false);
    }
  };
  const order: Finding["state"][] = ["broken", "warning", "ok"];
  const sorted = [...(found?.all ?? [])].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
  const wrong = sorted.filter((f) => f.state !== "ok");
  const shown = whole ? sorted : wrong;
  return (
    <section class="settings-group" id="doctor">
      <header class="section-head"><h2>{t("doctor.title")}</h2><span class="grow" />{!served.users && <Button id="look" icon="play" busy={busy} onClick={() => void look()}>{found ? t("doctor.again") : t("doctor.look")}</Button>}</header>
      {served.users ? <p class="fine">{t("doctor.operator")} <code>codeforge doctor</code></p> : !found && !error && <p class="fine">{busy ? t("doctor.busy") : t("doctor.text")}</p>}
      {error && <p class="field-error" role="alert">{error}</p>}
      {found && (
        <>
          <p class="doctor-sum" role="status"><Chip tone={wrong.some((f) => f.state === "broken") ? "bad" : wrong.length > 0 ? "warn" : "good"} icon={wrong.length > 0 ? "warning" : "check"}>{wrong.length > 0 ? tn("doctor.wrong", wrong.length) : t("doctor.good")}</Chip><span class="fine">{tn("doctor.parts", sorted.length)} · <Time at={found.at} /></span></p>
          {shown.length > 0 && <ul class="findings">{shown.map((f, i) => <li key={i}><Mark of={ofFinding[f.state]} /><p><strong>{f.title}</strong>{f.message && <small>{f.message}</small>}</p></li>)}</ul>}
          {sorted.length > wrong.length && <p class="form-foot"><Button kind="quiet" onClick={() => setWhole(!whole)}>{whole ? t("less") : t("whole")}</Button></p>}
        </>
      )}
    </section>
  );
}
