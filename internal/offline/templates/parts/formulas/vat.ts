import { money } from "../../lib/format";
import { t } from "../../lib/text";
import { type Formula } from "../calculator";

export const vat: Formula = {
  inputs: [
    { key: "amount", label: t("Amount"), initial: "100", least: 0, most: 1e9 },
    { key: "rate", label: t("Tax rate"), unit: "%", initial: "20", least: 0, most: 100 },
    { key: "way", label: t("The amount is"), initial: "net", options: [["net", t("without tax")], ["gross", t("with tax")]] },
  ],
  compute({ amount = 0, rate = 0 }, { way }) {
    const net = way === "gross" ? amount / (1 + rate / 100) : amount;
    const tax = (net * rate) / 100;
    return {
      label: way === "gross" ? t("Without tax") : t("With tax"),
      value: money(way === "gross" ? net : net + tax),
      rows: [[t("Net"), money(net)], [t("Tax"), money(tax)], [t("Gross"), money(net + tax)]],
      because: way === "gross" ? t("The amount divided by {0}.", 1 + rate / 100) : t("{0} % of {1} is added.", rate, money(net)),
    };
  },
};
