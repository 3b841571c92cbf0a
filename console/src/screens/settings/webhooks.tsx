// Webhooks: addresses that are told what happens in all projects, or in one. One that is opened shows what was sent to it.
import { useEffect, useState } from "preact/hooks";
import { call, get } from "../../api";
import { refresh, useData } from "../../data";
import { exactly, t, tn, tx } from "../../i18n";
import { Button, Chip, Choice, Dialog, Failure, Notice, Time, Waiting } from "../../parts/basics";
import { Confirm, FieldError, ShownOnce, useSending } from "../../parts/forms";
import { Icon, type IconName } from "../../parts/icon";
import { say, sayFailure } from "../../parts/toast";
import { go, link, place, setQuery } from "../../router";
import type { DeliveryList, ProjectList, ShownWebhook, Webhook, WebhookDelivery, WebhookList } from "../../schema";

const events = ["job.queued", "job.completed", "job.failed", "job.cancelled", "job.waiting_for_input", "job.kept", "revision.created", "project.created", "project.updated", "project.archived", "webhook.disabled"] as const;

export function Webhooks() {
  const id = place.value.path[2];
  return id ? <One key={id} id={id} /> : <List />;
}

const useProjects = () => useData<ProjectList>("projects/all", (s) => get("v1/projects/?page_size=50", s));
const at = (project: string) => (project ? `v1/projects/${project}/webhooks` : "v1/webhooks");

function List() {
  const project = place.value.query.get("project") ?? "";
  const name = "webhooks/" + project;
  const list = useData<WebhookList>(name, (s) => get(at(project), s));
  const projects = useProjects();
  const [adding, setAdding] = useState(false);
  const [made, setMade] = useState<ShownWebhook | null>(null);
  return (
    <section class="settings-group">
      <header class="section-head"><h2>{t("settings.webhooks")}</h2><span class="grow" /><Button id="add-webhook" icon="add" onClick={() => setAdding(true)}>{t("webhooks.add")}</Button></header>
      <p class="fine">{t("webhooks.text")}</p>
      {projects.data && projects.data.items.length > 0 && (
        <label class="setting"><span>{t("webhooks.of")}</span>
          <select class="select" value={project} onChange={(e) => setQuery({ project: e.currentTarget.value })}>
            <option value="">{t("webhooks.of.all")}</option>
            {projects.data.items.map((p) => <option key={p.id} value={p.id}>{p.title}</option>)}
          </select>
        </label>
      )}
      {list.error && !list.data ? <Failure error={list.error} retry={() => refresh(name)} /> : !list.data ? <Waiting rows={3} /> : list.data.items.length === 0 ? <Notice icon="send" title={t("webhooks.none")}><p>{t("webhooks.none.text")}</p></Notice> : (
        <ul class="plain-list links-list">
          {list.data.items.map((w) => (
            <li key={w.id}>
              <a href={link(["settings", "webhooks", w.id])}>
                <span class="list-main"><strong class="url">{w.url}</strong><span class="fine">{w.description || eventsOf(w)}</span></span>
                <Standing hook={w} />
                <Icon name="down" class="onward" />
              </a>
            </li>
          ))}
        </ul>
      )}
      {adding && <Add project={project} onClose={() => setAdding(false)} onMade={(w) => (setAdding(false), setMade(w), refresh("webhooks/"))} />}
      {made && <ShownOnce title={t("webhooks.made")} text={t("webhooks.secret.once")} secret={made.secret} onClose={() => (go(link(["settings", "webhooks", made.id])), setMade(null))} />}
    </section>
  );
}

const eventsOf = (w: Webhook) => (w.events.length === 0 ? t("webhooks.events.all") : w.events.map((e) => tx("event", e)).join(", "));

/** Standing says how a webhook is. */
function Standing({ hook: w }: { hook: Webhook }) {
  if (w.disabled_reason) return <Chip tone="bad" icon="failed">{tx("webhooks.disabled", w.disabled_reason)}</Chip>;
  if (!w.enabled) return <Chip icon="paused">{t("webhooks.resting")}</Chip>;
  if (w.failures > 0) return <Chip tone="warn" icon="warning">{tn("webhooks.failures", w.failures)}</Chip>;
  if (w.pending > 0) return <Chip tone="live" icon="clock">{tn("webhooks.pending", w.pending)}</Chip>;
  return <Chip tone="good" icon="check">{t("webhooks.on")}</Chip>;
}

interface Wanted {
  url: string;
  description: string;
  all: boolean;
  events: readonly string[];
}

