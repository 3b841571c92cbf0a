import { useId, type ReactNode } from "react";
import { type Kind } from "../lib/kinds";
import { type Filter } from "../lib/query";
import { controlStyle } from "./FieldInput";
import { t } from "../lib/text";

export interface Search {
  readonly words: string;
  /** Of the kind's filter; "" for all. */
  readonly option: string;
  /** The field by which the list is sorted; "" for the newest first. */
  readonly order: string;
}

interface Props {
  readonly kind: Kind;
  readonly filter: Filter | undefined;
  readonly search: Search;
  readonly onSearch: (search: Search) => void;
}

const unsortable = ["notes", "flag", "link"];

/** Search, filter and order of a list. */
export function Toolbar({ kind, filter, search, onSearch }: Props) {
  const id = useId();
  const down = kind.sort?.startsWith("-") ? kind.fields[kind.sort.slice(1)] : undefined;
  const fields = Object.entries(kind.fields).filter(([, definition]) => !unsortable.includes(definition.type));
  return (
    <div role="search" className="mb-3 flex flex-wrap gap-x-3.5 gap-y-2.5">
      <Labelled id={`${id}-words`} label={t("Search")} wide>
        <input
          id={`${id}-words`}
          type="search"
          autoComplete="off"
          className={controlStyle}
          value={search.words}
          onChange={(event) => onSearch({ ...search, words: event.currentTarget.value })}
        />
      </Labelled>
      {filter && (
        <Labelled id={`${id}-option`} label={filter.label}>
          <select
            id={`${id}-option`}
            className={controlStyle}
            value={search.option}
            onChange={(event) => onSearch({ ...search, option: event.currentTarget.value })}
          >
            <option value="">{t("All")}</option>
            {filter.options.map(({ value, label }) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </Labelled>
      )}
      <Labelled id={`${id}-order`} label={t("Sort by")}>
        <select
          id={`${id}-order`}
          className={controlStyle}
          value={search.order}
          onChange={(event) => onSearch({ ...search, order: event.currentTarget.value })}
        >
          <option value="">{t("Newest first")}</option>
          {fields.map(([key, definition]) => (
            <option key={key} value={key}>
              {definition.label}
            </option>
          ))}
          {down && <option value={kind.sort}>{down.type === "date" ? t("{label}, latest first", { label: down.label }) : t("{label}, highest first", { label: down.label })}</option>}
        </select>
      </Labelled>
    </div>
  );
}

function Labelled({ id, label, wide = false, children }: { id: string; label: string; wide?: boolean; children: ReactNode }) {
  return (
    <div className={`grid content-start gap-1 ${wide ? "flex-[3_1_16rem]" : "flex-[1_1_8rem] sm:max-w-64"}`}>
      <label htmlFor={id} className="text-sm font-semibold">
        {label}
      </label>
      {children}
    </div>
  );
}
