package storetest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"codeforge"
)

// vector is a random one of length 1.
func vector(r *rand.Rand) []float32 {
	v := make([]float32, codeforge.VectorSize)
	sum := 0.0
	for i := range v {
		v[i] = float32(r.NormFloat64())
		sum += float64(v[i]) * float64(v[i])
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(sum))
	}
	return v
}

// pattern stores one of a project.
func (s *suite) pattern(p codeforge.Project, model string, at time.Time, v []float32) codeforge.Pattern {
	s.Helper()
	x := codeforge.Pattern{ProjectID: p.ID, JobID: codeforge.NewID(), UserID: p.UserID, Model: model, Outline: "Pages of " + p.ID, Score: 0.9, CreatedAt: at, Vector: v,
		Shape: codeforge.PatternShape{Kind: "shop", Stack: []string{"react"}, Pages: []string{"home", "cart"}, Components: 5, Features: 4, Records: 3}}
	s.ok(s.PutPattern(s.ctx(), x))
	x.Vector = nil
	return x
}

var patternTests = []test{
	{"the nearest three are those that a look at all finds, and others' say nothing in words", func(s *suite) {
		r := rand.New(rand.NewPCG(1, 2))
		now := codeforge.Now()
		type stored struct {
			codeforge.Pattern
			v []float32
		}
		var all []stored
		for i := range 24 {
			u := s.u
			if i%2 == 0 {
				u = s.v
			}
			v := vector(r)
			p := s.projectOf(u)
			all = append(all, stored{s.pattern(p, "test:a", now.Add(time.Duration(i)*time.Second), v), v})
			s.pattern(p, "test:b", now, vector(r)) // which cannot be compared
		}
		for range 5 {
			asked := vector(r)
			for i := range asked { // near to some
				asked[i] += all[7].v[i] + all[8].v[i]/2
			}
			own := all[7].ProjectID // whose pattern the project itself has no use for
			got, err := s.NearPatterns(s.ctx(), codeforge.PatternQuery{UserID: s.u.ID, ProjectID: own, Model: "test:a", Vector: asked, Limit: 3})
			s.ok(err)
			want := slices.DeleteFunc(slices.Clone(all), func(x stored) bool { return x.ProjectID == own })
			for i := range want {
				for k, x := range want[i].v {
					want[i].Similarity += float64(x) * float64(asked[k])
				}
			}
			slices.SortFunc(want, func(a, b stored) int { return cmp.Compare(b.Similarity, a.Similarity) })
			s.same("found", len(got), 3)
			for i, g := range got {
				w := want[i].Pattern
				// An extension may divide by the length of what was asked for.
				if i > 0 && g.Similarity > got[i-1].Similarity {
					s.Fatalf("%v after %v", g.Similarity, got[i-1].Similarity)
				}
				w.Similarity = g.Similarity
				if w.UserID != s.u.ID {
					w.ProjectID, w.JobID, w.Outline = "", "", ""
				}
				s.same(fmt.Sprint("nearest ", i), g, w)
			}
		}
		few, err := s.NearPatterns(s.ctx(), codeforge.PatternQuery{UserID: s.u.ID, Model: "test:c", Vector: all[0].v, Limit: 3})
		s.ok(err)
		s.same("of another model", len(few), 0)
	}},
	{"a project has one, the newest, which goes with it", func(s *suite) {
		r := rand.New(rand.NewPCG(3, 4))
		p, now := s.project(), codeforge.Now()
		v := vector(r)
		s.pattern(p, "test:a", now, vector(r))
		newest := s.pattern(p, "test:a", now.Add(time.Second), v)
		s.pattern(p, "test:a", now.Add(-time.Second), vector(r)) // late
		other := s.pattern(p, "test:b", now, v)
		list, err := s.ListPatterns(s.ctx(), s.u, p.ID)
		s.ok(err)
		s.same("of the project", list, []codeforge.Pattern{newest, other})
		_, err = s.ListPatterns(s.ctx(), s.v, p.ID)
		s.missing(err, "Project", p.ID)
		ask := func() int {
			near, err := s.NearPatterns(s.ctx(), codeforge.PatternQuery{UserID: s.u.ID, Model: "test:a", Vector: v, Limit: 3})
			s.ok(err)
			if len(near) == 1 && math.Abs(near[0].Similarity-1) > 1e-4 {
				s.Fatalf("similarity %v", near[0].Similarity)
			}
			return len(near)
		}
		s.same("before", ask(), 1)
		_, err = s.DeleteProject(s.ctx(), s.u, p.ID, nil)
		s.ok(err)
		s.same("after", ask(), 0)
		gone := other
		gone.Vector = v
		s.ok(s.PutPattern(s.ctx(), gone)) // of a job that ended as its project went
		s.same("late", ask(), 0)
	}},
	{"what is no vector or too long is refused", func(s *suite) {
		p := s.project()
		good := vector(rand.New(rand.NewPCG(5, 6)))
		nan := slices.Clone(good)
		nan[9] = float32(math.NaN())
		s.invalid("vector", s.PutPattern(s.ctx(), codeforge.Pattern{ProjectID: p.ID, Vector: good[1:]}))
		s.invalid("vector", s.PutPattern(s.ctx(), codeforge.Pattern{ProjectID: p.ID, Vector: nan}))
		s.invalid("outline", s.PutPattern(s.ctx(), codeforge.Pattern{ProjectID: p.ID, Vector: good, Outline: strings.Repeat("x", codeforge.MaxOutline+1)}))
	}},
	{"jobs whose review passed are found in the order of their ends, until their project has a pattern", func(s *suite) {
		since := codeforge.Now().Add(-time.Hour)
		ends := func(p codeforge.Project, agent codeforge.AgentType, input, result string) codeforge.Job {
			s.Helper()
			s.advance(time.Second)
			j, _, _, err := s.SubmitJob(s.ctx(), s.u, codeforge.NewJob{ProjectID: p.ID, Agent: agent, Input: json.RawMessage(input)})
			s.ok(err)
			done := completes
			done.Result = json.RawMessage(result)
			return s.finish(s.claim(j.ID), done).Job
		}
		spec := func(p codeforge.Project) {
			s.Helper()
			_, err := s.UpdateProject(s.ctx(), s.u, p.ID, codeforge.ProjectPatch{Architecture: new(json.RawMessage(`{"site_map":[]}`))})
			s.ok(err)
		}
		evidence := codeforge.Evidence{{Name: codeforge.RungParse, Status: codeforge.RungPassed}}
		reviewed, built, other := s.project(), s.project(), s.project()
		spec(reviewed)
		s.write(reviewed, "a.ts", "a")
		s.ok(s.MarkChecked(s.ctx(), s.u, reviewed.ID, 1, true, evidence, nil, nil))
		first := ends(reviewed, codeforge.QA, `{}`, `{"passed":true,"score":80}`)
		ends(other, codeforge.QA, `{}`, `{"passed":false,"score":80}`)
		ends(other, codeforge.QA, `{"code":"x"}`, `{"passed":true,"score":80}`) // of code that is not the project's
		ends(other, codeforge.Builder, `{}`, `{"qa_result":{"passed":false}}`)
		ends(other, codeforge.Code, `{}`, `{"passed":true}`)
		second := ends(built, codeforge.Builder, `{}`, `{"requirements_spec":{"app_name":"x"},"architecture_spec":{"site_map":[{}]},"qa_result":{"passed":true,"score":95},"evidence":[{"name":"run","status":"passed","duration_ms":1}]}`)
		got, err := s.ReviewedArchitectures(s.ctx(), "test:a", since, "", 10)
		s.ok(err)
		s.same("found", len(got), 2)
		s.same("first", []any{got[0].JobID, got[0].Score, got[0].Evidence, got[0].Project.ID, got[0].Project.UserID, got[0].Project.Title, got[0].Project.Requirements, got[0].CompletedAt},
			[]any{first.ID, 80, evidence, reviewed.ID, s.u.ID, reviewed.Title, nil, first.CompletedAt})
		s.same("second", []any{got[1].JobID, got[1].Score, got[1].Evidence[0].Name, got[1].Project.ID}, []any{second.ID, 95, codeforge.RungRun, built.ID})
		var a, b struct {
			Pages []any  `json:"site_map"`
			Name  string `json:"app_name"`
		}
		for raw, to := range map[*codeforge.ReviewedArchitecture]any{&got[0]: &a, &got[1]: &b} {
			s.ok(json.Unmarshal(raw.Project.Architecture, to))
		}
		s.ok(json.Unmarshal(got[1].Project.Requirements, &b))
		s.same("specifications", []any{len(a.Pages), len(b.Pages), b.Name}, []any{0, 1, "x"})
		after, err := s.ReviewedArchitectures(s.ctx(), "test:a", got[0].CompletedAt, got[0].JobID, 10)
		s.ok(err)
		s.same("after the first", []any{len(after), after[0].JobID}, []any{1, second.ID})
		one, err := s.ReviewedArchitectures(s.ctx(), "test:a", since, "", 1)
		s.ok(err)
		s.same("a page", []any{len(one), one[0].JobID}, []any{1, first.ID})
		s.pattern(reviewed, "test:a", *first.CompletedAt, vector(rand.New(rand.NewPCG(7, 8))))
		left, err := s.ReviewedArchitectures(s.ctx(), "test:a", since, "", 10)
		s.ok(err)
		s.same("left", []any{len(left), left[0].JobID}, []any{1, second.ID})
		another, err := s.ReviewedArchitectures(s.ctx(), "test:b", since, "", 10)
		s.ok(err)
		s.same("of another model", len(another), 2)
	}},
}
