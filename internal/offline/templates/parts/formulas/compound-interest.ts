import { money } from "../../lib/format";
import { t } from "../../lib/text";
import { type Formula } from "../calculator";

export const compoundInterest: Formula = {
  inputs: [
    { key: "start", label: t("To begin with"), initial: "5000", least: 0, most: 1e9 },
    { key: "monthly", label: t("Saved each month"), initial: "200", least: 0, most: 1e7 },
    { key: "rate", label: t("Interest"), unit: t("% a year"), initial: "5", least: 0, most: 50 },
    { key: "years", label: t("Years"), initial: "20", least: 1, most: 80 },
  ],
  compute({ start = 0, monthly = 0, rate = 0, years = 1 }) {
    const rows: string[][] = [];
    let [value, paid] = [start, start];
    for (let month = 1; month <= Math.round(12 * years); month++) {
      value = value * (1 + rate / 1200) + monthly;
      paid += monthly;
      if (month % 12 === 0) rows.push([String(month / 12), money(paid), money(value - paid), money(value)]);
    }
    return {
      label: t("In the end"),
      value: money(value),
      rows: [[t("Paid in"), money(paid)], [t("Interest earned"), money(value - paid)]],
      because: t("A twelfth of the yearly interest is added each month, and earns interest itself from then on."),
      table: { head: [t("Year"), t("Paid in"), t("Interest"), t("Value")], rows },
    };
  },
};
