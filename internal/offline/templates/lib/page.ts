import { saveTable } from "./csv";
import { byId, h, showMessages } from "./dom";
import { complain, fill, problems, read } from "./form";
import { consequence, titleOf } from "./format";
import { spread } from "./grid";
import { type Entry, type Kind, type Stat, type ValuesOf } from "./kinds";
import { render, type Actions } from "./list";
import { announce, attempt } from "./message";
import { download } from "./overview";
import { filterOf, select, sort, summary, type Filter } from "./query";
import { addSamples } from "./sample";
import * as store from "./store";
import { t } from "./text";

/** Brings the page of one kind to life: list, search, form and deletion. */
export function mountPage<K extends Kind>(kind: K, stats: (entries: Entry<K>[]) => Stat[] = () => []): void {
  showMessages();
  const search = byId("search", HTMLInputElement);
  const order = byId("order", HTMLSelectElement);
  const filter = document.querySelector<HTMLSelectElement>("#filter");
  const edit = editor(kind);
  const confirm = confirmation(kind);

  const actions: Actions = {
    edit,
    remove: confirm,
    set(entry, key, value) {
      attempt(() => store.save<Kind>(kind, { ...entry, [key]: value }, entry.id), t("{title} was updated.", { title: titleOf(kind, entry) }));
    },
  };

  const refresh = (): void => {
    const entries = store.all(kind);
    if (filter) offer(filter, filterOf(kind, entries));
    const shown = sort(kind, select(kind, entries, search.value, filter?.value ?? ""), order.value);
    const numbers = stats(entries).map(({ label, value }) => h("div", {}, h("dt", {}, label), h("dd", {}, value)));
    byId("stats", HTMLElement).replaceChildren(...numbers);
    for (const [name, value] of Object.entries(spread(numbers.length, 2))) byId("stats", HTMLElement).style.setProperty(name, value);
    byId("stats", HTMLElement).hidden = entries.length === 0 || numbers.length === 0;
    byId("tools", HTMLElement).hidden = entries.length === 0;
    byId("empty", HTMLElement).hidden = entries.length > 0;
    byId("count", HTMLElement).textContent = summary(kind, shown.length, entries.length);
    const refocus = focusIn(byId("list", HTMLElement));
    byId("list", HTMLElement).replaceChildren(...(shown.length > 0 ? [render(kind, shown, actions)] : []));
    refocus();
  };

  search.addEventListener("input", refresh);
  order.addEventListener("change", refresh);
  filter?.addEventListener("change", refresh);
  for (const opener of document.querySelectorAll("[data-action=add]")) opener.addEventListener("click", () => edit());
  byId("sample", HTMLButtonElement).addEventListener("click", () => addSamples(kind));
  document.querySelector("#csv")?.addEventListener("click", () => saveTable(kind));
  document.querySelector("#download")?.addEventListener("click", download);
  store.onChange(refresh);
  refresh();
  const asked = /^#new(?:=(.*))?$/.exec(location.hash);
  if (asked) {
    history.replaceState(null, "", location.pathname);
    edit(undefined, asked[1]);
  }
}

/** Offers the values of a filter, and keeps the one that is chosen while it is there. */
function offer(select: HTMLSelectElement, filter: Filter | undefined): void {
  const chosen = select.value;
  const options = (filter?.options ?? []).map(({ value, label }) => h("option", { value }, label));
  select.replaceChildren(h("option", { value: "" }, t("All")), ...options);
  select.value = options.some((option) => option.value === chosen) ? chosen : "";
}

/** Returns what opens the form: for an entry, or for a new one, of a day. */
function editor(kind: Kind): (entry?: Entry, day?: string) => void {
  const dialog = byId("editor", HTMLDialogElement);
  const form = byId("form", HTMLFormElement);
  let editing: Entry | undefined;

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const values = read(form, kind);
    const found = problems(form, kind, values);
    complain(form, kind, found);
    if (found.size > 0) return;
    const saved = attempt(() => store.save(kind, values as ValuesOf, editing?.id));
    if (!saved) return;
    dialog.close();
    controlsOf(saved.id).find((control) => control.dataset.action === "edit")?.focus();
    const title = titleOf(kind, saved);
    announce(editing ? t("{title} was updated.", { title }) : t("{title} was added.", { title }));
  });
  byId("cancel", HTMLButtonElement).addEventListener("click", () => dialog.close());

  return (entry, day) => {
    editing = entry;
    const title = byId("editor-title", HTMLElement);
    title.textContent = entry ? t("Edit {title}", { title: titleOf(kind, entry) }) : (title.dataset.add ?? "");
    fill(form, kind, entry, day);
    dialog.showModal();
  };
}

/** Returns what asks before an entry is deleted. */
function confirmation(kind: Kind): (entry: Entry) => void {
  const dialog = byId("confirm", HTMLDialogElement);
  let doomed: Entry | undefined;

  byId("keep", HTMLButtonElement).addEventListener("click", () => dialog.close());
  byId("delete", HTMLButtonElement).addEventListener("click", () => {
    dialog.close();
    const entry = doomed;
    if (entry) attempt(() => store.remove(kind, entry.id), t("{title} was deleted.", { title: titleOf(kind, entry) }));
    document.querySelector<HTMLElement>("[data-action=add]")?.focus();
  });

  return (entry) => {
    doomed = entry;
    byId("confirm-title", HTMLElement).textContent = t("Delete {title}?", { title: titleOf(kind, entry) });
    byId("confirm-text", HTMLElement).textContent = consequence(kind, entry);
    dialog.showModal();
  };
}

/** Lists are made anew after each change. Returns what puts the focus back to where it was in the old one. */
function focusIn(list: HTMLElement): () => void {
  const active = document.activeElement;
  const id = active instanceof HTMLElement && list.contains(active) ? active.closest<HTMLElement>("[data-id]")?.dataset.id : undefined;
  if (id === undefined) return () => undefined;
  const position = controlsOf(id).findIndex((control) => control === active);
  return () => controlsOf(id)[position]?.focus();
}

function controlsOf(id: string): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>(`[data-id="${CSS.escape(id)}"] :is(a, button, input, select)`)];
}
