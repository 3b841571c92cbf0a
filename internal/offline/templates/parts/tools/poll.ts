import { icon } from "../../lib/icons";
import { type Part } from "../../lib/part";
import { t } from "../../lib/text";
import { button, el, panel, textInput } from "../../lib/view";
import { isNamesAction, namesPanel, noNames, updateNames, type Names, type NamesAction } from "../names";

interface State extends Names {
  question: string;
  votes: Record<string, number>;
}

type Action = NamesAction | { readonly does: "question"; readonly text: string } | { readonly does: "vote" | "unvote"; readonly name: string } | { readonly does: "reset" };

/** A vote on one device: each presses once and passes it on. */
export function poll(key: string): Part<State, Action> {
  return {
    key,
    start: () => ({ ...noNames(), question: "", votes: {} }),
    update(state, action) {
      if (isNamesAction(action)) {
        const after = { ...state, ...updateNames(state, action) };
        return { ...after, votes: Object.fromEntries(after.names.map((name) => [name, state.votes[name] ?? 0])) };
      }
      switch (action.does) {
        case "question":
          return { ...state, question: action.text };
        case "vote":
        case "unvote":
          return { ...state, votes: { ...state.votes, [action.name]: Math.max(0, (state.votes[action.name] ?? 0) + (action.does === "vote" ? 1 : -1)) } };
        case "reset":
          return { ...state, votes: {} };
      }
    },
    view(state, send) {
      const of = (name: string): number => state.votes[name] ?? 0;
      const total = state.names.reduce((sum, name) => sum + of(name), 0);
      const most = Math.max(0, ...state.names.map(of));
      const first = state.names.filter((name) => most > 0 && of(name) === most);
      return el(
        "div",
        { class: "calculator" },
        panel(
          "poll",
          state.question.trim() || t("Vote"),
          el("p", { class: "hint", role: "status" }, state.names.length < 2 ? t("Add at least two options.") : total === 0 ? t("Press what you are for, then pass the device on.") : t("Votes: {0}. In front: {1}.", total, first.join(", "))),
          el("ul", { class: "votes" }, state.names.map((name) => el(
            "li",
            {},
            button(name, () => send({ does: "vote", name }), { class: "quiet answer", "aria-label": t("Vote for {0}", name) }),
            el("progress", { max: Math.max(1, total), value: of(name), "aria-label": name }),
            el("span", { class: "of" }, t("{0} votes, {1} %", of(name), total === 0 ? 0 : Math.round((100 * of(name)) / total))),
            button(t("Take one back"), () => of(name) > 0 && send({ does: "unvote", name }), { class: "quiet chip", "aria-label": t("Take one back: {0}", name), "aria-disabled": of(name) === 0 && "true" }),
          ))),
          total > 0 && button([icon("again"), t("Clear the votes")], () => send({ does: "reset" })),
        ),
        el(
          "div",
          { class: "beside" },
          el("section", { class: "panel" }, textInput("poll-question", t("What is voted on?"), state.question, (text) => send({ does: "question", text }), { maxlength: 150, autocomplete: "off" })),
          namesPanel(t("Options"), t("Option"), state, send, { examples: "Pizza, Sushi, Tacos, Ramen" }),
        ),
      );
    },
  };
}
