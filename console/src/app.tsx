// The frame around all screens: where one can go, what the server is doing, and the screen that the address names.
import { signal } from "@preact/signals";
import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { heldUntil, offline, signedOut, token } from "./api";
import { refresh } from "./data";
import { t } from "./i18n";
import { Button, Dialog, useNow } from "./parts/basics";
import { Icon, Mark, type IconName } from "./parts/icon";
import { allShortcuts, shown, useKeys } from "./parts/keys";
import { Later, resume, SignIn } from "./parts/later";
import { Palette, paletteOpen } from "./parts/palette";
import { Toasts } from "./parts/toast";
import { go, link, place, section } from "./router";
import { Crumb, ProjectScreen } from "./screens/project";
import { StartScreen } from "./screens/start";
import { served, theme, type Theme } from "./settings";

const helpOpen = signal(false);

const sections: { name: "projects" | "jobs" | "usage" | "models" | "settings"; path: string[]; icon: IconName; keys: string }[] = [
  { name: "projects", path: [], icon: "home", keys: "g p" },
  { name: "jobs", path: ["jobs"], icon: "list", keys: "g j" },
  { name: "usage", path: ["usage"], icon: "coins", keys: "g u" },
  { name: "models", path: ["models"], icon: "layers", keys: "g m" },
  { name: "settings", path: ["settings"], icon: "gear", keys: "g s" },
];

const nextTheme: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };

function Nav({ onGo }: { onGo?: () => void }) {
  const here = section.value === "" ? "projects" : section.value;
  return (
    <nav class="nav" aria-label={t("nav")}>
      {sections.map((s) => (
        <a key={s.name} href={link(s.path)} aria-current={here === s.name ? "page" : undefined} onClick={onGo}>
          <Icon name={s.icon} />
          {t(`nav.${s.name}`)}
        </a>
      ))}
    </nav>
  );
}

function Header() {
  const [open, setOpen] = useState(false);
  return (
    <header class="top">
      <a class="skip" href="#main" onClick={(e) => (e.preventDefault(), document.getElementById("main")?.focus())}>{t("skip")}</a>
      <a class="brand" href="#/" aria-label={"CodeForge, " + t("home")}>
        <Mark />
        <span>CodeForge</span>
      </a>
      {!signedOut.value && <Nav />}
      {!signedOut.value && section.value === "projects" && <Crumb />}
      <div class="top-end">
        {!signedOut.value && <button type="button" class="find" onClick={() => (paletteOpen.value = true)}>
          <Icon name="search" />
          <span>{t("palette.title")}</span>
          <kbd aria-hidden="true">{shown("mod+k")}</kbd>
        </button>}
        <Button kind="quiet" icon={theme.value === "dark" ? "moon" : theme.value === "light" ? "sun" : "desktop"} label={t(`theme.${theme.value}`)} onClick={() => (theme.value = nextTheme[theme.value])} />
        {!signedOut.value && <Button kind="quiet" icon="menu" class="menu-button" label={t("nav")} aria-expanded={open} onClick={() => setOpen(!open)} />}
      </div>
      {open && (
        <div class="menu" onKeyDown={(e) => e.key === "Escape" && setOpen(false)}>
          <Nav onGo={() => setOpen(false)} />
        </div>
      )}
    </header>
  );
}

/** Trouble is what stands in the way of everything, said where all can see it. */
function Trouble() {
  const wait = Math.ceil((heldUntil.value - useNow(heldUntil.value > 0, 500)) / 1000);
  if (offline.value) {
    return <div class="trouble bad" role="status"><Icon name="warning" />{t("offline.bar")}</div>;
  }
  if (wait > 0) {
    return <div class="trouble" role="status"><Icon name="clock" />{t("held.bar", { n: wait })}</div>;
  }
  return null;
}

function Help() {
  if (!helpOpen.value) return null;
  return (
    <Dialog title={t("keys.title")} onClose={() => (helpOpen.value = false)}>
      <dl class="keys">
        {allShortcuts().map((s) => (
          <div key={s.keys}>
            <dt>{s.keys.split(" ").map((k) => <kbd key={k}>{shown(k)}</kbd>)}</dt>
            <dd>{s.name}</dd>
          </div>
        ))}
      </dl>
      <p class="fine">{t("keys.off")}</p>
    </Dialog>
  );
}

function LaterScreen({ name }: { name: string }) {
  return (
    <Later key={name}>
      {({ screens }) => {
        const Screen = screens[name];
        return Screen ? <Screen /> : <Missing />;
      }}
    </Later>
  );
}

function Missing() {
  return (
    <div class="page narrow">
      <h1>{t("missing.title")}</h1>
      <p>{t("missing.text")}</p>
      <p><a class="button plain" href="#/">{t("home")}</a></p>
    </div>
  );
}

function Screen() {
  if (signedOut.value) return <SignIn>{({ SignInScreen }) => <SignInScreen />}</SignIn>;
  const name = section.value;
  if (name === "") return <StartScreen />;
  if (name === "projects" && place.value.path[1]) return <ProjectScreen key={place.value.path[1]} id={place.value.path[1]} />;
  return <LaterScreen name={name} />;
}

function App() {
  const main = useRef<HTMLElement>(null);
  const name = section.value + "/" + (place.value.path[1] ?? "");
  const first = useRef(true);
  useEffect(() => {
    if (first.current) first.current = false;
    else main.current?.focus({ preventScroll: true });
  }, [name]);
  useKeys([
    { keys: "mod+k", name: t("palette.title"), run: () => (paletteOpen.value = !paletteOpen.value) },
    ...sections.map((s) => ({ keys: s.keys, name: t("nav.go", { where: t(`nav.${s.name}`) }), run: () => go(link(s.path)) })),
    { keys: "?", name: t("keys.title"), run: () => (helpOpen.value = true) },
  ]);
  return (
    <>
      <Header />
      <Trouble />
      <main id="main" ref={main} tabIndex={-1} class={"main at-" + (section.value || "start")}>
        <Screen />
      </main>
      <Palette />
      <Help />
      <Toasts />
    </>
  );
}

export function start(): void {
  render(<App />, document.getElementById("app")!);
  // Who signed in before a reload still is; whatever is in the way of that is told by the screen that asks who they are.
  if (served.users) void resume().catch(() => undefined);
}

let before = token.value;
token.subscribe((now) => {
  if (now && now !== before) refresh("");
  before = now;
});
