import { number } from "../../lib/format";
import { icon } from "../../lib/icons";
import { type Part } from "../../lib/part";
import { t } from "../../lib/text";
import { button, el, pairs, typed } from "../../lib/view";

interface State {
  text: string;
}

const count = (text: string, form: RegExp): number => text.match(form)?.length ?? 0;

export function textCounter(key: string): Part<State, State> {
  return {
    key,
    start: () => ({ text: "" }),
    update: (_, after) => after,
    view({ text }, send) {
      const words = count(text, /[\p{L}\p{N}][\p{L}\p{N}\p{M}'’-]*/gu);
      const signs = [...text].length;
      const facts: readonly (readonly [string, string])[] = [
        [t("Words"), number(words)],
        [t("Characters"), number(signs)],
        [t("Without spaces"), number([...text.replace(/\s/g, "")].length)],
        [t("Sentences"), number(count(text, /[^\s.!?…][^.!?…]*(?:[.!?…]+|$)/g))],
        [t("Paragraphs"), number(text.split(/\n\s*\n/).filter((part) => part.trim() !== "").length)],
        [t("Minutes to read"), number(Math.ceil(words / 220))],
      ];
      return el(
        "div",
        { class: "stack" },
        el("div", { "aria-live": "polite" }, pairs(facts)),
        el("section", { class: "panel" }, el("div", { class: "field" }, el("label", { for: "counted" }, t("Your text")), el("textarea", { id: "counted", rows: 12, maxlength: 200_000, value: text, oninput: (use) => send({ text: typed(use) }) }))),
        el("div", { class: "controls" }, button([icon("trash"), t("Clear")], () => text !== "" && send({ text: "" }), { "aria-disabled": text === "" && "true" })),
      );
    },
  };
}
