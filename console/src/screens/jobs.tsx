// The jobs of all projects.
import { useTitle } from "../parts/basics";
import { t } from "../i18n";

export function JobsScreen() {
  useTitle(t("nav.jobs"));
  return <div class="page"><h1>{t("nav.jobs")}</h1></div>;
}
