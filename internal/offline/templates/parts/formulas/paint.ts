import { money, number } from "../../lib/format";
import { t } from "../../lib/text";
import { type Formula } from "../calculator";

export const paint: Formula = {
  inputs: [
    { key: "length", label: t("Length of the room"), unit: "m", initial: "5", least: 0.1, most: 1000 },
    { key: "width", label: t("Width of the room"), unit: "m", initial: "4", least: 0.1, most: 1000 },
    { key: "height", label: t("Height"), unit: "m", initial: "2.5", least: 0, most: 50 },
    { key: "openings", label: t("Doors and windows"), unit: "m²", initial: "4", least: 0, most: 10_000 },
    { key: "coats", label: t("Coats"), initial: "2", least: 1, most: 10 },
    { key: "covers", label: t("A litre covers"), unit: "m²", initial: "10", least: 0.5, most: 50 },
    { key: "price", label: t("Price of a litre"), initial: "8", least: 0, most: 10_000 },
  ],
  compute({ length = 0, width = 0, height = 0, openings = 0, coats = 1, covers = 1, price = 0 }) {
    const walls = 2 * (length + width) * height - openings;
    if (walls <= 0) return t("Doors and windows are larger than the walls.");
    const litres = (walls * coats) / covers;
    return {
      label: t("Paint needed"),
      value: t("{0} litres", number(litres)),
      rows: [[t("Walls"), `${number(walls)} m²`], [t("Floor or ceiling"), `${number(length * width)} m²`], [t("Tiles for the floor, with a tenth more"), `${number(1.1 * length * width)} m²`], [t("Cost"), money(Math.ceil(litres) * price)]],
      because: t("All walls less doors and windows, times the coats, divided by what a litre covers."),
    };
  },
};
