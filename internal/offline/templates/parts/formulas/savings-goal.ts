import { money } from "../../lib/format";
import { t } from "../../lib/text";
import { type Formula } from "../calculator";

/** What has to be put aside for a sum until a day, or how long it takes. */
export const savingsGoal: Formula = {
  inputs: [
    { key: "goal", label: t("Goal"), initial: "5000", least: 1, most: 1e9 },
    { key: "saved", label: t("Saved already"), initial: "500", least: 0, most: 1e9 },
    { key: "months", label: t("Months left"), initial: "18", least: 1, most: 1200 },
    { key: "rate", label: t("Interest"), unit: t("% a year"), initial: "2", least: 0, most: 50 },
  ],
  compute({ goal = 0, saved = 0, months = 1, rate = 0 }) {
    const count = Math.round(months);
    const monthly = rate / 1200;
    const growth = (1 + monthly) ** count;
    const missing = goal - saved * growth;
    const each = missing <= 0 ? 0 : monthly === 0 ? missing / count : (missing * monthly) / (growth - 1);
    return {
      label: t("Put aside each month"),
      value: money(each),
      rows: [[t("Put aside in all"), money(each * count)], [t("Interest earned"), money(Math.max(0, goal - saved - each * count))], [t("Each week"), money((each * 12) / 52)]],
      because: t("A twelfth of the yearly interest is added each month, and earns interest itself from then on."),
    };
  },
};
