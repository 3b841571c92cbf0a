// The calls of models that a job made, in order, against time.
import { client } from "../api";
import { usePages } from "../data";
import { compact, duration, money, t, tx } from "../i18n";
import type { ModelCall } from "../schema";
import { Button, Failure, Notice, Waiting } from "./basics";

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
        <thead><tr><th>{t("calls.stage")}</th><th>{t("usage.model")}</th><th>{t("calls.when")}</th><th class="num">{t("usage.in")}</th><th class="num">{t("usage.out")}</th><th class="num">{t("run.time")}</th><th class="num">{t("run.cost")}</th></tr></thead>
        <tbody>{calls.map((c) => <Call key={c.id} call={c} from={(Date.parse(c.started_at) - began) / span} long={c.duration_ms / span} />)}</tbody>
      </table>
      {list.data.has_more && <p class="more"><Button busy={list.loading} onClick={more}>{t("more")}</Button></p>}
    </div>
  );
}

function Call({ call: c, from, long }: { call: ModelCall; from: number; long: number }) {
  const marks = [c.cached ? t("calls.cached") : "", c.fallback ? t("calls.fallback") : "", c.attempt > 1 ? t("calls.attempt", { n: c.attempt }) : "", c.error_code ?? ""].filter(Boolean);
  return (
    <tr class={c.error_code ? "failed" : ""}>
      <td>{tx("stage.short", c.stage || c.agent)}</td>
      <td><code>{c.model}</code>{marks.length > 0 && <span class="fine"> {marks.join(", ")}</span>}</td>
      <td class="when">
        <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false"><rect class="when-all" width="100" height="8" /><rect class="when-call" x={from * 99} width={Math.max(1, long * 100)} height="8" /></svg>
      </td>
      <td class="num" title={t("calls.read", { n: compact(c.cached_read_tokens) })}>{compact(c.input_tokens)}</td>
      <td class="num">{compact(c.output_tokens)}</td>
      <td class="num">{duration(c.duration_ms)}</td>
      <td class="num">{money(c.cost_micro_usd)}</td>
    </tr>
  );
}
