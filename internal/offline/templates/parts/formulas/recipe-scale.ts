import { number } from "../../lib/format";
import { t } from "../../lib/text";
import { type Formula, type Input } from "../calculator";

const rows = [1, 2, 3, 4, 5];
const examples = ["500", "325", "10", "7", ""];

export const recipeScale: Formula = {
  inputs: [
    { key: "from", label: t("The recipe is for"), unit: t("servings"), initial: "4", least: 0.1, most: 10_000 },
    { key: "to", label: t("You want"), unit: t("servings"), initial: "6", least: 0.1, most: 10_000 },
    ...rows.map((row): Input => ({ key: `amount${row}`, label: t("Ingredient {0}", row), initial: examples[row - 1] ?? "", least: 0, most: 1e6, optional: true })),
  ],
  compute(numbers) {
    const factor = (numbers.to ?? 1) / (numbers.from ?? 1);
    const amounts = rows.map((row) => [row, numbers[`amount${row}`] ?? Number.NaN] as const).filter(([, amount]) => !Number.isNaN(amount));
    const first = amounts[0]?.[1] ?? 0;
    return {
      label: t("Take"),
      value: `${number(factor)} ×`,
      rows: amounts.map(([row, amount]) => [t("Ingredient {0}", row), `${number(amount * factor)}${first > 0 ? ` (${number((100 * amount) / first)} %)` : ""}`] as const),
      because: t("Each amount times {0}. The percentages are of the first ingredient, as bakers write them of flour.", number(factor)),
    };
  },
};
