import { type CSSProperties } from "react";
import { Badge } from "../components/Badge";
import { Button } from "../components/Button";
import { elementOf } from "../components/elements";
import { Footer } from "../components/Footer";
import { useStore } from "../hooks";
import { addLabel, nameOf, thisDay, when } from "../lib/format";
import { spread } from "../lib/grid";
import { icon } from "../lib/icons";
import { type Kind } from "../lib/kinds";
import { comingUp, latest, splitOf, totals, type Moment } from "../lib/overview";
import { addSamples } from "../lib/sample";
import { app, kinds } from "../model";
import { t } from "../lib/text";

export function Overview() {
  const { all } = useStore();
  const next = comingUp();
  return (
    <>
      <div className="relative mb-6 overflow-hidden rounded-box border border-line bg-linear-to-r from-soft to-surface p-5 md:px-8 md:py-7">
        <div className="hero-sign">{kinds[0] && elementOf(icon(kinds[0].icon))}</div>
        <p className="text-sm font-semibold text-on-soft first-letter:uppercase">{thisDay()}</p>
        <h1 className="text-3xl font-bold md:text-4xl">{app.name}</h1>
        <p className="mt-1.5 max-w-[46rem]">{app.tagline}</p>
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
        {next.length > 0 && <Panel id="next" title={t("Coming up")} moments={next} />}
        <Panel id="latest" title={t("Added lately")} moments={latest()} />
      </div>
      <Footer />
    </>
  );
}

function Tile({ kind, count }: { kind: Kind; count: number }) {
  const split = splitOf(kind);
  const sums = totals(kind);
  return (
    <li className="flex flex-col gap-3 rounded-box border border-line bg-surface p-5 shadow-box">
      <a href={`#/${kind.key}`} className="group grid grid-cols-[auto_minmax(0,1fr)] items-center gap-x-4">
        <span className="row-span-2 grid size-12 place-items-center rounded-control bg-soft text-xl text-on-soft">{elementOf(icon(kind.icon))}</span>
        <span className="font-display text-3xl leading-tight font-bold text-accent">{count}</span>
        <span className="font-semibold group-hover:underline first-letter:uppercase">{count === 1 ? kind.one : kind.many}</span>
      </a>
      {sums.length > 0 && (
        <dl className="flex flex-wrap gap-x-6 gap-y-1">
          {sums.map(({ label, value }) => (
            <div key={label} className="flex flex-col-reverse">
              <dt className="text-sm text-muted">{label}</dt>
              <dd className="text-lg font-bold tabular-nums">{value}</dd>
            </div>
          ))}
        </dl>
      )}
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
        count === 0 && <p className="text-sm text-muted">{t("Nothing here yet.")}</p>
      )}
      <a href={`#/${kind.key}/new`} className="mt-auto self-start font-semibold text-accent underline underline-offset-2">
        {addLabel(kind)}
      </a>
    </li>
  );
}

interface PanelProps {
  readonly id: string;
  readonly title: string;
  readonly moments: readonly Moment[];
}

function Panel({ id, title, moments }: PanelProps) {
  return (
    <section aria-labelledby={id} className="rounded-box border border-line bg-surface p-5">
      <h2 id={id} className="mb-2.5 text-lg font-bold">
        {title}
      </h2>
      {moments.length === 0 ? (
        <p className="text-sm text-muted">{t("Nothing was added yet. Start with one of the cards above.")}</p>
      ) : (
        <ul>
          {moments.map(({ kind, entry, at }) => (
            <li key={`${kind.key} ${entry.id}`} className="grid grid-cols-[minmax(0,1fr)_auto] gap-x-4 border-t border-line py-2.5">
              <a href={`#/${kind.key}`} className="text-accent underline underline-offset-2 wrap-anywhere">
                {nameOf(kind, entry)}
              </a>
              <time dateTime={at} className="row-span-2 self-center text-muted tabular-nums">
                {when(at)}
              </time>
              <span className="text-sm text-muted">{kind.one}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
