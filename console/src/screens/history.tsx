// Revisions: who made them, why, and how well they are known to work; what one changed, and the way back to it.
import { useEffect, useState } from "preact/hooks";
import { client } from "../api";
import { refresh, useData, usePages } from "../data";
import { t, tn, tx } from "../i18n";
import { Button, Chip, Choice, Dialog, Failure, Notice, Time, Waiting } from "../parts/basics";
import { DiffLook, DiffView } from "../parts/diff";
import { Icon } from "../parts/icon";
import { useKeys } from "../parts/keys";
import { say, sayFailure } from "../parts/toast";
import { carried, go, link, place, setQuery } from "../router";
import type { Revision, RevisionDiff } from "../schema";
import { nameOf, save } from "../transfer";
import { Looks } from "./looks";
import type { Here } from "./project";
import { Evidence } from "./run";

export function HistoryPane({ here, at }: { here: Here; at: number }) {
  const name = `project/${here.id}/revisions`;
  const { list, more } = usePages(name, (s) => client.revisions.list(here.id, { page_size: 50 }, { signal: s }));
  const items = list.data?.items ?? [];
  const shown = at || (items[0]?.revision ?? 0);
  const index = items.findIndex((r) => r.revision === shown);
  const addressOf = (r: Revision) => link(["projects", here.id, "history", r.revision], carried("w", "show", "part"));
  const open = (r: Revision | undefined) => r && go(addressOf(r), "replace");
  useKeys([
    { keys: "j", name: t("history.next"), run: () => open(items[index + 1]) },
    { keys: "k", name: t("history.previous"), run: () => open(items[index - 1]) },
    { keys: "[", name: t("history.next"), run: () => open(items[index + 1]) },
    { keys: "]", name: t("history.previous"), run: () => open(items[index - 1]) },
  ]);
  useEffect(() => document.querySelector(".revisions [aria-current]")?.scrollIntoView({ block: "nearest" }), [shown, items.length > 0]);
  if (list.error && !list.data) return <Failure error={list.error} retry={() => refresh(name)} />;
  if (!list.data) return <Waiting rows={6} />;
  if (items.length === 0) return <Notice icon="history" title={t("history.none")}><p>{t("history.none.text")}</p></Notice>;
  return (
    <div class="history">
      <ol class="revisions" aria-label={t("view.history")}>
        {items.map((r) => (
          <li key={r.revision}>
            <a href={addressOf(r)} aria-current={r.revision === shown ? "true" : undefined}>
              <span class="revision-number">{r.revision}</span>
              <span class="revision-message">{r.message || t("history.nomessage")}</span>
              <span class="revision-facts">
                <Icon name={r.author === "user" ? "edit" : "spark"} />
                {r.author === "user" ? t("you") : tx("agent", r.author)}
                <span>{tn("files", r.files_changed)}</span>
                <Verified revision={r} />
                <Time at={r.created_at} />
              </span>
            </a>
          </li>
        ))}
        {list.data.has_more && <li class="more"><Button kind="quiet" busy={list.loading} onClick={more}>{t("more")}</Button></li>}
      </ol>
      <OneRevision key={shown} here={here} number={shown} row={items[index]} />
    </div>
  );
}

function Verified({ revision: r }: { revision: Revision }) {
  if (r.verified === null || r.verified === undefined) return null;
  return <Chip icon={r.verified ? "check" : "warning"} tone={r.verified ? "good" : "warn"}>{r.verified ? t("verified") : t("unverified")}</Chip>;
}

function OneRevision({ here, number: n, row }: { here: Here; number: number; row: Revision | undefined }) {
  const from = Number(place.value.query.get("from") ?? n - 1);
  const part = (place.value.query.get("part") ?? "changes") as "changes" | "looks";
  const diff = useData<RevisionDiff>(`revision/${here.id}/${n}/diff/${from}`, (s) => client.revisions.diff(here.id, n, { from }, { signal: s }));
  const [asking, setAsking] = useState(false);
  const newest = n === here.project.revision;
  const others = [...new Set([n - 1, from, ...Array.from({ length: Math.min(here.project.revision, 100) }, (_, i) => here.project.revision - i), 0])].filter((o) => o !== n && o >= 0).sort((a, b) => b - a);
  const restore = async () => {
    setAsking(false);
    try {
      const made = await client.revisions.restore(here.id, n, { ifMatch: here.project.revision });
      say(t("history.restored", { n, to: made.revision }), "good");
      await refresh(`project/${here.id}/revisions`); // so that what is known of the new one is not put in above its changes
      go(link(["projects", here.id, "history", made.revision], carried("w")), "replace");
      refresh(`project/${here.id}/`);
    } catch (e) {
      sayFailure(e);
    }
  };
  return (
    <div class="revision">
      <header class="revision-head">
        <h2>{t("revision.n", { n })}{newest && <Chip tone="live">{t("newest")}</Chip>}</h2>
        <span class="grow" />
        {row?.job_id && <a class="button quiet" href={link(["projects", here.id, "run", row.job_id])}><Icon name="bolt" /><span>{t("chat.run")}</span></a>}
        <Button kind="quiet" icon="download" onClick={() => void save(client.files.exportZip(here.id, { revision: n }), `${nameOf(here.project.title)}-r${n}.zip`).catch(sayFailure)}>{t("download")}</Button>
        {!newest && <Button id="restore" icon="restore" onClick={() => setAsking(true)}>{t("restore")}</Button>}
      </header>
      <label class="compare fine">{t("history.compare")}
        <select class="select" value={from} onChange={(e) => setQuery({ from: Number(e.currentTarget.value) === n - 1 ? null : e.currentTarget.value })}>
          {others.map((o) => <option key={o} value={o}>{o === 0 ? t("history.nothing") : o === n - 1 ? t("history.before", { n: o }) : t("revision.n", { n: o })}</option>)}
        </select>
      </label>
      {row && <p class="revision-why">{row.message}</p>}
      <div class="revision-known">{row?.evidence && row.evidence.length > 0 ? <Evidence rungs={row.evidence} /> : <Chip icon="minus">{t("history.unchecked")}</Chip>}</div>
      <div class="revision-parts">
        <Choice label={t("history.part")} is={part} of={[["changes", t("history.changes")], ["looks", t("history.looks")]]} onChange={(to) => setQuery({ part: to === "changes" ? null : to })} />
        <span class="grow" />
        {part === "changes" && <DiffLook />}
      </div>
      {part === "looks" ? <Looks project={here.id} from={from} to={n} /> : diff.error && !diff.data ? <Failure error={diff.error} /> : !diff.data ? <Waiting rows={6} /> : diff.data.files.length === 0 ? <p class="fine">{t("diff.none")}</p> : <DiffView files={diff.data.files} />}
      {asking && (
        <Dialog title={t("restore.ask", { n })} onClose={() => setAsking(false)}>
          <p>{t("restore.text", { n })}</p>
          <p class="dialog-foot"><Button onClick={() => setAsking(false)}>{t("cancel")}</Button><Button id="restore-yes" kind="primary" icon="restore" onClick={() => void restore()}>{t("restore")}</Button></p>
        </Dialog>
      )}
    </div>
  );
}
