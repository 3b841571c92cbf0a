import { money, number } from "../../lib/format";
import { t } from "../../lib/text";
import { type Formula } from "../calculator";

export const margin: Formula = {
  inputs: [
    { key: "cost", label: t("Cost of one"), initial: "12", least: 0, most: 1e9 },
    { key: "price", label: t("Price of one"), initial: "20", least: 0.01, most: 1e9 },
    { key: "sold", label: t("Sold a month"), initial: "100", least: 0, most: 1e9 },
    { key: "fixed", label: t("Fixed costs a month"), initial: "500", least: 0, most: 1e9 },
  ],
  compute({ cost = 0, price = 1, sold = 0, fixed = 0 }) {
    const each = price - cost;
    return {
      label: t("Profit margin"),
      value: `${number((100 * each) / price)} %`,
      rows: [
        [t("Profit on one"), money(each)],
        [t("Markup"), cost === 0 ? "–" : `${number((100 * each) / cost)} %`],
        [t("Profit a month"), money(each * sold - fixed)],
        [t("Break even at"), each > 0 ? t("{0} sold", number(Math.ceil(fixed / each))) : t("never: one costs more than it brings")],
      ],
      because: t("The margin is the profit as a share of the price, the markup as a share of the cost."),
    };
  },
};
