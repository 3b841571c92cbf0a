// What is long is in the page only near what is seen: the rest keeps its place, as high as it was, or as it probably is.
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

const beyond = 600; // pixels above and below what is seen

interface Watch {
  readonly observer: IntersectionObserver;
  readonly told: Map<Element, (near: boolean, high: number) => void>;
}

const watches = new WeakMap<Element, Watch>();

/** watchOf looks at all that is within one part of the page that scrolls. */
function watchOf(root: Element): Watch {
  let w = watches.get(root);
  if (!w) {
    const told: Watch["told"] = new Map();
    const observer = new IntersectionObserver((entries) => entries.forEach((e) => told.get(e.target)?.(e.isIntersecting, e.boundingClientRect.height)), { root, rootMargin: `${beyond}px 0px` });
    watches.set(root, (w = { observer, told }));
  }
  return w;
}

const scrolls = ".scroll, .revision";

/** Near is a part of something long: a group of rows of a table, or of other things. */
export function Near({ as: Tag = "div", high, children }: { as?: "div" | "tbody"; high: number; children: () => ComponentChildren }) {
  const ref = useRef<HTMLElement>(null);
  const known = useRef(high);
  const [near, setNear] = useState(false);
  useLayoutEffect(() => {
    const e = ref.current!;
    const root = e.closest(scrolls);
    if (!root) return setNear(true);
    const [at, around] = [e.getBoundingClientRect(), root.getBoundingClientRect()];
    if (at.top < around.bottom + beyond && at.bottom > around.top - beyond) setNear(true); // before it is seen
    const w = watchOf(root);
    w.told.set(e, (is, was) => {
      if (!is && was > 0) known.current = was;
      setNear(is);
    });
    w.observer.observe(e);
    return () => (w.observer.unobserve(e), void w.told.delete(e));
  }, []);
  const place = { height: known.current + "px" };
  return <Tag ref={ref as never}>{near ? children() : Tag === "tbody" ? <tr style={place}><td /></tr> : <div style={place} />}</Tag>;
}

/** pieces are parts of a list, each of so many things at most. */
export function pieces<T>(all: readonly T[], of: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / of) }, (_, i) => all.slice(i * of, (i + 1) * of));
}
