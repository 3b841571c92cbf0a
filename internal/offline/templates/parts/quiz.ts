import { type Entry, type Kind } from "../lib/kinds";
import { type Part } from "../lib/part";
import { addSamples } from "../lib/sample";
import { all } from "../lib/store";
import { t } from "../lib/text";
import { button, el, pairs, type View } from "../lib/view";
import { shuffled } from "./board";

interface Options {
  readonly key: string;
  /** The questions, which anybody can change on their page. */
  readonly questions: Kind;
  /** Where that page is. */
  readonly page: string;
}

interface Asked {
  question: string;
  answer: string;
  offered: string[];
  given: string;
}

interface State {
  asked: Asked[];
  at: number;
  best: number;
  rounds: number;
}

type Action = { readonly does: "start" | "next" | "leave" } | { readonly does: "answer"; readonly given: string };

const most = 10;

const text = (entry: Entry, key: string): string => String(entry[key] ?? "").trim();

/** What is offered: the right answer with the wrong ones, or with answers of other questions where there are none. */
function ask(entries: readonly Entry[]): Asked[] {
  const answers = entries.map((entry) => text(entry, "answer"));
  return shuffled(entries).slice(0, most).map((entry) => {
    const answer = text(entry, "answer");
    const own = ["wrongAnswer", "anotherWrongAnswer", "thirdWrongAnswer"].map((key) => text(entry, key)).filter((wrong) => wrong !== "" && wrong !== answer);
    const wrong = own.length > 0 ? own : shuffled([...new Set(answers)].filter((other) => other !== answer)).slice(0, 3);
    return { question: text(entry, "question"), answer, offered: shuffled([answer, ...new Set(wrong)]), given: "" };
  });
}

const scoreOf = (state: State): number => state.asked.filter(({ answer, given }) => answer === given).length;

export function quiz({ key, questions, page }: Options): Part<State, Action> {
  return {
    key,
    start: () => ({ asked: [], at: 0, best: 0, rounds: 0 }),
    update(state, action) {
      switch (action.does) {
        case "start":
          return { ...state, asked: ask(all(questions)), at: 0 };
        case "answer":
          return { ...state, asked: state.asked.map((one, n) => (n === state.at && one.given === "" ? { ...one, given: action.given } : one)) };
        case "next": {
          const at = state.at + 1;
          if (at < state.asked.length) return { ...state, at };
          const share = Math.round((100 * scoreOf(state)) / Math.max(1, state.asked.length));
          return { ...state, at, best: Math.max(state.best, share), rounds: state.rounds + 1 };
        }
        case "leave":
          return { ...state, asked: [], at: 0 };
      }
    },
    press(state, pressed) {
      const now = state.asked[state.at];
      const given = now?.given === "" ? now.offered[Number(pressed) - 1] : undefined;
      return given === undefined ? undefined : { does: "answer", given };
    },
    view(state, send) {
      const count = all(questions).length;
      const now = state.asked[state.at];
      if (now) return questionView(state, now, send);
      const over = state.asked.length > 0;
      const score = scoreOf(state);
      return el(
        "div",
        { class: "quiz panel" },
        el("h2", {}, over ? t("{0} of {1} are right", score, state.asked.length) : count === 0 ? t("No questions yet") : t("Ready?")),
        el("p", { class: "hint" }, count === 0 ? t("Write your questions first, or begin with examples.") : t("{0} questions are there; a round asks at most {1}.", count, most)),
        over && el("ul", { class: "lines" }, state.asked.map(({ question, answer, given }) => el("li", {}, el("span", {}, question), el("span", { class: "of" }, given === answer ? t("right: {0}", answer) : t("you said {0}; it is {1}", given, answer))))),
        pairs([[t("Best"), state.rounds > 0 ? `${state.best} %` : "–"], [t("Rounds"), state.rounds]]),
        el(
          "div",
          { class: "controls" },
          count > 0 && button(over ? t("Play again") : t("Start the quiz"), () => send({ does: "start" }), { class: "primary large" }),
          count === 0 && button(t("Add examples"), () => addSamples(questions), { class: "primary" }),
          el("a", { class: "button quiet", href: page }, t("Edit the questions")),
        ),
      );
    },
  };
}

function questionView(state: State, now: Asked, send: (action: Action) => void): View {
  const answered = now.given !== "";
  const last = state.at === state.asked.length - 1;
  return el(
    "div",
    { class: "quiz panel" },
    el("p", { class: "hint" }, t("Question {0} of {1}", state.at + 1, state.asked.length), " · ", t("{0} right", scoreOf(state))),
    el("progress", { max: state.asked.length, value: state.at + (answered ? 1 : 0), "aria-label": t("Progress") }),
    el("h2", { class: "question" }, now.question),
    el(
      "div",
      { class: "answers" },
      now.offered.map((answer, n) =>
        button([el("span", { class: "number", "aria-hidden": "true" }, n + 1), el("span", {}, answer)], () => !answered && send({ does: "answer", given: answer }), {
          class: `answer ${answered && answer === now.answer ? "right" : answered && answer === now.given ? "wrong" : ""}`,
          "aria-disabled": answered && "true",
        }),
      ),
    ),
    el("p", { class: "status", role: "status" }, answered ? (now.given === now.answer ? t("Right!") : t("No: it is {0}.", now.answer)) : t("Choose an answer; the keys 1 to 4 do it too.")),
    el(
      "div",
      { class: "controls" },
      answered && button(last ? t("See the result") : t("Next question"), () => send({ does: "next" }), { class: "primary large" }),
      button(t("Leave"), () => send({ does: "leave" })),
    ),
  );
}
