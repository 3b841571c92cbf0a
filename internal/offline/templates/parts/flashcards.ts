import { date, dayAfter, daysBetween, today } from "../lib/format";
import { type Entry, type Kind } from "../lib/kinds";
import { type Part } from "../lib/part";
import { addSamples } from "../lib/sample";
import { all } from "../lib/store";
import { t } from "../lib/text";
import { button, el, pairs, picker } from "../lib/view";

interface Options {
  readonly key: string;
  readonly cards: Kind;
  readonly page: string;
}

/** How well a card is known: in which box it lies, and the day on which it is asked again. */
interface Known {
  box: number;
  due: string;
}

interface State {
  known: Record<string, Known>;
  shown: boolean;
  /** Of the cards that are asked; "" for all. */
  deck: string;
  reviewed: Record<string, number>;
}

type Action = { readonly does: "show" } | { readonly does: "grade"; readonly card: string; readonly grade: Grade } | { readonly does: "deck"; readonly deck: string } | { readonly does: "ahead" };

type Grade = "again" | "hard" | "good" | "easy";

/** Days until a card of each box is asked again. */
const waits = [0, 1, 2, 4, 8, 16, 32, 64] as const;

const text = (card: Entry, key: string): string => String(card[key] ?? "").trim();

/** Again puts a card back to the first box; hard keeps it, good moves it on, easy by two. */
function graded(known: Known | undefined, grade: Grade): Known {
  const box = Math.min(waits.length - 1, grade === "again" ? 0 : Math.max(0, (known?.box ?? 0) + { hard: 0, good: 1, easy: 2 }[grade]));
  return { box, due: dayAfter(today(), grade === "hard" ? Math.max(1, Math.floor((waits[box] ?? 1) / 2)) : (waits[box] ?? 1)) };
}

export function flashcards({ key, cards, page }: Options): Part<State, Action> {
  const deckOf = (state: State): Entry[] => all(cards).filter((card) => state.deck === "" || text(card, "deck") === state.deck);
  const dueOf = (state: State): Entry[] =>
    deckOf(state).filter((card) => (state.known[card.id]?.due ?? "") <= today()).sort((a, b) => (state.known[a.id]?.box ?? 0) - (state.known[b.id]?.box ?? 0) || (state.known[a.id] ? 1 : 0) - (state.known[b.id] ? 1 : 0));
  return {
    key,
    start: () => ({ known: {}, shown: false, deck: "", reviewed: {} }),
    update(state, action) {
      switch (action.does) {
        case "show":
          return { ...state, shown: true };
        case "grade":
          return {
            ...state,
            shown: false,
            known: { ...state.known, [action.card]: graded(state.known[action.card], action.grade) },
            reviewed: { [today()]: (state.reviewed[today()] ?? 0) + 1 },
          };
        case "deck":
          return { ...state, deck: action.deck, shown: false };
        case "ahead":
          return { ...state, known: { ...state.known, ...Object.fromEntries(deckOf(state).map((card) => [card.id, { box: state.known[card.id]?.box ?? 0, due: today() }])) } };
      }
    },
    press(state, pressed) {
      const [card] = dueOf(state);
      if (!card) return undefined;
      if (!state.shown) return pressed === " " || pressed === "Enter" ? { does: "show" } : undefined;
      const grade = (["again", "hard", "good", "easy"] as const)[Number(pressed) - 1];
      return grade && { does: "grade", card: card.id, grade };
    },
    view(state, send) {
      const mine = deckOf(state);
      const due = dueOf(state);
      const [card] = due;
      const decks = [...new Set(all(cards).map((other) => text(other, "deck")).filter((deck) => deck !== ""))].sort();
      const learnt = mine.filter((other) => (state.known[other.id]?.box ?? 0) >= 3).length;
      const next = mine.map((other) => state.known[other.id]?.due ?? "").filter((day) => day > today()).sort()[0];
      const grades: readonly (readonly [Grade, string])[] = [["again", t("Again")], ["hard", t("Hard")], ["good", t("Good")], ["easy", t("Easy")]];
      return el(
        "div",
        { class: "flashcards" },
        pairs([[t("Due"), due.length], [t("Today"), state.reviewed[today()] ?? 0], [t("Learnt"), `${learnt}/${mine.length}`]]),
        card
          ? el(
              "section",
              { class: "panel flashcard", "aria-live": "polite" },
              el("p", { class: "hint" }, text(card, "deck")),
              el("p", { class: "front" }, text(card, "front")),
              state.shown ? el("p", { class: "back" }, text(card, "back")) : el("p", { class: "back hint" }, t("Do you know it?")),
            )
          : el(
              "section",
              { class: "panel flashcard" },
              el("h2", {}, mine.length === 0 ? t("No cards yet") : t("All done for today")),
              el("p", { class: "hint" }, mine.length === 0 ? t("Write your cards first, or begin with examples.") : next ? t("The next cards are due on {0}.", date(next)) : ""),
            ),
        el(
          "div",
          { class: "controls" },
          card && !state.shown && button(t("Show the answer"), () => send({ does: "show" }), { class: "primary large" }),
          card && state.shown && grades.map(([grade, label], n) => button([label, el("span", { class: "of" }, waitText(graded(state.known[card.id], grade)))], () => send({ does: "grade", card: card.id, grade }), { class: n === 2 ? "primary grade" : "quiet grade" })),
          !card && mine.length > 0 && button(t("Study ahead"), () => send({ does: "ahead" })),
          mine.length === 0 && button(t("Add examples"), () => addSamples(cards), { class: "primary" }),
          el("a", { class: "button quiet", href: page }, t("Edit the cards")),
        ),
        decks.length > 0 && picker("deck", t("Deck"), state.deck, [["", t("All")], ...decks.map((deck) => [deck, deck] as const)], (deck) => send({ does: "deck", deck })),
      );
    },
  };
}

function waitText({ due }: Known): string {
  const days = daysBetween(today(), due);
  return days <= 0 ? t("today") : days === 1 ? t("1 day") : t("{0} days", days);
}
