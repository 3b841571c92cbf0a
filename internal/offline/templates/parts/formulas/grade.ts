import { sum } from "../../lib/format";
import { t } from "../../lib/text";
import { type Formula, type Input } from "../calculator";

const rows = [1, 2, 3, 4, 5, 6];

export const grade: Formula = {
  inputs: rows.flatMap((row): Input[] => [
    { key: `grade${row}`, label: t("Grade {0}", row), initial: row <= 2 ? ["3.5", "4"][row - 1] ?? "" : "", least: 0, most: 100, optional: true },
    { key: `weight${row}`, label: t("Credits {0}", row), initial: row <= 2 ? "3" : "", least: 0, most: 100, optional: true },
  ]),
  compute(numbers) {
    const courses = rows
      .map((row) => ({ grade: numbers[`grade${row}`] ?? Number.NaN, credits: numbers[`weight${row}`] ?? Number.NaN }))
      .filter(({ grade: value }) => !Number.isNaN(value))
      .map(({ grade: value, credits }) => ({ value, credits: Number.isNaN(credits) ? 1 : credits }));
    const credits = sum(courses.map((course) => course.credits));
    if (credits === 0) return t("Type at least one grade, with credits above 0.");
    const points = sum(courses.map((course) => course.value * course.credits));
    return {
      label: t("Average"),
      value: (points / credits).toFixed(2),
      rows: [[t("Courses"), String(courses.length)], [t("Credits"), String(credits)], [t("Best"), String(Math.max(...courses.map((course) => course.value)))], [t("Lowest"), String(Math.min(...courses.map((course) => course.value)))]],
      because: t("Each grade counts as often as the course has credits; a grade without credits counts once."),
    };
  },
};
