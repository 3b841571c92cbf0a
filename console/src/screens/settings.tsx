// Settings: each part of them has its address.
import type { ComponentType } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../i18n";
import { Button, useTitle } from "../parts/basics";
import { signOut } from "../parts/later";
import { sayFailure } from "../parts/toast";
import { link, place } from "../router";
import { served } from "../settings";
import { Keys } from "./settings/keys";
import { Looks } from "./settings/looks";
import { Profile } from "./settings/profile";
import { Server } from "./settings/server";
import { Tokens } from "./settings/tokens";
import { Webhooks } from "./settings/webhooks";

const parts = { looks: Looks, profile: Profile, tokens: Tokens, keys: Keys, webhooks: Webhooks, server: Server } satisfies Record<string, ComponentType>;
type Part = keyof typeof parts;

export function SettingsScreen() {
  const asked = place.value.path[1] ?? "looks";
  const at: Part = asked in parts ? (asked as Part) : "looks";
  const here = (Object.keys(parts) as Part[]).filter((p) => p !== "tokens" || served.users); // one user needs none
  useTitle(t(`settings.${at}`));
  const Content = parts[at];
  const nav = useRef<HTMLElement>(null);
  useEffect(() => nav.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" }), [at]);
  return (
    <div class="page settings">
      <header class="page-head"><h1>{t("nav.settings")}</h1><span class="grow" />{served.users && <Button id="sign-out" onClick={() => void signOut().catch(sayFailure)}>{t("signout")}</Button>}</header>
      <div class="settings-body">
        <nav ref={nav} class="settings-nav" aria-label={t("settings.parts")}>
          {here.map((p) => <a key={p} href={link(p === "looks" ? ["settings"] : ["settings", p])} aria-current={p === at ? "page" : undefined}>{t(`settings.${p}`)}</a>)}
        </nav>
        <div class="settings-part"><Content /></div>
      </div>
    </div>
  );
}
