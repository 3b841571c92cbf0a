package offline

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"codeforge/internal/agent/form"
)

// topic is something that learners ask about, with questions that lead to it and never past it.
type topic struct {
	name      string
	words     *regexp.Regexp
	questions [2][2]string // question, hint
	idea      string
	further   string
}

var topics = []topic{
	{"errors", regexp.MustCompile(`(?i)\b(errors?|exceptions?|crash\w*|bugs?|broken|fails?|undefined|null|not working|doesn'?t work|debug\w*|fehler)\b`), [2][2]string{
		{"What did you expect to happen, and what happened instead, in one sentence each?", "The distance between the two sentences is the fault. Read the message again: which words are about your code?"},
		{"Which is the last line of which you are sure that everything was still right?", "Look at a value there before you change anything. Halve the distance to the fault each time."}},
		"A fault is found by narrowing down where expectation and reality part, not by changing things until it stops.", "Read one error message aloud and explain each word of it."},
	{"asynchrony", regexp.MustCompile(`(?i)\b(async|await|promises?|fetch|callbacks?|settimeout|concurren\w*)\b`), [2][2]string{
		{"In which order do the lines run, and which of them only starts something?", "Number the lines in the order in which they finish, not in which they stand."},
		{"What holds the variable before the answer has arrived?", "A promise is a receipt. What can you do with a receipt, and what can you not do yet?"}},
		"Starting something and having its result are two moments; code says which one it means.", "Draw a line for time and mark where each function begins and ends."},
	{"recursion", regexp.MustCompile(`(?i)\b(recurs\w*|calls? itself|base case|factorial|fibonacci)\b`), [2][2]string{
		{"What is the smallest input for which you know the answer without any work?", "Write that case down first. It needs no call."},
		{"In which way is each call nearer to that smallest case than the one before?", "Name the quantity that shrinks. If you cannot name it, does it shrink?"}},
		"A function may use itself when each use is about less, and the least is known.", "Play the calls of a small input on paper, one card for each."},
	{"loops", regexp.MustCompile(`(?i)\b(loops?|for|while|iterat\w*|arrays?|lists?|map|filter|reduce|foreach|schleifen?)\b`), [2][2]string{
		{"What is true before the first round, and what is still true after each one?", "Follow one variable over three rounds on paper, with a column for each value."},
		{"When does the last round happen, and what would one round more do?", "Try it with an empty list and with a list of one."}},
		"A loop is understood by what stays true in it, and by how it ends.", "Say what the loop does without the words each, until or while."},
	{"state", regexp.MustCompile(`(?i)\b(state|store|localstorage|variables?|const|let|scope|closures?|react|usestate|props)\b`), [2][2]string{
		{"Who may change this value, and who only looks at it?", "Make two columns. If one name stands in both, could it be split?"},
		{"If the page is loaded anew, which values should still be there, and where do they live in between?", "Ask of each value whether it could be worked out from another."}},
		"Keep each fact in one place; work out everything else from it.", "Count the places at which one fact of your program is written down."},
	{"functions", regexp.MustCompile(`(?i)\b(functions?|parameters?|arguments?|return\w*|methods?|refactor\w*|funktion\w*)\b`), [2][2]string{
		{"What does this function promise, in one sentence that names what goes in and what comes out?", "If the sentence needs an and, look whether two promises live in it."},
		{"Which of the things it touches does nobody see in its first line?", "What if somebody calls it twice with the same arguments?"}},
		"A good function keeps one promise, and its name is that promise.", "Rename a function so that its comment becomes needless."},
	{"types", regexp.MustCompile(`(?i)\b(types?|typescript|interfaces?|generics?|enum|any|typen)\b`), [2][2]string{
		{"Which values can really arrive here, and which does the type allow?", "List three values that the type admits and your code does not expect."},
		{"Where does the program first learn which of the cases it has?", "A check is a fork in the road: what is known on each side of it?"}},
		"A type is a promise about values that somebody else can check for you.", "Make a wrong state impossible to write down."},
	{"events", regexp.MustCompile(`(?i)\b(events?|click\w*|listeners?|submit|buttons?|dom|elements?|forms?|inputs?)\b`), [2][2]string{
		{"What happens between the click and the change that you see? Name every step.", "Who hears of it first, and what does the browser do by itself when nobody objects?"},
		{"How would somebody do this without a mouse?", "Put the mouse away and try it."}},
		"Programs with a face wait: something happens, and what you wrote answers.", "Write down all events that one key press causes."},
	{"styles", regexp.MustCompile(`(?i)\b(css|styles?|layout|flex\w*|grid|colou?rs?|center\w*|responsive|margin|padding)\b`), [2][2]string{
		{"Which box is the one you see, and which box is around it?", "Give each box a visible border for a moment."},
		{"What should happen to it when the screen is half as wide?", "Say it as a rule, not as a number."}},
		"Layout is relations between boxes; say the relation and let the numbers follow.", "Look at a page you like and name its three largest boxes."},
	{"data", regexp.MustCompile(`(?i)\b(data(?:base)?|sql|tables?|json|queries|query|join|schema|model)\b`), [2][2]string{
		{"What are the things in your problem, and what belongs to exactly one of them?", "Nouns become records. Whose is each fact?"},
		{"What must never be true at the same time in your data?", "Invent a row that should be impossible. What stops it?"}},
		"The shape of the data decides which programs are easy.", "Model the same things twice, and ask both models the same question."},
	{"tests", regexp.MustCompile(`(?i)\b(tests?|testing|assert\w*|mock\w*|tdd)\b`), [2][2]string{
		{"Which change of the code should make this test fail, and which should not?", "A test is a question. Whom does it ask?"},
		{"What is the strangest input that is still allowed?", "Empty, one, many, too many, and the one just beside the border."}},
		"A test states what must stay true while everything else may change.", "Break your code on purpose and see who notices."},
}

