package offline

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"codeforge/internal/agent/form"
)

// alternatives finds the ways that a decision names itself: "X or Y", "X vs. Y", "between X and Y".
var alternatives = []*regexp.Regexp{
	regexp.MustCompile(`(?i)\bbetween\s+(.{2,60}?)\s+and\s+(.{2,60}?)(?:[?.!,;:]|\s+for\b|\s+to\b|\s+in\b|$)`),
	regexp.MustCompile(`(?i)(?:^|\b(?:use|take|choose|pick|do|prefer|with|should\s+\w+|whether\s+to)\s+)([^?.!,;:]{2,60}?)\s+(?:or|vs\.?|versus|oder)\s+(.{2,60}?)(?:[?.!,;:]|\s+for\b|\s+to\b|\s+in\b|$)`),
}

// leadIn is what stands before the first of two ways, and is none of it.
var leadIn = regexp.MustCompile(`(?i)^.*\b(?:should|shall|can|could|do|must)\s+(?:i|we|one|it|the app)\s+(?:\w+\s+){0,3}?(?:in|with|use|take|by|as|on|to)\s+|^.*\bwhether\s+to\s+(?:use\s+)?`)

// named are the two ways that a decision names, "" where it names none.
func named(asked string) (one, other string) {
	for _, re := range alternatives {
		if m := re.FindStringSubmatch(asked); m != nil {
			return strings.TrimSpace(leadIn.ReplaceAllString(m[1], "")), strings.TrimSpace(m[2])
		}
	}
	return "", ""
}

// choice lays out what a learner has to decide, by the decision's own words and what holds for any decision.
func (c *conversation) choice() form.Choice {
	asked := cleanLine(c.sections[form.SectionQuestion])
	title := cmp.Or(section[form.ProjectSection](c, form.SectionProject).Title, "this project")
	out := form.Choice{Context: fmt.Sprintf("You have to decide: “%s” I am the offline model and know nothing of this subject in particular, so what follows is how such decisions are made well, for %s.", shorten(asked, 300), title)}
	if one, other := named(asked); one != "" {
		for _, way := range []string{one, other} {
			out.Options = append(out.Options, form.Option{ID: slug(way, "option"), Title: capital(way),
				Description: fmt.Sprintf("Take %s, and write down in one sentence what made the difference.", way),
				Pros:        []string{"It was named first by yourself, so you already know something about it.", "A decision that is made lets you go on."},
				Cons:        []string{"What you do not know about it yet shows only in use.", "Changing it later costs as much as depends on it by then."},
				Difficulty:  "intermediate", EstimatedTime: "2-4 hours", Educational: fmt.Sprintf("What %s does for you, and what it asks of you.", way)})
		}
		out.Options[1].Pros[0] = "It stands for what the other one does not give you: name that, and you know its value."
	} else {
		out.Options = []form.Option{
			{ID: "smallest-thing", Title: "The smallest thing that works", Description: "Write the least that solves today's case, by hand, in one file.",
				Pros: []string{"You understand every line of it.", "It is done today, and shows what is really needed."}, Cons: []string{"What comes tomorrow may not fit.", "Cases that others met long ago you meet yourself."},
				Difficulty: "beginner", EstimatedTime: "1-2 hours", Educational: "Which part of the problem is hard: you meet it without anything in between."},
			{ID: "established-way", Title: "What most others take", Description: "Look for the solution that is used most for this, and follow its own guide for the first example.",
				Pros: []string{"Its faults are known, and answered somewhere.", "What you learn is of use in other projects."}, Cons: []string{"It brings more than you need, which has to be understood too.", "It changes when its makers want, not when you do."},
				Difficulty: "intermediate", EstimatedTime: "2-4 hours", Educational: "Reading documentation, and telling what a tool does from what you do."},
		}
	}
	out.Options = append(out.Options, form.Option{ID: "try-both-small", Title: "Try it small first", Description: "Take an hour for each of the ways, with one real example of this project, and throw the losers away.",
		Pros: []string{"You decide by what you saw, not by what you read.", "Cheap: an hour now against days later."}, Cons: []string{"Nothing of it may be kept.", "A small example hides what only size shows."},
		Difficulty: "intermediate", EstimatedTime: "2-3 hours", Educational: "How to ask a question of code, and to know beforehand which answer would change your mind."})
	out.Recommendation = fmt.Sprintf("If both ways would be easy to leave again, take “%s” and go on. If leaving would be dear, take “%s” first: what is hard to undo deserves an hour of doubt.",
		out.Options[0].Title, out.Options[len(out.Options)-1].Title)
	return out
}
