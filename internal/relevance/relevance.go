// Package relevance says which files of a project matter for a task that is told in a person's words.
//
// Files are ranked as documents are by a search engine (BM25 over fields): the words of the task against the words of
// each file's path, of the names that it declares, and of its text. Identifiers are split, case, plurals and endings are
// folded. What ranks high lifts what it imports and what imports it, and what is rarely meant (licences, locks,
// generated files) counts little. Nothing is read but the given files, and the same input gives the same order.
package relevance

import (
	"cmp"
	"math"
	"path"
	"slices"
	"strings"
)

// Index holds what ranking needs to know of a tree. It is built once and safe for concurrent use.
type Index struct {
	files     []file // by path
	at        map[string]int
	documents map[string]int // in how many files a term stands
	length    float64        // mean length of a file, in terms
	imports   [][]int
	importers [][]int
}

type file struct {
	path  string
	text  string
	terms map[string]places
	terse float64 // length in terms
	share float64 // 0 to 1: how likely a file of this kind is meant
	kind  kind
}

// places say where a term stands in a file, and how often.
type places struct {
	path, name, text float32
}

// Weights of a term's places. A path says in few words what a file is about; a declared name is what others call it by.
const (
	inPath = 2.2
	inName = 0.8
	inText = 1.0
)

// BM25's constants: how soon more of the same word stops to matter, and how much long files are held back.
const (
	saturation = 1.2
	lengthBias = 0.75
)

// maxIndexed bounds how much of one file's text is read, in bytes: what a file is about shows early.
const maxIndexed = 200_000

// New indexes a tree: path to text.
func New(files map[string]string) *Index {
	x := &Index{at: make(map[string]int, len(files)), documents: map[string]int{}}
	for p, text := range files {
		x.files = append(x.files, file{path: p, text: text})
	}
	slices.SortFunc(x.files, func(a, b file) int { return cmp.Compare(a.path, b.path) })
	var total float64
	for i := range x.files {
		f := &x.files[i]
		x.at[f.path] = i
		f.kind = kindOf(f.path, f.text)
		f.share = shares[f.kind]
		f.read()
		for term := range f.terms {
			x.documents[term]++
		}
		total += f.terse
	}
	x.length = max(1, total/float64(max(1, len(x.files))))
	x.link()
	return x
}

func (f *file) read() {
	f.terms = map[string]places{}
	// The last segments say most; an index file is named by its folder.
	terms(path.Dir(f.path)+" "+path.Ext(f.path), true, func(term string) {
		p := f.terms[term]
		p.path = 0.5
		f.terms[term] = p
	})
	stem, _, _ := strings.Cut(path.Base(f.path), ".")
	if stem == "index" || stem == "main" || stem == "mod" {
		if stem = path.Base(path.Dir(f.path)); stem == "." {
			stem = "home"
		}
	}
	terms(stem, true, func(term string) {
		p := f.terms[term]
		p.path = 1
		f.terms[term] = p
	})
	text := f.text[:min(len(f.text), maxIndexed)]
	for name := range declared(f.path, text) {
		terms(name, true, func(term string) {
			p := f.terms[term]
			p.name++
			f.terms[term] = p
		})
	}
	n := 0
	for word, times := range words(text) {
		terms(word, false, func(term string) {
			p := f.terms[term]
			p.text += float32(times)
			f.terms[term] = p
			n += times
		})
	}
	f.terse = float64(n)
}

// link notes who imports whom.
func (x *Index) link() {
	x.imports, x.importers = make([][]int, len(x.files)), make([][]int, len(x.files))
	has := func(p string) bool { _, ok := x.at[p]; return ok }
	for i, f := range x.files {
		if f.kind == kindNoise {
			continue
		}
		for _, p := range Imports(f.path, f.text[:min(len(f.text), maxIndexed)], has) {
			j := x.at[p]
			x.imports[i] = append(x.imports[i], j)
			x.importers[j] = append(x.importers[j], i)
		}
	}
}

// Scored is a file with how much it matters: above 0, and comparable within one ranking only.
type Scored struct {
	Path  string
	Score float64
}

// How much of a file's score its neighbours get, and what naming a file is worth in scores of the best file.
const (
	neighbours = 0.18
	namedPath  = 3.0
	namedBase  = 2.0
	namedStem  = 0.8
)

