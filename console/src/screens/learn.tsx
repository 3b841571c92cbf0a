// Learning by a project: the way through it in modules, choices to weigh, and where one stands. It is a view of projects of students.
import { useState } from "preact/hooks";
import { ApiError, call, get } from "../api";
import { refresh, useData } from "../data";
import { number, t, tx } from "../i18n";
import { Button, Chip, Choice, Failure, Notice, Progress, Waiting, words } from "../parts/basics";
import { say, sayFailure } from "../parts/toast";
import type { ChoiceFramework, Roadmap, RoadmapRequest, StudentProgress } from "../schema";
import type { Here } from "./project";

type Module = Roadmap["modules"][number];
type Level = RoadmapRequest["skill_level"];

export function LearnPane({ here }: { here: Here }) {
  const name = `project/${here.id}/roadmap`;
  const map = useData<Roadmap | null>(name, (s) => get<Roadmap>(`v1/student/${here.id}/roadmap`, s).catch((e: unknown) => {
    if (e instanceof ApiError && e.status === 404) return null;
    throw e;
  }));
  if (map.error && map.data === undefined) return <Failure error={map.error} retry={() => refresh(name)} />;
  if (map.data === undefined) return <Waiting rows={6} />;
  return map.data ? <Way here={here} map={map.data} /> : <Plan here={here} />;
}

/** Plan asks for a roadmap, which a job makes of the requirements. */
function Plan({ here }: { here: Here }) {
  const [level, setLevel] = useState<Level>("beginner");
  const [busy, setBusy] = useState(false);
  if (!here.project.requirements_spec) return <Notice icon="layers" title={t("learn.none")}><p>{t("learn.none.first")}</p></Notice>;
  const plan = async () => {
    setBusy(true);
    try {
      await call("POST", `v1/student/${here.id}/roadmap`, { body: { skill_level: level } });
      refresh(`project/${here.id}/roadmap`, `project/${here.id}/progress`);
    } catch (e) {
      sayFailure(e);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Notice icon="layers" title={t("learn.none")}>
      <p>{t("learn.none.text")}</p>
      <Choice label={t("learn.level")} is={level} of={(["beginner", "intermediate", "advanced"] as const).map((l) => [l, tx("level", l)])} onChange={setLevel} />
      <Button kind="primary" icon="spark" busy={busy} onClick={() => void plan()}>{t("learn.plan")}</Button>
    </Notice>
  );
}

function Way({ here, map }: { here: Here; map: Roadmap }) {
  const modules = map.modules;
  const progress = useData<StudentProgress>(`project/${here.id}/progress`, (s) => get(`v1/student/${here.id}/progress`, s));
  const step = map.current_step_index;
  const [open, setOpen] = useState(Math.min(step, modules.length - 1));
  const goTo = async (index: number) => {
    try {
      await call("PUT", `v1/student/${here.id}/roadmap/progress`, { body: { step_index: index } });
      setOpen(index);
      refresh(`project/${here.id}/roadmap`, `project/${here.id}/progress`);
    } catch (e) {
      sayFailure(e);
    }
  };
  return (
    <div class="learn scroll">
      {progress.data && (
        <header class="learn-head">
          <p><strong>{t("learn.progress", { n: number(progress.data.percent_complete) })}</strong><span class="fine">{t("learn.done", { n: progress.data.completed_modules, of: progress.data.total_modules })}</span></p>
          <Progress value={progress.data.percent_complete} label={t("progress")} />
        </header>
      )}
      <ol class="modules">
        {modules.map((m, i) => (
          <li key={i} class={i === step ? "current" : ""}>
            <button type="button" class="module-head" aria-expanded={i === open} onClick={() => setOpen(i === open ? -1 : i)}>
              <span class="revision-number">{i + 1}</span>
              <strong>{m.title}</strong>
              <span class="grow" />
              {i < step ? <Chip icon="check" tone="good">{t("learn.past")}</Chip> : i === step ? <Chip icon="bolt" tone="live">{t("learn.now")}</Chip> : null}
              {m.estimated_hours !== undefined && <span class="fine tabular hours">{t("learn.hours", { n: number(m.estimated_hours) })}</span>}
            </button>
            {i === open && (
              <div class="module">
                <p>{m.description}</p>
                {m.concepts && m.concepts.length > 0 && <p class="evidence">{m.concepts.map((c) => <Chip key={c}>{c}</Chip>)}</p>}
                {m.exercises && m.exercises.length > 0 && <ol class="exercises">{m.exercises.map((e, n) => <li key={n}>{e}</li>)}</ol>}
                <Decision here={here} module={m} index={i} />
                <p class="dialog-foot">
                  {i === step && i > 0 && <Button onClick={() => void goTo(i - 1)}>{t("learn.back")}</Button>}
                  {i === step && i + 1 < modules.length && <Button kind="primary" icon="arrow" onClick={() => void goTo(i + 1)}>{t("learn.next")}</Button>}
                  {i !== step && <Button onClick={() => void goTo(i)}>{t("learn.here")}</Button>}
                </p>
              </div>
            )}
          </li>
        ))}
      </ol>
    </div>
  );
}

/** Decision has the mentor weigh a decision of a module, of which somebody takes one side. */
function Decision({ here, module: m, index }: { here: Here; module: Module; index: number }) {
  const [about, setAbout] = useState("");
  const [weighed, setWeighed] = useState<ChoiceFramework | null>(null);
  const [chosen, setChosen] = useState(m.chosen_option ?? "");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const weigh = async () => {
    setBusy(true);
    setError("");
    try {
      setWeighed(await call<ChoiceFramework>("POST", `v1/student/${here.id}/choice`, { body: { decision_context: about.trim(), module_index: index } }));
    } catch (e) {
      setError(words(e));
    } finally {
      setBusy(false);
    }
  };
  const choose = async (id: string) => {
    try {
      await call("PUT", `v1/student/${here.id}/choice`, { body: { module_index: index, option_id: id } });
      setChosen(id);
      say(t("learn.chosen"), "good");
    } catch (e) {
      sayFailure(e);
    }
  };
  return (
    <div class="decision">
      <form class="decide" onSubmit={(e) => (e.preventDefault(), void weigh())}>
        <input class="field" value={about} maxLength={2000} placeholder={t("learn.decide.hint")} aria-label={t("learn.decide")} aria-invalid={!!error} onInput={(e) => (setAbout(e.currentTarget.value), setError(""))} />
        <Button type="submit" busy={busy} disabled={about.trim().length < 10}>{t("learn.decide")}</Button>
      </form>
      {error && <p class="field-error" role="alert">{error}</p>}
      {weighed && (
        <>
          <p class="fine">{weighed.recommendation}</p>
          <ul class="options">
            {weighed.options.map((o) => (
              <li key={o.id} class={o.id === chosen ? "chosen" : ""}>
                <p><strong>{o.title}</strong><span class="grow" /><Chip>{tx("level", o.difficulty)}</Chip></p>
                <ul class="sides">{o.pros.map((p, n) => <li key={"p" + n} class="pro">{p}</li>)}{o.cons.map((c, n) => <li key={"c" + n} class="con">{c}</li>)}</ul>
                <Button kind={o.id === chosen ? "primary" : "plain"} icon={o.id === chosen ? "check" : "apply"} onClick={() => void choose(o.id)}>{o.id === chosen ? t("learn.taken") : t("learn.take")}</Button>
              </li>
            ))}
          </ul>
        </>
      )}
      {!weighed && chosen && <p class="fine">{t("learn.taken")}: {chosen}</p>}
    </div>
  );
}

