// What was said about a project: by people, by agents, and what agents ask. What models write is text, never markup.
import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { ApiError, client } from "../api";
import { refresh, useData } from "../data";
import { duration, t, tn, tx } from "../i18n";
import { merge, type Piece } from "../lines";
import { Button, Choice, Failure, Progress, Time, useNow, Waiting, Writing } from "../parts/basics";
import { Icon } from "../parts/icon";
import { useKeys } from "../parts/keys";
import { say, sayFailure } from "../parts/toast";
import { link } from "../router";
import { runOf, seen, type Question } from "../run";
import type { JobState, Message, MessageList } from "../schema";
import { remembered } from "../settings";
import { Conflict } from "./conflict";
import { cancel, submit, type Here } from "./project";

const drafts = remembered<Record<string, string>>("drafts", {});

export function Conversation({ here }: { here: Here }) {
  const name = `project/${here.id}/messages`;
  const list = useData<MessageList>(name, (s) => client.projects.listMessages(here.id, { limit: 50 }, { signal: s }).then((l) => ({ ...l, items: inOrder(l.items) })));
  const [older, setOlder] = useState<Message[]>([]);
  const [more, setMore] = useState<string | null>(null);
  const scroll = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  useEffect(() => {
    if (list.data && more === null && older.length === 0) setMore(list.data.next_before ?? null);
  }, [list.data]);
  const run = here.current && runOf(here.current.job_id);
  const version = run?.version.value;
  const messages = [...older, ...(list.data?.items ?? [])].filter((m) => !m.is_thinking);
  useLayoutEffect(() => {
    const e = scroll.current;
    if (!e || !atEnd.current) return;
    const asked = e.querySelector<HTMLElement>(".questions");
    e.scrollTop = asked ? asked.offsetTop - 12 : e.scrollHeight; // questions are read from the first on
  }, [messages.length, version, here.current?.status]);
  const loadOlder = async () => {
    if (!more) return;
    try {
      const page = await client.projects.listMessages(here.id, { limit: 50, before: more });
      setOlder([...inOrder(page.items), ...older]);
      setMore(page.next_before ?? null);
    } catch (e) {
      sayFailure(e);
    }
  };
  return (
    <div class="conversation">
      <div
        class="messages"
        ref={scroll}
        tabIndex={0}
        role="log"
        aria-live="off"
        aria-label={t("pane.chat")}
        onScroll={(e) => (atEnd.current = e.currentTarget.scrollHeight - e.currentTarget.scrollTop - e.currentTarget.clientHeight < 60)}
      >
        {more && <p class="more"><Button kind="quiet" onClick={() => void loadOlder()}>{t("chat.older")}</Button></p>}
        {list.error && !list.data ? <Failure error={list.error} retry={() => refresh(name)} />
        : !list.data ? <Waiting rows={5} />
        : messages.length === 0 && !here.current ? <p class="fine chat-none">{t("chat.none")}</p>
        : messages.map((m) => <Line key={m.id} here={here} message={m} />)}
        {here.current && <Current here={here} job={here.current} />}
        {!here.current && here.jobs[0] && <Ended here={here} job={here.jobs[0]} />}
      </div>
      <Composer here={here} />
    </div>
  );
}

const inOrder = (items: Message[]) => [...items].sort((a, b) => (a.created_at < b.created_at ? -1 : a.created_at > b.created_at ? 1 : a.id < b.id ? -1 : 1));

/** beginningOf is as much of a message as is shown at first. */
function beginningOf(text: string): string {
  const few = text.split("\n").slice(0, 11).join("\n");
  const cut = few.length > 1000 ? few.slice(0, 1000) : few;
  return cut.length < text.length - 80 ? cut : text;
}

function Line({ here, message: m }: { here: Here; message: Message }) {
  const about = (m.metadata ?? {}) as { agent_type?: string; job_id?: string };
  const [whole, setWhole] = useState(false);
  const first = beginningOf(m.content);
  const long = first.length < m.content.length;
  return (
    <article class={"message " + m.role}>
      <header>
        <span class="who">{m.role === "user" ? t("you") : about.agent_type ? tx("agent", about.agent_type) : t("agent.any")}</span>
        <Time at={m.created_at} />
        {about.job_id && m.role !== "user" && <a class="fine" href={link(["projects", here.id, "run", about.job_id])}>{t("chat.run")}</a>}
      </header>
      <p class="said">{long && !whole ? first + " …" : m.content}</p>
      {long && <Button kind="quiet" onClick={() => setWhole(!whole)}>{whole ? t("less") : t("whole")}</Button>}
    </article>
  );
}

