import { t } from "../lib/text";
import { el, type View } from "../lib/view";
import { shuffled } from "./board";

/** A card is a number from 0 to 51: four suits of thirteen ranks. */
export const deck = (): number[] => shuffled(Array.from({ length: 52 }, (_, card) => card));

/** 2 to 14; the ace is highest. */
export const rankOf = (card: number): number => (card % 13) + 2;

const suits = ["♠", "♥", "♦", "♣"] as const;

const rankName = (card: number): string => ({ 11: "J", 12: "Q", 13: "K", 14: "A" })[rankOf(card)] ?? String(rankOf(card));

export function cardName(card: number): string {
  const names = [t("spades"), t("hearts"), t("diamonds"), t("clubs")];
  return t("{0} of {1}", rankName(card), names[Math.floor(card / 13)] ?? "");
}

export function playingCard(card: number): View {
  const suit = Math.floor(card / 13);
  const red = suit === 1 || suit === 2;
  return el("span", { class: `playing-card ${red ? "red" : "black"}`, role: "img", "aria-label": cardName(card) }, el("span", {}, rankName(card)), el("span", {}, suits[suit] ?? ""));
}

export function coveredCard(): View {
  return el("span", { class: "playing-card back", role: "img", "aria-label": t("covered card") });
}
