// How the console looks and is used: remembered by this browser alone.
import { language, languages, t } from "../../i18n";
import { Choice } from "../../parts/basics";
import { shortcuts, theme } from "../../settings";

export function Looks() {
  return (
    <section class="settings-group">
      <h2>{t("settings.looks")}</h2>
      <div class="setting"><span>{t("settings.theme")}</span><Choice label={t("settings.theme")} is={theme.value} of={[["system", t("settings.theme.system")], ["light", t("settings.theme.light")], ["dark", t("settings.theme.dark")]]} onChange={(to) => (theme.value = to)} /></div>
      <label class="setting"><span>{t("settings.language")}</span>
        <select class="select" value={language.value} onChange={(e) => (language.value = e.currentTarget.value)}>
          {Object.entries(languages).map(([code, l]) => <option key={code} value={code}>{l.name}</option>)}
        </select>
      </label>
      <label class="setting"><span>{t("settings.letters")}<small>{t("settings.letters.text")}</small></span><input type="checkbox" class="switch" checked={shortcuts.value} onChange={(e) => (shortcuts.value = e.currentTarget.checked)} /></label>
    </section>
  );
}
