import { number } from "../lib/format";
import { icon } from "../lib/icons";
import { type Part } from "../lib/part";
import { locale, t } from "../lib/text";
import { button, el, numberInput, pairs, panel, picker } from "../lib/view";
import { ingredients, quantities, rates, symbolOf, type Quantity } from "./units";

interface State {
  quantity: string;
  /** The units of each quantity from and to which it goes. */
  from: Record<string, string>;
  to: Record<string, string>;
  amount: string;
  ingredient: string;
  /** Currencies for one of the first, as typed. */
  rates: Record<string, string>;
}

type Action =
  | { readonly does: "quantity" | "from" | "to" | "amount" | "ingredient"; readonly text: string }
  | { readonly does: "rate"; readonly unit: string; readonly text: string }
  | { readonly does: "swap" | "reset" };

const digitsFormat = new Intl.NumberFormat(locale, { maximumSignificantDigits: 6 });

/** An amount with so many digits that nothing that matters is lost. */
function shown(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-8 || size >= 1e12) ? value.toExponential(4) : size >= 1000 ? number(value) : digitsFormat.format(value);
}

/** `first` is the quantity to begin with; without others only that one is offered. `begin` and `end` are units to begin with. */
export function converter(key: string, first: string, others = true, begin?: string, end?: string): Part<State, Action> {
  const offered = Object.entries(quantities).filter(([name]) => others || name === first);
  const quantityOf = (state: State): Quantity => quantities[state.quantity] ?? { label: "", units: [] };
  const unitOf = (state: State, side: "from" | "to"): string => state[side][state.quantity] ?? quantityOf(state).units[side === "from" ? 0 : 1]?.name ?? "";

  /** The amount in the quantity's base; back is the other way. */
  const base = (state: State, name: string, value: number, back: boolean): number => {
    const unit = quantityOf(state).units.find((other) => other.name === name);
    if (!unit) return Number.NaN;
    const rate = Number(state.rates[name] ?? Number.NaN);
    const density = ingredients.find((other) => other.name === state.ingredient)?.gramsPerMillilitre ?? 1;
    const factor = state.quantity === "currency" ? 1 / rate : (unit.factor ?? 1) / (unit.weighs === true ? density : 1);
    const offset = unit.offset ?? 0;
    return back ? value / factor - offset : (value + offset) * factor;
  };
  const convert = (state: State, value: number, from: string, to: string): number => base(state, to, base(state, from, value, false), true);

  return {
    key,
    start: () => ({ quantity: first, from: begin === undefined ? {} : { [first]: begin }, to: end === undefined ? {} : { [first]: end }, amount: "1", ingredient: "water", rates }),
    update(state, action) {
      switch (action.does) {
        case "quantity":
        case "amount":
        case "ingredient":
          return { ...state, [action.does]: action.text };
        case "from":
        case "to":
          return { ...state, [action.does]: { ...state[action.does], [state.quantity]: action.text } };
        case "rate":
          return { ...state, rates: { ...state.rates, [action.unit]: action.text } };
        case "swap":
          return { ...state, from: { ...state.from, [state.quantity]: unitOf(state, "to") }, to: { ...state.to, [state.quantity]: unitOf(state, "from") } };
        case "reset":
          return { ...state, rates };
      }
    },
    view(state, send) {
      const { units } = quantityOf(state);
      const [from, to] = [unitOf(state, "from"), unitOf(state, "to")];
      const amount = state.amount.trim() === "" ? Number.NaN : Number(state.amount);
      const labels = new Map(units.map((unit) => [unit.name, unit.label]));
      const options = units.map((unit) => [unit.name, unit.label] as const);
      const problem = Number.isNaN(amount) ? t("This is not a number.") : "";
      const unchanged = Object.entries(rates).every(([unit, rate]) => state.rates[unit] === rate);
      return el(
        "div",
        { class: "calculator" },
        panel(
          "convert",
          t("Convert"),
          offered.length > 1 && el("div", { class: "presets", role: "group", "aria-label": t("What is converted") }, offered.map(([name, quantity]) => button(quantity.label, () => send({ does: "quantity", text: name }), { class: "quiet chip", "aria-pressed": String(name === state.quantity) }))),
          el(
            "div",
            { class: "inputs" },
            numberInput("amount", t("Amount"), state.amount, (text) => send({ does: "amount", text }), "", problem),
            picker("from", t("From"), from, options, (text) => send({ does: "from", text })),
            picker("to", t("To"), to, options, (text) => send({ does: "to", text })),
            state.quantity === "cooking" && picker("ingredient", t("Of what"), state.ingredient, ingredients.map(({ name, label }) => [name, label] as const), (text) => send({ does: "ingredient", text })),
          ),
          button([icon("swap"), t("Swap")], () => from !== to && send({ does: "swap" }), { "aria-disabled": from === to && "true" }),
          state.quantity === "currency" && el(
            "details",
            { open: true },
            el("summary", {}, t("Exchange rates")),
            el("p", { class: "hint" }, t("Nothing is fetched: these are examples. Type the rates of today, for one US dollar.")),
            el("div", { class: "inputs" }, units.filter((unit) => unit.name !== "USD").map((unit) => numberInput(`rate-${unit.name}`, unit.name, state.rates[unit.name] ?? "", (text) => send({ does: "rate", unit: unit.name, text }), "", Number(state.rates[unit.name]) > 0 ? "" : t("More than 0, please."), { min: 0 }))),
            button(t("Back to the examples"), () => !unchanged && send({ does: "reset" }), { "aria-disabled": unchanged && "true" }),
          ),
        ),
        el(
          "div",
          { class: "beside" },
          el(
            "section",
            { class: "panel outcome", "aria-live": "polite" },
            el("p", { class: "label" }, problem === "" ? `${shown(amount)} ${symbolOf(from)} =` : t("Type an amount")),
            el("p", { class: "figure" }, shown(convert(state, amount, from, to))),
            el("p", { class: "label" }, labels.get(to) ?? to),
            el("p", { class: "hint" }, `1 ${symbolOf(from)} = ${shown(convert(state, 1, from, to))} ${symbolOf(to)}`),
          ),
          panel(
            "all",
            t("In all units"),
            pairs(units.filter((unit) => unit.name !== from).map((unit) => [unit.label, shown(convert(state, amount, from, unit.name))] as const), "rows"),
          ),
        ),
      );
    },
  };
}