/** Current is the job that has not ended: what it does, or what it asks. */
function Current({ here, job }: { here: Here; job: JobState }) {
  const r = seen(runOf(job.job_id));
  const status = r.seq ? r.status : job.status;
  const now = useNow(status === "running");
  const stage = r.stages.at(-1);
  const questions = r.questions.length ? r.questions : ((job.clarification_data as { questions?: Question[] } | null)?.questions ?? []);
  if (status === "waiting_for_input") {
    return job.proposal || r.proposal ? <Review here={here} job={job} questions={questions} /> : <Questions here={here} job={job} questions={questions} />;
  }
  const began = job.started_at ? Date.now() - new Date(job.started_at).getTime() : 0;
  void now;
  return (
    <article class="doing" aria-label={t("chat.doing")}>
      <header>
        {status === "queued" ? <Icon name="clock" /> : <span class="spinner" aria-hidden="true" />}
        <a href={link(["projects", here.id, "run", job.job_id])}>
          {status === "queued" ? (r.queue ?? job.queue ? t("queue.place", { n: (r.queue ?? job.queue)!.place, why: tx("queue", (r.queue ?? job.queue)!.waiting_for) }) : t("job.queued")) : stage ? tx("stage", stage.name) : tx("agent", job.agent_type)}
        </a>
        <span class="grow" />
        {status === "running" && <span class="fine tabular">{duration(Math.max(0, began))}</span>}
        <Button kind="quiet" icon="stop" label={t("stop")} onClick={() => void cancel(job.job_id)} />
      </header>
      <Progress value={r.progress || job.progress} label={t("progress")} />
      {status === "running" && <p class="said streaming">{r.text.slice(-400)}</p>}
    </article>
  );
}

/** Ended is how the newest job ended, where that needs a word: a failure, or work that waits for somebody. */
function Ended({ here, job }: { here: Here; job: JobState }) {
  if (job.proposal) return <Review here={here} job={job} questions={[]} />;
  if (job.status !== "failed" && job.status !== "cancelled") return null;
  const again = async () => {
    try {
      await client.jobs.retry(job.job_id);
      refresh(`project/${here.id}/jobs`);
    } catch (e) {
      sayFailure(e);
    }
  };
  return (
    <article class={"card-note " + (job.status === "failed" ? "bad" : "")}>
      <p>
        <Icon name={job.status === "failed" ? "failed" : "minus"} />
        {job.status === "failed" ? (job.error ?? t("job.failed")) : t("job.cancelled.text")}
        {job.revision ? " " + t("job.kept", { n: job.revision }) : ""}
      </p>
      <Button icon="reload" onClick={() => void again()}>{t("job.again")}</Button>
    </article>
  );
}

/** Questions are answered by a digit, or in words. */
function Questions({ here, job, questions }: { here: Here; job: JobState; questions: Question[] }) {
  const [answers, setAnswers] = useState<Record<string, string>>({});
  const [busy, setBusy] = useState(false);
  const open = questions.findIndex((q) => !answers[q.question]?.trim());
  const done = questions.length > 0 && open < 0;
  const set = (q: Question, a: string) => setAnswers((was) => ({ ...was, [q.question]: a }));
  useKeys(
    (questions[open]?.options ?? []).slice(0, 9).map((option, i) => ({ keys: String(i + 1), name: option, hidden: true, run: () => set(questions[open]!, option) })),
  );
  const send = async (skip: boolean) => {
    setBusy(true);
    try {
      const all = questions.map((q) => ({ question: q.question, answer: answers[q.question]?.trim() || (skip ? (q.options?.[0] ?? t("questions.youdecide")) : "") }));
      await client.agents.respond(job.job_id, { answers: all });
      refresh(`project/${here.id}/jobs`);
    } catch (e) {
      sayFailure(e);
    } finally {
      setBusy(false);
    }
  };
  return (
    <article class="questions" aria-label={t("questions.title")}>
      <header><Icon name="question" /><strong>{t("questions.title")}</strong></header>
      {questions.map((q, n) => (
        <fieldset key={q.question} class={n === open ? "open" : ""}>
          <legend>{q.question}</legend>
          {q.why && <p class="fine">{q.why}</p>}
          {(q.options ?? []).map((option, i) => (
            <label key={option} class="option">
              <input type="radio" name={job.job_id + n} checked={answers[q.question] === option} onChange={() => set(q, option)} />
              <span>{option}</span>
              {n === open && i < 9 && <kbd>{i + 1}</kbd>}
            </label>
          ))}
          <input class="field" value={(q.options ?? []).includes(answers[q.question] ?? "") ? "" : (answers[q.question] ?? "")} placeholder={t("questions.own")} aria-label={t("questions.own")} onInput={(e) => set(q, e.currentTarget.value)} />
        </fieldset>
      ))}
      <p class="dialog-foot">
        <Button kind="quiet" onClick={() => void cancel(job.job_id)}>{t("stop")}</Button>
        <Button onClick={() => void send(true)} busy={busy}>{t("questions.skip")}</Button>
        <Button kind="primary" disabled={!done} busy={busy} onClick={() => void send(false)}>{t("questions.send")}</Button>
      </p>
    </article>
  );
}

/** inRevision is a file as it was in a revision; "" where it was not there. */
const inRevision = async (here: Here, revision: number, path: string) => (revision > 0 ? ((await client.revisions.get(here.id, revision, { path })).files[0]?.content ?? "") : "");

type Stands = "yours" | "job" | { text: string };

