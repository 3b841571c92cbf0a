import { type Part } from "../../lib/part";
import { t } from "../../lib/text";
import { button, el } from "../../lib/view";
import { below, frame } from "../board";

interface State {
  mine: number;
  theirs: number;
  won: number;
  lost: number;
  even: number;
}

type Action = { readonly does: "show"; readonly hand: number } | { readonly does: "again" };

const signs = ["✊", "✋", "✌"] as const;

export function rockPaper(key: string): Part<State, Action> {
  return {
    key,
    start: () => ({ mine: -1, theirs: -1, won: 0, lost: 0, even: 0 }),
    update(state, action) {
      if (action.does === "again") return { mine: -1, theirs: -1, won: 0, lost: 0, even: 0 };
      const theirs = below(3);
      const outcome = (action.hand - theirs + 3) % 3;
      return { mine: action.hand, theirs, even: state.even + (outcome === 0 ? 1 : 0), won: state.won + (outcome === 1 ? 1 : 0), lost: state.lost + (outcome === 2 ? 1 : 0) };
    },
    press(_, pressed) {
      const hand = ["r", "p", "s"].indexOf(pressed.toLowerCase());
      return hand >= 0 ? { does: "show", hand } : undefined;
    },
    view(state, send) {
      const names = [t("Rock"), t("Paper"), t("Scissors")];
      const outcome = (state.mine - state.theirs + 3) % 3;
      const shown = (who: string, hand: number): ReturnType<typeof el> =>
        el("div", { class: "side" }, el("h2", {}, who), el("p", { class: "big-sign", role: "img", "aria-label": names[hand] ?? t("nothing yet") }, signs[hand] ?? "?"));
      return frame({
        status: state.mine < 0 ? t("Choose your hand.") : outcome === 0 ? t("Both show the same.") : outcome === 1 ? t("You win this round.") : t("The computer wins this round."),
        facts: [[t("You"), state.won], [t("Computer"), state.lost], [t("Draws"), state.even]],
        board: el("div", { class: "sides" }, shown(t("You"), state.mine), shown(t("Computer"), state.theirs)),
        below: el("div", { class: "controls" }, names.map((name, hand) => button([el("span", { "aria-hidden": "true" }, signs[hand]), ` ${name}`], () => send({ does: "show", hand }), { class: "primary" }))),
        restart: t("Start again"),
        again: () => send({ does: "again" }),
        untouched: state.mine < 0,
        rules: t("Rock beats scissors, scissors beat paper, paper beats rock. The keys R, P and S show a hand too."),
      });
    },
  };
}
