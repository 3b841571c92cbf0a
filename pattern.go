package codeforge

import (
	"encoding/json"
	"math"
	"time"
)

// Pattern is an architecture that worked: it passed a review, and every check that could be made of what was built to it. A project
// has one of each embedding model, the newest.
type Pattern struct {
	ProjectID string       `json:"project_id,omitempty"`
	JobID     string       `json:"job_id,omitempty"` // that passed
	UserID    string       `json:"-"`                // "": of an earlier backend, which kept none
	Model     string       `json:"model"`            // of the vector, provider:id; vectors of different ones cannot be compared
	Shape     PatternShape `json:"shape"`
	Outline   string       `json:"outline,omitempty"` // in the words of its project: its owner's alone
	Score     float64      `json:"score"`             // of the review, 0 to 1
	CreatedAt time.Time    `json:"created_at"`        // when the job ended

	Vector []float32 `json:"-"` // of VectorSize numbers and length 1
	// Similarity is the cosine between the vector and what was asked for; 0 where nothing was.
	Similarity float64 `json:"similarity,omitempty"`
	// Legacy is what an earlier backend noted beside a vector of its own, which may hold anybody's text.
	Legacy json.RawMessage `json:"-"`
}

// PatternShape is what may be told of an architecture to anybody: words of fixed vocabularies, and numbers. Nothing of a project's text
// can be in it.
type PatternShape struct {
	Kind       string   `json:"kind"`       // of app
	Stack      []string `json:"stack"`      // frameworks and libraries that are known by name
	Pages      []string `json:"pages"`      // kinds of pages, in the order of the site map
	Components int      `json:"components"` // on all pages
	Features   int      `json:"features"`
	Records    int      `json:"records"` // kinds of records that are kept
}

// PatternQuery asks for the patterns nearest to a vector.
type PatternQuery struct {
	UserID    string // who asks: of others' patterns the outline is left out
	ProjectID string // whose own pattern is left out
	Model     string
	Vector    []float32
	Limit     int
}

// ReviewedArchitecture is an architecture whose job ended with a review that passed, and what is known of the code. It may become a
// [Pattern].
type ReviewedArchitecture struct {
	JobID       string
	Project     Project // with the specifications that the job had, as far as it says them
	Evidence    Evidence
	Score       float64 // of the review, 0 to 100
	CompletedAt time.Time
}

// Bounds on patterns.
const (
	VectorSize     = 1536 // numbers of a vector
	MaxOutline     = 3_000
	GivenPatterns  = 3                  // to a job
	ReviewedWithin = 7 * 24 * time.Hour // how old the end of a job may be that is looked at for a pattern
)

// CheckPattern holds the rules for what is stored of a pattern.
func CheckPattern(p *Pattern) error {
	if len(p.Vector) != VectorSize {
		return InvalidField("vector", "must have %d numbers, has %d", VectorSize, len(p.Vector))
	}
	for _, x := range p.Vector {
		if f := float64(x); math.IsNaN(f) || math.IsInf(f, 0) {
			return InvalidField("vector", "must hold finite numbers")
		}
	}
	if len(p.Outline) > MaxOutline || !IsText(p.Outline) {
		return InvalidField("outline", "must be text of at most %d bytes", MaxOutline)
	}
	return nil
}
