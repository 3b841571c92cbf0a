// The small parts that all screens are made of.
import type { ComponentChildren, JSX, RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, isOffline } from "../api";
import { ago, exactly, t, tx } from "../i18n";
import type { JobStatus } from "../run";
import { Icon, type IconName } from "./icon";

type ButtonProps = {
  icon?: IconName;
  kind?: "primary" | "plain" | "quiet" | "danger";
  label?: string; // the name of one that shows an icon alone
  keys?: string;
  busy?: boolean;
  pressed?: boolean;
  children?: ComponentChildren;
  class?: string;
} & Pick<JSX.IntrinsicElements["button"], "onClick" | "disabled" | "type" | "id" | "aria-expanded" | "aria-controls" | "aria-haspopup">;

export function Button({ icon, kind = "plain", label, keys, busy, pressed, children, class: more, disabled, ...rest }: ButtonProps) {
  const title = label ? (keys ? `${label} (${keys})` : label) : undefined;
  return (
    <button
      type="button"
      {...rest}
      class={`button ${kind} ${children ? "" : "only-icon"} ${more ?? ""}`}
      aria-label={children ? undefined : label}
      title={title}
      aria-busy={busy || undefined}
      aria-pressed={pressed}
      disabled={disabled || busy}
    >
      {busy ? <span class="spinner" aria-hidden="true" /> : icon && <Icon name={icon} />}
      {children && <span>{children}</span>}
    </button>
  );
}

const stateIcons: Record<string, IconName> = {
  queued: "clock", running: "bolt", waiting_for_input: "question", completed: "check", failed: "failed", cancelled: "minus",
  planning: "layers", "in-progress": "edit", building: "bolt", archived: "folder",
};

const tones: Record<string, string> = {
  queued: "calm", running: "live", waiting_for_input: "warn", completed: "good", failed: "bad", cancelled: "calm",
  planning: "calm", "in-progress": "calm", building: "live", archived: "calm",
};

/** State says how something is, by an icon, a word and a colour. */
export function State({ is, of = "job" }: { is: JobStatus | string; of?: "job" | "project" }) {
  return (
    <span class={"state " + (tones[is] ?? "calm")}>
      <Icon name={stateIcons[is] ?? "minus"} />
      {tx(of, is)}
    </span>
  );
}

export function Chip({ icon, tone = "calm", children, title }: { icon?: IconName; tone?: string; children: ComponentChildren; title?: string | undefined }) {
  return (
    <span class={"state " + tone} title={title}>
      {icon && <Icon name={icon} />}
      {children}
    </span>
  );
}

export function Time({ at }: { at: string | null | undefined }) {
  if (!at) return null;
  return (
    <time class="time" dateTime={at} title={exactly(at)}>
      {ago(at)}
    </time>
  );
}

/** Failure says what went wrong and offers to try again. */
export function Failure({ error, retry }: { error: Error; retry?: () => void }) {
  const [icon, title, text] =
    isOffline(error) ? (["warning", t("offline.title"), t("offline.text")] as const)
    : error instanceof ApiError && error.status === 404 ? (["search", t("missing.title"), t("missing.text")] as const)
    : (["failed", t("failure.title"), words(error)] as const);
  return (
    <Notice icon={icon} title={title} tone="bad">
      <p>{text}</p>
      {error instanceof ApiError && error.requestId && <p class="fine">{t("failure.request", { id: error.requestId })}</p>}
      {retry && <Button icon="reload" onClick={retry}>{t("retry")}</Button>}
    </Notice>
  );
}

/** Notice stands where there is nothing else to show. */
export function Notice({ icon, title, tone, children }: { icon: IconName; title: string; tone?: string; children?: ComponentChildren }) {
  return (
    <div class={"notice " + (tone ?? "")}>
      <Icon name={icon} />
      <p class="notice-title">{title}</p>
      {children}
    </div>
  );
}

/** Waiting holds the place of rows that are on their way. */
export function Waiting({ rows = 4, label }: { rows?: number; label?: string }) {
  return (
    <div class="waiting" role="status" aria-label={label ?? t("loading")}>
      {Array.from({ length: rows }, (_, i) => <span class="bone" key={i} />)}
    </div>
  );
}

