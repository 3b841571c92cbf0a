package wire

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"codeforge/internal/llm"
)

// maxMends bounds how often one call is asked again in other words. Each takes a refusal, which costs nothing.
const maxMends = 10

// maxDialects bounds what is remembered: models' names come from requests.
const maxDialects = 1_000

// Optional is a part of a request that endpoints may not know.
type Optional struct {
	Path  string         // as in [llm.Dialect.Omit]
	Words *regexp.Regexp // how refusals name it; nil: by the last word of its path
}

// dialects is what refusals taught, by model.
type dialects struct {
	mu  sync.Mutex
	all map[string]llm.Dialect
}

func (l *dialects) of(model string) llm.Dialect {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all[model]
}

func (l *dialects) learn(model string, d llm.Dialect) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.all) >= maxDialects {
		clear(l.all)
	}
	if l.all == nil {
		l.all = map[string]llm.Dialect{}
	}
	l.all[model] = l.all[model].With(d)
}

// Learned implements llm.Learner.
func (c *Client) Learned() map[string]llm.Dialect {
	c.learned.mu.Lock()
	defer c.learned.mu.Unlock()
	return maps.Clone(c.learned.all)
}

// Refusal is a request that was refused, for an adapter to see what it can do without.
type Refusal struct {
	Text   string // what the endpoint says, in lower case, without the model's name
	Status int
	Sent   []byte // the body that was refused
}

// Unknown says whether the words are those for something that is not known or not wanted, rather than for a wrong value.
func (r *Refusal) Unknown() bool { return unknown.MatchString(r.Text) }

var unknown = regexp.MustCompile(`unsupported|not supported|n't support|not support|unknown|unrecogni[sz]ed|extra (input|field|param|propert)|extra_forbidden|additional ?propert|not (permitted|allowed|a known|a valid|valid|implemented|available|recogni[sz]ed|enabled|expected|define)|unexpected|no such|forbidden|invalid (field|param|arg|key|name)|cannot (be )?(used?|specified|set)\b|can not|removed|deprecated|instead|does not exist|only (supports?|allowed)|must not|(not|n't) (be )?(accept|take|handle|understood|support|recogni)|不支持|未知|不允许|不存在|无法识别|不可用`)

// refusal reads a fault that may be about the form of the request. ok is false where it cannot.
func (f *Fault) refusal(model string, sent []byte) (r Refusal, ok bool) {
	r = Refusal{Text: f.text, Status: f.Status, Sent: sent}
	if r.Status < 400 {
		if r.Status = f.hint; r.Status == 0 && f.kind() == llm.ServerError {
			r.Status = http.StatusInternalServerError
		}
		r.Status = cmp.Or(r.Status, http.StatusBadRequest)
	}
	if r.Text == "" {
		r.Text = strings.ToLower(f.Message)
	}
	if model = strings.ToLower(model); len(model) > 3 {
		r.Text = strings.ReplaceAll(r.Text, model, "*")
	}
	r.Text = thousands.ReplaceAllString(r.Text, "${1}000$2")
	switch f.kind() {
	case llm.InvalidRequest, llm.ContextLength, llm.RequestTooLarge, llm.QuotaExhausted, llm.RateLimit, llm.MalformedOutput:
		return r, true
	case llm.ModelNotFound, llm.ServerError, llm.MalformedResponse: // gateways say so too when nothing behind them takes a part
		return r, r.Status == 404 || r.Status == 405 || r.Status == 500 || r.Status == 501 || r.Status == 502
	}
	return r, false
}

// form says whether the refusal can be about a part of the request's form, not only its size.
func (r *Refusal) form() bool {
	switch r.Status {
	case http.StatusPaymentRequired, http.StatusTooManyRequests:
		return false
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return true
	}
	return r.Unknown() || template.MatchString(r.Text)
}

// template has the words of a chat template that does not take a conversation: a server's error, to the server.
var template = regexp.MustCompile(`jinja|template|\broles? must\b|must alternate`)

