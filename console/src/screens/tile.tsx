// The picture of a project: what a browser saw of its newest revision, or, where nobody looked, a page drawn in its own colours.
import { useEffect, useRef, useState } from "preact/hooks";
import { client, token } from "../api";
import { pictureOf } from "../pictures";
import type { Project } from "../schema";

/** pictureFor is the picture of the widest first page, in the newest revision that a browser looked at; "": there is none. */
async function pictureFor(p: Project): Promise<string> {
  const newest = await widest(p.id, p.revision);
  if (newest || p.revision < 2) return newest;
  const { items } = await client.revisions.list(p.id, { page_size: 20 });
  const seen = items.find((r) => r.evidence.some((e) => e.name === "run" && e.status !== "not_checked"));
  return seen ? widest(p.id, seen.revision) : "";
}

async function widest(project: string, revision: number): Promise<string> {
  const { items } = await client.revisions.listScreenshots(project, revision);
  const wide = [...items].sort((a, b) => a.page.length - b.page.length || b.width - a.width)[0];
  return wide ? pictureOf(project, revision, wide.page, wide.width) : "";
}

export function Tile({ project }: { project: Project }) {
  const ref = useRef<HTMLDivElement>(null);
  const [picture, setPicture] = useState("");
  useEffect(() => {
    if (!ref.current || !project.revision) return;
    let gone = false;
    const watch = new IntersectionObserver((seen) => {
      if (!seen.some((s) => s.isIntersecting)) return;
      watch.disconnect();
      void pictureFor(project).then((p) => !gone && setPicture(p), () => undefined); // then it is drawn
    });
    watch.observe(ref.current);
    return () => ((gone = true), watch.disconnect());
  }, [project.id, project.revision, token.value]);
  return (
    <div class="tile" ref={ref}>
      {picture ? <img src={picture} alt="" /> : <Drawing project={project} />}
    </div>
  );
}

function hash(text: string): number {
  let h = 2166136261;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619);
  return h >>> 0;
}

/** Drawing is a page as the project might have it: always the same for the same one. */
function Drawing({ project }: { project: Project }) {
  const h = hash(project.id);
  const theme = (project.architecture_spec as { theme_colors?: unknown } | null)?.theme_colors;
  const given = (Array.isArray(theme) ? theme : theme && typeof theme === "object" ? Object.values(theme) : []).filter((c): c is string => typeof c === "string" && /^#[0-9a-f]{6}$/i.test(c));
  const hue = h % 360;
  const first = given[0] ?? `oklch(0.62 0.13 ${hue})`;
  const second = given[1] ?? `oklch(0.75 0.11 ${(hue + 50) % 360})`;
  const kind = h % 3;
  return (
    <svg class="drawing" viewBox="0 0 160 100" preserveAspectRatio="xMidYMid slice" aria-hidden="true" focusable="false">
      <rect class="d-page" width="160" height="100" />
      <rect fill={first} width="160" height="13" />
      <rect class="d-light" x="8" y="4.500" width="26" height="4" rx="2" />
      <rect class="d-light" x="118" y="4.500" width="14" height="4" rx="2" opacity=".6" />
      <rect class="d-light" x="138" y="4.500" width="14" height="4" rx="2" opacity=".6" />
      <rect class="d-ink" x="8" y="22" width={46 + (h % 30)} height="6" rx="3" />
      <rect class="d-soft" x="8" y="33" width="74" height="3.500" rx="1.750" />
      {kind === 0 && [0, 1, 2].map((i) => (
        <g key={i}>
          <rect class="d-card" x={8 + i * 49} y="46" width="45" height="46" rx="3" />
          <rect fill={i === h % 3 ? first : second} opacity={i === h % 3 ? 1 : 0.55} x={13 + i * 49} y="52" width="18" height="6" rx="3" />
          <rect class="d-soft" x={13 + i * 49} y="64" width="33" height="3" rx="1.500" />
          <rect class="d-soft" x={13 + i * 49} y="71" width="24" height="3" rx="1.500" />
        </g>
      ))}
      {kind === 1 && [0, 1, 2, 3].map((i) => (
        <g key={i}>
          <rect class="d-card" x="8" y={45 + i * 12.5} width="144" height="9.500" rx="2.500" />
          <circle fill={i % 2 ? second : first} cx="15" cy={49.75 + i * 12.5} r="2.600" />
          <rect class="d-soft" x="22" y={48.2 + i * 12.5} width={40 + ((h >>> i) % 40)} height="3" rx="1.500" />
          <rect fill={second} opacity=".5" x="134" y={48 + i * 12.5} width="12" height="3.500" rx="1.750" />
        </g>
      ))}
      {kind === 2 && (
        <>
          <rect class="d-card" x="8" y="46" width="92" height="46" rx="3" />
          {[0, 1, 2, 3, 4, 5, 6].map((i) => {
            const high = 8 + ((h >>> (i * 2)) % 26);
            return <rect key={i} fill={i === 4 ? first : second} opacity={i === 4 ? 1 : 0.6} x={15 + i * 11.5} y={87 - high} width="7" height={high} rx="1.500" />;
          })}
          <rect class="d-card" x="106" y="46" width="46" height="21" rx="3" />
          <rect class="d-card" x="106" y="71" width="46" height="21" rx="3" />
          <rect fill={first} x="112" y="52" width="16" height="5" rx="2.500" />
          <rect fill={second} x="112" y="77" width="16" height="5" rx="2.500" />
        </>
      )}
    </svg>
  );
}
