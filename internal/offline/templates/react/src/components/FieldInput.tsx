import { targetsOf } from "../lib/check";
import { type Field, type Value } from "../lib/kinds";
import { t } from "../lib/text";

const inputTypes: Partial<Record<Field["type"], string>> = {
  phone: "tel",
  email: "email",
  link: "url",
  date: "date",
};

export const controlStyle = "min-h-10 w-full rounded-control border border-edge bg-surface px-3 py-1.5 aria-invalid:border-danger";

interface Props {
  readonly name: string;
  readonly definition: Field;
  readonly value: Value;
  readonly problem: string;
}

/** A field of a form with its label and, where it needs attention, a sentence. */
export function FieldInput({ name, definition, value, problem }: Props) {
  const id = `field-${name}`;
  if (definition.type === "flag") {
    return (
      <div className="flex items-center gap-2.5">
        <input id={id} name={name} type="checkbox" defaultChecked={value === true} className="size-5 accent-accent" />
        <label htmlFor={id} className="text-sm font-semibold">
          {definition.label}
        </label>
      </div>
    );
  }
  return (
    <div className={`grid content-start gap-1 ${definition.type === "notes" ? "sm:col-span-2" : ""}`}>
      <label htmlFor={id} className="text-sm font-semibold">
        {definition.label}
        {definition.required && <span aria-hidden="true"> *</span>}
      </label>
      <Control id={id} name={name} definition={definition} value={value} problem={problem} />
      <p id={`${id}-problem`} className="text-sm text-danger empty:hidden">
        {problem}
      </p>
    </div>
  );
}

function Control({ id, name, definition, value, problem }: Props & { id: string }) {
  const common = {
    id,
    name,
    className: controlStyle,
    defaultValue: value === null ? "" : String(value),
    "aria-describedby": `${id}-problem`,
    "aria-invalid": problem === "" ? undefined : true,
    "aria-required": definition.required || undefined,
  };
  switch (definition.type) {
    case "notes":
      return <textarea {...common} rows={3} />;
    case "choice":
      return (
        <select {...common}>
          <option value="">{t("Not set")}</option>
          {definition.options.map((option) => (
            <option key={option}>{option}</option>
          ))}
        </select>
      );
    case "relation":
      return (
        <select {...common}>
          {targetsOf(definition).map((target) => (
            <option key={target.id} value={target.id}>
              {target.title}
            </option>
          ))}
        </select>
      );
    case "money":
      return <input {...common} type="number" min="0" step="0.01" inputMode="decimal" />;
    case "number":
      return <input {...common} type="number" step="any" />;
    default:
      return <input {...common} type={inputTypes[definition.type] ?? "text"} autoComplete="off" />;
  }
}
