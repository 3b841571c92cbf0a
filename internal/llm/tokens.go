package llm

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Estimate is how many tokens a request takes as input of a model (provider:id), without asking anybody. It is on the high
// side: for prose and code about a third above what tokenizers count, more for digits and signs, of which some make a token each.
func Estimate(req *Request, model string) int { return scale(estimate(req), model) }

// EstimateText is [Estimate] for a piece of text.
func EstimateText(s, model string) int { return scale(tokenBound(s), model) }

// scale applies what a provider's tokenizer counts beyond the others'. Endpoints may serve any model: they count as the
// densest.
func scale(n int, model string) int {
	switch p, _, _ := strings.Cut(model, ":"); p {
	case OpenAI, Google, Scaffold:
		return n
	}
	return n + (n*3+9)/10
}

// What a provider wraps around the parts of a request, in tokens.
const (
	perRequest = 16
	perMessage = 8
	perTool    = 24
)

// estimate counts before scale, so that one pass serves all models of a chain.
func estimate(req *Request) int {
	n := perRequest + tokenBound(req.System)
	for _, m := range req.Messages {
		n += perMessage
		for _, p := range m.Parts {
			n += tokenBound(p.Text)
			// An opaque part stands for thinking of about its size; base64 of it counts densest.
			n += (len(p.Opaque) + 1) / 2
			if p.Image != nil {
				n += p.Image.tokens()
			}
			if p.Call != nil {
				n += perMessage + tokenBound(p.Call.Name) + tokenBound(string(p.Call.Arguments))
			}
			if p.Result != nil {
				n += perMessage + tokenBound(p.Result.Content)
			}
		}
	}
	for _, t := range req.Tools {
		n += perTool + tokenBound(t.Name) + tokenBound(t.Description) + tokenBound(string(t.Parameters))
	}
	if req.Schema != nil {
		n += perTool + tokenBound(string(req.Schema.JSON))
	}
	return n
}

// tokenBound is a bound that tokenizers rarely pass: three letters of a word to a token, a token for each digit and sign, for
// each letter of other scripts one to three.
func tokenBound(s string) int {
	n := 0
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			j := i + 1
			for j < len(s) && s[j] >= 'a' && s[j] <= 'z' {
				j++
			}
			if j == i+1 { // a run of capitals
				for j < len(s) && s[j] >= 'A' && s[j] <= 'Z' {
					j++
				}
			}
			n += (j - i + 2) / 3
			i = j
		case c == ' ' || c == '\n' || c == '\t' || c == '\r':
			j := i + 1
			for j < len(s) && (s[j] == ' ' || s[j] == '\n' || s[j] == '\t' || s[j] == '\r') {
				j++
			}
			if j-i > 1 || c != ' ' { // a single space goes with its word
				n += 1 + (j-i)/16
			}
			i = j
		case c < utf8.RuneSelf:
			n++
			i++
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			switch {
			case size == 4:
				n += 3
			case size == 3 && !unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul):
				n += 2
			default:
				n++
			}
			i += size
		}
	}
	return n
}

// Window is how many tokens of input a model takes beside an output of maxOutput tokens (0: its largest), or 0 when that is not known.
func (m Model) Window(maxOutput int) int {
	if m.Context == 0 {
		return m.MaxInput
	}
	if maxOutput <= 0 || m.MaxOutput > 0 && maxOutput > m.MaxOutput {
		maxOutput = m.MaxOutput
	}
	w := max(m.Context-maxOutput, 1)
	if m.MaxInput > 0 {
		w = min(w, m.MaxInput)
	}
	return w
}
