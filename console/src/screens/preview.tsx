// The running app, on an origin of its own; what goes wrong in it is told here, and can be mended by a click.
import { useEffect, useRef, useState } from "preact/hooks";
import { client } from "../api";
import { refresh, useData } from "../data";
import { t, tx } from "../i18n";
import { Button, Chip, Choice, Failure, Notice, Waiting } from "../parts/basics";
import { Icon } from "../parts/icon";
import { useKeys } from "../parts/keys";
import { place, setQuery } from "../router";
import { runOf, seen } from "../run";
import type { JobState, PreviewState } from "../schema";
import { served } from "../settings";
import { sayFailure } from "../parts/toast";
import { submit, type Here } from "./project";

type Device = "phone" | "tablet" | "desktop";
const widths: Record<Device, number> = { phone: 390, tablet: 768, desktop: 0 };

interface PageError {
  readonly message: string;
  readonly where: string;
}

const lookEvery = 3000;

/** useMaking is the first run of a project, which is shown as it becomes something: once there is a page. */
function useMaking(here: Here): { is: boolean; shows: JobState | undefined } {
  const job = here.project.revision === 0 && here.current?.status === "running" ? here.current : undefined;
  const page = job && seen(runOf(job.job_id)).files.get("index.html");
  return { is: !!job, shows: page && !page.writing ? job : undefined };
}

