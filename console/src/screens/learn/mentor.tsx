// The mentor answers a question with questions that lead there: a hint shows when it is wanted. What was asked is kept by the project's
// jobs; what somebody wants to keep as a session becomes one.
import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { call, get } from "../../api";
import { refresh, useData } from "../../data";
import { t } from "../../i18n";
import { Button, Chip, Failure, Notice, Time, Waiting, Writing } from "../../parts/basics";
import { answered } from "../../parts/answers";
import { FieldError, useSending } from "../../parts/forms";
import { Icon } from "../../parts/icon";
import { say } from "../../parts/toast";
import { place, setQuery } from "../../router";
import type { Lesson, SessionCreate, UserJobList } from "../../schema";
import type { Here } from "../project";

interface Asked {
  readonly question: string;
  readonly at: string;
  readonly lesson: Lesson;
}

/** What was asked since the page was opened, and is in no session yet, by project. */
const since = signal<Record<string, { began: number; all: readonly Asked[] }>>({});
const mostTranscript = 100; // entries of a session
const mostConcepts = 20;
const mostMinutes = 480;

export function Mentor({ here }: { here: Here }) {
  const name = `project/${here.id}/lessons`;
  const before = useData<UserJobList>(name, (s) => get(`v1/jobs?project=${here.id}&agent=pedagogy&state=completed&limit=20`, s));
  const [text, setText] = useState(place.value.query.get("ask") ?? "");
  const [asking, setAsking] = useState("");
  const input = useRef<HTMLTextAreaElement>(null);
  const newest = useRef<HTMLLIElement>(null);
  const form = useSending();
  useEffect(() => {
    const wanted = place.value.query.get("ask");
    if (!wanted) return;
    setText(wanted);
    setQuery({ ask: null });
    input.current?.focus();
  }, [place.value.query.get("ask")]);
  const own = since.value[here.id];
  const fresh = own?.all ?? [];
  const old = (before.data?.items ?? []).map((j) => ({ question: questionOf(j.input_context), at: j.created_at, lesson: j.result as Lesson })).filter((x) => x.lesson?.steps && x.question).reverse();
  const all = [...old.filter((o) => !fresh.some((f) => f.question === o.question && Math.abs(Date.parse(f.at) - Date.parse(o.at)) < 120_000)), ...fresh];
  useEffect(() => newest.current?.scrollIntoView({ block: "start" }), [all.length]); // it is read from its question on
  const ask = () => {
    const question = text.trim();
    if (!question || form.busy) return;
    const began = own?.began ?? Date.now();
    setAsking(question);
    setText("");
    void form.send(async () => {
      const lesson = await answered<Lesson>("v1/student/ask", { project_id: here.id, question });
      since.value = { ...since.value, [here.id]: { began, all: [...fresh, { question, at: new Date().toISOString(), lesson }] } };
    }).then((done) => {
      if (!done) setText(question); // nothing that was written is lost
      setAsking("");
    });
  };
  return (
    <div class="mentor">
      {before.error && !before.data ? <Failure error={before.error} retry={() => refresh(name)} /> : !before.data ? <Waiting rows={4} /> : all.length === 0 && !asking ? <Notice icon="chat" title={t("mentor.none")}><p>{t("mentor.none.text")}</p></Notice> : (
        <ol class="lessons" aria-label={t("learn.mentor")}>{all.map((x, i) => <li key={i} ref={i === all.length - 1 ? newest : null}><Question text={x.question} at={x.at} /><Answer lesson={x.lesson} /></li>)}</ol>
      )}
      {asking && <div class="lesson-asked"><Question text={asking} /><p class="fine thinking" role="status"><span class="spinner" aria-hidden="true" />{t("mentor.thinking")}</p></div>}
      {fresh.length > 0 && !asking && <Keep here={here} began={own!.began} all={fresh} />}
      <div class="mentor-ask">
        <FieldError>{form.error}</FieldError>
        <div class="mentor-box">
          <Writing id="mentor-question" input={input} text={text} highest={180} label={t("mentor.ask")} hint={t("chat.hint.ask")} onText={(to) => (setText(to), form.clear())} onSend={ask} />
          <Button id="ask-mentor" kind="primary" icon="send" label={t("mentor.ask")} busy={form.busy} disabled={!text.trim()} onClick={ask} />
        </div>
      </div>
    </div>
  );
}

function questionOf(input: unknown): string {
  const said = input as { question?: unknown; user_message?: unknown; message?: unknown } | null;
  const text = said?.question ?? said?.user_message ?? said?.message;
  return typeof text === "string" ? text : "";
}

const Question = ({ text, at }: { text: string; at?: string }) => <div class="lesson-question"><p>{text}</p>{at && <Time at={at} />}</div>;

function Answer({ lesson }: { lesson: Lesson }) {
  return (
    <div class="lesson">
      <p>{lesson.encouragement}</p>
      <ol class="steps">{lesson.steps.map((s, i) => <li key={i}><p><strong>{s.question}</strong></p>{s.hint && <details><summary>{t("mentor.hint")}</summary><p>{s.hint}</p></details>}{s.concept && <Chip>{s.concept}</Chip>}</li>)}</ol>
      {lesson.key_concept && <p class="key-concept"><Icon name="spark" /><span>{lesson.key_concept}</span></p>}
      {lesson.further_exploration.length > 0 && <details><summary>{t("mentor.further")}</summary><ul class="further">{lesson.further_exploration.map((f, i) => <li key={i}>{f}</li>)}</ul></details>}
    </div>
  );
}

/** Keep makes a session of what was asked since the last one. */
function Keep({ here, began, all }: { here: Here; began: number; all: readonly Asked[] }) {
  const form = useSending();
  const concepts = [...new Set(all.flatMap((x) => x.lesson.steps.map((s) => s.concept.trim())).filter(Boolean).map((c) => c.slice(0, 200)))].slice(0, mostConcepts);
  const keep = () => form.send(async () => {
    const minutes = Math.min(mostMinutes, Math.max(1, Math.round((Date.now() - began) / 60_000)));
    const transcript = all.flatMap((x) => [{ role: "user", content: x.question }, { role: "assistant", content: x.lesson.key_concept || x.lesson.encouragement, steps: x.lesson.steps }]).slice(-mostTranscript);
    await call("POST", `v1/student/${here.id}/sessions`, { body: { transcript, concepts_covered: concepts, duration_minutes: minutes } satisfies SessionCreate });
    const { [here.id]: _, ...rest } = since.value;
    since.value = rest;
    refresh(`project/${here.id}/sessions`, `project/${here.id}/progress`, `project/${here.id}/lessons`);
    say(t("sessions.kept"), "good");
  });
  return <div class="keep"><span class="fine">{t("sessions.keep.text")}</span><span class="grow" /><FieldError>{form.error}</FieldError><Button id="keep-session" icon="check" busy={form.busy} onClick={() => void keep()}>{t("sessions.keep")}</Button></div>;
}
