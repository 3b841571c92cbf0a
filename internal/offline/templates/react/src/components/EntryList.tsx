import { type ReactNode } from "react";
import { hrefOf, linkText, show, titleOf, when } from "../lib/format";
import { type ChoiceField, type Entry, type Field, type Kind, type Value } from "../lib/kinds";
import { icon } from "../lib/icons";
import { announce } from "../lib/message";
import { choiceOf, columnsOf, factsOf, neighbour } from "../lib/query";
import { Badge } from "./Badge";
import { Button } from "./Button";
import { elementOf } from "./elements";
import { t } from "../lib/text";

/** What a list lets people do with an entry. */
export interface Actions {
  edit(entry: Entry): void;
  remove(entry: Entry): void;
  /** Changes one field at once, without the form. */
  set(entry: Entry, key: string, value: string | boolean): void;
}

interface Props {
  readonly kind: Kind;
  readonly entries: readonly Entry[];
  readonly actions: Actions;
}

/** Entries as the kind's view wants them. */
export function EntryList({ kind, entries, actions }: Props) {
  const choice = choiceOf(kind);
  if (kind.view === "table") return <Table kind={kind} entries={entries} actions={actions} />;
  if (kind.view === "board" && choice) return <Board kind={kind} entries={entries} actions={actions} choice={choice} />;
  return (
    <ul className="grid grid-cols-[repeat(auto-fill,minmax(min(18rem,100%),1fr))] gap-4">
      {entries.map((entry) => (
        <li key={entry.id} className="grid">
          <Card kind={kind} entry={entry} actions={actions} heading="h2" />
        </li>
      ))}
    </ul>
  );
}

const isEmpty = (definition: Field, value: Value | undefined): boolean => definition.type !== "flag" && show(definition, value) === "";

const endAligned = (definition: Field): boolean => definition.type === "number" || definition.type === "money";

