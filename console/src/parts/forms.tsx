// What forms share: what they send, one at a time; what is shown once; what is asked before something is gone for good.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { t } from "../i18n";
import { Button, Dialog, words } from "./basics";
import { say } from "./toast";

/** useSending is what a form sends: whether it is on its way, and why it was not taken. */
export function useSending(): { busy: boolean; error: string; clear: () => void; send: (what: () => Promise<unknown>) => Promise<boolean> } {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const send = async (what: () => Promise<unknown>) => {
    setBusy(true);
    setError("");
    try {
      await what();
      return true;
    } catch (e) {
      setError(words(e));
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, clear: () => setError(""), send };
}

export const FieldError = ({ children }: { children: string }) => (children ? <p class="field-error" role="alert">{children}</p> : null);

/** copy puts a text where the system keeps what was copied; pages that are no secure context may not, and say so. */
export function copy(text: string): void {
  const done = navigator.clipboard ? navigator.clipboard.writeText(text) : Promise.reject(new Error());
  done.then(() => say(t("copied"), "good"), () => say(t("copy.yourself"), "bad"));
}

/** ShownOnce is a secret that nobody sees again. */
export function ShownOnce({ title, text, secret, onClose }: { title: string; text: string; secret: string; onClose: () => void }) {
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{text}</p>
      <p class="secret"><code>{secret}</code><Button icon="copy" label={t("copy")} onClick={() => copy(secret)} /></p>
      <p class="dialog-foot"><Button kind="primary" onClick={onClose}>{t("close")}</Button></p>
    </Dialog>
  );
}

/** Confirm asks before something that cannot be taken back. */
export function Confirm({ title, yes, onYes, onClose, ready = true, children }: { title: string; yes: string; onYes: () => Promise<unknown>; onClose: () => void; ready?: boolean; children: ComponentChildren }) {
  const form = useSending();
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      <FieldError>{form.error}</FieldError>
      <p class="dialog-foot"><Button onClick={onClose}>{t("cancel")}</Button><Button kind="danger" id="confirm" busy={form.busy} disabled={!ready} onClick={() => void form.send(onYes).then((done) => done && onClose())}>{yes}</Button></p>
    </Dialog>
  );
}
