import { icon } from "../../lib/icons";
import { type Part } from "../../lib/part";
import { t } from "../../lib/text";
import { button, el, picker } from "../../lib/view";
import { board, frame, placeName, shuffled } from "../board";

interface State {
  level: string;
  /** Empty until the first place is opened, which is never a mine. */
  mines: number[];
  open: number[];
  flags: number[];
  flagging: boolean;
  wins: number;
  games: number;
}

type Action =
  | { readonly does: "open"; readonly place: number }
  | { readonly does: "flag"; readonly place: number }
  | { readonly does: "mode" }
  | { readonly does: "level"; readonly level: string }
  | { readonly does: "again" };

const levels: Readonly<Record<string, { size: number; mines: number }>> = { easy: { size: 8, mines: 9 }, middling: { size: 9, mines: 14 }, hard: { size: 10, mines: 22 } };

const levelOf = (state: State): { size: number; mines: number } => levels[state.level] ?? { size: 8, mines: 9 };

function around(place: number, size: number): number[] {
  const [row, column] = [Math.floor(place / size), place % size];
  return [-1, 0, 1].flatMap((down) =>
    [-1, 0, 1].flatMap((right) => {
      const [r, c] = [row + down, column + right];
      return (down !== 0 || right !== 0) && r >= 0 && c >= 0 && r < size && c < size ? [r * size + c] : [];
    }),
  );
}

const near = (state: State, place: number): number => around(place, levelOf(state).size).filter((other) => state.mines.includes(other)).length;

const isLost = (state: State): boolean => state.open.some((place) => state.mines.includes(place));

const isWon = (state: State): boolean => !isLost(state) && state.open.length === levelOf(state).size ** 2 - levelOf(state).mines;

function open(state: State, place: number): State {
  if (isLost(state) || isWon(state) || state.open.includes(place) || state.flags.includes(place)) return state;
  const { size, mines } = levelOf(state);
  const laid = state.mines.length > 0;
  const safe = [place, ...around(place, size)];
  const now: State = laid ? state : { ...state, games: state.games + 1, mines: shuffled(Array.from({ length: size * size }, (_, n) => n).filter((n) => !safe.includes(n))).slice(0, mines) };
  const opened = new Set(now.open);
  const queue = [place];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (opened.has(next) || now.flags.includes(next)) continue;
    opened.add(next);
    if (!now.mines.includes(next) && near(now, next) === 0) queue.push(...around(next, size));
  }
  const after = { ...now, open: [...opened] };
  return isWon(after) ? { ...after, wins: after.wins + 1 } : after;
}

export function minesweeper(key: string): Part<State, Action> {
  return {
    key,
    start: () => ({ level: "easy", mines: [], open: [], flags: [], flagging: false, wins: 0, games: 0 }),
    update(state, action) {
      switch (action.does) {
        case "open":
          return open(state, action.place);
        case "flag":
          if (isLost(state) || isWon(state) || state.open.includes(action.place)) return state;
          return { ...state, flags: state.flags.includes(action.place) ? state.flags.filter((place) => place !== action.place) : [...state.flags, action.place] };
        case "mode":
          return { ...state, flagging: !state.flagging };
        case "level":
          return { ...state, level: action.level, mines: [], open: [], flags: [] };
        case "again":
          return { ...state, mines: [], open: [], flags: [] };
      }
    },
    view(state, send) {
      const { size, mines } = levelOf(state);
      const [lost, won] = [isLost(state), isWon(state)];
      const cells = Array.from({ length: size * size }, (_, place) => {
        const opened = state.open.includes(place);
        const flagged = state.flags.includes(place);
        const shown = opened || (lost && state.mines.includes(place));
        const mine = shown && state.mines.includes(place);
        const count = shown && !mine ? near(state, place) : 0;
        return {
          label: placeName(place, size, mine ? t("mine") : opened ? t("{0} mines near", count) : flagged ? t("flag") : t("closed")),
          content: mine ? icon("mine") : flagged && !opened ? icon("flag") : count > 0 ? count : "",
          look: `square ${shown ? "open" : "closed"} ${mine ? "mine" : ""} near-${count}`,
          off: opened || lost || won || (flagged && !state.flagging),
          press: () => send(state.flagging ? { does: "flag", place } : { does: "open", place }),
          hold: () => send({ does: "flag", place }),
        };
      });
      return frame({
        status: lost ? t("That was a mine.") : won ? t("All clear. You win!") : state.flagging ? t("Pressing a place puts a flag there.") : t("Open all places without a mine."),
        facts: [[t("Mines left"), mines - state.flags.length], [t("Won"), state.wins], [t("Played"), state.games]],
        board: board(t("Minefield"), size, cells, "tight"),
        options: [
          picker("level", t("Level"), state.level, [["easy", t("Easy")], ["middling", t("Middling")], ["hard", t("Hard")]], (level) => send({ does: "level", level })),
          el("div", {}, button([icon("flag"), t("Flags")], () => send({ does: "mode" }), { "aria-pressed": String(state.flagging) })),
        ],
        again: () => send({ does: "again" }),
        untouched: state.open.length + state.flags.length === 0,
        rules: t("A number says how many of the places around hold a mine. Mark those with a flag: switch Flags on, or use the other mouse button."),
      });
    },
  };
}
