package form

// Merged is the [Verdict] on a tree into which was merged what people changed in the project meanwhile.
type Merged[D any] struct {
	Verdict[D]
	Note      string     `json:"note"`
	Changed   []string   `json:"changed_by_people"`
	Conflicts []Conflict `json:"conflicts,omitempty"`
}

// Conflict is a place that both the job and people changed, each in its own way. A side that is null has no such file.
type Conflict struct {
	Path   string  `json:"path"`
	Line   int     `json:"line,omitempty"` // where it stands now; 0: it is the whole file
	Before *string `json:"before,omitempty"`
	People *string `json:"people"`
	Job    *string `json:"job"`
	Beside string  `json:"beside,omitempty"` // a file that people made, beside which Path cannot lie
}
