import { date, dayOf, headingOf, sum, titleOf, today, two } from "../lib/format";
import { icon } from "../lib/icons";
import { titleKey, type Entry, type Kind, type ValuesOf, blank } from "../lib/kinds";
import { attempt } from "../lib/message";
import { type Part } from "../lib/part";
import { allowSound, beep } from "../lib/sound";
import { all, save } from "../lib/store";
import { t } from "../lib/text";
import { button, el, numberInput, panel, picker, textInput, type Child, type View } from "../lib/view";

/** What a timer goes through, one step after the other. */
interface Plan {
  readonly inputs: readonly Input[];
  /** The step of this number; undefined after the last. */
  step(values: Readonly<Record<string, number>>, number: number): Step | undefined;
  /** The next step begins by itself. */
  readonly flows: boolean;
  /** Ready lengths: a name and what it sets. */
  readonly presets?: readonly (readonly [label: string, values: Readonly<Record<string, number>>])[];
}

interface Input {
  readonly key: string;
  readonly label: string;
  readonly unit: string;
  readonly initial: number;
  readonly least: number;
  readonly most: number;
}

interface Step {
  readonly name: string;
  readonly seconds: number;
  /** What counts as done when it ends; else it is a pause. */
  readonly counts: boolean;
  /** What it is listed as, where that is more than this step. */
  readonly as?: { readonly name: string; readonly seconds: number };
}

export type TimerMode = "pomodoro" | "countdown" | "interval" | "tea" | "breathing";

interface Options {
  readonly key: string;
  readonly mode: TimerMode;
  /** What can be worked on. */
  readonly tasks?: Kind;
}

interface Done {
  at: string;
  name: string;
  seconds: number;
  task: string;
}

interface State {
  step: number;
  /** When the running step ends, in milliseconds since 1970; 0 while it stands. */
  ends: number;
  /** Milliseconds that are left while it stands. */
  left: number;
  typed: Record<string, string>;
  done: Done[];
  task: string;
  adding: string;
  sound: boolean;
}

type Action =
  | { readonly does: "start" | "pause" | "reset" | "skip" | "tick" | "add" | "sound" }
  | { readonly does: "set"; readonly values: Readonly<Record<string, string>> }
  | { readonly does: "task"; readonly task: string }
  | { readonly does: "adding"; readonly text: string }
  | { readonly does: "forget"; readonly at: string };