/** Review is work that becomes a revision when somebody says so; of files that both changed, what of them stands. */
function Review({ here, job, questions }: { here: Here; job: JobState; questions: Question[] }) {
  const [busy, setBusy] = useState(false);
  const [stands, setStands] = useState<Record<string, Stands>>({});
  const [asked, setAsked] = useState<{ path: string; pieces: Piece[] } | null>(null);
  const paths = questions.filter((q) => q.options?.includes("yours")); // else it is asked whether to apply it
  const decide = async (what: "apply" | "reject") => {
    setBusy(true);
    try {
      const said = what === "reject" ? await client.jobs.rejectProposal(job.job_id) : await client.jobs.applyProposal(job.job_id, paths.length ? { resolve: stands } : {});
      say(said.message, "good");
    } catch (e) {
      sayFailure(e);
    } finally {
      setBusy(false);
      refresh(`project/${here.id}/`);
    }
  };
  const text = (of: Promise<{ content?: string }>) => of.then((f) => f.content ?? "", (e: unknown) => (e instanceof ApiError && e.status === 404 ? "" : Promise.reject(e)));
  const edit = async (path: string) => {
    try {
      const { base } = await client.jobs.getProposal(job.job_id);
      const [before, yours, theirs] = await Promise.all([
        inRevision(here, base, path),
        inRevision(here, here.project.revision, path),
        text(client.jobs.listFiles(job.job_id, { path }).then((l) => l.files[0] ?? {})),
      ]);
      setAsked({ path, pieces: merge(before, yours, theirs) });
    } catch (e) {
      sayFailure(e);
    }
  };
  const set = (path: string, to: Stands) => (setStands({ ...stands, [path]: to }), setAsked(null));
  return (
    <article class="questions" aria-label={t("review.title")}>
      <header><Icon name={paths.length ? "conflict" : "apply"} /><strong>{paths.length ? t("conflict.title") : t("review.title")}</strong></header>
      <p>{paths.length ? t("conflict.text") : job.proposal?.message || t("review.text")}</p>
      {job.proposal && <p class="fine">{tn("files.changed", job.proposal.files_changed)}{job.proposal.verified ? "" : " · " + t("review.unverified")}</p>}
      {paths.map(({ question: path, why }) => {
        const is = stands[path];
        return (
          <fieldset key={path}>
            <legend><code>{path}</code></legend>
            {why && <p class="fine">{why}</p>}
            <Choice label={path} is={typeof is === "object" ? "text" : (is ?? "")} of={[["yours", t("conflict.yours")], ["job", t("conflict.job")], ["text", t("conflict.edit")]]} onChange={(to) => (to === "text" ? void edit(path) : set(path, to as "yours" | "job"))} />
          </fieldset>
        );
      })}
      <p class="dialog-foot">
        <a class="button plain" href={link(["projects", here.id, "run", job.job_id], { part: "proposal" })}>{t("review.look")}</a>
        <Button kind="quiet" busy={busy} onClick={() => void decide("reject")}>{t("review.reject")}</Button>
        <Button id="apply" kind="primary" icon="apply" busy={busy} disabled={paths.some((q) => !stands[q.question])} onClick={() => void decide("apply")}>{t("review.apply")}</Button>
      </p>
      {asked && <Conflict path={asked.path} pieces={asked.pieces} theirs="job" onClose={() => setAsked(null)} onSave={(text) => set(asked.path, { text })} />}
    </article>
  );
}

type Wish = "change" | "build" | "review" | "ask";
const agents = { change: "code", build: "builder", review: "qa", ask: "pedagogy" } as const;

function Composer({ here }: { here: Here }) {
  const text = drafts.value[here.id] ?? "";
  const set = (to: string) => {
    const { [here.id]: _, ...others } = drafts.value;
    drafts.value = to ? { ...others, [here.id]: to } : others;
  };
  const [wish, setWish] = useState<Wish | "">("");
  const busy = useSignal(false); // at once: a key that is held sends one message
  const input = useRef<HTMLTextAreaElement>(null);
  const does: Wish = wish || (here.project.revision > 0 ? "change" : "build");
  useKeys([{ keys: "/", name: t("chat.focus"), run: () => input.current?.focus() }]);
  const send = async () => {
    const said = text.trim();
    if (busy.value) return;
    if (!said && does !== "review") return input.current?.focus();
    busy.value = true;
    const context: Record<string, unknown> = does === "ask" ? { user_message: said, question: said } : said ? { user_message: said } : {};
    if (await submit(here, agents[does], context)) set("");
    busy.value = false;
  };
  return (
    <form class="composer" onSubmit={(e) => (e.preventDefault(), void send())}>
      <Writing input={input} text={text} highest={200} label={t("chat.say")} hint={t(`chat.hint.${does}`)} onText={set} onSend={() => void send()} />
      <div class="composer-foot">
        <select class="select" aria-label={t("chat.wish")} value={does} onChange={(e) => setWish(e.currentTarget.value as Wish)}>
          {(["change", "build", "review", "ask"] as const).map((w) => <option key={w} value={w}>{t(`wish.${w}`)}</option>)}
        </select>
        <span class="grow" />
        <Button type="submit" kind="primary" icon="send" busy={busy.value}>{t("send")}</Button>
      </div>
    </form>
  );
}

