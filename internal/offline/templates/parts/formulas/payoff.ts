import { money } from "../../lib/format";
import { t } from "../../lib/text";
import { type Formula } from "../calculator";

/** How long a debt takes at a payment each month. */
export const payoff: Formula = {
  inputs: [
    { key: "amount", label: t("Still owed"), initial: "8000", least: 1, most: 1e9 },
    { key: "rate", label: t("Interest rate"), unit: t("% a year"), initial: "9.9", least: 0, most: 100 },
    { key: "payment", label: t("Monthly payment"), initial: "250", least: 1, most: 1e9 },
    { key: "extra", label: t("Extra each month"), initial: "0", least: 0, most: 1e9 },
  ],
  compute({ amount = 0, rate = 0, payment = 0, extra = 0 }) {
    const monthly = payment + extra;
    if (monthly <= (amount * rate) / 1200) return t("The payment does not cover the interest of {0} a month: the debt would grow.", money((amount * rate) / 1200));
    let [left, paid, months] = [amount, 0, 0];
    const rows: string[][] = [];
    while (left > 0.005 && months < 1200) {
      const interest = (left * rate) / 1200;
      const pays = Math.min(monthly, left + interest);
      [left, paid, months] = [left + interest - pays, paid + pays, months + 1];
      if (months % 12 === 0 || left <= 0.005) rows.push([String(Math.ceil(months / 12)), money(paid), money(Math.max(0, left))]);
    }
    const end = new Date();
    end.setUTCDate(1);
    end.setUTCMonth(end.getUTCMonth() + months);
    return {
      label: t("Paid off in"),
      value: t("{0} years, {1} months", Math.floor(months / 12), months % 12),
      rows: [[t("Done in"), end.toISOString().slice(0, 7)], [t("Interest in all"), money(paid - amount)], [t("Paid in all"), money(paid)]],
      because: t("Each month costs a twelfth of the yearly rate on what is still owed; the rest of the payment repays the loan."),
      table: { head: [t("Year"), t("Paid in"), t("Left")], rows },
    };
  },
};