const plans: Readonly<Record<TimerMode, () => Plan>> = {
  pomodoro: () => ({
    inputs: [
      { key: "work", label: t("Focus"), unit: t("minutes"), initial: 25, least: 1, most: 180 },
      { key: "rest", label: t("Short break"), unit: t("minutes"), initial: 5, least: 1, most: 60 },
      { key: "long", label: t("Long break"), unit: t("minutes"), initial: 15, least: 1, most: 120 },
      { key: "every", label: t("Long break after"), unit: t("rounds"), initial: 4, least: 1, most: 12 },
    ],
    step(values, number) {
      if (number % 2 === 0) return { name: t("Focus"), seconds: 60 * (values.work ?? 25), counts: true };
      const long = ((number + 1) / 2) % (values.every ?? 4) === 0;
      return long ? { name: t("Long break"), seconds: 60 * (values.long ?? 15), counts: false } : { name: t("Short break"), seconds: 60 * (values.rest ?? 5), counts: false };
    },
    flows: false,
  }),
  countdown: () => ({
    inputs: [
      { key: "hours", label: t("Hours"), unit: "", initial: 0, least: 0, most: 99 },
      { key: "minutes", label: t("Minutes"), unit: "", initial: 10, least: 0, most: 59 },
      { key: "seconds", label: t("Seconds"), unit: "", initial: 0, least: 0, most: 59 },
    ],
    step(values, number) {
      return number === 0 ? { name: t("Countdown"), seconds: 3600 * (values.hours ?? 0) + 60 * (values.minutes ?? 0) + (values.seconds ?? 0), counts: true } : undefined;
    },
    flows: false,
    presets: [1, 3, 5, 10, 20, 30, 45].map((minutes) => [t("{0} min", minutes), { hours: 0, minutes, seconds: 0 }] as const),
  }),
  interval: () => ({
    inputs: [
      { key: "work", label: t("Work"), unit: t("seconds"), initial: 40, least: 5, most: 600 },
      { key: "rest", label: t("Rest"), unit: t("seconds"), initial: 20, least: 3, most: 600 },
      { key: "rounds", label: t("Rounds"), unit: "", initial: 8, least: 1, most: 50 },
    ],
    step(values, number) {
      if (number === 0) return { name: t("Get ready"), seconds: 5, counts: false };
      const rounds = values.rounds ?? 8;
      const round = Math.ceil(number / 2);
      if (number >= 2 * rounds) return undefined;
      return number % 2 === 1 ? { name: t("Work: round {0} of {1}", round, rounds), seconds: values.work ?? 40, counts: true } : { name: t("Rest"), seconds: values.rest ?? 20, counts: false };
    },
    flows: true,
    presets: [
      ["Tabata", { work: 20, rest: 10, rounds: 8 }],
      ["HIIT", { work: 40, rest: 20, rounds: 10 }],
      [t("Boxing"), { work: 180, rest: 60, rounds: 3 }],
    ],
  }),
  breathing: () => ({
    inputs: [
      { key: "in", label: t("Breathe in"), unit: t("seconds"), initial: 4, least: 1, most: 30 },
      { key: "hold", label: t("Hold"), unit: t("seconds"), initial: 4, least: 0, most: 60 },
      { key: "out", label: t("Breathe out"), unit: t("seconds"), initial: 4, least: 1, most: 60 },
      { key: "rest", label: t("Hold, empty"), unit: t("seconds"), initial: 4, least: 0, most: 60 },
      { key: "rounds", label: t("Rounds"), unit: "", initial: 8, least: 1, most: 100 },
    ],
    step(values, number) {
      if (number === 0) return { name: t("Get ready"), seconds: 3, counts: false };
      const phases = ([[t("Breathe in"), values.in ?? 4], [t("Hold"), values.hold ?? 0], [t("Breathe out"), values.out ?? 4], [t("Hold"), values.rest ?? 0]] as const).filter(([, seconds]) => seconds > 0);
      const rounds = values.rounds ?? 8;
      const [name, seconds] = phases[(number - 1) % phases.length] ?? ["", 0];
      if (number > rounds * phases.length) return undefined;
      const last = number === rounds * phases.length;
      return { name, seconds, counts: last, as: { name: t("{0} breaths", rounds), seconds: rounds * phases.reduce((sum, [, of]) => sum + of, 0) } };
    },
    flows: true,
    presets: [
      [t("Box, 4-4-4-4"), { in: 4, hold: 4, out: 4, rest: 4 }],
      ["4-7-8", { in: 4, hold: 7, out: 8, rest: 0 }],
      [t("Even, 5-5"), { in: 5, hold: 0, out: 5, rest: 0 }],
      [t("Calm, 4-6"), { in: 4, hold: 0, out: 6, rest: 0 }],
    ],
  }),
  tea: () => ({
    inputs: [{ key: "minutes", label: t("Steep for"), unit: t("minutes"), initial: 3, least: 0.5, most: 30 }],
    step: (values, number) => (number === 0 ? { name: t("Steeping"), seconds: 60 * (values.minutes ?? 3), counts: true } : undefined),
    flows: false,
    presets: [
      [t("Green, 80 °C"), { minutes: 2 }],
      [t("White, 75 °C"), { minutes: 4 }],
      [t("Oolong, 90 °C"), { minutes: 3 }],
      [t("Black, 100 °C"), { minutes: 4 }],
      [t("Herbal, 100 °C"), { minutes: 7 }],
      [t("Rooibos, 100 °C"), { minutes: 6 }],
    ],
  }),
};

function problemOf(input: Input, text: string): string {
  const value = Number(text);
  return text.trim() === "" || !Number.isFinite(value) || value < input.least || value > input.most ? t("From {0} to {1}, please.", input.least, input.most) : "";
}

function valuesOf(plan: Plan, state: State): Record<string, number> {
  return Object.fromEntries(plan.inputs.map((input) => {
    const text = state.typed[input.key] ?? "";
    return [input.key, problemOf(input, text) === "" ? Number(text) : input.initial];
  }));
}

