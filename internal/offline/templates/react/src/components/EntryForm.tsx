import { useState, type SubmitEvent } from "react";
import { check, valueOf } from "../lib/check";
import { addLabel, titleOf } from "../lib/format";
import { blank, dateKey, type Entry, type Kind, type Value, type ValuesOf } from "../lib/kinds";
import { announce, attempt } from "../lib/message";
import { save } from "../lib/store";
import { Button } from "./Button";
import { Dialog } from "./Dialog";
import { FieldInput } from "./FieldInput";
import { t } from "../lib/text";

interface Props {
  readonly kind: Kind;
  readonly entry?: Entry | undefined;
  /** The day that a new entry is for; "" for none in particular. */
  readonly day: string;
  readonly onClose: () => void;
  readonly onSaved: (entry: Entry) => void;
}

/** The form of an entry, or of a new one, in a dialog. */
export function EntryForm({ kind, entry, day, onClose, onSaved }: Props) {
  const dated = dateKey(kind);
  const [problems, setProblems] = useState<ReadonlyMap<string, string>>(new Map());

  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const { values, found } = read(event.currentTarget, kind);
    setProblems(found);
    const [first] = found.keys();
    if (first !== undefined) {
      controlOf(event.currentTarget, first)?.focus();
      return;
    }
    const saved = attempt(() => save<Kind>(kind, values, entry?.id));
    if (!saved) return;
    const title = titleOf(kind, saved);
    announce(entry ? t("{title} was updated.", { title }) : t("{title} was added.", { title }));
    onSaved(saved);
  };

  return (
    <Dialog title={entry ? t("Edit {title}", { title: titleOf(kind, entry) }) : addLabel(kind)} onClose={onClose}>
      <form noValidate onSubmit={submit}>
        <p className="text-sm text-muted">{t("Fields marked with * are needed.")}</p>
        <div className="my-5 grid gap-4 sm:grid-cols-2">
          {Object.entries(kind.fields).map(([key, definition]) => (
            <FieldInput
              key={key}
              name={key}
              definition={definition}
              value={entry?.[key] ?? (key === dated ? day : blank(definition))}
              problem={problems.get(key) ?? ""}
            />
          ))}
        </div>
        <div className="flex flex-wrap justify-end gap-2.5">
          <Button onClick={onClose}>{t("Cancel")}</Button>
          <Button type="submit" look="primary">
            {t("Save")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** What was typed, and a sentence for each field that needs attention. */
function read(form: HTMLFormElement, kind: Kind): { values: ValuesOf; found: Map<string, string> } {
  const values: Record<string, Value> = {};
  const found = new Map<string, string>();
  for (const [key, definition] of Object.entries(kind.fields)) {
    const control = controlOf(form, key);
    if (!control) continue;
    if (control instanceof HTMLInputElement && control.type === "checkbox") {
      values[key] = control.checked;
      continue;
    }
    const value = valueOf(definition, control.value);
    const problem = check(definition, value, control.validity.badInput);
    values[key] = value;
    if (problem !== "") found.set(key, problem);
  }
  return { values: values as ValuesOf, found };
}

function controlOf(form: HTMLFormElement, key: string): HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement | undefined {
  const control = form.elements.namedItem(key);
  const known = control instanceof HTMLInputElement || control instanceof HTMLSelectElement || control instanceof HTMLTextAreaElement;
  return known ? control : undefined;
}
