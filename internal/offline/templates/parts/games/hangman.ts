import { type Part } from "../../lib/part";
import { t } from "../../lib/text";
import { button, el } from "../../lib/view";
import { below, frame } from "../board";
import { wordsToGuess } from "../words-to-guess";

const lives = 8;
const letters = [..."abcdefghijklmnopqrstuvwxyz"];

interface State {
  word: string;
  tried: string[];
  won: number;
  lost: number;
}

type Action = { readonly does: "try"; readonly letter: string } | { readonly does: "again" };

const newWord = (): string => wordsToGuess[below(wordsToGuess.length)] ?? "apple";

const misses = (state: State): number => state.tried.filter((letter) => !state.word.includes(letter)).length;

const isFound = (state: State): boolean => [...state.word].every((letter) => state.tried.includes(letter));

const isOver = (state: State): boolean => isFound(state) || misses(state) >= lives;

export function hangman(key: string): Part<State, Action> {
  return {
    key,
    start: () => ({ word: newWord(), tried: [], won: 0, lost: 0 }),
    update(state, action) {
      if (action.does === "again") return { ...state, word: newWord(), tried: [] };
      if (isOver(state) || state.tried.includes(action.letter)) return state;
      const after = { ...state, tried: [...state.tried, action.letter] };
      if (isFound(after)) return { ...after, won: after.won + 1 };
      return misses(after) >= lives ? { ...after, lost: after.lost + 1 } : after;
    },
    press: (state, pressed) => (!isOver(state) && letters.includes(pressed.toLowerCase()) ? { does: "try", letter: pressed.toLowerCase() } : undefined),
    view(state, send) {
      const left = lives - misses(state);
      const over = isOver(state);
      const shown = [...state.word].map((letter) => (over || state.tried.includes(letter) ? letter : ""));
      return frame({
        status: isFound(state) ? t("Found: {0}!", state.word) : over ? t("The word was {0}.", state.word) : t("{0} misses are left.", left),
        facts: [[t("Won"), state.won], [t("Lost"), state.lost], [t("Left"), left]],
        board: el("div", { class: "letters", role: "img", "aria-label": shown.map((letter) => letter || t("open")).join(", ") }, shown.map((letter) => el("span", { class: `letter ${letter === "" ? "open" : ""}` }, letter.toUpperCase()))),
        below: el(
          "div",
          { class: "keys", role: "group", "aria-label": t("Letters") },
          letters.map((letter) => {
            const tried = state.tried.includes(letter);
            const off = tried || over;
            return button(letter.toUpperCase(), () => !off && send({ does: "try", letter }), { class: `quiet key ${tried ? (state.word.includes(letter) ? "hit" : "miss") : ""}`, "aria-disabled": off && "true" });
          }),
        ),
        restart: t("New word"),
        again: () => send({ does: "again" }),
        rules: t("Guess the word letter by letter, with the keyboard or the buttons. After {0} letters that are not in it the game is lost.", lives),
      });
    },
  };
}
