// Signing in, by what the server and its Supabase project offer.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n";
import { Button, useNow, useTitle, Waiting } from "../parts/basics";
import { FieldError, useSending } from "../parts/forms";
import { Icon, Mark } from "../parts/icon";
import { arriving, goToProvider, offers, passwordSignIn, sendLink, told, tokenSignIn, withCodes, withSupabase, type Offers } from "../signin";

type Way = "password" | "link" | "token";

const names: Record<string, string> = { github: "GitHub", gitlab: "GitLab", azure: "Microsoft", linkedin_oidc: "LinkedIn", slack_oidc: "Slack", workos: "WorkOS", bitbucket: "Bitbucket" };
const nameOf = (provider: string) => names[provider] ?? provider.charAt(0).toUpperCase() + provider.slice(1).replace(/_oidc$/, "");

export function SignInScreen() {
  useTitle(t("signin.title"));
  const [way, setWay] = useState<Way>(withSupabase ? "password" : "token");
  const [email, setEmail] = useState("");
  const [has, setHas] = useState<Offers | null>(null);
  useEffect(() => {
    if (withSupabase) void offers().then(setHas, () => undefined); // the password is asked for all the same
  }, []);
  const to = (next: Way) => (setWay(next), (told.value = ""));
  if (arriving.value) return <div class="page"><Waiting rows={6} label={t("signin.arriving")} /></div>;
  return (
    <Box title={t("signin.title")}>
      {told.value && <p class="signin-told" role="alert"><Icon name="warning" />{told.value}</p>}
      {way === "token" ? <Token /> : (
        <>
          {withCodes && has && has.providers.length > 0 && <Providers names={has.providers} />}
          {has?.email !== false && (way === "link" ? <Link email={email} onEmail={setEmail} /> : <Password email={email} onEmail={setEmail} />)}
          {has?.email !== false && withCodes && <Button kind="quiet" id="other-way" onClick={() => to(way === "link" ? "password" : "link")}>{way === "link" ? t("signin.with.password") : t("signin.with.link")}</Button>}
        </>
      )}
      {withSupabase && <Button kind="quiet" onClick={() => to(way === "token" ? "password" : "token")}>{way === "token" ? t("signin.with.account") : t("signin.with.token")}</Button>}
    </Box>
  );
}

function Box({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <div class="page signin">
      <div class="signin-box">
        <Mark />
        <h1>{title}</h1>
        {children}
      </div>
    </div>
  );
}

function Providers({ names: all }: { names: readonly string[] }) {
  const form = useSending();
  return (
    <div class="providers">
      {all.map((p) => <Button key={p} busy={form.busy} onClick={() => void form.send(() => goToProvider(p))}>{t("signin.at", { name: nameOf(p) })}</Button>)}
      <FieldError>{form.error}</FieldError>
      <p class="or"><span>{t("signin.or")}</span></p>
    </div>
  );
}

interface WithEmail {
  email: string;
  onEmail: (to: string) => void;
}

const Email = ({ email, onEmail }: WithEmail) => <label class="labelled">{t("signin.email")}<input class="field" id="email" name="email" type="email" autocomplete="username" required value={email} onInput={(e) => onEmail(e.currentTarget.value)} /></label>;

function Password({ email, onEmail }: WithEmail) {
  const form = useSending();
  // What a browser fills in by itself it need not tell of: the fields are read as they are.
  const send = (e: { preventDefault: () => void; currentTarget: HTMLFormElement }) => {
    e.preventDefault();
    told.value = "";
    const field = (name: string) => String(new FormData(e.currentTarget).get(name) ?? "");
    const [address, password] = [field("email").trim(), field("password")];
    void form.send(() => passwordSignIn(address, password));
  };
  return (
    <form onSubmit={send}>
      <Email email={email} onEmail={(to) => (onEmail(to), form.clear())} />
      <label class="labelled">{t("signin.password")}<input class="field" id="password" name="password" type="password" autocomplete="current-password" required aria-invalid={!!form.error} onInput={form.clear} /></label>
      <FieldError>{form.error}</FieldError>
      <Button type="submit" id="sign-in" kind="primary" busy={form.busy}>{t("signin.do")}</Button>
    </form>
  );
}

const resendAfter = 60_000; // Supabase sends no two links to an address sooner

function Link({ email, onEmail }: WithEmail) {
  const [sent, setSent] = useState(0);
  const form = useSending();
  const wait = Math.min(resendAfter / 1000, Math.ceil((sent + resendAfter - useNow(sent > 0, 1000)) / 1000));
  const send = () => (told.value = "", void form.send(() => sendLink(email.trim())).then((done) => done && setSent(performance.now())));
  if (sent) {
    return (
      <div class="signin-sent" role="status">
        <p><strong>{t("signin.sent", { email })}</strong></p>
        <p class="fine">{t("signin.sent.text")}</p>
        <FieldError>{form.error}</FieldError>
        <Button busy={form.busy} disabled={wait > 0} onClick={send}>{wait > 0 ? t("signin.again.wait", { n: wait }) : t("signin.again")}</Button>
      </div>
    );
  }
  return (
    <form onSubmit={(e) => (e.preventDefault(), send())}>
      <Email email={email} onEmail={(to) => (onEmail(to), form.clear())} />
      <p class="fine">{t("signin.link.text")}</p>
      <FieldError>{form.error}</FieldError>
      <Button type="submit" id="send-link" kind="primary" busy={form.busy}>{t("signin.link.do")}</Button>
    </form>
  );
}

function Token() {
  const [text, setText] = useState("");
  const form = useSending();
  const send = async () => {
    if (!(await tokenSignIn(text.trim()))) throw new Error(t("signin.refused"));
  };
  return (
    <form onSubmit={(e) => (e.preventDefault(), void form.send(send))}>
      <label class="labelled">{t("signin.token")}<input class="field" id="token" type="password" autocomplete="off" required value={text} aria-invalid={!!form.error} onInput={(e) => (setText(e.currentTarget.value), form.clear())} /></label>
      <p class="fine">{t("signin.token.text")}</p>
      <FieldError>{form.error}</FieldError>
      <Button type="submit" kind="primary" busy={form.busy}>{t("signin.do")}</Button>
    </form>
  );
}
