// Own keys for providers of models: set, tried, deleted, and never shown again.
import { useState } from "preact/hooks";
import { call, get } from "../../api";
import { refresh, useData } from "../../data";
import { t } from "../../i18n";
import { Button, Chip, Dialog, Failure, Notice, Time, Waiting } from "../../parts/basics";
import type { IconName } from "../../parts/icon";
import { Confirm, FieldError, useSending } from "../../parts/forms";
import { say, sayFailure } from "../../parts/toast";
import type { KeyList, KeyTest, ProviderKey } from "../../schema";

const names: Record<string, string> = { openai: "OpenAI", anthropic: "Anthropic", google: "Google", compatible: "LLM_COMPATIBLE_URL" };
const nameOf = (provider: string) => names[provider] ?? provider;

export function Keys() {
  const list = useData<KeyList>("keys", (s) => get("v1/keys", s));
  const [setting, setSetting] = useState("");
  const [deleting, setDeleting] = useState("");
  const remove = async () => {
    await call("DELETE", `v1/keys/${encodeURIComponent(deleting)}`);
    say(t("keys.deleted", { name: nameOf(deleting) }), "calm");
    refresh("keys", "models");
  };
  const kept = list.data?.items ?? [];
  const providers = [...new Set([...(list.data?.providers ?? []), ...kept.map((k) => k.provider)])]; // also of one that is gone: its key can be deleted
  return (
    <section class="settings-group">
      <h2>{t("settings.keys")}</h2>
      <p class="fine">{t("keys.own.text")}</p>
      {list.error && !list.data ? <Failure error={list.error} retry={() => refresh("keys")} /> : !list.data ? <Waiting rows={4} /> : providers.length === 0 ? <Notice icon="layers" title={t("keys.off.title")}><p>{t("keys.off.text")}</p></Notice> : (
        <ul class="plain-list">
          {providers.map((p) => <Row key={p} provider={p} kept={kept.find((k) => k.provider === p)} takes={list.data!.providers.includes(p)} onSet={() => setSetting(p)} onDelete={() => setDeleting(p)} />)}
        </ul>
      )}
      {setting && <SetKey provider={setting} onClose={() => setSetting("")} />}
      {deleting && <Confirm title={t("keys.delete", { name: nameOf(deleting) })} yes={t("keys.delete.do")} onYes={remove} onClose={() => setDeleting("")}><p>{t("keys.delete.text")}</p></Confirm>}
    </section>
  );
}

const looks: Record<KeyTest["state"], [tone: string, icon: IconName]> = { accepted: ["good", "check"], refused: ["bad", "failed"], unknown: ["warn", "question"], lost: ["bad", "failed"] };

function Row({ provider, kept, takes, onSet, onDelete }: { provider: string; kept: ProviderKey | undefined; takes: boolean; onSet: () => void; onDelete: () => void }) {
  const [tried, setTried] = useState<{ of: string; state: KeyTest["state"] } | null>(null);
  const [busy, setBusy] = useState(false);
  const name = nameOf(provider);
  const test = async () => {
    setBusy(true);
    try {
      setTried({ of: kept!.updated_at, state: (await call<KeyTest>("POST", `v1/keys/${encodeURIComponent(provider)}/test`)).state });
    } catch (e) {
      sayFailure(e);
    } finally {
      setBusy(false);
    }
  };
  const said = tried && kept && tried.of === kept.updated_at ? tried.state : null;
  return (
    <li data-provider={provider}>
      <div class="list-main">
        <p><strong>{name}</strong> {kept && <code>{kept.hint}</code>}</p>
        <p class="fine">{kept ? <>{t("keys.set.at")} <Time at={kept.updated_at} /></> : t("keys.none")}</p>
        {said && <p class="list-note" role="status"><Chip tone={looks[said][0]} icon={looks[said][1]}>{t(`keys.is.${said}`)}</Chip></p>}
      </div>
      {kept && <Button busy={busy} onClick={() => void test()}>{t("keys.test")}</Button>}
      {takes && <Button kind={kept ? "quiet" : "plain"} onClick={onSet}>{kept ? t("keys.replace") : t("keys.set")}</Button>}
      {kept && <Button kind="quiet" icon="trash" label={t("keys.delete", { name })} onClick={onDelete} />}
    </li>
  );
}

function SetKey({ provider, onClose }: { provider: string; onClose: () => void }) {
  const [key, setKey] = useState("");
  const form = useSending();
  const put = () => form.send(async () => {
    await call("POST", "v1/keys", { body: { provider, key: key.trim() } });
    say(t("keys.done", { name: nameOf(provider) }), "good");
    refresh("keys", "models");
  });
  return (
    <Dialog title={t("keys.for", { name: nameOf(provider) })} onClose={onClose}>
      <form onSubmit={(e) => (e.preventDefault(), void put().then((done) => done && onClose()))}>
        <label class="labelled">{t("keys.key")}<input class="field" id="provider-key" autofocus type="password" autocomplete="off" spellcheck={false} required minLength={8} maxLength={1000} value={key} aria-invalid={!!form.error} onInput={(e) => (setKey(e.currentTarget.value), form.clear())} /></label>
        <p class="fine">{t("keys.key.text")}</p>
        <FieldError>{form.error}</FieldError>
        <p class="dialog-foot"><Button onClick={onClose}>{t("cancel")}</Button><Button type="submit" id="save-key" kind="primary" busy={form.busy} disabled={key.trim().length < 8}>{t("save")}</Button></p>
      </form>
    </Dialog>
  );
}
