// Who somebody is, all that is theirs as a file, and an end to all of it.
import { useEffect, useState } from "preact/hooks";
import { call, get, raw } from "../../api";
import { refresh, useData } from "../../data";
import { t, tx } from "../../i18n";
import { Button, Choice, Failure, Waiting } from "../../parts/basics";
import { Confirm, FieldError, useSending } from "../../parts/forms";
import { signOut } from "../../parts/later";
import { say, sayFailure } from "../../parts/toast";
import type { Profile as Row, ProfilePatch } from "../../schema";
import { served } from "../../settings";
import { save } from "../../transfer";

type Level = NonNullable<Row["skill_level"]>;

export function Profile() {
  const row = useData<Row>("profile", (s) => get("v1/profiles/me", s));
  if (row.error && !row.data) return <Failure error={row.error} retry={() => refresh("profile")} />;
  if (!row.data) return <section class="settings-group"><h2>{t("settings.profile")}</h2><Waiting rows={4} /></section>;
  return <><Form row={row.data} /><Belongings /></>;
}

function Form({ row }: { row: Row }) {
  const was = { username: row.username ?? "", full_name: row.full_name ?? "", avatar_url: row.avatar_url ?? "", skill_level: row.skill_level ?? ("" as Level | "") };
  const [is, set] = useState(was);
  const form = useSending();
  useEffect(() => set(was), [row.updated_at]);
  const put = (change: Partial<typeof is>) => (set({ ...is, ...change }), form.clear());
  const changed = (Object.keys(is) as (keyof typeof is)[]).filter((k) => is[k].trim() !== was[k]);
  const send = () => form.send(async () => {
    // An empty name is no name, which the API has no word for: it stays as it was.
    const patch = Object.fromEntries(changed.filter((k) => is[k].trim() !== "" || k === "avatar_url").map((k) => [k, is[k].trim()])) as ProfilePatch;
    if (Object.keys(patch).length > 0) await call("PUT", "v1/profiles/me", { body: patch });
    refresh("profile");
    say(t("profile.saved"), "good");
  });
  return (
    <form class="settings-group" onSubmit={(e) => (e.preventDefault(), void send())}>
      <h2>{t("settings.profile")}</h2>
      <label class="labelled">{t("profile.username")}<input class="field" id="username" value={is.username} minLength={2} maxLength={50} autocomplete="nickname" onInput={(e) => put({ username: e.currentTarget.value })} /></label>
      <label class="labelled">{t("profile.name")}<input class="field" value={is.full_name} maxLength={200} autocomplete="name" onInput={(e) => put({ full_name: e.currentTarget.value })} /></label>
      <label class="labelled">{t("profile.avatar")}<input class="field" type="url" value={is.avatar_url} maxLength={500} placeholder="https://" onInput={(e) => put({ avatar_url: e.currentTarget.value })} /></label>
      <div class="labelled">{t("profile.level")}<div><Choice label={t("profile.level")} is={is.skill_level} of={(["beginner", "intermediate", "advanced"] as const).map((l) => [l as Level | "", tx("level", l)])} onChange={(to) => put({ skill_level: to })} /></div></div>
      <FieldError>{form.error}</FieldError>
      <p class="form-foot"><Button type="submit" id="save-profile" kind="primary" busy={form.busy} disabled={changed.length === 0}>{t("save")}</Button></p>
    </form>
  );
}

/** Belongings is all that is somebody's: to take along, or to end. */
function Belongings() {
  const [asking, setAsking] = useState(false);
  const [typed, setTyped] = useState("");
  const [busy, setBusy] = useState(false);
  const take = () => (setBusy(true), void save(raw("v1/profiles/me/export"), "codeforge.zip").catch(sayFailure).finally(() => setBusy(false)));
  const end = async () => {
    await call("DELETE", "v1/profiles/me?permanent=true");
    if (served.users) await signOut();
    else location.reload();
  };
  return (
    <section class="settings-group">
      <h2>{t("profile.all")}</h2>
      <div class="setting"><span>{t("profile.export")}<small>{t("profile.export.text")}</small></span><Button icon="download" busy={busy} onClick={take}>{t("download")}</Button></div>
      <div class="setting"><span>{t("profile.delete")}<small>{t("profile.delete.text")}</small></span><Button icon="trash" onClick={() => (setTyped(""), setAsking(true))}>{t("profile.delete.do")}</Button></div>
      {asking && (
        <Confirm title={t("profile.delete")} yes={t("profile.delete.do")} ready={typed.trim().toLowerCase() === t("profile.delete.word")} onYes={end} onClose={() => setAsking(false)}>
          <p>{t("profile.delete.ask")}</p>
          <label class="labelled">{t("profile.delete.type", { word: t("profile.delete.word") })}<input class="field" autofocus value={typed} autocomplete="off" onInput={(e) => setTyped(e.currentTarget.value)} /></label>
        </Confirm>
      )}
    </section>
  );
}