/** Fields are what a webhook is made of. */
function Fields({ is, put, invalid }: { is: Wanted; put: (change: Partial<Wanted>) => void; invalid: boolean }) {
  return (
    <>
      <label class="labelled">{t("webhooks.url")}<input class="field" id="webhook-url" autofocus type="url" required maxLength={2000} placeholder="https://example.com/hooks/codeforge" value={is.url} aria-invalid={invalid} onInput={(e) => put({ url: e.currentTarget.value })} /></label>
      <label class="labelled">{t("webhooks.description")}<input class="field" maxLength={200} value={is.description} onInput={(e) => put({ description: e.currentTarget.value })} /></label>
      <fieldset class="labelled"><legend>{t("webhooks.events")}</legend>
        <div><Choice label={t("webhooks.events")} is={is.all ? "all" : "some"} of={[["all", t("webhooks.events.all")], ["some", t("webhooks.events.some")]]} onChange={(to) => put({ all: to === "all" })} /></div>
        {!is.all && <div class="event-grid">{events.map((e) => <label class="option" key={e}><input type="checkbox" checked={is.events.includes(e)} onChange={(c) => put({ events: c.currentTarget.checked ? [...is.events, e] : is.events.filter((x) => x !== e) })} /><span>{tx("event", e)}</span></label>)}</div>}
      </fieldset>
    </>
  );
}

const bodyOf = (w: Wanted) => ({ url: w.url.trim(), description: w.description.trim(), events: w.all ? [] : w.events });
const complete = (w: Wanted) => w.url.trim() !== "" && (w.all || w.events.length > 0);

function Add({ project: first, onClose, onMade }: { project: string; onClose: () => void; onMade: (w: ShownWebhook) => void }) {
  const [is, set] = useState<Wanted>({ url: "", description: "", all: true, events: [] });
  const [project, setProject] = useState(first);
  const projects = useProjects();
  const form = useSending();
  const add = () => form.send(async () => onMade(await call<ShownWebhook>("POST", at(project), { body: bodyOf(is) })));
  return (
    <Dialog title={t("webhooks.add")} onClose={onClose}>
      <form onSubmit={(e) => (e.preventDefault(), void add())}>
        <Fields is={is} invalid={!!form.error} put={(change) => (set({ ...is, ...change }), form.clear())} />
        {projects.data && projects.data.items.length > 0 && (
          <label class="labelled">{t("webhooks.of")}
            <select class="select" value={project} onChange={(e) => setProject(e.currentTarget.value)}>
              <option value="">{t("webhooks.of.all")}</option>
              {projects.data.items.map((p) => <option key={p.id} value={p.id}>{p.title}</option>)}
            </select>
          </label>
        )}
        <FieldError>{form.error}</FieldError>
        <p class="dialog-foot"><Button onClick={onClose}>{t("cancel")}</Button><Button type="submit" id="make-webhook" kind="primary" busy={form.busy} disabled={!complete(is)}>{t("create")}</Button></p>
      </form>
    </Dialog>
  );
}

