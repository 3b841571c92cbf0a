// Settings: how the console looks, tokens for programs, and what runs here.
import { useState } from "preact/hooks";
import { ApiError, call, get, isBuiltIn } from "../api";
import { refresh, useData } from "../data";
import { language, languages, t, tx } from "../i18n";
import { Button, Chip, Choice, Dialog, Failure, Time, useTitle, Waiting, words } from "../parts/basics";
import { Icon } from "../parts/icon";
import { say, sayFailure } from "../parts/toast";
import { served, shortcuts, theme } from "../settings";
import { signOut } from "../signin";
import type { Health, Readiness, ShownToken, TokenList } from "../schema";

export function SettingsScreen() {
  useTitle(t("nav.settings"));
  return (
    <div class="page narrow">
      <header class="page-head"><h1>{t("nav.settings")}</h1><span class="grow" />{served.users && <Button onClick={signOut}>{t("signout")}</Button>}</header>
      <Looks />
      {served.users && <Tokens />}
      <Server />
    </div>
  );
}

function Looks() {
  return (
    <section class="settings-group">
      <h2>{t("settings.looks")}</h2>
      <div class="setting"><span>{t("settings.theme")}</span><Choice label={t("settings.theme")} is={theme.value} of={[["system", t("settings.theme.system")], ["light", t("settings.theme.light")], ["dark", t("settings.theme.dark")]]} onChange={(to) => (theme.value = to)} /></div>
      <label class="setting"><span>{t("settings.language")}</span>
        <select class="select" value={language.value} onChange={(e) => (language.value = e.currentTarget.value)}>
          {Object.entries(languages).map(([code, l]) => <option key={code} value={code}>{l.name}</option>)}
        </select>
      </label>
      <label class="setting"><span>{t("settings.keys")}<small>{t("settings.keys.text")}</small></span><input type="checkbox" class="switch" checked={shortcuts.value} onChange={(e) => (shortcuts.value = e.currentTarget.checked)} /></label>
    </section>
  );
}

const scopes = ["read", "write", "jobs", "account"] as const;

function Tokens() {
  const list = useData<TokenList>("tokens", (s) => get("v1/tokens", s));
  const [making, setMaking] = useState(false);
  const revoke = async (token: TokenList["items"][number]) => {
    try {
      await call("DELETE", `v1/tokens/${token.id}`);
      say(t("tokens.revoked", { name: token.name }), "calm");
      refresh("tokens");
    } catch (e) {
      sayFailure(e);
    }
  };
  return (
    <section class="settings-group">
      <header class="section-head"><h2>{t("tokens.title")}</h2><span class="grow" /><Button icon="add" onClick={() => setMaking(true)}>{t("tokens.make")}</Button></header>
      {list.error && !list.data ? (list.error instanceof ApiError && list.error.status === 503 ? <p class="fine">{list.error.message}</p> : <Failure error={list.error} />) : !list.data ? <Waiting rows={3} /> : list.data.items.length === 0 ? <p class="fine">{t("tokens.none")}</p> : (
        <ul class="plain-list">
          {list.data.items.map((x) => (
            <li key={x.id}>
              <span><strong>{x.name}</strong> <code>{x.hint}…</code><br /><span class="fine">{x.scopes.map((s) => tx("tokenscope", s)).join(", ")} · {x.last_used_at ? <>{t("tokens.used")} <Time at={x.last_used_at} /></> : t("tokens.unused")}</span></span>
              <span class="grow" />
              {x.revoked_at ? <Chip icon="minus">{t("tokens.ended")}</Chip> : <Button kind="quiet" icon="trash" label={t("tokens.revoke", { name: x.name })} onClick={() => void revoke(x)} />}
            </li>
          ))}
        </ul>
      )}
      {making && <MakeToken onClose={() => setMaking(false)} />}
    </section>
  );
}

function MakeToken({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [of, setOf] = useState<readonly (typeof scopes)[number][]>(["read", "jobs"]);
  const [days, setDays] = useState("30");
  const [made, setMade] = useState("");
  const [error, setError] = useState("");
  const make = async () => {
    try {
      const x = await call<ShownToken>("POST", "v1/tokens", { body: { name: name.trim(), scopes: of, ...(days ? { expires_in_days: Number(days) } : {}) } });
      setMade(x.token);
      refresh("tokens");
    } catch (e) {
      setError(words(e));
    }
  };
  if (made) {
    return (
      <Dialog title={t("tokens.made")} onClose={onClose}>
        <p>{t("tokens.once")}</p>
        <p class="secret"><code>{made}</code><Button icon="copy" label={t("copy")} onClick={() => void navigator.clipboard.writeText(made).then(() => say(t("copied"), "good"), sayFailure)} /></p>
        <p class="dialog-foot"><Button kind="primary" onClick={onClose}>{t("close")}</Button></p>
      </Dialog>
    );
  }
  return (
    <Dialog title={t("tokens.make")} onClose={onClose}>
      <form onSubmit={(e) => (e.preventDefault(), void make())}>
        <label class="labelled">{t("tokens.name")}<input class="field" value={name} required onInput={(e) => (setName(e.currentTarget.value), setError(""))} /></label>
        <fieldset class="labelled"><legend>{t("tokens.scopes")}</legend>
          {scopes.map((s) => <label class="option" key={s}><input type="checkbox" checked={of.includes(s)} onChange={(e) => setOf(e.currentTarget.checked ? [...of, s] : of.filter((x) => x !== s))} /><span>{tx("tokenscope", s)}</span></label>)}
        </fieldset>
        <label class="labelled">{t("tokens.days")}<input class="field" type="number" min={1} max={3650} value={days} onInput={(e) => setDays(e.currentTarget.value)} /></label>
        {error && <p class="field-error" role="alert">{error}</p>}
        <p class="dialog-foot"><Button onClick={onClose}>{t("cancel")}</Button><Button type="submit" kind="primary" disabled={!name.trim() || of.length === 0}>{t("create")}</Button></p>
      </form>
    </Dialog>
  );
}

function Server() {
  const health = useData<Health>("health", (s) => get("health", s));
  const ready = useData<Readiness>("readiness", (s) => get("readyz?verbose=true", s));
  return (
    <section class="settings-group">
      <h2>{t("settings.server")}</h2>
      <dl class="about">
        <div><dt>{t("settings.version")}</dt><dd>CodeForge {served.version || health.data?.version}</dd></div>
        <div><dt>{t("settings.model")}</dt><dd>{isBuiltIn(health.data?.model) ? t("model.offline") : (health.data?.model ?? "–")}</dd></div>
        {ready.data && <div><dt>{t("settings.store")}</dt><dd>{ready.data.store} · {ready.data.isolation}</dd></div>}
      </dl>
      {ready.data && (
        <ul class="checks">
          {(ready.data.checks ?? []).map((c) => <li key={c.name}><Chip icon={c.state === "ok" ? "check" : "warning"} tone={c.state === "ok" ? "good" : c.state === "degraded" ? "warn" : "bad"}>{c.name}</Chip>{c.message && c.state !== "ok" && <span class="fine">{c.message}</span>}</li>)}
        </ul>
      )}
      <p class="links">
        <a href="openapi.json" target="_blank" rel="noreferrer"><Icon name="external" />OpenAPI</a>
        <a href={new URL("licences.txt", import.meta.url).href} target="_blank" rel="noreferrer"><Icon name="external" />{t("settings.licences")}</a>
      </p>
    </section>
  );
}
