import { type Part } from "../lib/part";
import { t } from "../lib/text";
import { button, el, panel } from "../lib/view";

interface State {
  /** What was typed; the signs are those of the keys. */
  entry: string;
  history: { entry: string; result: string }[];
}

type Action = { readonly does: "type"; readonly text: string } | { readonly does: "erase" | "clear" | "equals" | "forget" } | { readonly does: "recall"; readonly result: string };

/** What an entry is worth; undefined while it is not whole. Roots and powers go before × and ÷, those before + and −. */
export function evaluate(entry: string): number | undefined {
  const tokens = entry.match(/\d+\.?\d*(?:e[+−]\d+)?|\.\d+|[+−×÷^√%()]/g) ?? [];
  if (tokens.join("") !== entry.replace(/\s/g, "")) return undefined;
  let at = 0;
  const take = (...wanted: string[]): string | undefined => (wanted.includes(tokens[at] ?? "") ? tokens[at++] : undefined);

  const sum = (): number | undefined => {
    let left = product();
    for (let sign = take("+", "−"); sign && left !== undefined; sign = take("+", "−")) {
      const right = product();
      left = right === undefined ? undefined : sign === "+" ? left + right : left - right;
    }
    return left;
  };
  const product = (): number | undefined => {
    let left = power();
    for (let sign = take("×", "÷"); sign && left !== undefined; sign = take("×", "÷")) {
      const right = power();
      left = right === undefined ? undefined : sign === "×" ? left * right : left / right;
    }
    return left;
  };
  const power = (): number | undefined => {
    if (take("−")) {
      const value = power();
      return value === undefined ? undefined : -value;
    }
    const base = percent();
    if (base === undefined || !take("^")) return base;
    const exponent = power();
    return exponent === undefined ? undefined : base ** exponent;
  };
  const percent = (): number | undefined => {
    let value = single();
    while (value !== undefined && take("%")) value /= 100;
    return value;
  };
  const single = (): number | undefined => {
    if (take("√")) {
      const value = single();
      return value === undefined ? undefined : Math.sqrt(value);
    }
    if (take("(")) {
      const value = sum();
      return take(")") ? value : undefined;
    }
    const value = Number((tokens[at] ?? "x").replace("−", "-"));
    at += 1;
    return Number.isNaN(value) ? undefined : value;
  };

  const value = sum();
  return at === tokens.length ? value : undefined;
}

/** At most twelve digits, so that 0.1 + 0.2 is 0.3. What is very small or large has an exponent. */
const written = (value: number): string => String(Number(value.toPrecision(12))).replaceAll("-", "−");

const keys = ["(", ")", "√", "^", "7", "8", "9", "÷", "4", "5", "6", "×", "1", "2", "3", "−", "0", ".", "%", "+"] as const;

const typedFor: Readonly<Record<string, string>> = { "*": "×", "/": "÷", "-": "−", "+": "+", ".": ".", ",": ".", "(": "(", ")": ")", "^": "^", "%": "%" };

export function arithmetic(key: string): Part<State, Action> {
  return {
    key,
    start: () => ({ entry: "", history: [] }),
    update(state, action) {
      switch (action.does) {
        case "type":
          return { ...state, entry: (state.entry + action.text).slice(0, 60) };
        case "erase":
          return { ...state, entry: state.entry.slice(0, -1) };
        case "clear":
          return { ...state, entry: "" };
        case "equals": {
          const value = evaluate(state.entry);
          if (value === undefined || !Number.isFinite(value)) return state;
          const result = written(value);
          return { entry: result, history: [{ entry: state.entry, result }, ...state.history].slice(0, 20) };
        }
        case "recall":
          return { ...state, entry: action.result };
        case "forget":
          return { ...state, history: [] };
      }
    },
    press(_, pressed) {
      if (/^\d$/.test(pressed)) return { does: "type", text: pressed };
      const sign = typedFor[pressed];
      if (sign) return { does: "type", text: sign };
      if (pressed === "Enter" || pressed === "=") return { does: "equals" };
      if (pressed === "Backspace") return { does: "erase" };
      return pressed === "Escape" ? { does: "clear" } : undefined;
    },
    view(state, send) {
      const value = state.entry === "" ? undefined : evaluate(state.entry);
      const ready = value !== undefined && Number.isFinite(value);
      const names: Record<string, string> = { "÷": t("divided by"), "×": t("times"), "−": t("minus"), "+": t("plus"), "^": t("to the power of"), "√": t("root of"), "%": t("percent"), ".": t("point"), "(": t("open bracket"), ")": t("close bracket") };
      return el(
        "div",
        { class: "calculator keypad-beside" },
        el(
          "section",
          { class: "panel keypad", "aria-label": t("Calculator") },
          el("output", { class: "entry" }, state.entry || "0"),
          el("p", { class: "preview", role: "status" }, ready ? `= ${written(value)}` : value !== undefined ? t("This has no result.") : ""),
          el(
            "div",
            { class: "pad" },
            button(t("Clear"), () => state.entry !== "" && send({ does: "clear" }), { class: "key sign two", "aria-disabled": state.entry === "" && "true" }),
            button("⌫", () => state.entry !== "" && send({ does: "erase" }), { class: "key sign two", "aria-label": t("Erase"), "aria-disabled": state.entry === "" && "true" }),
            keys.map((sign) => button(sign, () => send({ does: "type", text: sign }), { class: `key ${/[\d.]/.test(sign) ? "" : "sign"}`, "aria-label": names[sign] })),
            button("=", () => ready && send({ does: "equals" }), { class: "key primary four", "aria-label": t("Equals"), "aria-disabled": !ready && "true" }),
          ),
        ),
        panel(
          "history",
          t("History"),
          state.history.length === 0 ? el("p", { class: "hint" }, t("Results are kept here. The keyboard works too.")) : button(t("Clear history"), () => send({ does: "forget" })),
          el("ul", { class: "lines" }, state.history.map(({ entry, result }) => el("li", {}, el("span", { class: "of" }, entry), button(`= ${result}`, () => send({ does: "recall", result }), { "aria-label": t("Use {0}", result) })))),
        ),
      );
    },
  };
}
