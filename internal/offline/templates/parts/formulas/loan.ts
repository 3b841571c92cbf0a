import { money } from "../../lib/format";
import { t } from "../../lib/text";
import { type Formula } from "../calculator";
import { repayment } from "./repayment";

export const loan: Formula = {
  inputs: [
    { key: "amount", label: t("Amount borrowed"), initial: "12000", least: 1, most: 1e9 },
    { key: "rate", label: t("Interest rate"), unit: t("% a year"), initial: "6.9", least: 0, most: 100 },
    { key: "months", label: t("Months"), initial: "48", least: 1, most: 600 },
  ],
  compute({ amount = 0, rate = 0, months = 1 }) {
    const { payment, interest, table } = repayment(amount, rate, Math.round(months));
    return {
      label: t("Monthly payment"),
      value: money(payment),
      rows: [[t("Interest in all"), money(interest)], [t("Paid in all"), money(amount + interest)]],
      because: t("Each month costs a twelfth of the yearly rate on what is still owed; the rest of the payment repays the loan."),
      table,
    };
  },
};