// adaptToRefusal changes d so that the endpoint may take the request, or says that it cannot.
func (c *Client) adaptToRefusal(f *Fault, req *llm.Request, sent []byte, d *llm.Dialect, limit *int) bool {
	r, ok := f.refusal(req.Model, sent)
	if !ok {
		return false
	}
	if *limit > 0 {
		switch lower, keep := r.lower(f, req, *limit, d); {
		case lower > 0:
			*limit = lower
			if keep {
				d.MaxOutput = lower
			}
			return true
		case lower < 0: // it is the prompt that is too long
			if f.kind() == llm.InvalidRequest {
				f.Kind = llm.ContextLength
			}
			return false
		}
	}
	if !r.form() {
		return false
	}
	if d.Images != withoutImages && aboutImages.MatchString(r.Text) && llm.HasImages(req) {
		d.Images = withoutImages
		return true
	}
	for _, o := range c.p.Optional {
		words := o.Words
		if words == nil {
			words = regexp.MustCompile(`\b` + regexp.QuoteMeta(strings.ToLower(o.Path[strings.LastIndexByte(o.Path, '.')+1:])) + `\b`)
		}
		if words.MatchString(r.Text) && !slices.Contains(d.Omit, o.Path) && hasPath(sent, o.Path) {
			d.Omit = append(slices.Clip(d.Omit), o.Path)
			return true
		}
	}
	if c.p.Mend != nil && c.p.Mend(&r, d) {
		return true
	}
	for name := range d.Add {
		if strings.Contains(r.Text, strings.ToLower(name)) && string(d.Add[name]) != "null" {
			*d = d.With(llm.Dialect{Add: map[string]json.RawMessage{name: json.RawMessage("null")}})
			return true
		}
	}
	return false
}

// withoutImages is the dialect of models that do not see.
const withoutImages = "none"

// aboutImages has the words of a refusal of pictures: by what they are, by how they are sent, or of anything but a text.
var aboutImages = regexp.MustCompile(`\bimages?\b|image_url|input_image|inline_?data|\bvision\b|multi-?modal|mmproj|content\b.{0,30}(must|should|needs to) be (a )?(valid )?(string|text)|(invalid type|expected).{0,60}(string|sequence|text)|only text|modalit`)

// visible is a request as a model is shown it.
func visible(req *llm.Request, d llm.Dialect) *llm.Request {
	if d.Images == withoutImages {
		return llm.WithoutImages(req)
	}
	return req
}

// Bounds on lowered limits, in tokens.
const (
	leastOutput = 256 // an answer of less is none
	margin      = 64  // tokens that a template adds
)

