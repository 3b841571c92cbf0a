/** What an entry can hold. A field's type decides how it is asked for, checked, sorted and shown. */

export type Value = string | number | boolean | null;

type Presence = "required" | "optional";

interface Common {
  readonly label: string;
  readonly required: boolean;
}

export interface TextField extends Common {
  readonly type: "text" | "notes" | "phone" | "email" | "link" | "date";
}

export interface NumberField extends Common {
  readonly type: "number" | "money";
}

export interface FlagField extends Common {
  readonly type: "flag";
}

export interface ChoiceField extends Common {
  readonly type: "choice";
  readonly options: readonly string[];
  /** What options were called when entries were saved, and are called now. */
  readonly renamed: Readonly<Record<string, string>>;
}

/** Points to an entry of the kind whose key is `to`; the value is that entry's id. */
export interface RelationField extends Common {
  readonly type: "relation";
  readonly to: string;
}

export type Field = TextField | NumberField | FlagField | ChoiceField | RelationField;

/** One sort of thing that the app keeps: a page, a form and a list are made from it. */
export interface Kind {
  readonly key: string;
  readonly one: string;
  readonly many: string;
  /** What adding one is called: Book, Log, Plan. */
  readonly verb: string;
  readonly view: "table" | "cards" | "board";
  /** What stands beside its name: one of lib/icons.ts. */
  readonly icon: string;
  readonly fields: Readonly<Record<string, Field>>;
  /** The field by which its list is sorted at first; "-" before it: the highest first. */
  readonly sort?: string;
  /** The field by which its list is filtered, where it is not the first choice. */
  readonly filter?: string;
  /** Its list can be saved as a table for other programs. */
  readonly csv?: boolean;
}

type ValueOf<F> = F extends NumberField ? number | null : F extends FlagField ? boolean : string;

/** An empty text means: not given. */
export type ValuesOf<K extends Kind = Kind> = { [P in keyof K["fields"]]: ValueOf<K["fields"][P]> };

export type Entry<K extends Kind = Kind> = ValuesOf<K> & {
  readonly id: string;
  readonly createdAt: string;
};

/** A number worth seeing above a list. */
export interface Stat {
  readonly label: string;
  readonly value: string;
}

/** Keeps the exact type of a definition, so that entries of the kind are typed field by field. */
export function defineKind<const K extends Kind>(kind: K): K {
  return kind;
}

const words =
  <T extends TextField["type"]>(type: T) =>
  (label: string, presence: Presence = "optional") => ({ type, label, required: presence === "required" }) as const;

const numeric =
  <T extends NumberField["type"]>(type: T) =>
  (label: string, presence: Presence = "optional") => ({ type, label, required: presence === "required" }) as const;

export const field = {
  text: words("text"),
  notes: words("notes"),
  phone: words("phone"),
  email: words("email"),
  link: words("link"),
  date: words("date"),
  number: numeric("number"),
  money: numeric("money"),
  flag: (label: string): FlagField => ({ type: "flag", label, required: false }),
  choice: (label: string, options: readonly string[], presence: Presence = "optional", renamed: Readonly<Record<string, string>> = {}): ChoiceField => ({
    type: "choice",
    label,
    options,
    required: presence === "required",
    renamed,
  }),
  relation: (label: string, to: string, presence: Presence = "optional"): RelationField => ({
    type: "relation",
    label,
    to,
    required: presence === "required",
  }),
};

/** The value of a field that nobody has filled in. */
export function blank(definition: Field): Value {
  switch (definition.type) {
    case "flag":
      return false;
    case "number":
    case "money":
      return null;
    default:
      return "";
  }
}

/** The field by which people recognise an entry: the first one. */
export function titleKey(kind: Kind): string {
  return Object.keys(kind.fields)[0] ?? "id";
}

/** The field that says on which day an entry stands: the first date, undefined for a kind without one. */
export function dateKey(kind: Kind): string | undefined {
  return Object.keys(kind.fields).find((key) => kind.fields[key]?.type === "date");
}
