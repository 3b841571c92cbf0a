import { icon } from "../../lib/icons";
import { type Part } from "../../lib/part";
import { t } from "../../lib/text";
import { button, el, panel, textInput } from "../../lib/view";

interface State {
  hex: string;
  /** What is being typed, and into which field. */
  into: string;
  text: string;
  kept: string[];
}

type Action = { readonly does: "type"; readonly into: string; readonly text: string } | { readonly does: "keep" | "random" } | { readonly does: "forget" | "use"; readonly hex: string };

type Channels = readonly [red: number, green: number, blue: number];

const channels = (hex: string): Channels => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as unknown as Channels;
const hexOf = (parts: readonly number[]): string => `#${parts.map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`;

function hsl([r, g, b]: Channels): [number, number, number] {
  const [most, least] = [Math.max(r, g, b) / 255, Math.min(r, g, b) / 255];
  const [spread, light] = [most - least, (most + least) / 2];
  if (spread === 0) return [0, 0, Math.round(100 * light)];
  const turn = most === r / 255 ? ((g - b) / 255 / spread + 6) % 6 : most === g / 255 ? (b - r) / 255 / spread + 2 : (r - g) / 255 / spread + 4;
  return [Math.round(60 * turn), Math.round((100 * spread) / (1 - Math.abs(2 * light - 1))), Math.round(100 * light)];
}

function fromHSL(hue: number, saturation: number, light: number): string {
  const channel = (n: number): number => {
    const k = (n + hue / 30) % 12;
    return 255 * (light - saturation * Math.min(light, 1 - light) * Math.max(-1, Math.min(k - 3, 9 - k, 1)));
  };
  return hexOf([channel(0), channel(8), channel(4)]);
}

/** The colour that a text names; undefined where it names none. */
function read(into: string, text: string): string | undefined {
  const numbers = (text.match(/\d+(?:\.\d+)?/g) ?? []).map(Number);
  const [a = 0, b = 0, c = 0] = numbers;
  if (into === "rgb") return numbers.length === 3 && numbers.every((n) => n <= 255) ? hexOf(numbers) : undefined;
  if (into === "hsl") return numbers.length === 3 && a <= 360 && b <= 100 && c <= 100 ? fromHSL(a, b / 100, c / 100) : undefined;
  const [, digits = ""] = /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(text.trim()) ?? [];
  return digits === "" ? undefined : `#${digits.length === 3 ? digits.replace(/./g, "$&$&") : digits}`.toLowerCase();
}

export function colours(key: string): Part<State, Action> {
  return {
    key,
    start: () => ({ hex: "#2f7d6b", into: "", text: "", kept: [] }),
    update(state, action) {
      switch (action.does) {
        case "type":
          return { ...state, hex: read(action.into, action.text) ?? state.hex, into: action.into, text: action.text };
        case "random":
          return { ...state, hex: hexOf([0, 0, 0].map(() => Math.floor(256 * Math.random()))), into: "" };
        case "keep":
          return { ...state, kept: [state.hex, ...state.kept.filter((hex) => hex !== state.hex)].slice(0, 24) };
        case "use":
          return { ...state, hex: action.hex, into: "" };
        case "forget":
          return { ...state, kept: state.kept.filter((hex) => hex !== action.hex) };
      }
    },
    view(state, send) {
      const rgb = channels(state.hex);
      const [h, s, l] = hsl(rgb);
      const fields: readonly (readonly [string, string, string])[] = [["hex", "HEX", state.hex], ["rgb", "RGB", rgb.join(", ")], ["hsl", "HSL", `${h}, ${s} %, ${l} %`]];
      return el(
        "div",
        { class: "calculator" },
        panel(
          "inputs",
          t("Type in any field"),
          el(
            "div",
            { class: "inputs" },
            fields.map(([name, label, value]) => {
              const typing = state.into === name;
              const problem = typing && read(name, state.text) === undefined ? t("This names no colour.") : "";
              return textInput(`colour-${name}`, label, typing ? state.text : value, (text) => send({ does: "type", into: name, text }), { class: "code", maxlength: 40, autocomplete: "off" }, problem);
            }),
            textInput("colour-pick", t("Choose by eye"), state.hex, (text) => send({ does: "type", into: "pick", text }), { type: "color" }),
          ),
          el("div", { class: "controls" }, button([icon("again"), t("Any colour")], () => send({ does: "random" })), button(t("Keep this colour"), () => send({ does: "keep" }), { class: "primary" })),
        ),
        el(
          "section",
          { class: "panel", "aria-labelledby": "kept-title" },
          el("div", { class: "colour", role: "img", "aria-label": state.hex, style: `background: ${state.hex}` }),
          el("h2", { id: "kept-title" }, t("Palette")),
          state.kept.length === 0
            ? el("p", { class: "hint" }, t("Keep colours to see them beside each other."))
            : el("ul", { class: "lines" }, state.kept.map((hex) => el(
                "li",
                {},
                el("span", {}, el("span", { class: "swatch", "aria-hidden": "true", style: `background: ${hex}` }), hex),
                el("span", { class: "of" }, channels(hex).join(", ")),
                el("span", { class: "pair" }, button(t("Open"), () => hex !== state.hex && send({ does: "use", hex }), { "aria-label": t("Open {0}", hex), "aria-disabled": hex === state.hex && "true" }), button(icon("trash"), () => send({ does: "forget", hex }), { class: "quiet bare", "aria-label": t("Delete {0}", hex) })),
              ))),
        ),
      );
    },
  };
}
