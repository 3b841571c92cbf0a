package agent

import (
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
	writeSection(&b, "files", "", neutral(strings.TrimSuffix(list.String(), "\n")))

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
		name, text := "file", it.Text
		if it.Form != llm.Whole {
			name, text = "outline", strings.TrimSuffix(text, "\n")
			parts++
		}
		writeSection(&b, name, fmt.Sprintf(" path=%s", marshal(it.Path)), neutral(text))
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
)

// shrink returns a form of a request that should fit limit tokens, else the smallest there is; nil when that is not smaller.
// What can be had again goes first: results of tools, oldest first, but for those of the last turn, which the
// model has not seen; then texts of files in the first message, which first wrote. What the model said stays as it is.
func shrink(req *llm.Request, first *prompt, limit int) *llm.Request {
	small := *req
	small.Messages = slices.Clone(req.Messages)
	was := llm.Estimate(req, "")
	size, dropped := was, 0
	for i, m := range small.Messages[:max(len(small.Messages)-1, 0)] {
		copied := false
		for j, p := range m.Parts {
			if p.Result == nil || size <= limit && dropped%dropStep == 0 {
				continue
			}
			note := fmt.Sprintf("[left out to make room; call %s again if it is needed]", p.Result.Name)
			gain := count(p.Result.Content) - count(note)
			if gain < worthDropping {
				continue
			}
			if !copied {
				m.Parts, copied = slices.Clone(m.Parts), true
				small.Messages[i] = m
			}
			result := *p.Result
			result.Content = note
			m.Parts[j].Result = &result
			size -= gain
			dropped++
		}
	}
	// What files take is known when they are written out: a second try is for what the first came out above.
	if k := first.pack; k != nil && size > limit && len(small.Messages) > 0 {
		whole := count(req.Messages[0].Parts[0].Text)
		room := limit - size + whole - count(first.b.String())
		for range 3 {
			text := first.fit(max(room, 0))
			small.Messages[0] = llm.UserText(text)
			over := llm.Estimate(&small, "") - limit
			if over <= 0 || room <= 0 {
				break
			}
			room -= over + over/8
		}
		size = llm.Estimate(&small, "")
	}
	if size >= was {
		return nil
	}
	return &small
}
