import { useState } from "preact/hooks";
import { t } from "../i18n";
import { Button, useTitle, words } from "../parts/basics";
import { Mark } from "../parts/icon";
import { passwordSignIn, tokenSignIn, withPassword } from "../signin";

export function SignInScreen() {
  useTitle(t("signin.title"));
  const [email, setEmail] = useState("");
  const [secret, setSecret] = useState("");
  const [pasted, setPasted] = useState(!withPassword);
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const send = async () => {
    setBusy(true);
    setError("");
    try {
      if (!pasted) await passwordSignIn(email.trim(), secret);
      else if (!(await tokenSignIn(secret.trim()))) setError(t("signin.refused"));
    } catch (e) {
      setError(words(e));
    } finally {
      setBusy(false);
    }
  };
  return (
    <div class="page signin">
      <form class="signin-box" onSubmit={(e) => (e.preventDefault(), void send())}>
        <Mark />
        <h1>{t("signin.title")}</h1>
        {!pasted && <label class="labelled">{t("signin.email")}<input class="field" type="email" autocomplete="username" required value={email} onInput={(e) => setEmail(e.currentTarget.value)} /></label>}
        <label class="labelled">
          {pasted ? t("signin.token") : t("signin.password")}
          <input class="field" type="password" autocomplete={pasted ? "off" : "current-password"} required value={secret} aria-invalid={!!error} onInput={(e) => (setSecret(e.currentTarget.value), setError(""))} />
        </label>
        {pasted && <p class="fine">{t("signin.token.text")}</p>}
        {error && <p class="field-error" role="alert">{error}</p>}
        <Button type="submit" kind="primary" busy={busy}>{t("signin.do")}</Button>
        {withPassword && <Button kind="quiet" onClick={() => (setPasted(!pasted), setSecret(""))}>{pasted ? t("signin.with.password") : t("signin.with.token")}</Button>}
      </form>
    </div>
  );
}
