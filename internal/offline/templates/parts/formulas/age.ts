import { date, number, today } from "../../lib/format";
import { t } from "../../lib/text";
import { type Formula } from "../calculator";

const day = 86_400_000;

export const age: Formula = {
  inputs: [
    { key: "from", label: t("From, or born on"), initial: "1990-05-17", day: true },
    { key: "to", label: t("To"), initial: today(), day: true },
  ],
  compute(_, { from = "", to = "" }) {
    const [start, end] = [new Date(`${from}T00:00Z`), new Date(`${to}T00:00Z`)];
    if (start > end) return t("The first day comes after the second.");
    let months = 12 * (end.getUTCFullYear() - start.getUTCFullYear()) + end.getUTCMonth() - start.getUTCMonth();
    if (end.getUTCDate() < start.getUTCDate()) months -= 1;
    const begun = new Date(Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + months, 1));
    const last = new Date(Date.UTC(begun.getUTCFullYear(), begun.getUTCMonth() + 1, 0)).getUTCDate();
    begun.setUTCDate(Math.min(start.getUTCDate(), last));
    const days = Math.round((end.getTime() - start.getTime()) / day);
    const birthday = new Date(Date.UTC(end.getUTCFullYear(), start.getUTCMonth(), start.getUTCDate()));
    if (birthday < end) birthday.setUTCFullYear(birthday.getUTCFullYear() + 1);
    return {
      label: t("Age"),
      value: t("{0} years", Math.floor(months / 12)),
      rows: [
        [t("Exactly"), t("{0} years, {1} months, {2} days", Math.floor(months / 12), months % 12, Math.round((end.getTime() - begun.getTime()) / day))],
        [t("In days"), number(days)],
        [t("In weeks"), number(Math.floor(days / 7))],
        [t("Days to the next birthday"), number(Math.round((birthday.getTime() - end.getTime()) / day))],
      ],
      because: t("Whole years and months from {0} to {1}, and the days that are left.", date(from), date(to)),
    };
  },
};
