package agent

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"codeforge"
	"codeforge/internal/agent/form"
	"codeforge/internal/llm"
	"codeforge/internal/relevance"
)

// What a prompt shows of files, in tokens as [llm.EstimateText] counts them for the densest tokenizer. A model with a
// smaller window is asked with less, see [shrink].
const (
	wholeTokens   = 16_000 // a project that is not larger is shown whole
	chosenTokens  = 12_000 // else what matters for the task is, as far as this goes
	outlineTokens = 3_000  // and what found no room there is outlined
	judgedTokens  = 30_000 // what a job changed is shown whole to who judges it, as far as this goes,
	aroundTokens  = 6_000  // with what it touches
	listTokens    = 4_000  // all paths; of more files than go in, the folders
)

// pack is what a prompt may show of a project's files, as they were when it was made.
type pack struct {
	paths    []string          // of all files, sorted
	texts    []string          // those of them that are texts
	files    map[string]string // texts
	listed   map[string]string // what the list says of each
	last     map[string]bool   // files that the job changed: they stand behind the others, which stay as they are
	number   bool              // lines have their numbers before them
	room     int               // tokens of files that are shown whole; 0: the usual
	overview bool              // no file is shown whole: for who plans, and has no tools to read more
	tokens   map[string]int
	all      int                     // tokens of all files whole
	index    func() *relevance.Index // made when it is needed, which it is not while all files fit
	task     string
	extra    map[string]float64
}

// newPack takes the files of t as they are now. want says how much more a file matters than its text tells for the task,
// in hundredths of what the best one does. numbered shows each line with its number.
func newPack(t *tree, task string, want map[string]int, numbered bool) *pack {
	k := &pack{paths: t.paths(), files: map[string]string{}, listed: map[string]string{}, tokens: make(map[string]int, len(t.files)), last: map[string]bool{},
		number: numbered, task: task, extra: map[string]float64{}}
	for _, path := range k.paths {
		k.listed[path] = describeContent(path, t.files)
		if content := t.files[path]; !codeforge.IsBlob(content) {
			k.texts, k.files[path] = append(k.texts, path), content
		}
	}
	k.index = sync.OnceValue(func() *relevance.Index { return relevance.New(k.files) })
	for path, text := range k.files {
		k.tokens[path] = countTokens(text) + countTokens(path) + frameTokens
		if numbered {
			k.tokens[path] += numberTokens * (1 + strings.Count(text, "\n"))
		}
		k.all += k.tokens[path]
		k.last[path] = t.touched(path)
	}
	for path, weight := range want {
		k.extra[path] = float64(weight) / 100
	}
	return k
}

// frameTokens is what the edges of a section take, numberTokens the number of a line.
const (
	frameTokens  = 24
	numberTokens = 4
)

func countTokens(text string) int { return llm.EstimateText(text, "") }

// fit writes of the files' text what matters and goes into the given number of tokens, or very little more, and the list of
// all files. What is shown stands by path, that which the job changed last, so that prompts of one project begin alike.
func (k *pack) fit(tokens int) string {
	var b strings.Builder
	list := k.list(min(listTokens, tokens/3))
	tokens -= countTokens(list)

	whole, outlined := k.texts, map[string]string{}
	if k.overview || k.all > min(cmp.Or(k.room, wholeTokens), tokens) {
		most := min(cmp.Or(k.room, chosenTokens), tokens)
		if k.overview {
			most = 0
		}
		choice := relevance.Choose(k.index().Rank(k.task, k.extra), most, func(path string) int { return k.tokens[path] })
		whole = choice.Whole
		for _, path := range whole {
			tokens -= k.tokens[path]
		}
		room := min(outlineTokens, tokens)
		if readme := nearestRoot(k.files, readmeFile.MatchString); k.overview && readme != "" {
			outlined[readme] = form.Shorten(k.files[readme], maxReadme)
			room -= countTokens(outlined[readme]) + countTokens(readme) + frameTokens
		}
		for _, path := range append(choice.Outline, k.texts...) { // what matters first, then what there is
			if _, done := outlined[path]; done || slices.Contains(whole, path) {
				continue
			}
			text := k.index().Outline(path)
			if n := countTokens(text) + countTokens(path) + frameTokens; text != "" && n <= room {
				room -= n
				outlined[path] = text
			}
		}
	}
	for _, changed := range []bool{false, true} {
		for _, path := range k.texts {
			switch outline, isOutlined := outlined[path]; {
			case k.last[path] != changed:
			case isOutlined:
				form.WriteSection(&b, form.SectionOutline, path, form.Neutral(strings.TrimSuffix(outline, "\n")))
			case !slices.Contains(whole, path):
			case k.number:
				form.WriteNumbered(&b, path, form.Neutral(k.files[path]))
			default:
				form.WriteSection(&b, form.SectionFile, path, form.Neutral(k.files[path]))
			}
		}
	}
	form.WriteSection(&b, form.SectionFiles, "", form.Neutral(list))
	if k.overview {
		b.WriteString("The project exists. Of its files this is shown: which there are, and outlines of some.\n")
		return b.String()
	}
	if n := len(outlined); n > 0 {
		fmt.Fprintf(&b, "Of %s only an outline is shown here, for their size.\n", plural(n, "file"))
	}
	if n := len(k.texts) - len(whole) - len(outlined); n > 0 {
		fmt.Fprintf(&b, "The text of %s is not shown here: search and read what the work needs.\n", plural(n, "file"))
	}
	return b.String()
}

