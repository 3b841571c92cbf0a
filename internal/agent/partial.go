package agent

import (
	"encoding/json"

	"codeforge"
	"codeforge/internal/agent/form"
)

// maxPartial bounds the specifications and texts of files in the result of a job that did not end well, in bytes of JSON.
const maxPartial = 500_000

// partialDoc is what a job made until it failed. The files are not in the project, unlike those of its revisions.
type partialDoc struct {
	Partial      bool                `json:"partial"`
	Stage        codeforge.AgentType `json:"stage"` // in which it ended
	Requirements json.RawMessage     `json:"requirements_spec,omitempty"`
	Architecture json.RawMessage     `json:"architecture_spec,omitempty"`
	Files        []string            `json:"files"` // that were written or deleted
	Contents     map[string]string   `json:"contents,omitempty"`
	LeftOut      []string            `json:"contents_left_out,omitempty"` // files whose text found no room
	QA           *qaDoc              `json:"qa_result,omitempty"`
	Diagnostics  []diagnostic        `json:"diagnostics,omitempty"` // of code that did not build
	Evidence     codeforge.Evidence  `json:"evidence,omitempty"`
	Summary      string              `json:"summary,omitempty"`
}

// partial is the result of a job that made something and did not end well, else nil.
func (r *run) partial() json.RawMessage {
	d := r.made
	d.Partial, d.Files = true, []string{}
	room := maxPartial - len(d.Requirements) - len(d.Architecture)
	for _, c := range r.unkept() {
		d.Files = append(d.Files, c.Path)
		if c.Delete || c.Hash != "" {
			continue
		}
		size := len(form.Marshal(c.Path)) + len(form.Marshal(c.Content)) + 2
		if size > room {
			d.LeftOut = append(d.LeftOut, c.Path)
			continue
		}
		room -= size
		if d.Contents == nil {
			d.Contents = map[string]string{}
		}
		d.Contents[c.Path] = c.Content
	}
	if d.Requirements == nil && d.Architecture == nil && d.QA == nil && len(d.Files) == 0 && d.Diagnostics == nil {
		return nil
	}
	return r.result(d)
}

// buildFailed ends a job whose code did not build.
func (r *run) buildFailed(f *buildFailure) error {
	r.made.Diagnostics, r.made.Summary, r.made.Evidence = f.diagnostics, f.summary, r.evidence()
	return f.err(r.coding())
}
