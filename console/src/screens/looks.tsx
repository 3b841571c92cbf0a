// How two revisions look: their pictures over each other, with a slider between.
import { useEffect, useState } from "preact/hooks";
import { client } from "../api";
import { useData } from "../data";
import { t } from "../i18n";
import { Failure, Notice, Waiting } from "../parts/basics";
import { pictureOf } from "../pictures";
import { place, setQuery } from "../router";
import type { Screenshot } from "../schema";

const nameOf = (s: Screenshot) => `${s.page} ${s.width}`;

export function Looks({ project, from, to }: { project: string; from: number; to: number }) {
  const list = (n: number) => useData(n > 0 ? `screenshots/${project}/${n}` : null, (s) => client.revisions.listScreenshots(project, n, { signal: s }));
  const [older, newer] = [list(from), list(to)];
  if (newer.error && !newer.data) return <Failure error={newer.error} />;
  if (!newer.data || (from > 0 && !older.data && !older.error)) return <Waiting rows={4} />;
  const before = older.data?.items ?? [];
  const both = newer.data.items.filter((s) => before.some((b) => nameOf(b) === nameOf(s)));
  const shown = both.find((s) => nameOf(s) === place.value.query.get("shot")) ?? both.find((s) => s.width >= 1000) ?? both[0];
  if (!shown) return <Notice icon="desktop" title={t("shots.none")}><p>{t("shots.none.text")}</p></Notice>;
  return (
    <>
      {both.length > 1 && (
        <label class="compare fine">{t("shots.page")}
          <select class="select" value={nameOf(shown)} onChange={(e) => setQuery({ shot: e.currentTarget.value })}>
            {both.map((s) => <option key={nameOf(s)} value={nameOf(s)}>{t("shots.one", { page: s.page, width: s.width })}</option>)}
          </select>
        </label>
      )}
      <Slider key={nameOf(shown)} shot={shown} project={project} from={from} to={to} />
    </>
  );
}

function Slider({ shot, project, from, to }: { shot: Screenshot; project: string; from: number; to: number }) {
  const [pictures, setPictures] = useState<[string, string] | Error | null>(null);
  const [at, setAt] = useState(50);
  useEffect(() => {
    let gone = false;
    Promise.all([pictureOf(project, from, shot.page, shot.width), pictureOf(project, to, shot.page, shot.width)]).then((p) => !gone && setPictures(p), (e: Error) => !gone && setPictures(e));
    return () => void (gone = true);
  }, [from, to]);
  if (pictures instanceof Error) return <Failure error={pictures} />;
  return (
    <figure class={"slider " + (shot.width < 600 ? "slim" : "")} style={{ "--at": at + "%" }}>
      <div class="slider-pictures">
        {pictures && <><img src={pictures[0]} alt={t("shots.alt", { n: from })} /><img class="newer" src={pictures[1]} alt={t("shots.alt", { n: to })} /></>}
        <span class="slider-line" aria-hidden="true" />
        <input type="range" min={0} max={100} value={at} aria-label={t("shots.slide")} onInput={(e) => setAt(e.currentTarget.valueAsNumber)} />
      </div>
      <figcaption class="fine"><span>{t("revision.n", { n: from })}</span><span>{t("revision.n", { n: to })}</span></figcaption>
    </figure>
  );
}
