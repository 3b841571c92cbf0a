import { icon } from "../../lib/icons";
import { announce } from "../../lib/message";
import { type Part } from "../../lib/part";
import { allowSound, signals } from "../../lib/sound";
import { t } from "../../lib/text";
import { button, el, panel, typed, type View } from "../../lib/view";
import { below, shuffled } from "../board";

const codes: Readonly<Record<string, string>> = {
  A: ".-", B: "-...", C: "-.-.", D: "-..", E: ".", F: "..-.", G: "--.", H: "....", I: "..", J: ".---", K: "-.-", L: ".-..", M: "--", N: "-.", O: "---", P: ".--.", Q: "--.-", R: ".-.", S: "...", T: "-",
  U: "..-", V: "...-", W: ".--", X: "-..-", Y: "-.--", Z: "--..", 0: "-----", 1: ".----", 2: "..---", 3: "...--", 4: "....-", 5: ".....", 6: "-....", 7: "--...", 8: "---..", 9: "----.",
  ".": ".-.-.-", ",": "--..--", "?": "..--..", "'": ".----.", "!": "-.-.--", "/": "-..-.", "(": "-.--.", ")": "-.--.-", ":": "---...", "=": "-...-", "+": ".-.-.", "-": "-....-", "@": ".--.-.",
};
const letters = Object.keys(codes).filter((sign) => /[A-Z0-9]/.test(sign));

interface State {
  text: string;
  asked: string;
  options: string[];
  /** What was answered; "" before. */
  answer: string;
  right: number;
  asks: number;
}

type Action = { readonly does: "text"; readonly text: string } | { readonly does: "answer"; readonly letter: string } | { readonly does: "next" };

/** Dots and dashes, as they are typed or shown. */
const isMorse = (text: string): boolean => /^[\s./·•−–—-]+$/.test(text);
const plain = (code: string): string => code.replace(/[·•]/g, ".").replace(/[−–—]/g, "-");
const shown = (code: string): string => code.replaceAll(".", "·").replaceAll("-", "−");

function encode(text: string): string {
  const words = text.normalize("NFD").replace(/\p{M}/gu, "").toUpperCase().split(/\s+/);
  return words.map((word) => [...word].map((sign) => codes[sign] ?? "").filter(Boolean).join(" ")).filter(Boolean).join(" / ");
}

function decode(code: string): string {
  const signs = new Map(Object.entries(codes).map(([sign, of]) => [of, sign]));
  return plain(code).trim().split(/\s*\/\s*|\s{3,}/).map((word) => word.split(/\s+/).map((of) => signs.get(of) ?? "�").join("")).join(" ");
}

/** Sounds a code, and shows it: a dash is three dots long, letters are three apart and words seven. */
function sound(code: string): void {
  const dot = 0.08;
  const all: [number, number][] = [];
  let at = 0.05;
  for (const sign of code) {
    if (sign === "." || sign === "-") {
      const length = sign === "." ? dot : 3 * dot;
      all.push([at, length]);
      at += length + dot;
    } else at += 2 * dot;
  }
  allowSound();
  signals(all.slice(0, 600));
  announce(t("Sounds: {0}", shown(code)));
}

function question(state: State): State {
  const rest = letters.filter((letter) => letter !== state.asked);
  const asked = rest[below(rest.length)] ?? "E";
  const others = shuffled(letters.filter((letter) => letter !== asked)).slice(0, 3);
  return { ...state, asked, options: shuffled([asked, ...others]), answer: "" };
}

export function morse(key: string): Part<State, Action> {
  return {
    key,
    start: () => ({ text: "SOS", asked: "S", options: ["S", "O", "H", "M"], answer: "", right: 0, asks: 0 }),
    update(state, action) {
      switch (action.does) {
        case "text":
          return { ...state, text: action.text };
        case "answer":
          return state.answer === "" ? { ...state, answer: action.letter, asks: state.asks + 1, right: state.right + (action.letter === state.asked ? 1 : 0) } : state;
        case "next":
          return question(state);
      }
    },
    view: (state, send) => el("div", { class: "calculator" }, translator(state, send), trainer(state, send)),
  };
}

function translator(state: State, send: (action: Action) => void): View {
  const back = isMorse(state.text);
  return panel(
    "translate",
    t("Translate"),
    el("div", { class: "field" }, el("label", { for: "morse-text" }, t("Text or Morse code")), el("textarea", { id: "morse-text", rows: 3, maxlength: 500, value: state.text, oninput: (use) => send({ does: "text", text: typed(use) }) })),
    el("p", { class: "figure code", "aria-live": "polite" }, back ? decode(state.text) : shown(encode(state.text))),
    el("div", { class: "controls" }, button([icon("play"), t("Play it")], () => sound(back ? plain(state.text) : encode(state.text)))),
    el("p", { class: "hint" }, t("Points and dashes are read back; a space parts letters, a stroke words.")),
  );
}

function trainer(state: State, send: (action: Action) => void): View {
  const answered = state.answer !== "";
  return panel(
    "practise",
    t("Practise"),
    el("p", { class: "hint" }, t("{0} of {1} are right", state.right, state.asks)),
    el("p", { class: "figure code" }, shown(codes[state.asked] ?? "")),
    el("p", { role: "status" }, !answered ? t("Which one is it?") : state.answer === state.asked ? t("Right!") : t("No: it is {0}.", state.asked)),
    el(
      "div",
      { class: "answers few" },
      state.options.map((letter) => button(letter, () => !answered && send({ does: "answer", letter }), { class: `quiet answer ${answered && letter === state.asked ? "right" : answered && letter === state.answer ? "wrong" : ""}`, "aria-disabled": answered && "true" })),
    ),
    el(
      "div",
      { class: "controls spaced" },
      button([icon("play"), t("Hear it")], () => sound(codes[state.asked] ?? "")),
      button(t("Next question"), () => send({ does: "next" }), { class: "primary" }),
    ),
  );
}
