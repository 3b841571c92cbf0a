import { money } from "../../lib/format";
import { t } from "../../lib/text";
import { type Formula } from "../calculator";

export const tip: Formula = {
  inputs: [
    { key: "bill", label: t("Bill"), initial: "64", least: 0, most: 1e6 },
    { key: "percent", label: t("Tip"), unit: "%", initial: "15", least: 0, most: 100 },
    { key: "people", label: t("People"), initial: "2", least: 1, most: 100 },
  ],
  compute({ bill = 0, percent = 0, people = 1 }) {
    if (!Number.isInteger(people)) return t("People come whole: type a whole number.");
    const extra = (bill * percent) / 100;
    return {
      label: t("Each pays"),
      value: money((bill + extra) / people),
      rows: [[t("Tip"), money(extra)], [t("Together"), money(bill + extra)], [t("Tip of each"), money(extra / people)]],
      because: t("{0} % of {1} is {2}; with the bill that is shared by {3}.", percent, money(bill), money(extra), people),
    };
  },
};
