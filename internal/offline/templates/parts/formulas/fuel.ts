import { money, number } from "../../lib/format";
import { t } from "../../lib/text";
import { type Formula } from "../calculator";

export const fuel: Formula = {
  inputs: [
    { key: "system", label: t("Units"), initial: "metric", options: [["metric", t("Kilometres and litres")], ["us", t("Miles and US gallons")]] },
    { key: "distance", label: t("Distance"), initial: "250", least: 0, most: 1e6 },
    { key: "used", label: t("Litres for 100 km, or miles per gallon"), initial: "6.5", least: 0.1, most: 300 },
    { key: "price", label: t("Price of a litre or gallon"), initial: "1.75", least: 0, most: 1000 },
    { key: "people", label: t("People who share"), initial: "1", least: 1, most: 60 },
  ],
  compute({ distance = 0, used = 1, price = 0, people = 1 }, { system }) {
    const us = system === "us";
    const needed = us ? distance / used : (distance * used) / 100;
    const cost = needed * price;
    return {
      label: t("The trip costs"),
      value: money(cost),
      rows: [
        [us ? t("Gallons") : t("Litres"), number(needed)],
        [t("For each person"), money(cost / people)],
        [us ? t("For 100 miles") : t("For 100 km"), money(distance === 0 ? 0 : (100 * cost) / distance)],
        [us ? t("Litres for 100 km") : t("Miles per US gallon"), number(235.215 / used)],
      ],
      because: us ? t("The distance divided by the miles per gallon, times the price.") : t("The distance times the litres for 100 km, times the price."),
    };
  },
};
