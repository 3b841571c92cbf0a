// What happened, told once: below on the screen, and to those who listen.
import { signal } from "@preact/signals";
import { Button, words } from "./basics";
import { Icon, type IconName } from "./icon";
import { t } from "../i18n";

interface Toast {
  readonly id: number;
  readonly text: string;
  readonly tone: "good" | "bad" | "calm";
  readonly action?: { name: string; run: () => void };
}

const toasts = signal<readonly Toast[]>([]);
/** What the one polite live region says. */
const spoken = signal("");
let last = 0;

export function say(text: string, tone: Toast["tone"] = "calm", action?: Toast["action"]): void {
  const id = ++last;
  toasts.value = [...toasts.value.slice(-2), action ? { id, text, tone, action } : { id, text, tone }];
  spoken.value = text;
  setTimeout(() => dismiss(id), tone === "bad" || action ? 10_000 : 4_000);
}

export const sayFailure = (e: unknown) => say(words(e), "bad");

/** announce is for those who listen alone: what others see anyway. */
export function announce(text: string): void {
  spoken.value = text;
}

const dismiss = (id: number) => (toasts.value = toasts.value.filter((x) => x.id !== id));
const icons: Record<Toast["tone"], IconName> = { good: "check", bad: "failed", calm: "bolt" };

export function Toasts() {
  return (
    <>
      <div class="toasts">
        {toasts.value.map((x) => (
          <div class={"toast " + x.tone} key={x.id}>
            <Icon name={icons[x.tone]} />
            <span>{x.text}</span>
            {x.action && <Button kind="quiet" onClick={() => (x.action!.run(), dismiss(x.id))}>{x.action.name}</Button>}
            <Button kind="quiet" icon="close" label={t("close")} onClick={() => dismiss(x.id)} />
          </div>
        ))}
      </div>
      <div class="hidden" role="status" aria-live="polite">{spoken.value}</div>
    </>
  );
}
