// The palette: everything that can be done or opened, by typing a part of its name.
import { signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { known } from "../data";
import { t } from "../i18n";
import { go, link } from "../router";
import type { ProjectList } from "../schema";
import { Modal } from "./basics";
import { Icon, type IconName } from "./icon";
import { allShortcuts, shown } from "./keys";

export const paletteOpen = signal(false);

interface Command {
  readonly name: string;
  readonly icon: IconName;
  readonly keys?: string;
  readonly run: () => void;
}

function commands(): Command[] {
  const list: Command[] = allShortcuts().filter((s) => s.keys !== "mod+k").map((s) => ({ name: s.name, icon: "bolt", keys: s.keys, run: () => s.run(new KeyboardEvent("keydown")) }));
  for (const p of known<ProjectList>("projects")?.items ?? []) {
    list.push({ name: p.title, icon: "folder", run: () => go(link(["projects", p.id])) });
  }
  return list;
}

export function Palette() {
  if (!paletteOpen.value) return null;
  return <Open />;
}

function Open() {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const [all] = useState(commands);
  const parts = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = all.filter((c) => parts.every((p) => c.name.toLowerCase().includes(p))).slice(0, 12);
  const close = () => (paletteOpen.value = false);
  const run = (c: Command | undefined) => {
    if (!c) return;
    close();
    setTimeout(c.run);
  };
  const onKey = (e: KeyboardEvent) => {
    if (e.key === "ArrowDown") setAt((i) => Math.min(i + 1, found.length - 1));
    else if (e.key === "ArrowUp") setAt((i) => Math.max(i - 1, 0));
    else if (e.key === "Enter") run(found[at]);
    else return;
    e.preventDefault();
  };
  return (
    <Modal label={t("palette.title")} onClose={close} class="palette">
      <div class="palette-head">
        <Icon name="search" />
        <input
          value={text}
          placeholder={t("palette.hint")}
          aria-label={t("palette.title")}
          role="combobox"
          aria-expanded="true"
          aria-controls="palette-list"
          aria-activedescendant={found[at] ? "command-" + at : undefined}
          onInput={(e) => (setText(e.currentTarget.value), setAt(0))}
          onKeyDown={onKey}
        />
      </div>
      <ul id="palette-list" role="listbox" aria-label={t("palette.title")}>
        {found.map((c, i) => (
          <li key={i} id={"command-" + i} role="option" aria-selected={i === at} onClick={() => run(c)} onMouseMove={() => setAt(i)}>
            <Icon name={c.icon} />
            <span>{c.name}</span>
            {c.keys && <kbd>{shown(c.keys)}</kbd>}
          </li>
        ))}
      </ul>
      {found.length === 0 && <p class="fine palette-none">{t("palette.none")}</p>}
    </Modal>
  );
}