var (
	aboutLimit = regexp.MustCompile(`max[_ ]?(completion|output|new|gen|generated)?[_ ]?tokens?|max_?output|(output|completion|generated?|new) tokens|tokens? (limit|count|per)|in the (completion|output)|context (length|window|size)|context_?length|context limit|maximum (number of |prompt |input |output )?tokens|requested.{0,60}tokens|requested: ?\d|of output|reduce.{0,60}(completion|output)|prompt (is )?too long|(input|sequence) length|n_ctx`)
	aboutOut   = regexp.MustCompile(`max[_ ]?(completion|output|new|gen|generated)?[_ ]?tokens|maximum (output )?tokens|output tokens|completion|of output|in the output|requested`)
	// outputCap is a bound on the output itself, told with its name.
	outputCap = regexp.MustCompile(`max_?(?:completion_|output_|new_)?tokens\W{0,4}(?:value |parameter |is |which |of \d+ )*(?:must|should|cannot|can't|may not|has to|needs to|can only|exceeds?|exceeded|is above|>)[^0-9.;+]{0,60}(\d[\d,_]*)` +
		`|(?:at most|up to|maximum (?:allowed )?(?:number of )?(?:output|completion|value)[^0-9]{0,40}|only afford|model limit of|lower than|less than or equal to|no more than|cannot exceed|exceeded limit|allowed maximum|maximum of) ?(\d[\d,_]*)`)
	ranged = regexp.MustCompile(`\[\s*\d+\s*[,~-]\s*(\d[\d,_]*)\s*[\])]|\b(?:between|from) \d+ (?:and|to) (\d[\d,_]*)|\(\s*0\s*,\s*(\d[\d,_]*)\s*[\])]`)
	summed = regexp.MustCompile(`\+\s*\W{0,2}max|plus \W{0,2}max|inputs?.{0,4}\+|prompt.{0,4}\+|in total|a total of`)
	// sums are told as such.
	sums = []*regexp.Regexp{
		regexp.MustCompile(`(?P<prompt>\d+) \+ (?P<asked>\d+) > (?P<window>\d+)`),
		regexp.MustCompile(`(?P<asked>\d+) > (?P<window>\d+) - (?P<prompt>\d+)`),
		regexp.MustCompile(`(?P<prompt>\d+)\D{0,30}\+ (?P<asked>\d+)\D{0,30}= ?\d+ > (?P<window>\d+)`),
	}
	compared  = regexp.MustCompile(`(\d[\d,_]*) > (\d[\d,_]*)`)
	windowed  = regexp.MustCompile(`(?:context|window|token limit|model limit|max(?:imum)?[_ ](?:model[_ ]|sequence[_ ]|total[_ ])?len\w*|n_ctx|limit)[^0-9]{0,40}?(\d[\d,_]*)|must be <= ?(\d[\d,_]*)|(\d[\d,_]*)[ -](?:tokens? )?maximum context|> (\d[\d,_]*) -`)
	requested = regexp.MustCompile(`requested\W{0,3}(?:about |a total of |up to )?(?:up to )?(\d[\d,_]*)`)
	thousands = regexp.MustCompile(`\b(\d{1,4})k( |\b)`)
	numbers   = regexp.MustCompile(`\d[\d,_]*`)
)

// lower reads a refusal of the output limit. It returns a limit that should be taken, and whether it always holds; -1
// where the prompt alone is too long; 0 where the refusal is not about the limit.
func (r *Refusal) lower(f *Fault, req *llm.Request, asked int, d *llm.Dialect) (limit int, keep bool) {
	if !aboutLimit.MatchString(r.Text) || strings.Contains(r.Text, "at least") && !strings.Contains(r.Text, "at most") {
		return 0, false
	}
	lasting := r.Status != http.StatusPaymentRequired && r.Status != http.StatusTooManyRequests && r.Status != http.StatusRequestEntityTooLarge
	prompt := llm.Estimate(req, req.Model)
	capped := func(n int) (int, bool) {
		if n >= leastOutput/16 && n < asked {
			return n, r.Status != http.StatusPaymentRequired && r.Status != http.StatusTooManyRequests
		}
		return 0, false
	}
	for _, sum := range sums {
		if m := sum.FindStringSubmatch(r.Text); m != nil {
			n := map[string]int{}
			for i, name := range sum.SubexpNames() {
				n[name] = number10(m[i])
			}
			if n["asked"] == asked && n["window"] > 0 {
				d.Context, d.Scale = n["window"], float64(n["prompt"])/float64(max(prompt, 1))
				if limit = n["window"] - n["prompt"] - margin; limit < leastOutput {
					return -1, false
				}
				return limit, false
			}
		}
	}
	if !summed.MatchString(r.Text) {
		if m := firstNumber(ranged, r.Text); m > 0 {
			return capped(m)
		}
		if m := compared.FindStringSubmatch(r.Text); m != nil && number10(m[1]) == asked && !strings.Contains(r.Text, "context") {
			return capped(number10(m[2]))
		}
		if m := firstNumberBelow(asked, outputCap, r.Text); m > 0 && !strings.Contains(r.Text, "maximum context") && !strings.Contains(r.Text, "context length is") {
			return capped(m)
		}
	}
	window, counted := r.windowAndPrompt(asked, prompt)
	switch {
	case window == 0:
		if r.Status == http.StatusPaymentRequired || r.Status == http.StatusTooManyRequests || r.Status == http.StatusRequestEntityTooLarge {
			return 0, false
		}
		if f.kind() == llm.ContextLength && !aboutOut.MatchString(r.Text) {
			return 0, false
		}
		if r.Unknown() && !tooMuch.MatchString(r.Text) { // its name is not known: no matter of how much
			return 0, false
		}
		if asked/2 < leastOutput {
			return 0, false
		}
		return asked / 2, true
	case counted == 0:
		counted = prompt + prompt/4
	case lasting:
		d.Scale = float64(counted) / float64(max(prompt, 1))
	}
	if lasting {
		d.Context = window
	}
	if limit = window - counted - margin; limit >= leastOutput && limit < asked {
		return limit, false
	}
	if limit >= asked { // what it says does not explain the refusal
		if lasting && asked/2 >= leastOutput {
			return asked / 2, false
		}
		return 0, false
	}
	if prompt+prompt/2 < window && asked/2 >= leastOutput {
		return asked / 2, false // by our own count there is room
	}
	return -1, false
}

