// Learning by a project: the way through it in modules, a mentor to ask, and what was learned in which session. It is a view of projects
// of students; each part of it has its address.
import { t } from "../i18n";
import { Icon, type IconName } from "../parts/icon";
import { carried, link, place } from "../router";
import { Mentor } from "./learn/mentor";
import { Sessions } from "./learn/sessions";
import { Way } from "./learn/way";
import type { Here } from "./project";

const parts = { way: "layers", mentor: "chat", sessions: "clock" } satisfies Record<string, IconName>;
type Part = keyof typeof parts;

export function LearnPane({ here }: { here: Here }) {
  const asked = place.value.path[3] ?? "way";
  const at: Part = asked in parts ? (asked as Part) : "way";
  return (
    <div class="learn scroll" tabIndex={0} role="group" aria-label={t("view.learn")}>
      <nav class="learn-nav" aria-label={t("learn.parts")}>
        {(Object.keys(parts) as Part[]).map((p) => <a key={p} href={link(p === "way" ? ["projects", here.id, "learn"] : ["projects", here.id, "learn", p], carried("w", "show"))} aria-current={p === at ? "page" : undefined}><Icon name={parts[p]} />{t(`learn.${p}`)}</a>)}
      </nav>
      {at === "way" ? <Way here={here} /> : at === "mentor" ? <Mentor here={here} /> : <Sessions here={here} />}
    </div>
  );
}