function One({ id }: { id: string }) {
  const name = "webhook/" + id;
  const row = useData<Webhook>(name, (s) => get(`v1/webhooks/${id}`, s));
  const projects = useProjects();
  const [asking, setAsking] = useState<"" | "edit" | "rotate" | "delete">("");
  const [secret, setSecret] = useState("");
  const [busy, setBusy] = useState("");
  const close = () => setAsking("");
  const act = async (what: string, run: () => Promise<unknown>) => {
    setBusy(what);
    try {
      await run();
    } catch (e) {
      sayFailure(e);
    } finally {
      setBusy("");
      refresh(name, "webhooks/", `deliveries/${id}`);
    }
  };
  const back = <p><a class="button quiet" href={link(["settings", "webhooks"])}><Icon name="back" /><span>{t("webhooks.back")}</span></a></p>;
  if (row.error && !row.data) return <>{back}<Failure error={row.error} retry={() => refresh(name)} /></>;
  if (!row.data) return <>{back}<section class="settings-group"><Waiting rows={5} /></section></>;
  const w = row.data;
  const title = w.project_id ? (projects.data?.items.find((p) => p.id === w.project_id)?.title ?? t("jobs.project")) : t("webhooks.of.all");
  return (
    <>
      {back}
      <section class="settings-group">
        <header class="hook-head"><h2 class="url">{w.url}</h2><Standing hook={w} /></header>
        {w.description && <p>{w.description}</p>}
        <dl class="about">
          <div><dt>{t("webhooks.of")}</dt><dd>{title}</dd></div>
          <div><dt>{t("webhooks.events")}</dt><dd>{eventsOf(w)}</dd></div>
          {w.failing_since && <div><dt>{t("webhooks.failing")}</dt><dd><Time at={w.failing_since} /></dd></div>}
          {w.dropped > 0 && <div><dt>{t("webhooks.dropped")}</dt><dd>{w.dropped}</dd></div>}
          {w.old_secret_until && <div><dt>{t("webhooks.old")}</dt><dd>{t("webhooks.old.until", { at: exactly(w.old_secret_until) })}</dd></div>}
        </dl>
        <label class="setting"><span>{t("webhooks.enabled")}<small>{t("webhooks.enabled.text")}</small></span><input type="checkbox" class="switch" checked={w.enabled} disabled={busy !== ""} onChange={(e) => void act("enable", () => call("PUT", `v1/webhooks/${id}`, { body: { enabled: e.currentTarget.checked } }))} /></label>
        <p class="form-foot">
          <Button id="test-webhook" icon="send" busy={busy === "test"} onClick={() => void act("test", () => call("POST", `v1/webhooks/${id}/test`))}>{t("webhooks.test")}</Button>
          <Button icon="edit" onClick={() => setAsking("edit")}>{t("webhooks.edit")}</Button>
          <Button id="rotate-webhook" icon="reload" onClick={() => setAsking("rotate")}>{t("webhooks.rotate")}</Button>
          <Button id="delete-webhook" icon="trash" onClick={() => setAsking("delete")}>{t("webhooks.delete")}</Button>
        </p>
      </section>
      <Deliveries id={id} />
      {asking === "edit" && <Edit hook={w} onClose={close} onDone={() => (close(), refresh(name, "webhooks/"))} />}
      {asking === "rotate" && <Rotate id={id} onClose={close} onDone={(s) => (close(), setSecret(s), refresh(name))} />}
      {asking === "delete" && <Confirm title={t("webhooks.delete.ask")} yes={t("webhooks.delete")} onClose={close} onYes={async () => { await call("DELETE", `v1/webhooks/${id}`); say(t("webhooks.deleted"), "calm"); refresh("webhooks/"); go(link(["settings", "webhooks"])); }}><p>{t("webhooks.delete.text", { url: w.url })}</p></Confirm>}
      {secret && <ShownOnce title={t("webhooks.rotated")} text={t("webhooks.secret.once")} secret={secret} onClose={() => setSecret("")} />}
    </>
  );
}

function Edit({ hook: w, onClose, onDone }: { hook: Webhook; onClose: () => void; onDone: () => void }) {
  const [is, set] = useState<Wanted>({ url: w.url, description: w.description, all: w.events.length === 0, events: w.events });
  const form = useSending();
  return (
    <Dialog title={t("webhooks.edit")} onClose={onClose}>
      <form onSubmit={(e) => (e.preventDefault(), void form.send(() => call("PUT", `v1/webhooks/${w.id}`, { body: bodyOf(is) })).then((done) => done && onDone()))}>
        <Fields is={is} invalid={!!form.error} put={(change) => (set({ ...is, ...change }), form.clear())} />
        <FieldError>{form.error}</FieldError>
        <p class="dialog-foot"><Button onClick={onClose}>{t("cancel")}</Button><Button type="submit" kind="primary" busy={form.busy} disabled={!complete(is)}>{t("save")}</Button></p>
      </form>
    </Dialog>
  );
}

const graces = ["0", "3600", "86400", "604800"] as const;

function Rotate({ id, onClose, onDone }: { id: string; onClose: () => void; onDone: (secret: string) => void }) {
  const [grace, setGrace] = useState<(typeof graces)[number]>("86400");
  const form = useSending();
  const rotate = () => form.send(async () => onDone((await call<ShownWebhook>("POST", `v1/webhooks/${id}/rotate?grace_seconds=${grace}`)).secret));
  return (
    <Dialog title={t("webhooks.rotate")} onClose={onClose}>
      <p>{t("webhooks.rotate.text")}</p>
      <div class="labelled">{t("webhooks.grace")}<div><Choice label={t("webhooks.grace")} is={grace} of={graces.map((g) => [g, t(`webhooks.grace.${g}`)])} onChange={setGrace} /></div></div>
      <FieldError>{form.error}</FieldError>
      <p class="dialog-foot"><Button onClick={onClose}>{t("cancel")}</Button><Button id="rotate" kind="primary" busy={form.busy} onClick={() => void rotate()}>{t("webhooks.rotate.do")}</Button></p>
    </Dialog>
  );
}

const statuses = ["", "pending", "delivered", "failed"] as const;
const looks: Record<WebhookDelivery["status"], [tone: string, icon: IconName]> = { pending: ["live", "clock"], delivered: ["good", "check"], failed: ["bad", "failed"] };
const soon = 3000; // until what is on its way is looked at again

