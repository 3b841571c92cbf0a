import { app } from "../model";
import { saveFile } from "./file";
import { show, today } from "./format";
import { type Kind } from "./kinds";
import { announce } from "./message";
import { all } from "./store";
import { t } from "./text";

/** Saves a kind's entries as a table for other programs: a line each, with what fields show. */
export function saveTable(kind: Kind): void {
  const fields = Object.entries(kind.fields);
  const lines = [
    fields.map(([, definition]) => definition.label),
    ...all(kind).map((entry) =>
      fields.map(([key, definition]) => (typeof entry[key] === "number" || definition.type === "date" ? String(entry[key] ?? "") : show(definition, entry[key]))),
    ),
  ];
  const text = lines.map((line) => line.map(cell).join(",")).join("\r\n");
  const name = `${app.id}-${kind.key}-${today()}.csv`;
  saveFile(name, "text/csv;charset=utf-8", `\ufeff${text}\r\n`);
  announce(t("Saved: {list}.", { list: name }));
}

/** A cell in quotes. What a spreadsheet would take for a formula is made a text; a number below zero is none. */
function cell(text: string): string {
  const safe = /^[=+@\t\r]|^-(?![\d.]+(?:e[+-]?\d+)?$)/.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}
