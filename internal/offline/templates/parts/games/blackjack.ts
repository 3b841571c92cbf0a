import { type Part } from "../../lib/part";
import { t } from "../../lib/text";
import { button, el, picker } from "../../lib/view";
import { frame } from "../board";
import { coveredCard, deck, playingCard, rankOf } from "../playing-cards";

interface State {
  deck: number[];
  mine: number[];
  dealers: number[];
  /** bet, playing or done. */
  phase: string;
  outcome: string;
  chips: number;
  bet: number;
}

type Action = { readonly does: "deal" } | { readonly does: "hit" } | { readonly does: "stand" } | { readonly does: "bet"; readonly bet: number } | { readonly does: "again" };

/** What a hand counts: an ace is eleven as long as that does not go beyond 21. */
function worth(hand: readonly number[]): number {
  let sum = 0;
  let aces = 0;
  for (const card of hand) {
    const rank = rankOf(card);
    sum += rank === 14 ? 11 : Math.min(rank, 10);
    if (rank === 14) aces += 1;
  }
  for (; sum > 21 && aces > 0; aces--) sum -= 10;
  return sum;
}

const fresh = (): State => ({ deck: deck(), mine: [], dealers: [], phase: "bet", outcome: "", chips: 100, bet: 10 });

function deal(state: State): State {
  if (state.phase === "playing" || state.chips <= 0) return state;
  const cards = state.deck.length < 20 ? deck() : state.deck;
  const bet = Math.min(state.bet, state.chips);
  const dealt = { ...state, bet, deck: cards.slice(4), mine: cards.slice(0, 2), dealers: cards.slice(2, 4), phase: "playing", outcome: "", chips: state.chips - bet };
  return worth(dealt.mine) === 21 ? stand(dealt) : dealt;
}

function hit(state: State): State {
  const [card, ...rest] = state.deck;
  if (state.phase !== "playing" || card === undefined) return state;
  const after = { ...state, deck: rest, mine: [...state.mine, card] };
  const sum = worth(after.mine);
  if (sum > 21) return { ...after, phase: "done", outcome: "bust" };
  return sum === 21 ? stand(after) : after;
}

function stand(state: State): State {
  if (state.phase !== "playing") return state;
  let { deck: cards, dealers } = state;
  while (worth(dealers) < 17 && cards.length > 0) {
    dealers = [...dealers, ...cards.slice(0, 1)];
    cards = cards.slice(1);
  }
  const [mine, theirs] = [worth(state.mine), worth(dealers)];
  const natural = state.mine.length === 2 && mine === 21 && !(dealers.length === 2 && theirs === 21);
  const outcome = natural ? "natural" : theirs > 21 || mine > theirs ? "won" : mine === theirs ? "even" : "lost";
  const back = { natural: 2.5, won: 2, even: 1, lost: 0 }[outcome] ?? 0;
  return { ...state, deck: cards, dealers, phase: "done", outcome, chips: state.chips + Math.floor(state.bet * back) };
}

export function blackjack(key: string): Part<State, Action> {
  return {
    key,
    start: fresh,
    update(state, action) {
      switch (action.does) {
        case "deal":
          return deal(state);
        case "hit":
          return hit(state);
        case "stand":
          return stand(state);
        case "bet":
          return { ...state, bet: action.bet };
        case "again":
          return fresh();
      }
    },
    view(state, send) {
      const playing = state.phase === "playing";
      const texts: Record<string, string> = {
        natural: t("Blackjack! You win {0}.", Math.floor(state.bet * 1.5)),
        won: t("You win {0}.", state.bet),
        even: t("Even: your bet comes back."),
        lost: t("The dealer wins."),
        bust: t("More than 21: the dealer wins."),
      };
      const status = playing ? t("You have {0}. Hit or stand?", worth(state.mine)) : state.chips <= 0 ? t("No chips are left. Start again.") : (texts[state.outcome] ?? t("Choose your bet and deal."));
      const hand = (name: string, cards: readonly number[], covered: boolean): ReturnType<typeof el> =>
        el(
          "div",
          { class: "side" },
          el("h2", {}, cards.length > 0 && !covered ? `${name}: ${worth(cards)}` : name),
          el("div", { class: "hand" }, cards.map((card, n) => (covered && n > 0 ? coveredCard() : playingCard(card))), cards.length === 0 && [coveredCard(), coveredCard()]),
        );
      const canDeal = !playing && state.chips > 0;
      return frame({
        status,
        facts: [[t("Chips"), state.chips], [t("Bet"), state.bet]],
        board: el("div", { class: "sides" }, hand(t("Dealer"), state.dealers, playing), hand(t("You"), state.mine, false)),
        below: el(
          "div",
          { class: "controls" },
          playing ? [button(t("Hit"), () => send({ does: "hit" }), { class: "primary" }), button(t("Stand"), () => send({ does: "stand" }), { class: "primary" })] : button(t("Deal"), () => canDeal && send({ does: "deal" }), { class: "primary", "aria-disabled": !canDeal && "true" }),
        ),
        options: !playing && picker("bet", t("Bet"), String(state.bet), ["5", "10", "25", "50"].map((bet) => [bet, bet] as const), (bet) => send({ does: "bet", bet: Number(bet) })),
        restart: t("Start again"),
        again: () => send({ does: "again" }),
        untouched: state.phase === "bet" && state.chips === 100,
        rules: t("Come nearer to 21 than the dealer without going beyond. Pictures count ten, an ace eleven or one. The dealer draws to 17. Chips are only a score."),
      });
    },
  };
}