// windowAndPrompt reads from the words of a refusal how large the model's window is and how many tokens the prompt has, 0
// where they do not say. asked is the limit that was refused, prompt our own count.
func (r *Refusal) windowAndPrompt(asked, prompt int) (window, counted int) {
	window = firstNumber(windowed, r.Text)
	rest := numbers.FindAllString(r.Text, -1)
	var told []int // without one mention each of what was asked for, and of the window
	skipped := map[int]bool{}
	for _, s := range rest {
		n := number10(s)
		if n < 32 || n == r.Status || (n == asked || n == window) && !skipped[n] {
			skipped[n] = n >= 32
			continue
		}
		told = append(told, n)
	}
	total := firstNumber(requested, r.Text)
	if total <= asked {
		total = 0
	}
	for _, n := range told { // the prompt's count: what the total is more than what was asked for, or what is near our own
		if total == 0 && n > asked && (slices.Contains(told, n-asked) || n-asked < 4*prompt) && n != window {
			total = n
		}
	}
	if window == 0 && total > 0 {
		for _, n := range told {
			if n < total && n != total-asked && n > window {
				window = n
			}
		}
	}
	if total > 0 {
		counted = total - asked
	} else {
		best := math.Log(8)
		for _, n := range told {
			if off := math.Abs(math.Log(float64(n) / float64(max(prompt, 1)))); off < best && n != window {
				counted, best = n, off
			}
		}
	}
	return window, counted
}

var tooMuch = regexp.MustCompile(`too (large|big|high|long|many|much)|exceed|larger|greater|more than|at most|less than|maximum|range|limit|above|over|not fit`)

// firstNumber returns the first number that re finds.
func firstNumber(re *regexp.Regexp, text string) int {
	for _, s := range re.FindStringSubmatch(text) {
		if n := number10(s); n > 0 && numbers.FindString(s) == s {
			return n
		}
	}
	return 0
}

// firstNumberBelow returns the first number under a bound that re finds anywhere.
func firstNumberBelow(bound int, re *regexp.Regexp, text string) int {
	for _, m := range re.FindAllStringSubmatch(text, -1) {
		for _, s := range m[1:] {
			if n := number10(s); n > 0 && n < bound {
				return n
			}
		}
	}
	return 0
}

func number10(s string) int {
	n, _ := strconv.Atoi(strings.NewReplacer(",", "", "_", "").Replace(s))
	return n
}

