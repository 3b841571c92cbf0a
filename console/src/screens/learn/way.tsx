// The way through a project: modules with what they teach, exercises, and decisions to weigh.
import { useState } from "preact/hooks";
import { call, get } from "../../api";
import { refresh, useData } from "../../data";
import { number, t, tx } from "../../i18n";
import { Button, Chip, Choice, Dialog, Failure, Notice, Progress, Waiting } from "../../parts/basics";
import { answered } from "../../parts/answers";
import { FieldError, useSending } from "../../parts/forms";
import { Icon } from "../../parts/icon";
import { say, sayFailure } from "../../parts/toast";
import { carried, link } from "../../router";
import type { ChoiceFramework, Roadmap, RoadmapRequest, StudentProgress, UserJobList } from "../../schema";
import type { Here } from "../project";

type Module = Roadmap["modules"][number];
type Level = RoadmapRequest["skill_level"];

const nameOf = (here: Here) => `project/${here.id}/roadmap`;
const renew = (here: Here) => refresh(nameOf(here), `project/${here.id}/progress`);

export function Way({ here }: { here: Here }) {
  const name = nameOf(here);
  const map = useData<Roadmap | null>(name, async (s) => (await get<Roadmap | undefined>(`v1/student/${here.id}/roadmap?optional=true`, s)) ?? null);
  if (map.error && map.data === undefined) return <Failure error={map.error} retry={() => refresh(name)} />;
  if (map.data === undefined) return <Waiting rows={6} />;
  if (map.data) return <Modules here={here} map={map.data} />;
  if (!here.project.requirements_spec) return <Notice icon="layers" title={t("learn.none")}><p>{t("learn.none.first")}</p></Notice>;
  return <section class="learn-card"><h2>{t("learn.none")}</h2><p class="fine">{t("learn.none.text")}</p><Plan here={here} onDone={() => renew(here)} /></section>;
}

const levels: readonly Level[] = ["beginner", "intermediate", "advanced"];
const mostFocus = 5;

/** Plan has a way planned, for what somebody knows and wants to learn above all. */
function Plan({ here, onDone, onClose }: { here: Here; onDone: () => void; onClose?: () => void }) {
  const [level, setLevel] = useState<Level>("beginner");
  const [focus, setFocus] = useState("");
  const form = useSending();
  const areas = focus.split(",").map((x) => x.trim()).filter(Boolean);
  const plan = () => form.send(async () => {
    await answered("v1/student/" + here.id + "/roadmap", { skill_level: level, ...(areas.length > 0 ? { focus_areas: areas } : {}) });
    onDone();
  });
  return (
    <form class="plan" onSubmit={(e) => (e.preventDefault(), void plan())}>
      <div class="labelled">{t("learn.level")}<div><Choice label={t("learn.level")} is={level} of={levels.map((l) => [l, tx("level", l)])} onChange={setLevel} /></div></div>
      <label class="labelled">{t("learn.focus")}<input class="field" value={focus} maxLength={1000} placeholder={t("learn.focus.hint")} aria-invalid={areas.length > mostFocus} onInput={(e) => (setFocus(e.currentTarget.value), form.clear())} /></label>
      <FieldError>{areas.length > mostFocus ? t("learn.focus.most", { n: mostFocus }) : form.error}</FieldError>
      <p class="dialog-foot">{onClose && <Button onClick={onClose}>{t("cancel")}</Button>}<Button type="submit" id="plan-way" kind="primary" icon="spark" busy={form.busy} disabled={areas.length > mostFocus}>{t("learn.plan")}</Button></p>
    </form>
  );
}

function Modules({ here, map }: { here: Here; map: Roadmap }) {
  const progress = useData<StudentProgress>(`project/${here.id}/progress`, (s) => get(`v1/student/${here.id}/progress`, s));
  const step = map.current_step_index;
  const [open, setOpen] = useState(Math.min(step, map.modules.length - 1));
  const [anew, setAnew] = useState(false);
  const goTo = async (index: number) => {
    try {
      await call("PUT", `v1/student/${here.id}/roadmap/progress`, { body: { step_index: index } });
      setOpen(index);
      renew(here);
    } catch (e) {
      sayFailure(e);
    }
  };
  const hours = map.modules.reduce((sum, m) => sum + (m.estimated_hours ?? 0), 0);
  return (
    <>
      <header class="learn-head">
        <p><strong>{t("learn.progress", { n: number(progress.data?.percent_complete ?? 0) })}</strong><span class="fine">{t("learn.done", { n: progress.data?.completed_modules ?? step, of: map.modules.length })} · {t("learn.hours", { n: number(hours) })}{progress.data && progress.data.total_sessions > 0 && <> · {t("learn.spent", { n: progress.data.total_time_minutes })}</>}</span><span class="grow" /><Button kind="quiet" icon="reload" onClick={() => setAnew(true)}>{t("learn.replan")}</Button></p>
        <Progress value={progress.data?.percent_complete ?? 0} label={t("progress")} />
      </header>
      <ol class="modules">
        {map.modules.map((m, i) => (
          <li key={i} class={i === step ? "current" : ""}>
            <button type="button" class="module-head" aria-expanded={i === open} onClick={() => setOpen(i === open ? -1 : i)}>
              <span class={"module-number" + (i < step ? " past" : "")}>{i < step ? <Icon name="apply" /> : i + 1}</span>
              <strong>{m.title}</strong>
              <span class="grow" />
              {i === step && <Chip icon="bolt" tone="live">{t("learn.now")}</Chip>}
              {i < step && <span class="hidden">{t("learn.past")}</span>}
              {m.estimated_hours !== undefined && <span class="fine tabular hours">{t("learn.hours", { n: number(m.estimated_hours) })}</span>}
            </button>
            {i === open && <Content here={here} module={m} index={i} step={step} last={i + 1 === map.modules.length} goTo={goTo} />}
          </li>
        ))}
      </ol>
      {anew && <Dialog title={t("learn.replan")} onClose={() => setAnew(false)}><p class="fine">{t("learn.replan.text")}</p><Plan here={here} onClose={() => setAnew(false)} onDone={() => (setAnew(false), renew(here))} /></Dialog>}
    </>
  );
}

