import { type CSSProperties, type ReactNode } from "react";
import { Badge } from "../components/Badge";
import { Button } from "../components/Button";
import { Footer } from "../components/Footer";
import { useStore } from "../hooks";
import { addLabel, date, nameOf } from "../lib/format";
import { spread } from "../lib/grid";
import { type Kind } from "../lib/kinds";
import { comingUp, latest, splitOf, type Moment } from "../lib/overview";
import { addSamples } from "../lib/sample";
import { app, kinds } from "../model";
import { t } from "../lib/text";

export function Overview() {
  const { all } = useStore();
  return (
    <>
      <div className="mb-7 rounded-box border border-line bg-linear-to-r from-soft to-surface p-6 md:p-10">
        <h1 className="text-3xl font-bold md:text-4xl">{app.name}</h1>
        <p className="mt-1.5 max-w-prose text-lg">{app.tagline}</p>
        {kinds.every((kind) => all(kind).length === 0) && (
          <div className="mt-4">
            <Button onClick={() => addSamples()}>{t("Add examples")}</Button>
          </div>
        )}
      </div>
      <section aria-labelledby="at-a-glance">
        <h2 id="at-a-glance" className="sr-only">
          {t("At a glance")}
        </h2>
        <ul className="spread mb-6" style={spread(kinds.length) as CSSProperties}>
          {kinds.map((kind) => (
            <Tile key={kind.key} kind={kind} count={all(kind).length} />
          ))}
        </ul>
      </section>
      <div className="grid grid-cols-[repeat(auto-fit,minmax(min(20rem,100%),1fr))] gap-4">
        <Panel id="next" title={t("Coming up")} moments={comingUp()} empty={t("Nothing is planned. What has a date from today on will show here.")} />
        <Panel id="latest" title={t("Added lately")} moments={latest()} empty={t("Nothing was added yet. Start with one of the cards above.")} />
      </div>
      <Footer />
    </>
  );
}

function Tile({ kind, count }: { kind: Kind; count: number }) {
  const split = splitOf(kind);
  return (
    <li className="grid grid-rows-[auto_1fr_auto] gap-3 rounded-box border border-line bg-surface p-5 shadow-box">
      <a href={`#/${kind.key}`} className="group grid">
        <span className="font-display text-4xl font-bold text-accent">{count}</span>
        <span className="font-semibold group-hover:underline first-letter:uppercase">{count === 1 ? kind.one : kind.many}</span>
      </a>
      {split.length > 0 ? (
        <ul className="flex flex-wrap content-start gap-1.5">
          {split.map(({ option, rank, count: mine }) => (
            <li key={option}>
              <Badge rank={rank}>
                {option} {mine}
              </Badge>
            </li>
          ))}
        </ul>
      ) : (
        <p className="text-sm text-muted">{count === 0 ? t("Nothing here yet.") : ""}</p>
      )}
      <a href={`#/${kind.key}/new`} className="justify-self-start font-semibold text-accent underline underline-offset-2">
        {addLabel(kind)}
      </a>
    </li>
  );
}

interface PanelProps {
  readonly id: string;
  readonly title: string;
  readonly moments: readonly Moment[];
  readonly empty: ReactNode;
}

function Panel({ id, title, moments, empty }: PanelProps) {
  return (
    <section aria-labelledby={id} className="rounded-box border border-line bg-surface p-5">
      <h2 id={id} className="mb-2.5 text-lg font-bold">
        {title}
      </h2>
      {moments.length === 0 ? (
        <p className="text-sm text-muted">{empty}</p>
      ) : (
        <ul>
          {moments.map(({ kind, entry, when }) => (
            <li key={`${kind.key} ${entry.id}`} className="grid grid-cols-[minmax(0,1fr)_auto] gap-x-4 border-t border-line py-2.5">
              <a href={`#/${kind.key}`} className="text-accent underline underline-offset-2 wrap-anywhere">
                {nameOf(kind, entry)}
              </a>
              <time dateTime={when} className="row-span-2 self-center text-muted tabular-nums">
                {date(when.slice(0, 10))}
              </time>
              <span className="text-sm text-muted">{kind.one}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
