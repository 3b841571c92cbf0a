import { number } from "../../lib/format";
import { t } from "../../lib/text";
import { type Formula } from "../calculator";

export const calories: Formula = {
  inputs: [
    { key: "sex", label: t("Sex"), initial: "female", options: [["female", t("Female")], ["male", t("Male")]] },
    { key: "age", label: t("Age"), unit: t("years"), initial: "35", least: 15, most: 110 },
    { key: "weight", label: t("Weight"), unit: "kg", initial: "68", least: 30, most: 350 },
    { key: "height", label: t("Height"), unit: "cm", initial: "170", least: 120, most: 250 },
    { key: "activity", label: t("Activity"), initial: "1.375", options: [["1.2", t("Sitting")], ["1.375", t("Light: 1 to 3 times a week")], ["1.55", t("Moderate: 3 to 5 times a week")], ["1.725", t("Hard: every day")]] },
  ],
  compute({ age = 0, weight = 0, height = 0 }, { sex, activity = "1.2" }) {
    const rest = 10 * weight + 6.25 * height - 5 * age + (sex === "male" ? 5 : -161);
    const needed = rest * Number(activity);
    const kilocalories = (value: number): string => `${number(Math.round(value))} kcal`;
    return {
      label: t("Needed a day"),
      value: kilocalories(needed),
      rows: [[t("At rest"), kilocalories(rest)], [t("To lose half a kilogram a week"), kilocalories(needed - 550)], [t("To gain half a kilogram a week"), kilocalories(needed + 550)]],
      because: t("The formula of Mifflin and St Jeor for what a body needs at rest, times the activity. An estimate for adults, no advice."),
    };
  },
};
