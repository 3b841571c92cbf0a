import { date, daysBetween, number, today } from "../../lib/format";
import { t } from "../../lib/text";
import { type Formula } from "../calculator";

const day = 86_400_000;

/** Days from one date to another. */
export const days: Formula = {
  inputs: [
    { key: "from", label: t("From"), initial: today(), day: true },
    { key: "to", label: t("To"), initial: `${Number(today().slice(0, 4)) + 1}-01-01`, day: true },
  ],
  compute(_, { from = "", to = "" }) {
    const [start, end] = [Date.parse(`${from}T00:00Z`), Date.parse(`${to}T00:00Z`)];
    const [first, last] = [Math.min(start, end), Math.max(start, end)];
    const count = daysBetween(from, to) * (start > end ? -1 : 1);
    if (count > 400_000) return t("The dates are too far apart.");
    let working = 0;
    for (let at = first; at < last; at += day) if (![0, 6].includes(new Date(at).getUTCDay())) working += 1;
    return {
      label: t("Days between them"),
      value: t("{0} days", number(count)),
      rows: [[t("In weeks"), t("{0} weeks, {1} days", Math.floor(count / 7), count % 7)], [t("Monday to Friday"), number(working)], [t("With both days"), number(count + 1)]],
      because: t("From {0} to {1}; the last day is not counted.", date(from), date(to)),
    };
  },
};
