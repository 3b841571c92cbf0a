import { download } from "../lib/overview";
import { t } from "../lib/text";
import { Button } from "./Button";

/** Where entries are kept, and a copy of all. */
export function Footer() {
  return (
    <footer className="mt-8 flex flex-wrap items-center justify-between gap-4 text-sm text-muted">
      <p>{t("Everything stays in this browser. Nothing is sent anywhere.")}</p>
      <Button onClick={download}>{t("Download my data")}</Button>
    </footer>
  );
}
