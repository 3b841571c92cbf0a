package postgres

import (
	"context"
	"time"

	"codeforge"
)

// workingRow is a codeforge.WorkingFile as it comes; what is null there is empty here.
type workingRow struct {
	Path    string `json:"path"`
	Deleted bool   `json:"deleted"`
	Size    int64  `json:"size"`
	Hash    string `json:"hash"`
	Content string `json:"content"`

	Encoding string `json:"encoding"`
}

func (r workingRow) file() codeforge.WorkingFile {
	return codeforge.WorkingFile{Path: r.Path, Deleted: r.Deleted, Size: r.Size, Hash: r.Hash, Content: r.Content, Encoding: r.Encoding}
}

// workingArg are the files that events tell of, as the function takes them; none: null.
func workingArg(events []codeforge.Event) (arg, error) {
	changes := codeforge.WorkingChanges(events)
	if len(changes) == 0 {
		return arg{"files", nil}, nil
	}
	out := make([]change, len(changes))
	for i, c := range changes {
		var err error
		if out[i], err = newChange(c); err != nil {
			return arg{}, err
		}
	}
	doc, err := object(out)
	return arg{"files", doc}, err
}

func (s *Store) WorkingFiles(ctx context.Context, u codeforge.User, jobID string, p codeforge.Page) ([]codeforge.WorkingFile, error) {
	if err := check(u, "Job", jobID); err != nil {
		return nil, err
	}
	rows, err := read[[]workingRow](ctx, s, u, "read_working", codeforge.NotFound("Job", jobID), arg{"job", jobID}, arg{"after", p.After}, arg{"bytes", p.Bytes}, arg{"contents", !p.Bare})
	return mapRows(rows, workingRow.file), err
}

func (s *Store) SweepWorking(ctx context.Context, before time.Time) error {
	_, err := s.sweep(ctx, "sweep_working", before)
	return err
}