function Table({ kind, entries, actions }: Props) {
  const fields = Object.entries(kind.fields).filter(([, definition]) => definition.type !== "notes");
  const cell = "max-lg:flex max-lg:justify-between max-lg:gap-4 max-lg:px-4 max-lg:py-1 lg:px-4 lg:py-3";
  return (
    <div className="relative overflow-x-auto rounded-box border border-line bg-surface shadow-box">
      <table className="w-full text-left max-lg:block">
        <caption className="sr-only">{t("All {many}", { many: kind.many })}</caption>
        <thead className="max-lg:sr-only">
          <tr>
            {fields.map(([key, definition]) => (
              <th key={key} scope="col" className={`px-4 py-3 text-sm font-semibold whitespace-nowrap text-muted ${endAligned(definition) ? "text-right" : ""}`}>
                {definition.label}
              </th>
            ))}
            <th scope="col">
              <span className="sr-only">{t("Actions")}</span>
            </th>
          </tr>
        </thead>
        <tbody className="max-lg:block">
          {entries.map((entry) => (
            <tr key={entry.id} data-id={entry.id} className="border-t border-line hover:bg-page max-lg:grid max-lg:py-2.5 sm:max-lg:grid-cols-2 max-lg:first:border-t-0">
              {fields.map(([key, definition], index) => {
                const label = (
                  <span aria-hidden="true" className="font-normal text-muted lg:hidden">
                    {definition.label}
                  </span>
                );
                return index === 0 ? (
                  <th key={key} scope="row" className={`${cell} font-semibold sm:max-lg:col-span-2 lg:min-w-36`}>
                    {label}
                    <span className="wrap-anywhere">
                      {isEmpty(definition, entry[key]) ? titleOf(kind, entry) : <FieldValue kind={kind} entry={entry} name={key} definition={definition} actions={actions} />}
                    </span>
                  </th>
                ) : (
                  <td key={key} className={`${isEmpty(definition, entry[key]) ? "max-lg:hidden lg:px-4" : cell} tabular-nums ${endAligned(definition) ? "lg:text-right" : ""} ${definition.type === "date" ? "lg:whitespace-nowrap" : ""}`}>
                    {label}
                    <FieldValue kind={kind} entry={entry} name={key} definition={definition} actions={actions} />
                  </td>
                );
              })}
              <td className={`${cell} sm:max-lg:col-span-2 lg:whitespace-nowrap`}>
                <div className="flex gap-1.5 max-lg:ml-auto lg:justify-end">
                  <EntryButtons kind={kind} entry={entry} actions={actions} />
                </div>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Board({ kind, entries, actions, choice }: Props & { choice: { key: string; field: ChoiceField } }) {
  return (
    <div className="relative grid auto-cols-[minmax(14rem,1fr)] grid-flow-col gap-4 overflow-x-auto pb-3">
      {columnsOf(choice, entries).map(({ option, mine }) => (
        <section
          key={option}
          className="rounded-box bg-soft p-3"
          onDragOver={(event) => event.preventDefault()}
          onDrop={(event) => {
            event.preventDefault();
            const moved = entries.find((entry) => entry.id === event.dataTransfer.getData("text/plain"));
            if (moved && moved[choice.key] !== option) actions.set(moved, choice.key, option);
          }}
        >
          <h2 className="flex items-baseline justify-between px-1 pt-1 pb-2.5 font-semibold text-on-soft">
            {option || t("Without: {label}", { label: choice.field.label })}
            <span className="font-medium">{mine.length}</span>
          </h2>
          <ul className="grid gap-3">
            {mine.map((entry) => (
              <li key={entry.id} draggable onDragStart={(event) => event.dataTransfer.setData("text/plain", entry.id)}>
                <Card kind={kind} entry={entry} actions={actions} heading="h3" without={choice.key}>
                  <Button
                    size="small"
                    look="plain"
                    data-action="move"
                    onClick={() => announce(t("Move it with the arrow keys, or drag the card."))}
                    onKeyDown={(event) => {
                      const to = neighbour(choice.field, option, { ArrowLeft: -1, ArrowRight: 1 }[event.key] ?? Number.NaN);
                      if (to === undefined) return;
                      event.preventDefault();
                      actions.set(entry, choice.key, to);
                    }}
                  >
                    {elementOf(icon("grip"))}
                    <span className="sr-only">{t("Move {title} with the arrow keys", { title: titleOf(kind, entry) })}</span>
                  </Button>
                  <select
                    aria-label={t("{label} of {title}", { label: choice.field.label, title: titleOf(kind, entry) })}
                    className="min-h-8.5 min-w-0 flex-[1_1_6rem] rounded-control border border-edge bg-surface px-2 py-1 text-sm"
                    value={option}
                    onChange={(event) => actions.set(entry, choice.key, event.currentTarget.value)}
                  >
                    {option === "" && <option value="">{t("Not set")}</option>}
                    {choice.field.options.map((name) => (
                      <option key={name}>{name}</option>
                    ))}
                  </select>
                </Card>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

interface CardProps {
  readonly kind: Kind;
  readonly entry: Entry;
  readonly actions: Actions;
  /** One below what the card stands under. */
  readonly heading: "h2" | "h3";
  readonly without?: string;
  readonly children?: ReactNode;
}

function Card({ kind, entry, actions, heading: Heading, without = "", children }: CardProps) {
  const [padding, label] = Heading === "h2" ? ["p-5", "min-w-24"] : ["p-3", "min-w-18"];
  return (
    <article data-id={entry.id} className={`grid grid-rows-[auto_1fr_auto] gap-3 rounded-box border border-line bg-surface wrap-anywhere shadow-box ${padding}`}>
      <Heading className="text-lg font-bold">{titleOf(kind, entry)}</Heading>
      <dl className="grid content-start gap-1.5 text-[0.95rem]">
        {factsOf(kind, entry, without).map(({ key, definition }) => (
          <div key={key} className={definition.type === "notes" ? "mt-1 whitespace-pre-line" : "flex flex-wrap gap-x-2.5"}>
            <dt className={`text-muted ${label}`}>{definition.label}</dt>
            <dd className="min-w-0 flex-[1_1_5rem]">
              <FieldValue kind={kind} entry={entry} name={key} definition={definition} actions={actions} />
            </dd>
          </div>
        ))}
      </dl>
      <div className="-mx-2 -mb-1.5 flex flex-wrap gap-1">
        {children}
        <EntryButtons kind={kind} entry={entry} actions={actions} />
      </div>
    </article>
  );
}

interface ValueProps extends Pick<CardProps, "kind" | "entry" | "actions"> {
  readonly name: string;
  readonly definition: Field;
}

function FieldValue({ kind, entry, name, definition, actions }: ValueProps) {
  const text = show(definition, entry[name]);
  switch (definition.type) {
    case "flag":
      return (
        <input
          type="checkbox"
          className="size-5 accent-accent"
          aria-label={`${definition.label}: ${titleOf(kind, entry)}`}
          checked={entry[name] === true}
          onChange={(event) => actions.set(entry, name, event.currentTarget.checked)}
        />
      );
    case "date":
      return text === "" ? null : (
        <time dateTime={String(entry[name])} title={text}>
          {when(String(entry[name]))}
        </time>
      );
    case "choice":
      return text === "" ? null : <Badge rank={Math.max(0, definition.options.indexOf(text))}>{text}</Badge>;
    default: {
      const href = hrefOf(definition, text);
      if (href === "") return <span>{text}</span>;
      const elsewhere = definition.type === "link" ? { target: "_blank", rel: "noreferrer" } : {};
      return (
        <a href={href} className="text-accent underline underline-offset-2" {...elsewhere}>
          {definition.type === "link" ? linkText(text) : text}
        </a>
      );
    }
  }
}

function EntryButtons({ kind, entry, actions }: Pick<CardProps, "kind" | "entry" | "actions">) {
  const about = <span className="sr-only"> {titleOf(kind, entry)}</span>;
  return (
    <>
      <Button size="small" look="plain" data-action="edit" onClick={() => actions.edit(entry)}>
        {t("Edit")}
        {about}
      </Button>
      <Button size="small" look="delete" data-action="delete" onClick={() => actions.remove(entry)}>
        {t("Delete")}
        {about}
      </Button>
    </>
  );
}