function Content({ here, module: m, index, step, last, goTo }: { here: Here; module: Module; index: number; step: number; last: boolean; goTo: (index: number) => Promise<void> }) {
  const asked = (exercise: string) => link(["projects", here.id, "learn", "mentor"], { ...carried("w", "show"), ask: exercise });
  return (
    <div class="module">
      {m.description && <p>{m.description}</p>}
      {m.concepts && m.concepts.length > 0 && <p class="evidence">{m.concepts.map((c) => <Chip key={c}>{c}</Chip>)}</p>}
      {m.exercises && m.exercises.length > 0 && (
        <>
          <h3>{t("learn.exercises")}</h3>
          <ol class="exercises">{m.exercises.map((e, n) => <li key={n}><span>{e}</span><a class="button quiet only-icon" href={asked(e)} aria-label={t("learn.ask.about", { n: n + 1 })} title={t("learn.ask.about", { n: n + 1 })}><Icon name="chat" /></a></li>)}</ol>
        </>
      )}
      <Decision here={here} module={m} index={index} />
      <p class="dialog-foot">
        {index === step && index > 0 && <Button onClick={() => void goTo(index - 1)}>{t("learn.back")}</Button>}
        {index === step && !last && <Button kind="primary" icon="arrow" onClick={() => void goTo(index + 1)}>{t("learn.next")}</Button>}
        {index !== step && <Button onClick={() => void goTo(index)}>{t("learn.here")}</Button>}
      </p>
    </div>
  );
}

interface Weighed {
  about: string;
  framework: ChoiceFramework;
}

/** Decision has the mentor weigh a decision of a module, of which somebody takes one side. What was weighed before is shown again. */
function Decision({ here, module: m, index }: { here: Here; module: Module; index: number }) {
  const name = `project/${here.id}/choices`;
  const before = useData<UserJobList>(name, (s) => get(`v1/jobs?project=${here.id}&agent=choice&state=completed&limit=50`, s));
  const [about, setAbout] = useState("");
  const [fresh, setFresh] = useState<Weighed | null>(null);
  const form = useSending();
  const old = before.data?.items.find((j) => (j.input_context as { module_index?: number } | null)?.module_index === index);
  const weighed: Weighed | null = fresh ?? (old ? { about: String((old.input_context as { decision_context?: string }).decision_context ?? ""), framework: old.result as ChoiceFramework } : null);
  const weigh = () => form.send(async () => {
    const framework = await answered<ChoiceFramework>(`v1/student/${here.id}/choice`, { decision_context: about.trim(), module_index: index });
    setFresh({ about: about.trim(), framework });
    setAbout("");
    refresh(name);
  });
  const choose = async (id: string) => {
    try {
      await call("PUT", `v1/student/${here.id}/choice`, { body: { module_index: index, option_id: id } });
      refresh(nameOf(here));
      say(t("learn.chosen"), "good");
    } catch (e) {
      sayFailure(e);
    }
  };
  return (
    <div class="decision">
      <h3>{t("learn.decisions")}</h3>
      <form class="decide" onSubmit={(e) => (e.preventDefault(), void weigh())}>
        <input class="field" value={about} maxLength={2000} placeholder={t("learn.decide.hint")} aria-label={t("learn.decide")} aria-invalid={!!form.error} onInput={(e) => (setAbout(e.currentTarget.value), form.clear())} />
        <Button type="submit" busy={form.busy} disabled={about.trim().length < 10}>{t("learn.decide")}</Button>
      </form>
      <FieldError>{form.error}</FieldError>
      {weighed?.framework?.options && (
        <>
          <p class="weighed"><strong>{weighed.about}</strong></p>
          <p class="fine">{weighed.framework.recommendation}</p>
          <ul class="options">
            {weighed.framework.options.map((o) => (
              <li key={o.id} class={o.id === m.chosen_option ? "chosen" : ""}>
                <p><strong>{o.title}</strong><span class="grow" /><Chip>{tx("level", o.difficulty)}</Chip></p>
                <ul class="sides">{o.pros.map((p, n) => <li key={"p" + n} class="pro">{p}</li>)}{o.cons.map((c, n) => <li key={"c" + n} class="con">{c}</li>)}</ul>
                {o.educational_value && <p class="fine">{o.educational_value}</p>}
                <Button kind={o.id === m.chosen_option ? "primary" : "plain"} pressed={o.id === m.chosen_option} icon={o.id === m.chosen_option ? "check" : "apply"} onClick={() => void choose(o.id)}>{o.id === m.chosen_option ? t("learn.taken") : t("learn.take")}</Button>
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
