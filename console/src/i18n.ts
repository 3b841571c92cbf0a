// Words: one catalogue for each language, all with the same keys, which the compiler checks. To add a language: its file, and its
// line in `languages`.
import { effect } from "@preact/signals";
import { remembered } from "./settings";
import { de } from "./words.de";
import { en } from "./words.en";

export type Word = keyof typeof en;
export type Words = Record<Word, string>;

export const languages: Record<string, { name: string; words: Words }> = {
  en: { name: "English", words: en },
  de: { name: "Deutsch", words: de },
};

const preferred = navigator.languages.map((l) => l.slice(0, 2)).find((l) => l in languages) ?? "en";
export const language = remembered<string>("language", preferred);
if (!(language.value in languages)) language.value = "en";
effect(() => {
  document.documentElement.lang = language.value;
});

/** t is a text in the language of the page; {name} in it stands for a value. */
export function t(word: Word, values?: Record<string, string | number>): string {
  const text = languages[language.value]!.words[word];
  return values ? text.replace(/\{(\w+)\}/g, (all, name: string) => String(values[name] ?? all)) : text;
}

const plural = (n: number) => (new Intl.PluralRules(language.value).select(n) === "one" ? "one" : "other");

/** tn is a text that counts: the catalogue has it as name.one and name.other. */
export function tn(name: string, n: number): string {
  return t(`${name}.${plural(n)}` as Word, { n: number(n) });
}

/** tx is the text of a value that an API has names for, else the name itself. */
export function tx(group: string, value: string): string {
  const word = `${group}.${value}`;
  return word in en ? t(word as Word) : value.replaceAll("_", " ");
}

export const number = (n: number) => n.toLocaleString(language.value);
export const compact = (n: number) => n.toLocaleString(language.value, { notation: "compact", maximumFractionDigits: 1 });

/** money is an amount in micro-dollars. */
export function money(micro: number | null | undefined): string {
  if (micro === null || micro === undefined) return t("cost.unknown");
  if (micro > 0 && micro < 50) return "< " + money(100); // what is shown has four digits
  const dollars = micro / 1e6;
  const digits = dollars !== 0 && Math.abs(dollars) < 0.1 ? 4 : 2;
  return dollars.toLocaleString(language.value, { style: "currency", currency: "USD", minimumFractionDigits: dollars === 0 ? 2 : digits, maximumFractionDigits: digits });
}

export function bytes(n: number): string {
  const units = ["B", "kB", "MB", "GB"];
  let i = 0;
  while (n >= 1000 && i < units.length - 1) (n /= 1000), i++;
  return n.toLocaleString(language.value, { maximumFractionDigits: n < 10 && i > 0 ? 1 : 0 }) + " " + units[i];
}

export function duration(ms: number): string {
  const s = ms / 1000;
  if (s < 10) return s.toLocaleString(language.value, { minimumFractionDigits: 1, maximumFractionDigits: 1 }) + " s";
  if (s < 60) return Math.floor(s) + " s";
  if (s < 3600) return Math.floor(s / 60) + ":" + String(Math.floor(s % 60)).padStart(2, "0") + " min";
  return Math.floor(s / 3600) + ":" + String(Math.floor((s % 3600) / 60)).padStart(2, "0") + " h";
}

const steps: [Intl.RelativeTimeFormatUnit, number][] = [["year", 31_536_000], ["month", 2_592_000], ["day", 86_400], ["hour", 3600], ["minute", 60]];

export function ago(at: string | null | undefined, now = Date.now()): string {
  if (!at) return "";
  const seconds = (new Date(at).getTime() - now) / 1000;
  const format = new Intl.RelativeTimeFormat(language.value, { numeric: "auto" });
  for (const [unit, size] of steps) if (Math.abs(seconds) >= size) return format.format(Math.round(seconds / size), unit);
  return t("time.now");
}

export const exactly = (at: string) => new Date(at).toLocaleString(language.value, { dateStyle: "medium", timeStyle: "medium" });
