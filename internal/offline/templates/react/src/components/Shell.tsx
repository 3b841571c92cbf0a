import { useEffect, useRef, type ReactNode } from "react";
import { useMessage } from "../hooks";
import { icon } from "../lib/icons";
import { t } from "../lib/text";
import { app } from "../model";
import { elementOf } from "./elements";

/** A page, as the navigation names it. */
export interface Place {
  readonly key: string;
  readonly title: string;
  readonly icon: string;
}

interface Props {
  /** Where the navigation stands on wide screens. */
  readonly layout: "side" | "top";
  /** How the bar with the navigation stands out. */
  readonly frame: "plain" | "solid";
  /** The first is where the app starts. */
  readonly places: readonly Place[];
  /** The key of the page that is shown. */
  readonly current: string;
  readonly children: ReactNode;
}

const layouts = {
  side: {
    body: "lg:grid lg:grid-cols-[16rem_minmax(0,1fr)]",
    bar: "lg:sticky lg:top-0 lg:h-screen lg:flex-col lg:flex-nowrap lg:items-stretch lg:gap-7 lg:overflow-y-auto lg:border-r lg:border-b-0 lg:px-4 lg:py-6",
    list: "lg:flex-col",
  },
  top: { body: "", bar: "", list: "" },
};

/** What is around every page: the name, the navigation, what happened last. */
export function Shell({ layout, frame, places, current, children }: Props) {
  const main = useRef<HTMLElement>(null);
  const shown = useRef(current);
  const styles = layouts[layout];
  const solid = frame === "solid";
  const page = places.findIndex((place) => place.key === current);
  const title = page > 0 ? `${places[page]?.title} · ${app.name}` : app.name;

  useEffect(() => {
    document.title = title;
    if (shown.current === current) return;
    shown.current = current;
    scrollTo(0, 0);
    if (!document.querySelector("dialog[open]")) main.current?.focus();
  }, [current, title]);

  return (
    <div className={`min-h-screen ${styles.body}`}>
      <a
        href="#main"
        className="absolute -top-20 left-4 z-10 rounded-box bg-accent px-4 py-2.5 text-on-accent focus:top-4"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        {t("Skip to content")}
      </a>
      <header className={`flex flex-wrap items-center gap-x-6 gap-y-2 border-b px-4 py-3 md:px-8 ${solid ? "border-bar bg-bar text-on-bar" : "border-line bg-surface"} ${styles.bar}`}>
        <a href="#/" aria-current={page > 0 ? undefined : "page"} className="flex min-w-0 items-center gap-3 font-display text-lg font-bold wrap-anywhere">
          <span aria-hidden="true" className={`grid size-9 shrink-0 place-items-center rounded-control ${solid ? "bg-on-bar text-bar" : "bg-accent text-on-accent"}`}>
            {[...app.name].find((letter) => /[\p{L}\p{N}]/u.test(letter))?.toUpperCase() ?? "A"}
          </span>
          <span>{app.name}</span>
        </a>
        {places.length > 1 && (
          <nav aria-label={t("Pages")} className="max-sm:w-full max-sm:overflow-x-auto">
            <ul className={`flex flex-wrap gap-1 max-sm:w-max max-sm:flex-nowrap max-sm:p-1 ${styles.list}`}>
              {places.map((place, n) => (
                <NavigationLink key={place.key} href={n === 0 ? "#/" : `#/${place.key}`} place={place} here={n === page} solid={solid} />
              ))}
            </ul>
          </nav>
        )}
      </header>
      <div className="min-w-0">
        <main ref={main} id="main" tabIndex={-1} className="mx-auto max-w-6xl px-4 py-6 outline-none md:px-8 md:py-10">
          {children}
        </main>
      </div>
      <Message />
    </div>
  );
}

function NavigationLink({ href, place, here, solid }: { href: string; place: Place; here: boolean; solid: boolean }) {
  return (
    <li>
      <a
        href={href}
        aria-current={here ? "page" : undefined}
        className={`flex items-center gap-2 rounded-control px-3.5 py-2 font-medium ${solid ? "text-on-bar hover:bg-on-bar hover:text-bar aria-[current]:bg-on-bar aria-[current]:text-bar" : "text-muted hover:bg-page hover:text-ink aria-[current]:bg-soft aria-[current]:text-on-soft"}`}
      >
        {elementOf(icon(place.icon))}
        {place.title}
      </a>
    </li>
  );
}

function Message() {
  const { text, id } = useMessage();
  return (
    <div
      role="status"
      aria-live="polite"
      className="fixed inset-x-4 bottom-5 z-10 mx-auto w-fit rounded-box bg-ink px-5 py-3 text-page wrap-anywhere empty:hidden"
    >
      {text && <span key={id}>{text}</span>}
    </div>
  );
}