export function Progress({ value, label }: { value: number; label: string }) {
  return <progress class="progress" max={100} value={value} aria-label={label} />;
}

/** Choice is a row of which one is pressed. */
export function Choice<T extends string>({ label, of, is, onChange, icons }: { label: string; of: readonly [T, string][]; is: T; onChange: (to: T) => void; icons?: Record<T, IconName> }) {
  return (
    <div class="choice" role="group" aria-label={label}>
      {of.map(([value, name]) => (
        <button type="button" key={value} aria-pressed={value === is} onClick={() => onChange(value)} title={icons ? name : undefined} aria-label={icons ? name : undefined}>
          {icons ? <Icon name={icons[value]} /> : name}
        </button>
      ))}
    </div>
  );
}

/** Modal is a window over the page; Escape and its backdrop close it. */
export function Modal({ label, onClose, children, class: more }: { label: string; onClose: () => void; children: ComponentChildren; class?: string | undefined }) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    const e = ref.current!;
    e.showModal();
    // What is asked for comes first, and what changes nothing; not the cross.
    if (!e.querySelector("[autofocus]")) e.querySelector<HTMLElement>("input:enabled, select:enabled, textarea:enabled, .dialog-foot button:enabled")?.focus();
    return () => before?.focus?.();
  }, []);
  return (
    <dialog
      ref={ref}
      class={"dialog " + (more ?? "")}
      aria-label={label}
      onCancel={(e) => (e.preventDefault(), onClose())}
      onClick={(e) => e.target === ref.current && onClose()}
    >
      <div class="dialog-body">{children}</div>
    </dialog>
  );
}

/** Dialog is a window with a title. */
export function Dialog({ title, onClose, children, class: more }: { title: string; onClose: () => void; children: ComponentChildren; class?: string }) {
  return (
    <Modal label={title} onClose={onClose} class={more}>
      <header class="dialog-head">
        <h2>{title}</h2>
        <Button icon="close" kind="quiet" label={t("close")} onClick={onClose} />
      </header>
      {children}
    </Modal>
  );
}

/** Writing is a text that grows as it is written, up to a height; Enter sends it. */
export function Writing({ id, input, text, highest, label, hint, onText, onSend }: {
  id?: string;
  input: RefObject<HTMLTextAreaElement | null>;
  text: string;
  highest: number;
  label: string;
  hint: string;
  onText: (to: string) => void;
  onSend: () => void;
}) {
  useEffect(() => {
    const e = input.current;
    if (!e) return;
    e.style.height = "auto";
    e.style.height = Math.min(e.scrollHeight, highest) + "px";
  }, [text]);
  return (
    <textarea
      id={id}
      ref={input}
      rows={2}
      maxLength={20000}
      value={text}
      placeholder={hint}
      aria-label={label}
      onInput={(e) => onText(e.currentTarget.value)}
      onKeyDown={(e) => {
        if (e.key === "Enter" && !e.shiftKey && !e.isComposing) {
          e.preventDefault();
          onSend();
        } else if (e.key === "Escape") e.currentTarget.blur();
      }}
    />
  );
}

/** useNow moves on while something is timed. */
export function useNow(running: boolean, every = 250): number {
  const [now, set] = useState(() => performance.now());
  useEffect(() => {
    if (!running) return;
    const timer = setInterval(() => set(performance.now()), every);
    return () => clearInterval(timer);
  }, [running, every]);
  return now;
}

/** useTitle names the page. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title ? title + " · CodeForge" : "CodeForge";
  }, [title]);
}

/** words is what went wrong, with the reasons that the API gives. */
export function words(e: unknown): string {
  if (isOffline(e)) return t("offline.text");
  if (!(e instanceof ApiError)) return e instanceof Error ? e.message : String(e);
  const { reason, errors } = e.details as { reason?: unknown; errors?: { field?: string; message?: string }[] };
  const reasons = [typeof reason === "string" ? reason : "", ...(Array.isArray(errors) ? errors.map((x) => [x.field, x.message].filter(Boolean).join(": ")) : [])].filter(Boolean);
  return reasons.length ? `${e.message} (${reasons.slice(0, 3).join("; ")})` : e.message;
}
