import { type Part } from "../../lib/part";
import { t } from "../../lib/text";
import { button, el } from "../../lib/view";
import { below, frame } from "../board";

interface State {
  /** The tosses, the last first: true for heads. */
  tosses: boolean[];
}

type Action = { readonly does: "toss" | "again" };

export function coin(key: string): Part<State, Action> {
  return {
    key,
    start: () => ({ tosses: [] }),
    update: (state, action) => ({ tosses: action.does === "again" ? [] : [below(2) === 0, ...state.tosses].slice(0, 500) }),
    press: (_, pressed) => (pressed === " " ? { does: "toss" } : undefined),
    view({ tosses }, send) {
      const heads = tosses.filter(Boolean).length;
      const [last] = tosses;
      const streak = tosses.findIndex((toss) => toss !== last);
      const name = (toss: boolean): string => (toss ? t("Heads") : t("Tails"));
      return frame({
        status: last === undefined ? t("Toss the coin.") : name(last),
        facts: [[t("Heads"), heads], [t("Tails"), tosses.length - heads], [t("In a row"), streak < 0 ? tosses.length : streak]],
        board: button(last === undefined ? "?" : name(last), () => send({ does: "toss" }), { class: `coin ${last === false ? "tails" : ""}`, "aria-label": t("Toss the coin") }),
        below: [
          el("div", { class: "controls" }, button(t("Toss"), () => send({ does: "toss" }), { class: "primary large" })),
          tosses.length > 0 && el("ol", { class: "guesses" }, tosses.slice(0, 20).map((toss) => el("li", {}, name(toss)))),
        ],
        restart: t("Clear tosses"),
        again: () => send({ does: "again" }),
        untouched: tosses.length === 0,
        rules: t("Press the coin, the button or Space. Both sides are as likely, whatever came before."),
      });
    },
  };
}
