import { useEffect, useRef, useState, type CSSProperties } from "react";
import { useStore, type PageProps } from "../hooks";
import { saveTable } from "../lib/csv";
import { addLabel, consequence, headingOf, titleOf } from "../lib/format";
import { spread } from "../lib/grid";
import { type Entry, type Kind, type Stat } from "../lib/kinds";
import { attempt } from "../lib/message";
import { filterOf, select, sort, summary } from "../lib/query";
import { addSamples } from "../lib/sample";
import { remove, save } from "../lib/store";
import { Button } from "./Button";
import { Dialog } from "./Dialog";
import { EntryForm } from "./EntryForm";
import { EntryList, type Actions } from "./EntryList";
import { Footer } from "./Footer";
import { Toolbar, type Search } from "./Toolbar";
import { t } from "../lib/text";

interface Props<K extends Kind> extends PageProps {
  readonly kind: K;
  readonly intro: string;
  /** How to begin where nothing is yet. */
  readonly hint: string;
  /** The app opens with it. */
  readonly start?: boolean;
  readonly stats?: (entries: Entry<K>[]) => Stat[];
}

type Asking = { readonly for: "values"; readonly entry?: Entry } | { readonly for: "deletion"; readonly entry: Entry };

/** Where the focus goes when the list was made anew: to a control of an entry, or, without one, to what adds entries. */
interface Focus {
  readonly id?: string;
  readonly action?: string;
}

/** The page of one kind: numbers, search, list, form and deletion. */
export function Collection<K extends Kind>({ kind, intro, hint, start = false, stats = () => [], adding, day }: Props<K>) {
  const entries = useStore().all(kind);
  const [search, setSearch] = useState<Search>({ words: "", option: "", order: kind.sort ?? "" });
  const [asking, setAsking] = useState<Asking | undefined>(adding ? { for: "values" } : undefined);
  const [focus, setFocus] = useState<Focus>();
  const addButton = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    if (adding) history.replaceState(null, "", `#/${kind.key}`);
  }, [adding, kind.key]);

  useEffect(() => {
    if (!focus) return;
    const wanted = focus.id === undefined ? null : document.querySelector<HTMLElement>(`[data-id="${focus.id}"] [data-action="${focus.action}"]`);
    (wanted ?? addButton.current)?.focus();
  }, [focus]);

  const actions: Actions = {
    edit: (entry) => setAsking({ for: "values", entry }),
    remove: (entry) => setAsking({ for: "deletion", entry }),
    set(entry, key, value) {
      attempt(() => save<Kind>(kind, { ...entry, [key]: value }, entry.id), t("{title} was updated.", { title: titleOf(kind, entry) }));
      if (typeof value === "string") setFocus({ id: entry.id, action: "move" });
    },
  };
  const close = (): void => setAsking(undefined);
  const filter = filterOf(kind, entries);
  const option = filter?.options.some(({ value }) => value === search.option) ? search.option : ""; // the last entry with it may be gone
  const shown = sort(kind, select(kind, entries, search.words, option), search.order);

  return (
    <>
      <div className="mb-6 flex flex-wrap items-center justify-between gap-4">
        <div>
          <h1 className="text-3xl font-bold md:text-4xl">{headingOf(kind)}</h1>
          <p className="mt-1.5 max-w-prose text-muted">{intro}</p>
        </div>
        <div className="flex flex-wrap gap-2.5">
          {kind.csv && <Button onClick={() => saveTable(kind)}>{t("Save as a table (CSV)")}</Button>}
          <Button ref={addButton} look="primary" onClick={() => setAsking({ for: "values" })}>
            {addLabel(kind)}
          </Button>
        </div>
      </div>
      {entries.length > 0 && (
        <>
          <Numbers stats={stats(entries)} />
          <Toolbar kind={kind} filter={filter} search={{ ...search, option }} onSearch={setSearch} />
        </>
      )}
      <p role="status" className="mb-2.5 min-h-6 text-sm text-muted">
        {summary(kind, shown.length, entries.length)}
      </p>
      {shown.length > 0 && <EntryList kind={kind} entries={shown} actions={actions} />}
      {entries.length === 0 && (
        <div className="grid justify-items-center gap-2.5 rounded-box border border-dashed border-edge bg-surface px-6 py-12 text-center text-muted">
          <p className="font-display text-xl font-bold text-ink">{t("No {many} yet", { many: kind.many })}</p>
          <p>{hint}</p>
          <Button look="primary" onClick={() => setAsking({ for: "values" })}>
            {t("{verb} the first {one}", { verb: kind.verb, one: kind.one })}
          </Button>
          <Button onClick={() => addSamples(kind)}>{t("Add examples")}</Button>
        </div>
      )}
      {start && <Footer />}
      {asking?.for === "values" && (
        <EntryForm
          kind={kind}
          entry={asking.entry}
          day={day}
          onClose={close}
          onSaved={(entry) => {
            close();
            setFocus({ id: entry.id, action: "edit" });
          }}
        />
      )}
      {asking?.for === "deletion" && (
        <Dialog title={t("Delete {title}?", { title: titleOf(kind, asking.entry) })} narrow onClose={close}>
          <p>{consequence(kind, asking.entry)}</p>
          <div className="mt-5 flex flex-wrap justify-end gap-2.5">
            <Button onClick={close}>{t("Keep it")}</Button>
            <Button
              look="danger"
              onClick={() => {
                attempt(() => remove(kind, asking.entry.id), t("{title} was deleted.", { title: titleOf(kind, asking.entry) }));
                close();
                setFocus({});
              }}
            >
              {t("Delete")}
            </Button>
          </div>
        </Dialog>
      )}
    </>
  );
}

function Numbers({ stats }: { stats: readonly Stat[] }) {
  if (stats.length === 0) return null;
  return (
    <dl aria-label={t("In numbers")} className="spread mb-6" style={spread(stats.length, 2) as CSSProperties}>
      {stats.map(({ label, value }) => (
        <div key={label} className="flex flex-col-reverse rounded-r-box rounded-l-sm border border-l-4 border-line border-l-pop bg-surface px-4 py-3.5">
          <dt className="text-sm text-muted">{label}</dt>
          <dd className="font-display text-lg font-bold wrap-break-word sm:text-2xl">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
