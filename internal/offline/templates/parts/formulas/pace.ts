import { two } from "../../lib/format";
import { t } from "../../lib/text";
import { type Formula } from "../calculator";

const clock = (seconds: number): string => {
  const whole = Math.round(seconds);
  return whole >= 3600 ? `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}` : `${Math.floor(whole / 60)}:${two(whole % 60)}`;
};

export const pace: Formula = {
  inputs: [
    { key: "distance", label: t("Distance"), unit: "km", initial: "10", least: 0.1, most: 1000 },
    { key: "hours", label: t("Hours"), initial: "0", least: 0, most: 100 },
    { key: "minutes", label: t("Minutes"), initial: "55", least: 0, most: 59 },
    { key: "seconds", label: t("Seconds"), initial: "0", least: 0, most: 59 },
  ],
  compute({ distance = 1, hours = 0, minutes = 0, seconds = 0 }) {
    const time = 3600 * hours + 60 * minutes + seconds;
    if (time === 0) return t("Type a time that is more than nothing.");
    const each = time / distance;
    return {
      label: t("Pace"),
      value: `${clock(each)} min/km`,
      rows: [[t("A mile"), clock(each * 1.609344)], [t("Speed"), `${((3600 * distance) / time).toFixed(1)} km/h`], ["5 km", clock(5 * each)], ["10 km", clock(10 * each)], [t("Half marathon"), clock(21.0975 * each)], [t("Marathon"), clock(42.195 * each)]],
      because: t("The time divided by the distance; the other times are for the same pace."),
    };
  },
};
