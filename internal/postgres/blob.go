package postgres

import (
	"context"
	"strconv"

	"codeforge"
)

// blob is bytes as the functions take and give them: as a text, if the rule of texts takes them.
type blob struct {
	Text   *string `json:"text,omitempty"`
	Base64 []byte  `json:"base64,omitempty"`
}

// blobArg is bytes for a function; none are null.
func blobArg(data []byte) *blob {
	if data == nil {
		return nil
	}
	if text := string(data); codeforge.CheckContent(text) == nil {
		return &blob{Text: &text}
	}
	return &blob{Base64: data}
}

func (b *blob) bytes() []byte {
	switch {
	case b == nil:
		return nil
	case b.Text != nil:
		return []byte(*b.Text)
	}
	return b.Base64
}

func (s *Store) PutBlob(ctx context.Context, u codeforge.User, projectID string, data []byte) (hash string, err error) {
	if err := check(u, "Project", projectID); err != nil {
		return "", err
	}
	doc, err := object(blobArg(append([]byte{}, data...)))
	if err != nil {
		return "", err
	}
	if _, _, _, err = system[any](ctx, s, "put_blob", arg{"user", u.ID}, arg{"project", projectID}, arg{"blob", doc}, arg{"text", codeforge.IsText(data)}); err != nil {
		return "", err
	}
	return codeforge.BlobHash(data), nil
}

func (s *Store) ReadBlob(ctx context.Context, u codeforge.User, projectID, hash string) (data []byte, err error) {
	if err := check(u, "Project", projectID); err != nil {
		return nil, err
	}
	sent := hash
	if codeforge.CheckHash(hash) != nil {
		sent = "" // names nothing
	}
	if _, ok := s.direct(); ok {
		var contents map[string][]byte
		contents, err = s.readManyBytes(ctx, "read_blob", u, projectID, []string{sent})
		data = contents[sent]
	} else {
		a, err := read[struct {
			Blob *blob `json:"blob"`
		}](ctx, s, u, "read_blob", codeforge.NotFound("Project", projectID), arg{"project", projectID}, arg{"hash", sent})
		if err != nil {
			return nil, err
		}
		data = a.Blob.bytes()
	}
	if err == nil && data == nil {
		err = codeforge.NotFound("Blob", hash)
	}
	return data, err
}

// besideArg is what is kept beside a revision as the functions take it.
type besideArg struct {
	Evidence    codeforge.Evidence     `json:"evidence,omitempty"`
	Lock        *blob                  `json:"lock,omitempty"`
	Screenshots []codeforge.Screenshot `json:"screenshots,omitempty"`
}

func newBesideArg(evidence codeforge.Evidence, shots []codeforge.Screenshot, lock []byte) (besideArg, error) {
	return besideArg{evidence, blobArg(lock), shots}, codeforge.CheckBesideRevision(evidence, shots, lock)
}

func (s *Store) WriteRevision(ctx context.Context, u codeforge.User, projectID string, change codeforge.TreeChange) (codeforge.Revision, error) {
	doc, err := newTreeChangeArg(codeforge.Application{TreeChange: change})
	if err != nil {
		return codeforge.Revision{}, err
	}
	if err := check(u, "Project", projectID); err != nil {
		return codeforge.Revision{}, err
	}
	row, _, _, err := callFunction[revisionRow](ctx, s, functionCall{function: "write_revision", args: []arg{{"user", u.ID}, {"project", projectID}, {"change", doc}}})
	return row.revision(), err
}

func (s *Store) MarkChecked(ctx context.Context, u codeforge.User, projectID string, number int64, verified bool, evidence codeforge.Evidence, shots []codeforge.Screenshot, lock []byte) error {
	beside, err := newBesideArg(evidence, shots, lock)
	if err != nil {
		return err
	}
	if err := check(u, "Project", projectID); err != nil {
		return err
	}
	doc, err := object(beside)
	if err != nil {
		return err
	}
	_, _, _, err = system[any](ctx, s, "mark_checked", arg{"user", u.ID}, arg{"project", projectID}, arg{"number", number}, arg{"verified", verified}, arg{"beside", doc})
	return err
}

func (s *Store) ReadLock(ctx context.Context, u codeforge.User, projectID string, number int64) ([]byte, error) {
	if err := check(u, "Project", projectID); err != nil {
		return nil, err
	}
	a, err := read[struct {
		Blob *blob `json:"blob"`
	}](ctx, s, u, "read_lock", codeforge.NotFound("Project", projectID), arg{"project", projectID}, arg{"number", number})
	return a.Blob.bytes(), err
}

func (s *Store) ListScreenshots(ctx context.Context, u codeforge.User, projectID string, number int64) ([]codeforge.Screenshot, error) {
	if err := check(u, "Project", projectID); err != nil {
		return nil, err
	}
	a, err := read[struct {
		Screenshots []codeforge.Screenshot `json:"screenshots"`
	}](ctx, s, u, "read_screenshots", codeforge.NotFound("Project", projectID), arg{"project", projectID}, arg{"number", number})
	if err == nil && a.Screenshots == nil {
		err = codeforge.NotFound("Revision", strconv.FormatInt(number, 10))
	}
	return a.Screenshots, err
}

func (s *Store) ReadScreenshot(ctx context.Context, u codeforge.User, projectID string, number int64, page string, width int) (shot codeforge.Screenshot, data []byte, err error) {
	if err := check(u, "Project", projectID); err != nil {
		return shot, nil, err
	}
	sent := page
	if !codeforge.IsText(page) {
		sent = "" // names nothing
	}
	a, err := read[struct {
		Revision   bool                  `json:"revision"`
		Screenshot *codeforge.Screenshot `json:"screenshot"`
		Blob       *blob                 `json:"blob"`
	}](ctx, s, u, "read_screenshot", codeforge.NotFound("Project", projectID), arg{"project", projectID}, arg{"number", number}, arg{"page", sent}, arg{"width", width})
	switch {
	case err != nil:
		return shot, nil, err
	case !a.Revision:
		return shot, nil, codeforge.NotFound("Revision", strconv.FormatInt(number, 10))
	case a.Screenshot == nil:
		return shot, nil, codeforge.NotFound("Screenshot", page+" at "+strconv.Itoa(width))
	}
	return *a.Screenshot, a.Blob.bytes(), nil
}
