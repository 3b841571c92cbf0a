import { money } from "../../lib/format";
import { t } from "../../lib/text";
import { type Result } from "../calculator";

/** Equal monthly payments that repay a loan, and what it is at the end of each year. */
export function repayment(loan: number, yearlyRate: number, months: number): { payment: number; interest: number; table: NonNullable<Result["table"]> } {
  const rate = yearlyRate / 1200;
  const payment = rate === 0 ? loan / months : (loan * rate) / (1 - (1 + rate) ** -months);
  const rows: string[][] = [];
  let [left, paid] = [loan, 0];
  for (let month = 1; month <= months; month++) {
    const interest = left * rate;
    left = Math.max(0, left - (payment - interest));
    paid += interest;
    if (month % 12 === 0 || month === months) {
      rows.push([String(Math.ceil(month / 12)), money(paid), money(loan - left), money(left)]);
    }
  }
  return { payment, interest: payment * months - loan, table: { head: [t("Year"), t("Interest so far"), t("Repaid"), t("Left")], rows } };
}
