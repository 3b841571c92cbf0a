import { date, money, today } from "../../lib/format";
import { icon } from "../../lib/icons";
import { type Part } from "../../lib/part";
import { t } from "../../lib/text";
import { button, el, numberInput, pairs, panel, textInput, type View } from "../../lib/view";

interface Line {
  what: string;
  quantity: string;
  price: string;
}

interface State {
  texts: Record<string, string>;
  lines: Line[];
}

type Action =
  | { readonly does: "text"; readonly key: string; readonly text: string }
  | { readonly does: "line"; readonly place: number; readonly key: keyof Line; readonly text: string }
  | { readonly does: "add" | "clear" | "print" }
  | { readonly does: "remove"; readonly place: number };

const blank = (): Line => ({ what: "", quantity: "1", price: "" });
const numberOf = (text: string): number => (Number.isFinite(Number(text)) ? Number(text) : 0);
const sumOf = ({ quantity, price }: Line): number => Math.round(100 * numberOf(quantity) * numberOf(price)) / 100;

const start = (): State => ({ texts: { number: "1", from: "", to: "", day: today(), tax: "0" }, lines: [blank()] });

/** One bill: its lines, their sum, the tax, and a sheet to print. */
export function invoice(key: string): Part<State, Action> {
  return {
    key,
    start,
    update(state, action) {
      switch (action.does) {
        case "text":
          return { ...state, texts: { ...state.texts, [action.key]: action.text } };
        case "line":
          return { ...state, lines: state.lines.map((line, place) => (place === action.place ? { ...line, [action.key]: action.text } : line)) };
        case "add":
          return { ...state, lines: [...state.lines, blank()].slice(0, 40) };
        case "remove":
          return { ...state, lines: state.lines.filter((_, place) => place !== action.place) };
        case "clear":
          return start();
        case "print":
          print();
          return state;
      }
    },
    view(state, send) {
      const text = (name: string): string => state.texts[name] ?? "";
      const field = (name: string, label: string, type = "text"): View =>
        textInput(`bill-${name}`, label, text(name), (value) => send({ does: "text", key: name, text: value }), { type, maxlength: 200, autocomplete: "off" });
      const tax = text("tax");
      const problem = tax.trim() !== "" && (!(Number(tax) >= 0) || Number(tax) > 100) ? t("From {0} to {1}, please.", 0, 100) : "";
      return el(
        "div",
        { class: "calculator" },
        panel(
          "bill",
          t("The invoice"),
          el("div", { class: "inputs" }, field("number", t("Number")), field("day", t("Day"), "date"), field("from", t("From")), field("to", t("To")), numberInput("bill-tax", t("Tax"), tax, (value) => send({ does: "text", key: "tax", text: value }), "%", problem, { min: 0, max: 100 })),
          el("h2", {}, t("Lines")),
          el("div", { class: "stack" }, state.lines.map((line, place) => lineForm(line, place, send))),
          el("div", { class: "controls spaced" }, button([icon("plus"), t("Add a line")], () => send({ does: "add" })), button([icon("again"), t("Start over")], () => send({ does: "clear" }))),
        ),
        sheet(state, () => send({ does: "print" })),
      );
    },
  };
}

function lineForm(line: Line, place: number, send: (action: Action) => void): View {
  const set = (name: keyof Line) => (text: string): void => send({ does: "line", place, key: name, text });
  return el(
    "fieldset",
    { class: "bill-line" },
    el("legend", {}, t("Line {0}", place + 1)),
    textInput(`what-${place}`, t("What"), line.what, set("what"), { maxlength: 120, autocomplete: "off" }),
    numberInput(`quantity-${place}`, t("Quantity"), line.quantity, set("quantity"), "", "", { min: 0 }),
    numberInput(`price-${place}`, t("Price of one"), line.price, set("price"), "", "", { min: 0 }),
    button(icon("trash"), () => send({ does: "remove", place }), { class: "quiet bare", "aria-label": t("Delete {0}", t("Line {0}", place + 1)) }),
  );
}

function sheet(state: State, print: () => void): View {
  const net = state.lines.reduce((sum, line) => sum + sumOf(line), 0);
  const tax = Math.round(net * numberOf(state.texts.tax ?? "")) / 100;
  const { number: of = "", day = "", from = "", to = "" } = state.texts;
  return el(
    "section",
    { class: "panel outcome", "aria-live": "polite" },
    el("p", { class: "label" }, t("Invoice {0}", of)),
    el("p", { class: "hint" }, [from, to].filter(Boolean).join(" → "), day !== "" && ` ${date(day)}`),
    el("p", { class: "figure" }, money(net + tax)),
    pairs([
      ...state.lines.filter((line) => sumOf(line) !== 0).map((line) => [`${line.what || t("What")} (${line.quantity} × ${money(numberOf(line.price))})`, money(sumOf(line))] as const),
      [t("Before tax"), money(net)],
      [t("Tax"), money(tax)],
    ], "rows"),
    button(t("Print"), print, { class: "primary" }),
  );
}
