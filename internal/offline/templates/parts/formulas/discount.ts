import { money } from "../../lib/format";
import { t } from "../../lib/text";
import { type Formula } from "../calculator";

export const discount: Formula = {
  inputs: [
    { key: "price", label: t("Price"), initial: "120", least: 0, most: 1e9 },
    { key: "percent", label: t("Discount"), unit: "%", initial: "25", least: 0, most: 100 },
    { key: "second", label: t("Further discount"), unit: "%", initial: "0", least: 0, most: 100 },
    { key: "tax", label: t("Tax on top"), unit: "%", initial: "0", least: 0, most: 100 },
  ],
  compute({ price = 0, percent = 0, second = 0, tax = 0 }) {
    const reduced = price * (1 - percent / 100) * (1 - second / 100);
    const paid = reduced * (1 + tax / 100);
    return {
      label: t("You pay"),
      value: money(paid),
      rows: [[t("You save"), money(price - reduced)], [t("Before tax"), money(reduced)], [t("Tax"), money(paid - reduced)]],
      because: t("Discounts come one after the other: the second is taken of what the first leaves."),
    };
  },
};
