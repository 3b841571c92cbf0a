// Tokens, by which programs act for somebody.
import { useState } from "preact/hooks";
import { ApiError, call, get } from "../../api";
import { refresh, useData } from "../../data";
import { t, tx } from "../../i18n";
import { Button, Chip, Dialog, Failure, Notice, Time, Waiting } from "../../parts/basics";
import { Confirm, FieldError, ShownOnce, useSending } from "../../parts/forms";
import { say } from "../../parts/toast";
import type { ShownToken, TokenList } from "../../schema";

const scopes = ["read", "write", "jobs", "account"] as const;
type Token = TokenList["items"][number];

export function Tokens() {
  const list = useData<TokenList>("tokens", (s) => get("v1/tokens", s));
  const [making, setMaking] = useState(false);
  const [ending, setEnding] = useState<Token | null>(null);
  const revoke = async (x: Token) => {
    await call("DELETE", `v1/tokens/${x.id}`);
    say(t("tokens.revoked", { name: x.name }), "calm");
    refresh("tokens");
  };
  return (
    <section class="settings-group">
      <header class="section-head"><h2>{t("tokens.title")}</h2><span class="grow" />{!list.error && <Button icon="add" onClick={() => setMaking(true)}>{t("tokens.make")}</Button>}</header>
      <p class="fine">{t("tokens.text")}</p>
      {list.error && !list.data ? (list.error instanceof ApiError && list.error.status === 501 ? <p class="fine">{list.error.message}</p> : <Failure error={list.error} retry={() => refresh("tokens")} />) : !list.data ? <Waiting rows={3} /> : list.data.items.length === 0 ? <Notice icon="code" title={t("tokens.none")} /> : (
        <ul class="plain-list">
          {list.data.items.map((x) => <Row key={x.id} token={x} onRevoke={() => setEnding(x)} />)}
        </ul>
      )}
      {making && <MakeToken onClose={() => setMaking(false)} />}
      {ending && <Confirm title={t("tokens.revoke", { name: ending.name })} yes={t("tokens.revoke.do")} onYes={() => revoke(ending)} onClose={() => setEnding(null)}><p>{t("tokens.revoke.text")}</p></Confirm>}
    </section>
  );
}

function Row({ token: x, onRevoke }: { token: Token; onRevoke: () => void }) {
  const over = x.expires_at && new Date(x.expires_at).getTime() < Date.now();
  return (
    <li>
      <div class="list-main">
        <p><strong>{x.name}</strong> <code>{x.hint}…</code></p>
        <p class="fine">{x.scopes.map((s) => tx("tokenscope", s)).join(", ")} · {x.last_used_at ? <>{t("tokens.used")} <Time at={x.last_used_at} /></> : t("tokens.unused")}{x.expires_at && !over && !x.revoked_at && <> · {t("tokens.ends")} <Time at={x.expires_at} /></>}</p>
      </div>
      {x.revoked_at ? <Chip icon="minus">{t("tokens.ended")}</Chip> : over ? <Chip icon="clock">{t("tokens.expired")}</Chip> : <Button kind="quiet" icon="trash" label={t("tokens.revoke", { name: x.name })} onClick={onRevoke} />}
    </li>
  );
}

function MakeToken({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [of, setOf] = useState<readonly (typeof scopes)[number][]>(["read", "jobs"]);
  const [days, setDays] = useState("30");
  const [made, setMade] = useState("");
  const form = useSending();
  const make = () => form.send(async () => {
    const x = await call<ShownToken>("POST", "v1/tokens", { body: { name: name.trim(), scopes: of, ...(days ? { expires_in_days: Number(days) } : {}) } });
    setMade(x.token);
    refresh("tokens");
  });
  if (made) return <ShownOnce title={t("tokens.made")} text={t("tokens.once")} secret={made} onClose={onClose} />;
  return (
    <Dialog title={t("tokens.make")} onClose={onClose}>
      <form onSubmit={(e) => (e.preventDefault(), void make())}>
        <label class="labelled">{t("tokens.name")}<input class="field" autofocus value={name} required maxLength={100} onInput={(e) => (setName(e.currentTarget.value), form.clear())} /></label>
        <fieldset class="labelled"><legend>{t("tokens.scopes")}</legend>
          {scopes.map((s) => <label class="option" key={s}><input type="checkbox" checked={of.includes(s)} onChange={(e) => setOf(e.currentTarget.checked ? [...of, s] : of.filter((x) => x !== s))} /><span>{tx("tokenscope", s)}</span></label>)}
        </fieldset>
        <label class="labelled">{t("tokens.days")}<input class="field" type="number" min={1} max={3650} value={days} onInput={(e) => setDays(e.currentTarget.value)} /></label>
        <FieldError>{form.error}</FieldError>
        <p class="dialog-foot"><Button onClick={onClose}>{t("cancel")}</Button><Button type="submit" kind="primary" busy={form.busy} disabled={!name.trim() || of.length === 0}>{t("create")}</Button></p>
      </form>
    </Dialog>
  );
}