function Deliveries({ id }: { id: string }) {
  const status = (place.value.query.get("status") ?? "") as (typeof statuses)[number];
  const name = `deliveries/${id}/${status}`;
  const [pages, setPages] = useState(1);
  const list = useData<DeliveryList>(name, async (s) => {
    const path = `v1/webhooks/${id}/deliveries?limit=20${status ? "&status=" + status : ""}`;
    const all = await get<DeliveryList>(path, s);
    for (let n = 1; n < pages && all.has_more; n++) {
      const next = await get<DeliveryList>(`${path}&before=${all.items.at(-1)!.id}`, s);
      all.items.push(...next.items);
      all.has_more = next.has_more;
    }
    return all;
  });
  useEffect(() => {
    if (pages > 1) refresh(name);
  }, [pages]);
  const due = list.data?.items.some((d) => d.status === "pending" && (!d.next_attempt_at || new Date(d.next_attempt_at).getTime() < Date.now() + 2 * soon)) ?? false; // one that is being sent has no next attempt
  useEffect(() => {
    if (!due) return;
    const timer = setInterval(() => document.visibilityState === "visible" && refresh(name, "webhook/" + id), soon);
    return () => clearInterval(timer);
  }, [due, name]);
  return (
    <section class="settings-group">
      <header class="section-head">
        <h2>{t("deliveries.title")}</h2><span class="grow" />
        <select class="select" aria-label={t("jobs.state")} value={status} onChange={(e) => setQuery({ status: e.currentTarget.value })}>
          {statuses.map((s) => <option key={s} value={s}>{s ? t(`deliveries.${s}`) : t("deliveries.all")}</option>)}
        </select>
        <Button kind="quiet" icon="reload" label={t("jobs.reload")} busy={list.loading && !!list.data} onClick={() => refresh(name, "webhook/" + id)} />
      </header>
      {list.error && !list.data ? <Failure error={list.error} retry={() => refresh(name)} /> : !list.data ? <Waiting rows={4} /> : list.data.items.length === 0 ? <Notice icon="send" title={t("deliveries.none")}><p>{t("deliveries.none.text")}</p></Notice> : (
        <ul class="deliveries">{list.data.items.map((d) => <Delivery key={d.id} delivery={d} onAgain={() => refresh(name, "webhook/" + id)} />)}</ul>
      )}
      {list.data?.has_more && <p class="more"><Button busy={list.loading} onClick={() => setPages(pages + 1)}>{t("more")}</Button></p>}
    </section>
  );
}

function Delivery({ delivery: d, onAgain }: { delivery: WebhookDelivery; onAgain: () => void }) {
  const [open, setOpen] = useState(false);
  const [busy, setBusy] = useState(false);
  const [tone, icon] = looks[d.status];
  const last = d.attempts.at(-1);
  const again = () => {
    setBusy(true);
    void call("POST", `v1/webhooks/${d.webhook_id}/deliveries/${d.id}/redeliver`).then(onAgain, sayFailure).finally(() => setBusy(false));
  };
  return (
    <li>
      <button type="button" class="delivery-head" aria-expanded={open} onClick={() => setOpen(!open)}>
        <Chip tone={tone} icon={icon}>{t(`deliveries.${d.status}`)}</Chip>
        <strong>{tx("event", d.type)}</strong>
        <span class="grow fine">{last ? (last.error ?? last.status) : ""}</span>
        <Time at={d.created_at} />
        <Icon name="down" class={open ? "" : "turned"} />
      </button>
      {open && (
        <div class="delivery">
          <ol class="attempts">
            {d.attempts.map((a, i) => (
              <li key={i}>
                <p><Icon name={a.error ? "failed" : "check"} class={a.error ? "of-bad" : "of-good"} /><span>{exactly(a.at)}</span>{a.status !== null && <code>{a.status}</code>}<span class="fine tabular">{a.duration_ms} ms</span></p>
                {a.error && <p class="fine">{a.error}</p>}
                {a.response && <pre class="response">{a.response}</pre>}
              </li>
            ))}
          </ol>
          {d.next_attempt_at && <p class="fine">{t("deliveries.next")} <Time at={d.next_attempt_at} /></p>}
          <details><summary>{t("deliveries.data")}</summary><pre class="response">{JSON.stringify(d.data, null, 2)}</pre></details>
          <p class="form-foot"><code class="fine">{d.id}</code><span class="grow" /><Button icon="reload" busy={busy} onClick={again}>{t("deliveries.again")}</Button></p>
        </div>
      )}
    </li>
  );
}
