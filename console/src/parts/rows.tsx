// A list of any length of which only what is seen is in the page. Its rows have one height.
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

const beyond = 12; // rows that are ready above and below

export function Rows<T>({ items, height, label, render, follow = false, at = -1, level, class: more }: {
  items: readonly T[];
  height: number;
  label: string;
  render: (item: T, index: number) => ComponentChildren;
  follow?: boolean; // stay at the end while it grows, unless somebody scrolled away
  at?: number; // the one that is brought into view
  level?: (item: T) => number; // how deep a row lies, from 1
  class?: string;
}) {
  const ref = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState(0); // how high it is
  const [top, setTop] = useState(0);
  const atEnd = useRef(true);

  useEffect(() => {
    const e = ref.current!;
    const watch = new ResizeObserver(() => setSeen(e.clientHeight));
    watch.observe(e);
    return () => watch.disconnect();
  }, []);
  useLayoutEffect(() => {
    const e = ref.current;
    if (follow && atEnd.current && e) e.scrollTop = e.scrollHeight;
  }, [items.length, seen, follow]);

  useLayoutEffect(() => {
    const e = ref.current;
    if (!e || at < 0 || !seen || (at * height >= e.scrollTop && (at + 1) * height <= e.scrollTop + seen)) return;
    e.scrollTop = at * height - seen / 2;
  }, [at, seen > 0]);

  const from = Math.max(0, Math.floor(top / height) - beyond);
  const to = Math.min(items.length, Math.ceil((top + (seen || 600)) / height) + beyond);
  return (
    <div
      class={"rows " + (more ?? "")}
      ref={ref}
      role="list"
      aria-label={label}
      tabIndex={0}
      onScroll={(e) => {
        const el = e.currentTarget;
        setTop(el.scrollTop);
        atEnd.current = el.scrollHeight - el.scrollTop - el.clientHeight < height * 2;
      }}
    >
      <div class="rows-all" style={{ height: items.length * height + "px" }}>
        <div class="rows-seen" style={{ transform: `translateY(${from * height}px)` }}>
          {items.slice(from, to).map((item, i) => (
            <div role="listitem" class="row" key={from + i} aria-level={level?.(item)} style={{ height: height + "px" }}>
              {render(item, from + i)}
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}
