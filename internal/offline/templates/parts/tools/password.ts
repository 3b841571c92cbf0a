import { icon } from "../../lib/icons";
import { announce, attempt } from "../../lib/message";
import { type Part } from "../../lib/part";
import { t } from "../../lib/text";
import { button, el, numberInput, panel } from "../../lib/view";

const sets: readonly (readonly [key: string, label: string, signs: string])[] = [
  ["lower", t("Small letters"), "abcdefghijkmnopqrstuvwxyz"],
  ["upper", t("Capital letters"), "ABCDEFGHJKLMNPQRSTUVWXYZ"],
  ["digits", t("Digits"), "23456789"],
  ["signs", t("Signs"), "!#$%&*+-=?@_"],
];

interface State {
  length: string;
  used: string[];
  /** Counts what was made: the passwords themselves are kept nowhere. */
  made: number;
}

type Action = { readonly does: "length"; readonly text: string } | { readonly does: "set"; readonly key: string } | { readonly does: "make" };

const isLength = (text: string): boolean => Number.isInteger(Number(text)) && Number(text) >= 6 && Number(text) <= 128;
const signsOf = (state: State): string => sets.filter(([key]) => state.used.includes(key)).map(([, , signs]) => signs).join("");

/** A random sign, each as likely: numbers beyond the last whole round are thrown again. */
function pick(signs: string): string {
  const limit = 256 - (256 % signs.length);
  for (;;) {
    const [value = 0] = crypto.getRandomValues(new Uint8Array(1));
    if (value < limit) return signs[value % signs.length] ?? "";
  }
}

export function password(key: string): Part<State, Action> {
  let current = "";
  let of = "";
  const made = (state: State): string => {
    const recipe = `${state.length} ${state.used.join()} ${state.made}`;
    if (of !== recipe && isLength(state.length)) {
      of = recipe;
      current = Array.from({ length: Number(state.length) }, () => pick(signsOf(state))).join("");
    }
    return current;
  };
  return {
    key,
    start: () => ({ length: "20", used: ["lower", "upper", "digits", "signs"], made: 0 }),
    update(state, action) {
      switch (action.does) {
        case "length":
          return { ...state, length: action.text };
        case "set": {
          const used = state.used.includes(action.key) ? state.used.filter((name) => name !== action.key) : [...state.used, action.key];
          return used.length === 0 ? state : { ...state, used };
        }
        case "make":
          return { ...state, made: state.made + 1 };
      }
    },
    view(state, send) {
      const text = made(state);
      const bits = Math.round(text.length * Math.log2(signsOf(state).length));
      return el(
        "div",
        { class: "calculator" },
        panel(
          "inputs",
          t("Settings"),
          el("div", { class: "inputs" }, numberInput("length", t("Length"), state.length, (value) => send({ does: "length", text: value }), "", isLength(state.length) ? "" : t("From {0} to {1}, please.", 6, 128), { min: 6, max: 128 })),
          el("div", { class: "stack spaced" }, sets.map(([name, label]) => el("label", { class: "check" }, el("input", { type: "checkbox", checked: state.used.includes(name), onchange: () => send({ does: "set", key: name }) }), ` ${label}`))),
        ),
        el(
          "section",
          { class: "panel outcome" },
          el("p", { class: "label" }, t("Password")),
          el("p", { class: "figure code long", "aria-live": "polite" }, text),
          el("p", { class: "hint" }, t("{0} bits: {1}. It is kept nowhere; a password manager remembers it.", bits, bits < 50 ? t("weak") : bits < 80 ? t("good") : t("strong"))),
          el(
            "div",
            { class: "controls" },
            button([icon("again"), t("Another one")], () => send({ does: "make" }), { class: "primary" }),
            button(t("Copy"), () => attempt(() => void navigator.clipboard.writeText(text).then(() => announce(t("Copied.")), () => announce(t("The browser did not let it be copied: select and copy it by hand."))))),
          ),
        ),
      );
    },
  };
}
