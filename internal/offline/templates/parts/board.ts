import { t } from "../lib/text";
import { button, el, moveFocus, pairs, type Attributes, type Child, type Use, type View } from "../lib/view";
import { icon } from "../lib/icons";

/** A place of a board that can be pressed. */
export interface Cell {
  /** What it is to those who cannot see it. */
  readonly label: string;
  readonly content?: Child;
  readonly look?: string;
  /** Pressing it would do nothing now. */
  readonly off?: boolean;
  readonly press: () => void;
  /** What the other mouse button, or a long touch, does. */
  readonly hold?: () => void;
}

/** A board of buttons; the arrow keys go from one to the next. */
export function board(label: string, columns: number, cells: readonly Cell[], look = ""): View {
  return el(
    "div",
    { class: `board-grid ${look}`, role: "group", "aria-label": label, style: `--columns: ${columns}`, onkeydown: (use) => moveFocus(use, { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }, columns) },
    cells.map((cell, place) =>
      el(
        "button",
        {
          type: "button",
          class: `cell ${cell.look ?? ""}`,
          "aria-label": cell.label,
          "aria-disabled": cell.off === true && "true",
          tabindex: place === 0 ? 0 : -1,
          onclick: () => cell.off !== true && cell.press(),
          oncontextmenu: cell.hold && ((use: Use) => { use.preventDefault(); cell.hold?.(); }),
        },
        cell.content,
      ),
    ),
  );
}

/** A board that is only looked at. */
export function picture(label: string, columns: number, looks: readonly string[], texts: readonly string[] = [], more: Attributes = {}): View {
  return el(
    "div",
    { class: "board-grid picture", role: "img", "aria-label": label, style: `--columns: ${columns}`, ...more },
    looks.map((look, place) => el("span", { class: `cell ${look}` }, texts[place] ?? "")),
  );
}

/** What every game has around its board. */
export interface Frame {
  readonly status: string;
  readonly facts: readonly (readonly [label: string, value: string | number])[];
  readonly options?: Child;
  readonly board: Child;
  readonly below?: Child;
  readonly again: () => void;
  /** Nothing has happened yet, so that starting again would change nothing. */
  readonly untouched?: boolean;
  /** What starting again is called. */
  readonly restart?: string;
  readonly rules: string;
}

export function frame({ status, facts, options, board, below, again, untouched = false, restart = t("New game"), rules }: Frame): View {
  return el(
    "div",
    { class: "game" },
    pairs(facts),
    el("p", { class: "status", role: "status" }, status),
    el("div", { class: "playfield" }, board),
    below,
    el("div", { class: "controls" }, options, button([icon("again"), restart], () => !untouched && again(), { class: "primary", "aria-disabled": untouched && "true" })),
    el("details", { class: "rules" }, el("summary", {}, t("How to play")), el("p", {}, rules)),
  );
}

export type Direction = "up" | "down" | "left" | "right";

export const directions: Readonly<Record<Direction, readonly [row: number, column: number]>> = { up: [-1, 0], down: [1, 0], left: [0, -1], right: [0, 1] };

/** The direction that a key means. */
export function directionOf(key: string): Direction | undefined {
  const all: Record<string, Direction> = {
    ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right",
    w: "up", s: "down", a: "left", d: "right",
  };
  return all[key];
}

/** Four arrows to press, for those without a keyboard. */
export function arrows(go: (to: Direction) => void, possible: (to: Direction) => boolean = () => true): View {
  const names: readonly (readonly [Direction, string])[] = [["left", t("Left")], ["up", t("Up")], ["down", t("Down")], ["right", t("Right")]];
  return el(
    "div",
    { class: "arrows", role: "group", "aria-label": t("Directions") },
    names.map(([to, label]) => button(icon(to), () => possible(to) && go(to), { class: `quiet arrow ${to}`, "aria-label": label, "aria-disabled": !possible(to) && "true" })),
  );
}

let touched: readonly [number, number] | undefined;

/** Attributes by which a stroke of a finger means a direction. */
export function swipe(go: (to: Direction) => void): Attributes {
  return {
    onpointerdown: (use) => {
      touched = [use.clientX ?? 0, use.clientY ?? 0];
    },
    onpointerup: (use) => {
      if (!touched) return;
      const [right, down] = [(use.clientX ?? 0) - touched[0], (use.clientY ?? 0) - touched[1]];
      touched = undefined;
      if (Math.max(Math.abs(right), Math.abs(down)) < 24) return;
      go(Math.abs(right) > Math.abs(down) ? (right > 0 ? "right" : "left") : down > 0 ? "down" : "up");
    },
  };
}

/** Where a place of a board is, in words. */
export function placeName(place: number, columns: number, what: string): string {
  return t("Row {0}, column {1}: {2}", Math.floor(place / columns) + 1, (place % columns) + 1, what);
}

export function shuffled<Item>(items: readonly Item[]): Item[] {
  const out = [...items];
  for (let last = out.length - 1; last > 0; last--) {
    const other = below(last + 1);
    [out[last], out[other]] = [out[other] as Item, out[last] as Item];
  }
  return out;
}

/** A random whole number from 0 to below the limit. */
export function below(limit: number): number {
  return Math.floor(Math.random() * limit);
}

/** The better of a best result, 0 for none yet, and a new one. */
export const fewest = (best: number, now: number): number => (best === 0 ? now : Math.min(best, now));
