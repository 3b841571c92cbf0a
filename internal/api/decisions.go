package api

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"unicode"

	"github.com/danielgtaylor/huma/v2"

	"codeforge"
	"codeforge/internal/merge"
)

// An answer about a proposal changes files, so none is guessed: what is neither clearly one decision nor clearly another is refused,
// and the error says what can be answered.

// Words that decide; compared in small letters without what surrounds them.
var (
	applyWords  = []string{answerApply, "apply it", "apply all", "apply them", "apply the changes", "apply changes", "yes", "y", "yes please", "yes apply", "yes apply it", "ok", "okay", "accept", "approve", "approved", "true"}
	rejectWords = []string{answerReject, "reject it", "reject all", "reject them", "reject the changes", "reject changes", "no", "n", "no thanks", "no thank you", "no reject", "no reject it", "discard", "decline", "do not apply", "don't apply", "do not apply it", "don't apply it", "false"}
	yoursWords  = []string{answerYours}
	jobWords    = []string{answerJob, "job's", "the job", "the job's"}
)

// talkOfSides are words that speak of the sides or of a decision: one line with such a word is not taken for a file.
var talkOfSides = []string{"yours", "your", "job", "job's", "mine", "my", "ours", "our", "theirs", "their", "people", "both", "neither", "either", "keep", "apply", "reject", "yes", "no", "ok", "okay"}

// words are those of a text, in small letters, without punctuation around them.
func words(text string) (out []string) {
	for w := range strings.FieldsSeq(strings.ReplaceAll(strings.ToLower(text), "’", "'")) {
		if w = strings.TrimFunc(w, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) }); w != "" {
			out = append(out, w)
		}
	}
	return out
}

// isOneOf reports whether a text is one of some phrases.
func isOneOf(text string, phrases []string) bool {
	return slices.Contains(phrases, strings.Join(words(text), " "))
}

// answerValue is an answer as it is sent: words, or {"text": ...}, which is the text of a file whatever it says.
type answerValue struct {
	said  string
	whole bool
}

func (*answerValue) Schema(huma.Registry) *huma.Schema {
	text := func() *huma.Schema { return &huma.Schema{Type: huma.TypeString, MaxLength: new(codeforge.MaxContent)} }
	return &huma.Schema{Description: "Words, or {\"text\": ...}: the text of a file.", AnyOf: []*huma.Schema{text(),
		{Type: huma.TypeObject, Properties: map[string]*huma.Schema{"text": text()}, Required: []string{"text"}, AdditionalProperties: false}}}
}

func (v *answerValue) UnmarshalJSON(data []byte) error {
	if isText(data) {
		v.said = textOf(data)
		return nil
	}
	members(data, func(key, value []byte) {
		if string(key) == "text" {
			*v = answerValue{textOf(value), true}
		}
	})
	return nil
}

func (v answerValue) MarshalJSON() ([]byte, error) { return json.Marshal(v.said) }

// resolution is what is to stand where people and a job changed the same.
type resolution struct {
	side string // answerYours, answerJob; "": text
	text string
	line bool // text is the file if that is one line; else it is no answer

	field string // of the request
}

// howToResolve says what can be answered at a path.
const howToResolve = `say "yours" (what you wrote stands), "job" (what the job wrote stands), or send the text that the file is to have as {"text": "..."}; a text of several lines can be sent as it is`

func unclear(field, path, said string) *codeforge.Error {
	return codeforge.InvalidField(field, "%q does not say what stands in %s: %s", shortened(said), path, howToResolve)
}

// shortened is an answer as an error repeats it.
func shortened(said string) string {
	const most = 60
	if r := []rune(said); len(r) > most {
		return string(r[:most]) + "…"
	}
	return said
}