// Rank orders files by how much they matter for a task; files that have nothing to do with it are left out. extra adds to
// a path's score, in scores of the best file.
func (x *Index) Rank(task string, extra map[string]float64) []Scored {
	scores := x.match(newQuery(task))
	best := max(1, slices.Max(append(scores, 0)))
	for i, f := range x.files {
		base := path.Base(f.path)
		stem, _, _ := strings.Cut(base, ".")
		switch {
		case mentions(task, f.path):
			scores[i] += namedPath * best
		case mentions(task, base):
			scores[i] += namedBase * best
		case len(stem) >= 4 && stem != "index" && distinct(stem) && mentions(task, stem):
			scores[i] += namedStem * best
		}
		scores[i] += extra[f.path] * best
	}
	scores = x.spread(scores)
	var out []Scored
	for i, s := range scores {
		if s > 0 {
			out = append(out, Scored{x.files[i].path, s})
		}
	}
	slices.SortFunc(out, func(a, b Scored) int { return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Path, b.Path)) })
	return out
}

// match is BM25 over the fields, weighed by how many of the task's words a file has and by its kind.
func (x *Index) match(q query) []float64 {
	scores := make([]float64, len(x.files))
	n := float64(len(x.files))
	for i := range x.files {
		f := &x.files[i]
		norm := saturation * (1 - lengthBias + lengthBias*f.terse/x.length)
		var all, had float64
		for _, t := range q.terms {
			best, rare := 0.0, 0.0
			for _, form := range t.forms {
				d := float64(x.documents[form.text])
				if d == 0 {
					continue
				}
				idf := math.Log(1 + (n-d+0.5)/(d+0.5))
				rare = max(rare, idf)
				p, ok := f.terms[form.text]
				if !ok {
					continue
				}
				text, name := float64(p.text), float64(p.name)
				best = max(best, form.weight*idf*(inPath*float64(p.path)+inName*name*(saturation+1)/(name+norm)+inText*text*(saturation+1)/(text+norm)))
			}
			all += t.weight * rare
			if best > 0 {
				had += t.weight * rare
			}
			scores[i] += t.weight * best
		}
		if all > 0 {
			scores[i] *= math.Sqrt(had / all)
		}
		share := f.share
		if q.kinds[f.kind] {
			share = 1
		}
		scores[i] *= share
	}
	return scores
}

// spread gives files a share of the best score among what they import and what imports them.
func (x *Index) spread(scores []float64) []float64 {
	out := slices.Clone(scores)
	for i := range x.files {
		lift := 0.0
		for _, j := range x.imports[i] {
			lift = max(lift, scores[j]/math.Sqrt(float64(len(x.importers[j]))))
		}
		for _, j := range x.importers[i] {
			lift = max(lift, scores[j]/math.Sqrt(float64(len(x.imports[j]))))
		}
		out[i] += neighbours * lift * x.files[i].share
	}
	return out
}

// Choice is what a prompt shows of a ranking.
type Choice struct {
	Whole   []string // worth most first
	Outline []string // matter, and found no room whole
}

// A file that has less than this share of the best score is not shown whole, whatever room there is: it would be noise.
const floor = 0.12

// bulk is how much a file's size counts against it where two score nearly the same: one long page would take the room of
// three modules. Little, for what scores high is long at times.
const bulk = 0.1

// Choose takes files whole, those that are worth most for their size first, while they fit into room, of which each takes
// what size says.
func Choose(ranked []Scored, room int, size func(path string) int) Choice {
	var c Choice
	least := 0.0
	if len(ranked) > 0 {
		least = floor * ranked[0].Score
	}
	worth := make([]Scored, 0, len(ranked))
	for _, r := range ranked {
		if r.Score < least {
			break
		}
		worth = append(worth, Scored{r.Path, r.Score / math.Pow(float64(max(1, size(r.Path))), bulk)})
	}
	slices.SortStableFunc(worth, func(a, b Scored) int { return cmp.Compare(b.Score, a.Score) })
	for _, r := range worth {
		if n := size(r.Path); n <= room {
			room -= n
			c.Whole = append(c.Whole, r.Path)
		} else {
			c.Outline = append(c.Outline, r.Path)
		}
	}
	return c
}