export function PreviewPane({ here }: { here: Here }) {
  // Work that waits to be applied is shown first: it is what somebody decides on.
  const proposed = here.jobs.find((j) => j.proposal);
  const making = useMaking(here);
  const of = proposed && place.value.query.get("of") !== "project" ? "job" : "project";
  const job = of === "job" ? proposed : making.shows;
  const ask = (signal?: AbortSignal) => (job ? client.jobs.preview(job.job_id, {}, { ...(signal && { signal }) }) : client.projects.preview(here.id, {}, { ...(signal && { signal }) }));
  const name = `project/${here.id}/preview${job ? "/" + job.job_id : ""}`;
  const wanted = job || here.project.revision > 0 ? name : null;
  const state = useData<PreviewState>(wanted, ask);
  const device = (place.value.query.get("w") ?? "desktop") as Device;
  const [round, setRound] = useState(0);
  const [errors, setErrors] = useState<PageError[]>([]);
  const [shown, setShown] = useState(""); // the frame that has loaded
  const frame = useRef<HTMLIFrameElement>(null);
  const url = state.data?.url;
  // A new frame needs a new address: where people sign in, one opens once and not for long.
  const [asked, setAsked] = useState<PreviewState | null>(null);
  const reload = () => {
    setErrors([]);
    setAsked(state.data ?? null);
    refresh(name);
  };
  useEffect(() => {
    if (!asked || !state.data || asked === state.data) return;
    setAsked(null);
    setRound(round + 1);
  }, [state.data, asked]);
  const openInTab = (e: Event) => {
    if (!served.users) return;
    e.preventDefault();
    void ask().then((s) => open(s.url, "_blank", "noopener"), sayFailure);
  };
  useKeys([{ keys: "r", name: t("preview.reload"), run: reload }]);

  // The page says what goes wrong in it, as a stranger: what it says is text.
  useEffect(() => {
    const listen = (e: MessageEvent) => {
      if (e.source !== frame.current?.contentWindow || !url || e.origin !== new URL(url).origin) return;
      const said = e.data as { source?: unknown; type?: unknown; error?: { message?: unknown; file?: unknown; line?: unknown } } | null;
      if (said?.source !== "codeforge-preview") return;
      if (said.type === "loaded") setErrors([]);
      if (said.type === "error" && said.error) {
        const { message, file, line } = said.error;
        const one = { message: String(message).slice(0, 500), where: typeof file === "string" && file ? file + (typeof line === "number" && line ? ":" + line : "") : "" };
        setErrors((was) => (was.some((w) => w.message === one.message && w.where === one.where) ? was : [...was.slice(-9), one]));
      }
    };
    addEventListener("message", listen);
    return () => removeEventListener("message", listen);
  }, [url]);

  const s = state.data;
  const key = url ? round + new URL(url).origin : "";
  const visible = s && (making.is ? s.status === "ready" && s.evidence.every((r) => r.status !== "failed") : ["ready", "partial"].includes(s.status));
  const looking = !!making.shows && !visible;
  useEffect(() => {
    if (!looking) return;
    const timer = setInterval(() => refresh(name), lookEvery); // what is shown follows the job by itself
    return () => clearInterval(timer);
  }, [looking, name]);
  const fix = () => submit(here, "code", { user_message: t("preview.fix.wish") + "\n" + errors.map((e) => `${e.message} ${e.where}`).join("\n"), preview_errors: true });
  return (
    <>
      <header class="pane-head preview-head">
        <Choice label={t("preview.width")} is={device} of={[["phone", t("device.phone")], ["tablet", t("device.tablet")], ["desktop", t("device.desktop")]]} icons={{ phone: "phone", tablet: "tablet", desktop: "desktop" }} onChange={(to) => setQuery({ w: to === "desktop" ? null : to })} />
        {proposed && <Choice label={t("preview.of")} is={of} of={[["job", t("run.proposal")], ["project", t("preview.of.project")]]} onChange={(to) => setQuery({ of: to === "job" ? null : to })} />}
        <span class="grow" />
        {making.is ? <Chip tone="live" icon="bolt">{t("preview.made")}</Chip> : s && s.status !== "ready" && <Chip tone={s.status === "broken" ? "bad" : "calm"} icon={s.status === "broken" ? "failed" : "minus"}>{tx("preview", s.status)}</Chip>}
        <Button kind="quiet" icon="reload" label={t("preview.reload")} onClick={reload} />
        {visible && <a class="button quiet only-icon" href={s.url} target="_blank" rel="noreferrer noopener" onClick={openInTab} aria-label={t("preview.open")} title={t("preview.open")}><Icon name="external" /></a>}
      </header>
      <div class="stage" data-device={device}>
        {making.is && !visible ? <Notice icon="desktop" title={t("preview.made")}><p>{t("preview.made.text")}</p></Notice>
        : !wanted ? <Notice icon="desktop" title={t("preview.none")}><p>{t("preview.none.text")}</p></Notice>
        : state.error && !s ? <Failure error={state.error} retry={reload} />
        : !s ? <Waiting rows={3} label={t("preview.building")} />
        : visible ? (
          <div class="device" style={widths[device] ? { width: widths[device] + "px" } : {}}>
            {shown !== key && <span class="device-waiting"><span class="spinner" aria-hidden="true" /></span>}
            <Frame key={key} url={s.url} frame={frame} onLoad={() => setShown(key)} title={t("preview.title", { title: here.project.title })} />
          </div>
        ) : (
          <Notice icon={s.status === "broken" ? "failed" : "desktop"} title={tx("preview", s.status)} tone={s.status === "broken" ? "bad" : ""}>
            <p>{s.reason}</p>
            {s.diagnostics.length > 0 && (
              <ul class="diagnostics">
                {s.diagnostics.slice(0, 8).map((d, i) => <li key={i}><code>{d.file}{d.line ? ":" + d.line : ""}</code> {d.message}</li>)}
              </ul>
            )}
            {s.status === "broken" && !here.current && <Button kind="primary" icon="bolt" onClick={() => void submit(here, "code", { user_message: t("preview.fix.build") })}>{t("preview.fix")}</Button>}
          </Notice>
        )}
      </div>
      {errors.length > 0 && !making.is && (
        <div class="page-errors" role="status">
          <header><Icon name="warning" /><strong>{t("preview.errors")}</strong><span class="grow" />
            {!here.current && <Button id="fix" kind="primary" icon="bolt" onClick={() => void fix()}>{t("preview.fix")}</Button>}
            <Button kind="quiet" icon="close" label={t("close")} onClick={() => setErrors([])} />
          </header>
          <ul>{errors.map((e, i) => <li key={i}><code>{e.where}</code> {e.message}</li>)}</ul>
        </div>
      )}
      {visible && s.reason && !making.is && <p class="fine preview-note">{s.reason}</p>}
      {visible && <p class="fine preview-note">{t("preview.storage")}</p>}
    </>
  );
}

/** Frame keeps the address that it began with: the page follows newer revisions by itself, and a ticket opens it once. */
function Frame({ url, frame, onLoad, title }: { url: string; frame: { current: HTMLIFrameElement | null }; onLoad: () => void; title: string }) {
  const [first] = useState(url);
  return <iframe ref={frame} src={first} title={title} onLoad={onLoad} sandbox="allow-scripts allow-same-origin allow-forms allow-modals allow-popups allow-downloads" />;
}