// limited is the output limit of a request as an endpoint takes it.
func limited(req *llm.Request, d llm.Dialect) int {
	limit := req.MaxOutput
	if limit <= 0 {
		return limit
	}
	if d.MaxOutput > 0 {
		limit = min(limit, d.MaxOutput)
	}
	if d.Context > 0 {
		prompt := float64(llm.Estimate(req, req.Model))
		if d.Scale > 0 {
			prompt *= min(max(d.Scale, 0.25), 4)
		}
		limit = min(limit, max(d.Context-int(prompt*1.02)-margin, leastOutput))
	}
	return limit
}

// shapeBody writes a request as d wants it.
func shapeBody(body any, d llm.Dialect) ([]byte, error) {
	out, err := json.Marshal(body)
	if err != nil || len(d.Omit)+len(d.Add) == 0 {
		return out, err
	}
	var top map[string]json.RawMessage
	if json.Unmarshal(out, &top) != nil {
		return out, nil
	}
	var keywords []string
	for _, path := range d.Omit {
		if word, ok := strings.CutPrefix(path, "schema."); ok {
			keywords = append(keywords, word)
			continue
		}
		omitPath(top, strings.Split(path, "."))
	}
	for name, v := range d.Add {
		if top[name] = v; string(v) == "null" {
			delete(top, name)
		}
	}
	if len(keywords) > 0 {
		pruneKeywords(top, keywords)
	}
	return json.Marshal(top)
}

// omitPath deletes what path names, within every element of the arrays on its way.
func omitPath(m map[string]json.RawMessage, path []string) {
	raw, ok := m[path[0]]
	if !ok {
		return
	}
	if len(path) == 1 {
		delete(m, path[0])
		return
	}
	m[path[0]] = changeObjects(raw, func(inner map[string]json.RawMessage) { omitPath(inner, path[1:]) })
}

// changeObjects changes an object, or every object of an array.
func changeObjects(raw json.RawMessage, change func(map[string]json.RawMessage)) json.RawMessage {
	switch raw = bytes.TrimSpace(raw); {
	case len(raw) > 0 && raw[0] == '{':
		var m map[string]json.RawMessage
		if json.Unmarshal(raw, &m) != nil {
			return raw
		}
		change(m)
		return MustJSON(m)
	case len(raw) > 0 && raw[0] == '[':
		var all []json.RawMessage
		if json.Unmarshal(raw, &all) != nil {
			return raw
		}
		for i := range all {
			all[i] = changeObjects(all[i], change)
		}
		return MustJSON(all)
	}
	return raw
}

// pruneKeywords deletes keywords from every schema of a request.
func pruneKeywords(top map[string]json.RawMessage, keywords []string) {
	var walk func(m map[string]json.RawMessage)
	walk = func(m map[string]json.RawMessage) {
		for k, raw := range m {
			switch k {
			case "parameters", "schema", "input_schema", "parametersJsonSchema", "responseJsonSchema":
				var v any
				if json.Unmarshal(raw, &v) == nil {
					Subschemas(v, func(s map[string]any) {
						for _, w := range keywords {
							delete(s, w)
						}
					})
					m[k] = MustJSON(v)
				}
			default:
				m[k] = changeObjects(raw, walk)
			}
		}
	}
	for _, k := range []string{"tools", "response_format", "text", "generationConfig", "output_config"} {
		if raw, ok := top[k]; ok {
			top[k] = changeObjects(raw, walk)
		}
	}
}

// hasPath says whether a request holds what a path names.
func hasPath(body []byte, path string) bool {
	if word, ok := strings.CutPrefix(path, "schema."); ok {
		return bytes.Contains(body, []byte(`"`+word+`":`))
	}
	found := false
	var look func(raw json.RawMessage, path []string)
	look = func(raw json.RawMessage, path []string) {
		changeObjects(raw, func(m map[string]json.RawMessage) {
			if v, ok := m[path[0]]; ok {
				if len(path) == 1 {
					found = true
				} else {
					look(v, path[1:])
				}
			}
		})
	}
	look(body, strings.Split(path, "."))
	return found
}
