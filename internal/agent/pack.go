package agent

import (
	"codeforge/internal/agent/form"
	"fmt"
	"maps"
	"slices"
	"strings"

	"codeforge/internal/llm"
)

// What a prompt shows of files, in tokens as [llm.EstimateText] counts them for the densest tokenizer. A model with a
// smaller window is asked with less, see [shrink].
const (
	packTokens = 90_000
	listTokens = 15_000 // of them for the list of all files
)

// pack is what a prompt may show of a project's files.
type pack struct {
	sizes []string // a line for each file, sorted by path
	items []llm.Item
	all   int // tokens of all items whole
}

// newPack takes the files of t as they are now. Those that task names weigh most, then those that they import, and each as
// much more as want says.
func newPack(t *tree, task string, want map[string]int) *pack {
	k := &pack{}
	for _, path := range slices.Sorted(maps.Keys(t.files)) {
		text := t.files[path]
		k.sizes = append(k.sizes, fmt.Sprintf("%s (%d bytes)\n", path, len(text)))
		k.items = append(k.items, llm.Item{Path: path, Text: text, Weight: want[path]})
		k.all += count(text) + count(path) + frameTokens
	}
	k.items = llm.Weigh(k.items, task)
	return k
}

// frameTokens is what the edges of a section take.
const frameTokens = 24

func count(text string) int { return llm.EstimateText(text, "") }

// fit writes the list of files, and of their text what goes into the given number of tokens, or very little more.
func (k *pack) fit(tokens int) string {
	var b, list strings.Builder
	room := min(listTokens, tokens/3)
	for i, line := range k.sizes {
		n := count(line)
		if n > room {
			fmt.Fprintf(&list, "... and %d more", len(k.sizes)-i)
			break
		}
		room, tokens = room-n, tokens-n
		list.WriteString(line)
	}
	form.WriteSection(&b, form.SectionFiles, "", form.Neutral(strings.TrimSuffix(list.String(), "\n")))

	items := k.items
	if k.all <= tokens { // all go in whole, so nobody needs their outlines
		items = slices.Clone(items)
		for i := range items {
			items[i].Weight++
		}
	}
	chosen := llm.PackItems(items, tokens, "")
	parts := 0
	for _, it := range chosen.Items {
		name, text := form.SectionFile, it.Text
		if it.Form != llm.Whole {
			name, text = form.SectionOutline, strings.TrimSuffix(text, "\n")
			parts++
		}
		form.WriteSection(&b, name, it.Path, form.Neutral(text))
	}
	if parts > 0 {
		fmt.Fprintf(&b, "Of %s only an outline is shown here, for their size.\n", plural(parts, "file"))
	}
	if n := len(chosen.LeftOut); n > 0 {
		fmt.Fprintf(&b, "The text of %s is not shown here, for its size.\n", plural(n, "file"))
	}
	return b.String()
}

const (
	// Tool results go in steps of this many, so that the start of a conversation stays the same, and cached, for some turns.
	dropStep      = 8
	worthDropping = 64 // tokens
	keepShare     = 4  // the newest results keep a quarter of the window, or a model would read the same files for ever
)

// shrink returns a form of a request that should fit limit tokens, else the smallest there is; nil when that is not smaller.
// What can be had again goes first: the older results of tools, then texts of files in the first message, which first
// wrote, then newer results, but for those of the last turn, which the model has not seen. What the model said
// stays as it is.
func shrink(req *llm.Request, first *prompt, limit int) *llm.Request {
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
				if keep -= count(r.Content); keep < 0 {
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
		gain := count(r.Content) - count(note) - 1 // of rounding
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
	room := limit - size + count(req.Messages[0].Parts[0].Text) - count(first.b.String())
	for range 5 { // what the sections' edges take is known when they are written
		req.Messages[0] = llm.UserText(first.fit(max(room, 0)))
		size = llm.Estimate(req, "")
		if size <= limit || room <= 0 {
			break
		}
		room -= size - limit + room/20
	}
	return size
}
