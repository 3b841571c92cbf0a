import { type Part } from "../../lib/part";
import { t } from "../../lib/text";
import { el, panel, textInput } from "../../lib/view";

interface State {
  value: string;
  /** What is being typed, and into which field. */
  into: string;
  text: string;
}

type Action = { readonly into: string; readonly text: string };

const roman: readonly (readonly [value: number, sign: string])[] = [[1000, "M"], [900, "CM"], [500, "D"], [400, "CD"], [100, "C"], [90, "XC"], [50, "L"], [40, "XL"], [10, "X"], [9, "IX"], [5, "V"], [4, "IV"], [1, "I"]];

function toRoman(value: number): string {
  if (value < 1 || value > 3999) return "";
  let left = value;
  return roman.map(([of, sign]) => {
    const times = Math.floor(left / of);
    left -= times * of;
    return sign.repeat(times);
  }).join("");
}

/** A number of a Roman numeral, if it is written as such. */
function fromRoman(text: string): number | undefined {
  let at = text.toUpperCase();
  let value = 0;
  for (const [of, sign] of roman) while (at.startsWith(sign)) [at, value] = [at.slice(sign.length), value + of];
  return at === "" && toRoman(value) === text.toUpperCase() ? value : undefined;
}

const systems: readonly (readonly [key: string, label: string, base: number])[] = [
  ["decimal", t("Decimal"), 10],
  ["binary", t("Binary"), 2],
  ["octal", t("Octal"), 8],
  ["hexadecimal", t("Hexadecimal"), 16],
  ["roman", t("Roman numeral"), 0],
];

/** A whole number in one of the systems; undefined where it is none. */
function read(text: string, base: number): number | undefined {
  const plain = text.replace(/[\s_]/g, "").replace(/^0[bxo](?=.)/i, "");
  if (base === 0) return fromRoman(plain);
  const digits = "0123456789abcdef".slice(0, base);
  const value = Number.parseInt(plain, base);
  return plain !== "" && [...plain.toLowerCase()].every((digit) => digits.includes(digit)) && Number.isSafeInteger(value) ? value : undefined;
}

const write = (value: number, base: number): string => (base === 0 ? toRoman(value) : value.toString(base).toUpperCase());

/** Numbers as people and machines write them: what is typed in one field stands in all others. */
export function numerals(key: string): Part<State, Action> {
  return {
    key,
    start: () => ({ value: "42", into: "", text: "" }),
    update(state, { into, text }) {
      const value = read(text, systems.find(([name]) => name === into)?.[2] ?? 10);
      return { value: value === undefined ? state.value : String(value), into, text };
    },
    view(state, send) {
      return panel(
        "inputs",
        t("Type in any field"),
        el("div", { class: "inputs wide" }, systems.map(([name, label, base]) => {
          const typing = state.into === name;
          const value = write(Number(state.value), base);
          const problem = typing && read(state.text, base) === undefined ? t("This is no number of that kind.") : value === "" ? t("Roman numerals go from 1 to 3999.") : "";
          return textInput(`number-${name}`, label, typing ? state.text : value, (text) => send({ into: name, text }), { class: "code", maxlength: 60, autocomplete: "off" }, problem);
        })),
      );
    },
  };
}