// readmeFile tells the file that says what a project is; maxReadme is what is shown of it to who plans, in code points.
var readmeFile = regexp.MustCompile(`(?i)^readme(\.(md|mdx|txt|rst|adoc))?$`)

const maxReadme = 3_000

// list names all files, or as many folders as fit.
func (k *pack) list(room int) string {
	var b strings.Builder
	for _, path := range k.paths {
		fmt.Fprintf(&b, "%s (%s)\n", path, k.listed[path])
	}
	text := strings.TrimSuffix(b.String(), "\n")
	if countTokens(text) <= room {
		return text
	}
	named := "; list_files names them"
	if k.overview {
		named = ""
	}
	for depth := 6; depth > 0; depth-- {
		text = fmt.Sprintf("%s in these folders%s:\n%s", plural(len(k.paths), "file"), named, strings.TrimSuffix(relevance.Folders(k.paths, depth), "\n"))
		if countTokens(text) <= room {
			return text
		}
	}
	return plural(len(k.paths), "file") + named
}

const (
	// Tool results go in steps of this many, so that the start of a conversation stays the same, and cached, for some turns.
	dropStep      = 8
	worthDropping = 64 // tokens
	keepShare     = 4  // the newest results keep a quarter of the window, or a model would read the same files for ever
)

// shrinkRequest returns a form of a request that should fit limit tokens, else the smallest there is; nil when that is not smaller.
// What can be had again goes first: the older results of tools, then texts of files in the first message, which first
// wrote, then newer results, but for those of the last turn, which the model has not seen. What the model said
// stays as it is.
func shrinkRequest(req *llm.Request, first *prompt, limit int) *llm.Request {
	small := *req
	small.Messages = slices.Clone(req.Messages)
	was := llm.Estimate(req, "")
	if size := dropResults(&small, was, limit, limit/keepShare); size > limit {
		if first.pack != nil {
			size = fitFiles(&small, first, size, limit)
		}
		if size > limit {
			dropResults(&small, size, limit, 0)
		}
	}
	if llm.Estimate(&small, "") >= was {
		return nil
	}
	return &small
}

// dropResults puts notes in the place of tool results, oldest first, until req, which has size tokens, fits limit or the
// newest are left that have keep tokens together. It returns the size then. req's messages are its own, their parts are not.
func dropResults(req *llm.Request, size, limit, keep int) int {
	type place struct{ message, part int }
	var old []place
	for i := len(req.Messages) - 2; i >= 0; i-- { // the last turn stays
		for j := len(req.Messages[i].Parts) - 1; j >= 0; j-- {
			if r := req.Messages[i].Parts[j].Result; r != nil {
				if keep -= countTokens(r.Content); keep < 0 {
					old = append(old, place{i, j})
				}
			}
		}
	}
	dropped := 0
	for _, at := range slices.Backward(old) {
		if size <= limit && dropped%dropStep == 0 {
			break
		}
		m := &req.Messages[at.message]
		r := *m.Parts[at.part].Result
		note := fmt.Sprintf("[left out to make room; call %s again if it is needed]", r.Name)
		gain := countTokens(r.Content) - countTokens(note) - 1 // of rounding
		if gain < worthDropping {
			continue
		}
		r.Content = note
		m.Parts = slices.Clone(m.Parts)
		m.Parts[at.part].Result = &r
		size -= gain
		dropped++
	}
	return size
}

// fitFiles writes the first message anew with less of files, so that req, which has size tokens, fits limit. It returns
// the size then.
func fitFiles(req *llm.Request, first *prompt, size, limit int) int {
	room := limit - size + countTokens(req.Messages[0].Parts[0].Text) - countTokens(first.b.String())
	for range 5 { // what the sections' edges take is known when they are written
		req.Messages[0] = first.message(first.fit(max(room, 0)))
		size = llm.Estimate(req, "")
		if size <= limit || room <= 0 {
			break
		}
		room -= size - limit + room/20
	}
	return size
}
