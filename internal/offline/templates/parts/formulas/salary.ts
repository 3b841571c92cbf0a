import { money } from "../../lib/format";
import { t } from "../../lib/text";
import { type Formula } from "../calculator";

export const salary: Formula = {
  inputs: [
    { key: "pay", label: t("Pay"), initial: "25", least: 0, most: 1e8 },
    { key: "per", label: t("For each"), initial: "hour", options: [["hour", t("hour")], ["week", t("week")], ["month", t("month")], ["year", t("year")]] },
    { key: "hours", label: t("Hours a week"), initial: "40", least: 1, most: 100 },
    { key: "weeks", label: t("Paid weeks a year"), initial: "52", least: 1, most: 52 },
    { key: "tax", label: t("Deductions"), unit: "%", initial: "0", least: 0, most: 90 },
  ],
  compute({ pay = 0, hours = 1, weeks = 1, tax = 0 }, { per = "hour" }) {
    const yearly = pay * ({ hour: hours * weeks, week: weeks, month: 12, year: 1 }[per] ?? 1);
    const kept = 1 - tax / 100;
    return {
      label: t("A year"),
      value: money(yearly * kept),
      rows: [[t("A month"), money((yearly * kept) / 12)], [t("A week"), money((yearly * kept) / weeks)], [t("An hour"), money((yearly * kept) / (weeks * hours))], [t("Deducted a year"), money(yearly * (1 - kept))]],
      because: t("{0} hours in {1} weeks, less {2} %.", hours, weeks, tax),
    };
  },
};
