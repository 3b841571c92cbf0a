// The calls of models that a job made, in order, against time, and what was answered to each, for who wants to read it.
import { useState } from "preact/hooks";
import { ApiError, client, isBuiltIn } from "../api";
import { useData, usePages } from "../data";
import { compact, duration, money, t, tx } from "../i18n";
import type { CallAnswer, ModelCall } from "../schema";
import { Button, Failure, Notice, Waiting, words } from "./basics";
import { Icon } from "./icon";

export function Calls({ job, running }: { job: string; running: boolean }) {
  const { list, more } = usePages(`calls/${job}/${running}`, (s) => client.jobs.listCalls(job, { limit: 100 }, { signal: s }));
  if (list.error && !list.data) return <Failure error={list.error} />;
  if (!list.data) return <Waiting rows={6} />;
  const calls = list.data.items;
  if (!calls.length) return <Notice icon="coins" title={t("calls.none")} />;
  const began = Math.min(...calls.map((c) => Date.parse(c.started_at)));
  const ended = Math.max(...calls.map((c) => Date.parse(c.started_at) + c.duration_ms));
  const span = Math.max(1, ended - began);
  return (
    <div class="scroll calls" tabIndex={0} role="group" aria-label={t("run.calls")}>
      <table class="table">
        <thead><tr><th>{t("calls.stage")}</th><th>{t("usage.model")}</th><th class="when">{t("calls.when")}</th><th class="num">{t("usage.in")}</th><th class="num">{t("usage.out")}</th><th class="num">{t("run.time")}</th><th class="num">{t("run.cost")}</th></tr></thead>
        <tbody>{calls.map((c) => <Call key={c.id} job={job} call={c} from={(Date.parse(c.started_at) - began) / span} long={c.duration_ms / span} />)}</tbody>
      </table>
      {list.data.has_more && <p class="more"><Button busy={list.loading} onClick={more}>{t("more")}</Button></p>}
    </div>
  );
}

function Call({ job, call: c, from, long }: { job: string; call: ModelCall; from: number; long: number }) {
  const [open, setOpen] = useState(false);
  const marks = [c.cached ? t("calls.cached") : "", c.fallback ? t("calls.fallback") : "", c.attempt > 1 ? t("calls.attempt", { n: c.attempt }) : "", c.error_code ?? ""].filter(Boolean);
  return (
    <>
      <tr class={c.error_code ? "failed" : ""}>
        <td><button type="button" class="call-stage" aria-expanded={open} title={t("calls.read.answer")} onClick={() => setOpen(!open)}><Icon name="down" class={open ? "" : "turned"} />{tx("stage.short", c.stage || c.agent)}</button></td>
        <td><code>{c.model}</code>{marks.length > 0 && <span class="fine"> {marks.join(", ")}</span>}</td>
        <td class="when">
          <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false"><rect class="when-all" width="100" height="8" /><rect class="when-call" x={from * 99} width={Math.max(1, long * 100)} height="8" /></svg>
        </td>
        <td class="num" title={t("calls.read", { n: compact(c.cached_read_tokens) })}>{compact(c.input_tokens)}</td>
        <td class="num">{compact(c.output_tokens)}</td>
        <td class="num">{duration(c.duration_ms)}</td>
        <td class="num">{isBuiltIn(c.model) && !c.cost_micro_usd ? t("cost.free") : money(c.cost_micro_usd)}</td>
      </tr>
      {open && <tr><td colSpan={7}><Answer job={job} call={c.call} /></td></tr>}
    </>
  );
}

/** Answer is what a model answered to a call. What it wrote is text. */
function Answer({ job, call }: { job: string; call: number }) {
  const answer = useData<CallAnswer>(`answer/${job}/${call}`, (s) => client.jobs.getCall(job, String(call), { signal: s }));
  if (answer.error) return <p class="fine">{isMissing(answer.error) ? t("calls.gone") : words(answer.error)}</p>;
  if (!answer.data) return <Waiting rows={3} />;
  const a = answer.data;
  return (
    <div class="answer">
      {a.refusal && <p class="fine">{a.refusal}</p>}
      {a.parts.length === 0 && <p class="fine">{t("calls.gone")}</p>}
      {a.parts.map((p, i) => (
        <section key={i}>
          <p class="fine">{p.name ? <code>{p.name}</code> : tx("part", p.kind)}</p>
          <pre tabIndex={0}>{p.kind === "tool_call" ? pretty(p.text) : p.text}</pre>
        </section>
      ))}
    </div>
  );
}

const isMissing = (e: Error) => e instanceof ApiError && e.status === 404;

/** pretty lays out what a tool was called with; texts in it have their lines. */
function pretty(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2).replaceAll("\\n", "\n");
  } catch {
    return json;
  }
}
