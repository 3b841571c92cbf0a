import { money } from "../../lib/format";
import { icon } from "../../lib/icons";
import { announce } from "../../lib/message";
import { type Part } from "../../lib/part";
import { t } from "../../lib/text";
import { button, el, numberInput, pairs, panel, picker, textInput, type View } from "../../lib/view";
import { isNamesAction, namesPanel, noNames, updateNames, type Names, type NamesAction } from "../names";

interface Cost {
  what: string;
  amount: number;
  by: string;
}

interface State extends Names {
  costs: Cost[];
  what: string;
  amount: string;
  by: string;
}

type Action = NamesAction | { readonly does: "what" | "amount" | "by"; readonly text: string } | { readonly does: "spend" } | { readonly does: "forget"; readonly place: number };

const isAmount = (text: string): boolean => text.trim() !== "" && Number(text) > 0 && Number(text) <= 1e9;

/** What each has paid beyond an equal share, in cents, so that all together is nothing. */
function balances({ names, costs }: State): Map<string, number> {
  const out = new Map(names.map((name) => [name, 0]));
  let turn = 0;
  for (const { amount, by } of costs) {
    const cents = Math.round(100 * amount);
    const share = Math.floor(cents / names.length);
    const left = cents - share * names.length; // cents that do not divide go round
    names.forEach((name, n) => out.set(name, (out.get(name) ?? 0) - share - ((n + turn) % names.length < left ? 1 : 0)));
    out.set(by, (out.get(by) ?? 0) + cents);
    turn += left;
  }
  return out;
}

/** Few payments after which nobody owes anything: who owes most pays whom most is owed. */
function settlement(owed: ReadonlyMap<string, number>): { from: string; to: string; cents: number }[] {
  const left = new Map(owed);
  const out: { from: string; to: string; cents: number }[] = [];
  for (let n = 0; n < owed.size; n++) {
    const order = [...left].sort((a, b) => a[1] - b[1]);
    const [from, debt] = order[0] ?? ["", 0];
    const [to, credit] = order.at(-1) ?? ["", 0];
    const cents = Math.min(-debt, credit);
    if (cents <= 0) break;
    out.push({ from, to, cents });
    left.set(from, debt + cents);
    left.set(to, credit - cents);
  }
  return out;
}

export function sharedCosts(key: string): Part<State, Action> {
  return {
    key,
    start: () => ({ ...noNames(), costs: [], what: "", amount: "", by: "" }),
    update(state, action) {
      if (isNamesAction(action)) return { ...state, ...updateNames(state, action) };
      switch (action.does) {
        case "what":
        case "amount":
        case "by":
          return { ...state, [action.does]: action.text };
        case "spend": {
          const by = state.names.includes(state.by) ? state.by : (state.names[0] ?? "");
          if (!isAmount(state.amount) || by === "") return state;
          return { ...state, costs: [{ what: state.what.trim() || t("Costs"), amount: Number(state.amount), by }, ...state.costs].slice(0, 300), what: "", amount: "", by };
        }
        case "forget":
          return { ...state, costs: state.costs.filter((_, place) => place !== action.place) };
      }
    },
    view(state, send) {
      const change = (action: NamesAction): void => {
        const leaves = action.does === "remove" ? (state.names[action.place] ?? "") : "";
        if (state.costs.some(({ by }) => by === leaves)) announce(t("Delete first what {0} has paid.", leaves));
        else send(action);
      };
      return el(
        "div",
        { class: "calculator" },
        el("div", { class: "stack" }, namesPanel(t("Who shares"), t("Name"), state, change), state.names.length > 0 && costsPanel(state, send)),
        result(state),
      );
    },
  };
}

function costsPanel(state: State, send: (action: Action) => void): View {
  return panel(
    "costs",
    t("Costs"),
    el(
      "form",
      { onsubmit: (use) => { use.preventDefault(); send({ does: "spend" }); } },
      el(
        "div",
        { class: "inputs" },
        textInput("cost-what", t("What for"), state.what, (text) => send({ does: "what", text }), { maxlength: 80, autocomplete: "off" }),
        numberInput("cost-amount", t("Amount"), state.amount, (text) => send({ does: "amount", text }), "", state.amount !== "" && !isAmount(state.amount) ? t("More than 0, please.") : "", { min: 0 }),
        picker("cost-by", t("Paid by"), state.names.includes(state.by) ? state.by : (state.names[0] ?? ""), state.names.map((name) => [name, name] as const), (text) => send({ does: "by", text })),
      ),
      el("button", { type: "submit", class: "primary" }, t("Add the cost")),
    ),
    el("ul", { class: "lines" }, state.costs.map(({ what, amount, by }, place) => el(
      "li",
      {},
      el("span", {}, what),
      el("span", { class: "of" }, `${money(amount)}, ${by}`),
      button(icon("trash"), () => send({ does: "forget", place }), { class: "quiet bare", "aria-label": t("Delete {0}", what) }),
    ))),
  );
}

function result(state: State): View {
  const owed = balances(state);
  const payments = settlement(owed);
  const total = state.costs.reduce((sum, { amount }) => sum + amount, 0);
  return el(
    "section",
    { class: "panel outcome", "aria-live": "polite" },
    el("p", { class: "label" }, t("Together")),
    el("p", { class: "figure" }, money(total)),
    pairs([...owed].map(([name, cents]) => [name, cents < 0 ? t("owes {0}", money(-cents / 100)) : cents > 0 ? t("gets {0}", money(cents / 100)) : t("is even")] as const), "rows"),
    payments.length === 0
      ? el("p", { class: "hint" }, state.names.length < 2 ? t("Add who shares, then what was paid.") : t("Nobody owes anything."))
      : el("ul", { class: "lines" }, payments.map(({ from, to, cents }) => el("li", {}, el("span", {}, t("{0} pays {1}", from, to)), el("span", { class: "of" }, money(cents / 100))))),
    el("p", { class: "hint" }, t("Every cost is shared by all in equal parts.")),
  );
}