// resolve reads what an answer says of the file at path.
func (v answerValue) resolve(field, path string) (resolution, error) {
	said := strings.TrimSpace(v.said)
	talk := slices.ContainsFunc(words(said), func(w string) bool { return slices.Contains(talkOfSides, w) })
	switch {
	case v.whole && path == answerRest:
		return resolution{}, codeforge.InvalidField(field, `%s stands for many files, which cannot all have one text: say "yours" or "job", or name the file`, path)
	case v.whole:
		return resolution{text: v.said}, nil
	case isOneOf(said, yoursWords):
		return resolution{side: answerYours}, nil
	case isOneOf(said, jobWords):
		return resolution{side: answerJob}, nil
	case path == answerRest:
	case strings.Contains(said, "\n"):
		return resolution{text: v.said}, nil
	case said == "" || talk:
	case strings.Contains(v.said, "\n"):
		return resolution{text: v.said}, nil
	default:
		return resolution{text: v.said, line: true, field: field}, nil
	}
	return resolution{}, unclear(field, path, v.said)
}

// resolutions reads what answers say, by path.
func resolutions(field string, answers map[string]answerValue) (map[string]resolution, error) {
	out := make(map[string]resolution, len(answers))
	for path, v := range answers {
		var err error
		if out[path], err = v.resolve(field, path); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// fits returns an error if a resolution is one line, and the file that it is for is no such file.
func (r resolution) fits(path string, c *merge.Conflict) error {
	if !r.line {
		return nil
	}
	if c != nil {
		oneLine := func(side *string) bool {
			return side == nil || !codeforge.IsBlob(*side) && !strings.Contains(strings.TrimSuffix(*side, "\n"), "\n")
		}
		if cmp.Or(c.Ours, c.Theirs) != nil && oneLine(c.Ours) && oneLine(c.Theirs) {
			return nil
		}
	}
	return unclear(r.field, path, r.text)
}

// decision is what was answered to a job that waits because of its proposal.
type decision struct {
	reject  bool
	resolve map[string]resolution
	said    []string // in the conversation
}

// decide reads the answers to such a job. Where it asks about the proposal as a whole, that must be answered; where it asks about
// files, a rejection of one would be one of all, and must be meant so.
func decide(clarification []byte, pairs []clarifyAnswer) (d decision, err error) {
	questions, _ := questionsOf(clarification)
	asked := offers(clarification, answerApply)
	sides := map[string]answerValue{}
	applies, rejects := 0, 0
	for _, p := range pairs {
		whole := asked && slices.Contains(questions, p.Question)
		switch {
		case (whole || p.Question == answerRest) && !p.Answer.whole && isOneOf(p.Answer.said, rejectWords),
			!p.Answer.whole && slices.Contains(questions, p.Question) && isOneOf(p.Answer.said, []string{answerReject}):
			rejects++
		case whole || asked && p.Question == answerRest && isOneOf(p.Answer.said, applyWords):
			if p.Answer.whole || !isOneOf(p.Answer.said, applyWords) {
				return d, codeforge.InvalidField("answers", `%q is neither yes nor no: say "apply" or "reject". Nothing was done; what you would have otherwise can be said to a new job`, shortened(p.Answer.said))
			}
			applies++
		default:
			sides[p.Question] = p.Answer
		}
		said := p.Answer.said
		if p.Answer.whole || len(said) > maxSaidAnswer {
			said = "(a text of my own)"
		}
		d.said = append(d.said, p.Question+": "+said)
	}
	if d.resolve, err = resolutions("answers", sides); err != nil {
		return d, err
	}
	switch d.reject = rejects > 0; {
	case rejects > 0 && (applies > 0 || len(sides) > 0):
		return d, codeforge.InvalidField("answers", `"reject" is about all of the job's changes, and other answers say something else: say one of them`)
	case asked && applies+rejects == 0:
		return d, codeforge.InvalidField("answers", `Whether the changes are applied is not answered: say "apply" or "reject" to %q`, cmp.Or(questions...))
	}
	return d, nil
}

// offers reports whether a job's questions have an answer among their options.
func offers(clarification []byte, answer string) bool {
	var c struct {
		Questions []struct {
			Options []string `json:"options"`
		} `json:"questions"`
	}
	return json.Unmarshal(clarification, &c) == nil && len(c.Questions) > 0 && slices.Contains(c.Questions[0].Options, answer)
}
