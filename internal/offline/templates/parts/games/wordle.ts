import { type Part } from "../../lib/part";
import { t } from "../../lib/text";
import { button, el } from "../../lib/view";
import { below, frame, picture } from "../board";
import { wordsToGuess } from "../words-to-guess";

const tries = 6;
const length = 5;
const rows = ["qwertyuiop", "asdfghjkl", "zxcvbnm"];
const words = wordsToGuess.filter((word) => word.length === length);

interface State {
  word: string;
  guesses: string[];
  typing: string;
  played: number;
  won: number;
}

type Action = { readonly does: "letter"; readonly letter: string } | { readonly does: "erase" } | { readonly does: "enter" } | { readonly does: "again" };

const newWord = (): string => words[below(words.length)] ?? "apple";

const isOver = (state: State): boolean => state.guesses.includes(state.word) || state.guesses.length === tries;

/** For each letter whether it is right, elsewhere or wrong; a letter counts as often as the word has it. */
function judge(guess: string, word: string): string[] {
  const left = [...word].filter((letter, place) => guess[place] !== letter);
  return [...guess].map((letter, place) => {
    if (word[place] === letter) return "right";
    const at = left.indexOf(letter);
    if (at < 0) return "wrong";
    left.splice(at, 1);
    return "elsewhere";
  });
}

export function wordle(key: string): Part<State, Action> {
  return {
    key,
    start: () => ({ word: newWord(), guesses: [], typing: "", played: 0, won: 0 }),
    update(state, action) {
      if (action.does === "again") return { ...state, word: newWord(), guesses: [], typing: "" };
      if (isOver(state)) return state;
      switch (action.does) {
        case "letter":
          return { ...state, typing: (state.typing + action.letter).slice(0, length) };
        case "erase":
          return { ...state, typing: state.typing.slice(0, -1) };
        case "enter": {
          if (state.typing.length < length) return state;
          const after = { ...state, guesses: [...state.guesses, state.typing], typing: "" };
          const won = state.typing === state.word;
          return isOver(after) ? { ...after, played: after.played + 1, won: after.won + (won ? 1 : 0) } : after;
        }
      }
    },
    press(state, pressed) {
      if (isOver(state)) return undefined;
      if (/^[a-z]$/i.test(pressed)) return { does: "letter", letter: pressed.toLowerCase() };
      if (pressed === "Backspace") return { does: "erase" };
      return pressed === "Enter" ? { does: "enter" } : undefined;
    },
    view(state, send) {
      const over = isOver(state);
      const verdicts = state.guesses.map((guess) => judge(guess, state.word));
      const looks: string[] = [];
      const texts: string[] = [];
      for (let row = 0; row < tries; row++) {
        const guess = state.guesses[row] ?? (row === state.guesses.length ? state.typing : "");
        for (let place = 0; place < length; place++) {
          looks.push(`square ${verdicts[row]?.[place] ?? "open"}`);
          texts.push((guess[place] ?? "").toUpperCase());
        }
      }
      const known = (letter: string): string => {
        const all = state.guesses.flatMap((guess, row) => [...guess].flatMap((other, place) => (other === letter ? [verdicts[row]?.[place] ?? ""] : [])));
        return ["right", "elsewhere", "wrong"].find((verdict) => all.includes(verdict)) ?? "";
      };
      const whole = state.typing.length === length;
      return frame({
        status: state.guesses.includes(state.word) ? t("Found in {0} tries!", state.guesses.length) : over ? t("The word was {0}.", state.word.toUpperCase()) : t("Guess the word of five letters."),
        facts: [[t("Won"), state.won], [t("Played"), state.played], [t("Tries"), `${state.guesses.length}/${tries}`]],
        board: picture(t("Guesses: {0}", state.guesses.map((guess, row) => `${guess} (${(verdicts[row] ?? []).join(", ")})`).join("; ") || t("none")), length, looks, texts),
        below: el(
          "div",
          { class: "keyboard", role: "group", "aria-label": t("Letters") },
          rows.map((row) =>
            el("div", { class: "keys" }, [...row].map((letter) => button(letter.toUpperCase(), () => !over && !whole && send({ does: "letter", letter }), { class: `quiet key ${known(letter)}`, "aria-disabled": (over || whole) && "true" }))),
          ),
          el(
            "div",
            { class: "controls" },
            button(t("Erase"), () => !over && send({ does: "erase" }), { "aria-disabled": (over || state.typing === "") && "true" }),
            button(t("Guess"), () => whole && send({ does: "enter" }), { class: "primary", "aria-disabled": (over || !whole) && "true" }),
          ),
        ),
        restart: t("New word"),
        again: () => send({ does: "again" }),
        rules: t("Type five letters and press Enter. Filled letters stand right, ringed ones stand elsewhere in the word."),
      });
    },
  };
}
