// Sessions: when something was learned, for how long, and what. They are made of talks with the mentor, or noted by hand.
import { useState } from "preact/hooks";
import { call, get } from "../../api";
import { refresh, useData } from "../../data";
import { t } from "../../i18n";
import { Button, Chip, Dialog, Failure, Notice, Time, Waiting } from "../../parts/basics";
import { FieldError, useSending } from "../../parts/forms";
import { Icon } from "../../parts/icon";
import { say } from "../../parts/toast";
import type { Session, SessionCreate, SessionList } from "../../schema";
import type { Here } from "../project";

export function Sessions({ here }: { here: Here }) {
  const name = `project/${here.id}/sessions`;
  const list = useData<SessionList>(name, (s) => get(`v1/student/${here.id}/sessions?limit=100`, s));
  const [noting, setNoting] = useState(false);
  return (
    <section>
      <header class="section-head"><h2>{t("learn.sessions")}</h2>{list.data && <span class="count">{list.data.count}</span>}<span class="grow" /><Button icon="add" onClick={() => setNoting(true)}>{t("sessions.note")}</Button></header>
      {list.error && !list.data ? <Failure error={list.error} retry={() => refresh(name)} /> : !list.data ? <Waiting rows={4} /> : list.data.sessions.length === 0 ? <Notice icon="clock" title={t("sessions.none")}><p>{t("sessions.none.text")}</p></Notice> : (
        <ul class="sessions">{list.data.sessions.map((s) => <One key={s.id} session={s} />)}</ul>
      )}
      {noting && <Note here={here} onClose={() => setNoting(false)} />}
    </section>
  );
}

function One({ session: s }: { session: Session }) {
  const [open, setOpen] = useState(false);
  const lines = s.transcript.map((x) => ({ role: x["role"] === "user" ? "you" as const : "mentor" as const, text: textOf(x) })).filter((x) => x.text);
  return (
    <li>
      <div class="session-head">
        <p><strong><Time at={s.created_at} /></strong><span class="fine tabular">{t("sessions.minutes", { n: s.duration_minutes })}</span></p>
        {s.concepts_covered.length > 0 && <p class="evidence">{s.concepts_covered.map((c) => <Chip key={c}>{c}</Chip>)}</p>}
      </div>
      {lines.length > 0 && <Button kind="quiet" aria-expanded={open} onClick={() => setOpen(!open)}>{open ? t("less") : t("sessions.read")}</Button>}
      {open && <ol class="transcript">{lines.map((l, i) => <li key={i} class={l.role}><Icon name={l.role === "you" ? "edit" : "chat"} /><p><span class="hidden">{l.role === "you" ? t("you") : t("learn.mentor")}: </span>{l.text}</p></li>)}</ol>}
    </li>
  );
}

function textOf(entry: Record<string, unknown>): string {
  for (const key of ["content", "text", "message", "note"]) if (typeof entry[key] === "string") return entry[key];
  return "";
}

function Note({ here, onClose }: { here: Here; onClose: () => void }) {
  const [minutes, setMinutes] = useState("30");
  const [concepts, setConcepts] = useState("");
  const [note, setNote] = useState("");
  const form = useSending();
  const save = () => form.send(async () => {
    const body: SessionCreate = { transcript: note.trim() ? [{ role: "user", content: note.trim() }] : [], concepts_covered: concepts.split(",").map((c) => c.trim()).filter(Boolean), duration_minutes: Number(minutes) };
    await call("POST", `v1/student/${here.id}/sessions`, { body });
    refresh(`project/${here.id}/sessions`, `project/${here.id}/progress`);
    say(t("sessions.kept"), "good");
    onClose();
  });
  return (
    <Dialog title={t("sessions.note")} onClose={onClose}>
      <form onSubmit={(e) => (e.preventDefault(), void save())}>
        <label class="labelled">{t("sessions.minutes.label")}<input class="field" autofocus type="number" min={0} max={480} required value={minutes} onInput={(e) => (setMinutes(e.currentTarget.value), form.clear())} /></label>
        <label class="labelled">{t("sessions.concepts")}<input class="field" value={concepts} placeholder={t("learn.focus.hint")} onInput={(e) => (setConcepts(e.currentTarget.value), form.clear())} /></label>
        <label class="labelled">{t("sessions.text")}<textarea class="field" rows={4} maxLength={20000} value={note} onInput={(e) => (setNote(e.currentTarget.value), form.clear())} /></label>
        <FieldError>{form.error}</FieldError>
        <p class="dialog-foot"><Button onClick={onClose}>{t("cancel")}</Button><Button type="submit" kind="primary" busy={form.busy}>{t("save")}</Button></p>
      </form>
    </Dialog>
  );
}