var anyTopic = topic{"", nil, [2][2]string{
	{"How would you do it by hand, with pencil and paper, for one small example?", "Write down each step, also the ones that feel too small to mention."},
	{"Which of these steps could you already say in code, and which is the first that you could not?", "The first one is your real question. Can it be cut in two?"}},
	"A large question becomes easy when one knows its smallest part that is still unknown.", "Explain the question to somebody who does not program."}

var declared = regexp.MustCompile(`(?:function|class|const|let|var|def|func|interface|type)\s+([A-Za-z_$][\w$]{2,40})`)

// lesson asks questions that fit what the learner asked and the code shown. It never gives a solution.
func (c *conversation) lesson() form.Lesson {
	context := section[map[string]any](c, form.SectionContext)
	asked := c.sections[form.SectionQuestion]
	if asked == "" {
		asked, _ = context["question"].(string)
	}
	if asked == "" {
		asked = c.wish()
	}
	code, _ := context["code"].(string)
	if code == "" {
		for _, name := range sortedKeys(c.files) {
			if strings.HasSuffix(name, "ts") || strings.HasSuffix(name, "js") || strings.HasSuffix(name, "tsx") {
				code = c.files[name]
				break
			}
		}
	}
	var found []topic
	for _, t := range topics {
		if t.words.MatchString(asked) {
			found = append(found, t)
		}
	}
	found = append(found, anyTopic)[:min(len(found)+1, 2)]

	l := form.Lesson{Encouragement: "Asking is how it begins, and your question can be worked on.", KeyConcept: found[0].idea}
	if quoted := shorten(cleanLine(asked), 120); quoted != "" {
		l.Encouragement = fmt.Sprintf("You ask: “%s” That is a question that can be worked on, and putting it into words is already a part of the way.", quoted)
	}
	l.Encouragement += " I am the offline model, so I ask back more than I know."
	addStep(&l, "Before you go on: what do you already know for sure about it, and how do you know it?", "Separate what you have seen from what you suppose.", "What is known")
	if name, line := landmark(code, asked); name != "" {
		addStep(&l, fmt.Sprintf("In your code, what is %s (line %d) responsible for, and who relies on it?", name, line), "Look for every place where the name appears, and say for each what it expects.", "Reading code")
	}
	for _, t := range found {
		for _, q := range t.questions {
			addStep(&l, q[0], q[1], capital(strings.TrimSpace("thinking "+aboutTopic(t.name))))
		}
		l.Further = append(l.Further, t.further)
	}
	addStep(&l, "What is the smallest change that would tell you whether you are right, and what do you expect to see?", "Write the expectation down before you try it.", "Trying it out")
	return l
}

func aboutTopic(name string) string {
	if name == "" {
		return "in steps"
	}
	return "about " + name
}

func addStep(l *form.Lesson, question, hint, concept string) {
	if len(l.Steps) < 6 {
		l.Steps = append(l.Steps, form.Step{Number: len(l.Steps) + 1, Question: question, Hint: hint, Concept: concept})
	}
}

// landmark is a name that the code declares, one that the question speaks of if there is any, with its line.
func landmark(code, asked string) (string, int) {
	if len(code) > maxRead {
		code = code[:maxRead]
	}
	all := declared.FindAllStringSubmatchIndex(code, 200)
	if len(all) == 0 {
		return "", 0
	}
	best := all[0]
	if i := slices.IndexFunc(all, func(m []int) bool { return strings.Contains(asked, code[m[2]:m[3]]) }); i >= 0 {
		best = all[i]
	}
	return code[best[2]:best[3]], 1 + strings.Count(code[:best[0]], "\n")
}
