import { money } from "../../lib/format";
import { t } from "../../lib/text";
import { type Formula } from "../calculator";
import { repayment } from "./repayment";

export const mortgage: Formula = {
  inputs: [
    { key: "price", label: t("Price of the home"), initial: "350000", least: 1, most: 1e9 },
    { key: "down", label: t("Down payment"), initial: "70000", least: 0, most: 1e9 },
    { key: "rate", label: t("Interest rate"), unit: t("% a year"), initial: "4.5", least: 0, most: 30 },
    { key: "years", label: t("Years"), initial: "30", least: 1, most: 50 },
    { key: "extra", label: t("Taxes and insurance"), unit: t("a month"), initial: "0", least: 0, most: 1e6 },
  ],
  compute({ price = 0, down = 0, rate = 0, years = 0, extra = 0 }) {
    if (down >= price) return t("The down payment covers the whole price: there is nothing to borrow.");
    const loan = price - down;
    const { payment, interest, table } = repayment(loan, rate, Math.round(12 * years));
    return {
      label: t("Monthly payment"),
      value: money(payment + extra),
      rows: [
        [t("Borrowed"), money(loan)],
        [t("Interest and repayment"), money(payment)],
        [t("Taxes and insurance"), money(extra)],
        [t("Interest in all"), money(interest)],
        [t("Paid in all"), money(loan + interest + extra * 12 * years)],
      ],
      because: t("An equal payment each month pays the interest of that month first; the rest repays the loan of {0}.", money(loan)),
      table,
    };
  },
};