/** A time as 1:02:03 or 02:03. */
export function clock(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  const hours = Math.floor(seconds / 3600);
  return `${hours > 0 ? `${hours}:` : ""}${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

/** A ring of which a part is filled, around what stands in it. */
export function ring(share: number, ...inside: Child[]): View {
  const length = 2 * Math.PI * 54;
  return el(
    "div",
    { class: "dial" },
    el(
      "svg",
      { viewBox: "0 0 120 120", "aria-hidden": "true" },
      el("circle", { class: "track", cx: 60, cy: 60, r: 54 }),
      el("circle", { class: "share", cx: 60, cy: 60, r: 54, "stroke-dasharray": length.toFixed(2), "stroke-dashoffset": (length * (1 - Math.min(1, Math.max(0, share)))).toFixed(2) }),
    ),
    el("div", { class: "inside" }, inside),
  );
}

export function timer({ key, mode, tasks }: Options): Part<State, Action> {
  const plan = plans[mode]();
  const lengthOf = (state: State): number => 1000 * (plan.step(valuesOf(plan, state), state.step)?.seconds ?? 0);
  const at = (state: State, step: number): State => {
    const moved = { ...state, step: plan.step(valuesOf(plan, state), step) ? step : 0, ends: 0 };
    return { ...moved, left: lengthOf(moved) };
  };
  const finish = (state: State): State => {
    const step = plan.step(valuesOf(plan, state), state.step);
    const last = plan.step(valuesOf(plan, state), state.step + 1) === undefined;
    if (state.sound) beep(last || step?.counts ? 880 : 660);
    const entry: Done = { at: new Date().toISOString(), name: step?.as?.name ?? step?.name ?? "", seconds: step?.as?.seconds ?? step?.seconds ?? 0, task: state.task };
    const done = step?.counts ? [entry, ...state.done].slice(0, 200) : state.done;
    const next = at({ ...state, done }, state.step + 1);
    return plan.flows && !last ? { ...next, ends: Date.now() + next.left } : next;
  };

  return {
    key,
    start() {
      const inputs = Object.fromEntries(plan.inputs.map((input) => [input.key, String(input.initial)]));
      return at({ step: 0, ends: 0, left: 0, typed: inputs, done: [], task: "", adding: "", sound: true }, 0);
    },
    update(state, action) {
      switch (action.does) {
        case "start":
          if (state.sound) allowSound();
          return { ...state, ends: Date.now() + state.left };
        case "pause":
          return { ...state, ends: 0, left: Math.max(0, state.ends - Date.now()) };
        case "reset":
          return at(state, plan.flows ? 0 : state.step);
        case "skip":
          return at(state, state.step + 1);
        case "tick":
          return state.ends > 0 && Date.now() >= state.ends ? finish(state) : state;
        case "set":
          return at({ ...state, typed: { ...state.typed, ...action.values } }, state.step);
        case "task":
          return { ...state, task: action.task };
        case "adding":
          return { ...state, adding: action.text };
        case "add":
          if (tasks && state.adding.trim() !== "") addTask(tasks, state.adding.trim());
          return { ...state, adding: "" };
        case "sound":
          return { ...state, sound: !state.sound };
        case "forget":
          return { ...state, done: state.done.filter((entry) => entry.at !== action.at) };
      }
    },
    tick: { action: { does: "tick" }, every: (state) => (state.ends > 0 ? 250 : 0) },
    press(state, pressed) {
      return pressed === " " && lengthOf(state) > 0 ? { does: state.ends > 0 ? "pause" : "start" } : undefined;
    },
    view(state, send) {
      const running = state.ends > 0;
      const left = running ? Math.max(0, state.ends - Date.now()) : state.left;
      const total = lengthOf(state);
      const step = plan.step(valuesOf(plan, state), state.step);
      const untouched = !running && left === total;
      return el(
        "div",
        { class: `timer ${running ? "running" : ""} ${step?.counts ? "work" : "pause"}` },
        el(
          "section",
          { class: "panel clock", "aria-label": t("Timer") },
          ring(total === 0 ? 0 : left / total, el("p", { class: "step" }, step?.name), el("p", { class: "time", role: "timer" }, clock(left))),
          el("p", { class: "unseen", role: "status" }, running ? t("{0} runs.", step?.name ?? "") : t("{0} stands.", step?.name ?? "")),
          el(
            "div",
            { class: "controls" },
            button([icon(running ? "pause" : "play"), running ? t("Pause") : untouched ? t("Start") : t("Go on")], () => total > 0 && send({ does: running ? "pause" : "start" }), { class: "primary large", "aria-disabled": total === 0 && "true" }),
            button([icon("again"), t("Reset")], () => !untouched && send({ does: "reset" }), { "aria-disabled": untouched && "true" }),
            (mode === "pomodoro" || plan.flows) && button([icon("right"), t("Skip")], () => send({ does: "skip" })),
          ),
          plan.presets && el("div", { class: "presets", role: "group", "aria-label": t("Presets") }, plan.presets.map(([label, values]) => {
            const chosen = Object.entries(values).every(([name, value]) => Number(state.typed[name]) === value);
            return button(label, () => send({ does: "set", values: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)])) }), { class: "quiet chip", "aria-pressed": String(chosen) });
          })),
        ),
        el(
          "div",
          { class: "beside" },
          tasks && taskPanel(tasks, state, send),
          el(
            "section",
            { class: "panel", "aria-labelledby": "lengths" },
            el("h2", { id: "lengths" }, t("Settings")),
            el("div", { class: "inputs" }, plan.inputs.map((input) => numberInput(`set-${input.key}`, input.label, state.typed[input.key] ?? "", (text) => send({ does: "set", values: { [input.key]: text } }), input.unit, problemOf(input, state.typed[input.key] ?? ""), { min: input.least, max: input.most }))),
            el("label", { class: "check" }, el("input", { type: "checkbox", checked: state.sound, onchange: () => send({ does: "sound" }) }), ` ${t("Sound at the end")}`),
          ),
          donePanel(state, tasks, (entry) => send({ does: "forget", at: entry.at })),
        ),
      );
    },
  };
}

function donePanel(state: State, tasks: Kind | undefined, forget: (entry: Done) => void): View {
  const now = state.done.filter((entry) => dayOf(new Date(entry.at)) === today());
  const minutes = Math.round(sum(now.map((entry) => entry.seconds)) / 60);
  const titles = new Map(tasks ? all(tasks).map((task) => [task.id, titleOf(tasks, task)]) : []);
  return el(
    "section",
    { class: "panel", "aria-labelledby": "finished" },
    el("h2", { id: "finished" }, t("Finished")),
    el("p", { class: "hint" }, now.length === 0 ? t("Nothing today yet.") : t("Today: {0}, together {1} min.", now.length, minutes)),
    el(
      "ul",
      { class: "lines" },
      state.done.slice(0, 8).map((entry) =>
        el(
          "li",
          {},
          el("span", {}, titles.get(entry.task) ?? entry.name),
          el("span", { class: "of" }, `${date(dayOf(new Date(entry.at)))}, ${clock(1000 * entry.seconds)}`),
          button(icon("trash"), () => forget(entry), { class: "quiet bare", "aria-label": t("Delete {0}", titles.get(entry.task) ?? entry.name) }),
        ),
      ),
    ),
  );
}

/** How a kind's entries are marked as done: by a flag, or by the last option of a choice. */
function doneField(kind: Kind): { key: string; yes: string | boolean; no: string | boolean } | undefined {
  for (const [key, definition] of Object.entries(kind.fields)) {
    if (definition.type === "flag") return { key, yes: true, no: false };
    if (definition.type === "choice" && /status|state|stage|done/i.test(key)) return { key, yes: definition.options.at(-1) ?? "", no: definition.options[0] ?? "" };
  }
  return undefined;
}

function addTask(kind: Kind, title: string): void {
  const mark = doneField(kind);
  const values = Object.fromEntries(Object.entries(kind.fields).map(([key, definition]) => [key, key === titleKey(kind) ? title : key === mark?.key ? mark.no : blank(definition)]));
  attempt(() => save(kind, values as ValuesOf));
}

function taskPanel(kind: Kind, state: State, send: (action: Action) => void): View {
  const mark = doneField(kind);
  const isDone = (task: Entry): boolean => mark !== undefined && task[mark.key] === mark.yes;
  const tasks = all(kind);
  const open = tasks.filter((task) => !isDone(task));
  const rounds = (task: Entry): number => state.done.filter((entry) => entry.task === task.id).length;
  return panel(
    "tasks",
    headingOf(kind),
    picker("working-on", t("Working on"), state.task, [["", t("Nothing in particular")], ...open.map((task) => [task.id, titleOf(kind, task)] as const)], (task) => send({ does: "task", task })),
    el(
      "ul",
      { class: "ticks" },
      tasks.slice(-12).map((task) =>
        el(
          "li",
          {},
          el(
            "label",
            { class: "check" },
            mark && el("input", { type: "checkbox", checked: isDone(task), onchange: () => attempt(() => save(kind, { ...task, [mark.key]: isDone(task) ? mark.no : mark.yes }, task.id)) }),
            el("span", { class: isDone(task) ? "struck" : "" }, ` ${titleOf(kind, task)}`),
          ),
          rounds(task) > 0 && el("span", { class: "badge" }, `${rounds(task)} ×`),
        ),
      ),
    ),
    el(
      "form",
      { class: "line-form", onsubmit: (use) => { use.preventDefault(); send({ does: "add" }); } },
      textInput("new-task", t("New: {0}", kind.one), state.adding, (text) => send({ does: "adding", text }), { maxlength: 200, autocomplete: "off" }),
      el("button", { type: "submit", class: "primary" }, t("Add")),
    ),
  );
}
