import { number } from "../../lib/format";
import { t } from "../../lib/text";
import { type Formula } from "../calculator";

export const percentage: Formula = {
  inputs: [
    { key: "question", label: t("Question"), initial: "of", options: [["of", t("How much is A % of B?")], ["share", t("How many % of B is A?")], ["change", t("By how many % is B more than A?")], ["more", t("How much is B and A % more?")]] },
    { key: "a", label: "A", initial: "15", least: -1e12, most: 1e12 },
    { key: "b", label: "B", initial: "80", least: -1e12, most: 1e12 },
  ],
  compute({ a = 0, b = 0 }, { question }) {
    if (question === "share" && b === 0) return t("Nothing can be a share of 0.");
    if (question === "change" && a === 0) return t("A change from 0 has no percentage.");
    switch (question) {
      case "share":
        return { label: t("Share"), value: `${number((100 * a) / b)} %`, rows: [], because: t("{0} divided by {1}, times 100.", number(a), number(b)) };
      case "change":
        return { label: t("Change"), value: `${number((100 * (b - a)) / Math.abs(a))} %`, rows: [[t("Difference"), number(b - a)]], because: t("The difference divided by {0}, times 100.", number(a)) };
      case "more":
        return { label: t("Sum"), value: number(b * (1 + a / 100)), rows: [[t("Added"), number((b * a) / 100)]], because: t("{0} and {1} % of it.", number(b), number(a)) };
      default:
        return { label: t("Part"), value: number((a * b) / 100), rows: [[t("What is left"), number(b - (a * b) / 100)]], because: t("{0} times {1}, divided by 100.", number(a), number(b)) };
    }
  },
};
