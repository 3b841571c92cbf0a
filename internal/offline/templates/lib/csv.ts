import { app } from "../model";
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
  const url = URL.createObjectURL(new Blob([`\ufeff${text}\r\n`], { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `${app.id}-${kind.key}-${today()}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
  announce(t("Saved: {list}.", { list: link.download }));
}

/** A cell in quotes. What a spreadsheet would take for a formula is made a text. */
function cell(text: string): string {
  const safe = /^[=+@\t\r]|^-[^\d]/.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}
