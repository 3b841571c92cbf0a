import { number } from "../../lib/format";
import { t } from "../../lib/text";
import { type Formula } from "../calculator";

export const bmi: Formula = {
  inputs: [
    { key: "system", label: t("Units"), initial: "metric", options: [["metric", t("Kilograms and centimetres")], ["imperial", t("Pounds and inches")]] },
    { key: "weight", label: t("Weight"), initial: "70", least: 2, most: 1500 },
    { key: "height", label: t("Height"), initial: "175", least: 15, most: 280 },
  ],
  compute({ weight = 0, height = 1 }, { system }) {
    const imperial = system === "imperial";
    const metres = height * (imperial ? 0.0254 : 0.01);
    const value = (weight * (imperial ? 0.45359237 : 1)) / metres ** 2;
    if (value < 5 || value > 200) return t("Weight and height do not go together: look at the units.");
    const group = value < 18.5 ? t("Underweight") : value < 25 ? t("Normal weight") : value < 30 ? t("Overweight") : t("Obesity");
    const weightAt = (index: number): string => number((index * metres ** 2) / (imperial ? 0.45359237 : 1));
    const unit = imperial ? t("pounds") : t("kilograms");
    return {
      label: t("Body mass index"),
      value: value.toFixed(1),
      rows: [[t("Group"), group], [t("Normal weight at this height"), `${weightAt(18.5)} – ${weightAt(25)} ${unit}`]],
      because: t("The weight in kilograms divided by the square of the height in metres. It is meant for adults and says nothing of muscle, age or health."),
    };
  },
};
