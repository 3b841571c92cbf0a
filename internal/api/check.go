package api

import (
	"context"
	"slices"
	"time"

	"codeforge"
	"codeforge/internal/evidence"
	"codeforge/internal/verify"
)

type projectReport struct {
	ProjectID   string                 `json:"project_id" format:"uuid"`
	Revision    int64                  `json:"revision" doc:"What was checked."`
	OK          bool                   `json:"ok" doc:"Whether no step found an error."`
	Files       int                    `json:"files"`
	Entries     []string               `json:"entries" doc:"The entry points that were bundled."`
	Diagnostics []codeforge.Diagnostic `json:"diagnostics"`
	Evidence    codeforge.Evidence     `json:"evidence" doc:"How far the files are known to get, step by step. That of run is what a job saw, whose work the revision is."`
}

type checkInput struct {
	ProjectPath
	Revision int64 `query:"revision" minimum:"1" doc:"An older revision. Left out: the newest."`
	Run      bool  `query:"run" doc:"true: what is built is also opened in a browser and used, which takes up to half a minute."`
}

type checkOutput struct{ Body projectReport }

func (s *server) checkProject(ctx context.Context, in *checkInput) (*checkOutput, error) {
	rev, t, err := s.treeAt(ctx, in.ProjectID, in.Revision)
	if err != nil {
		return nil, err
	}
	r, err := s.check(ctx, t)
	if err != nil {
		return nil, err
	}
	known := r.Evidence
	var shots []codeforge.Screenshot
	if rev.Number > 0 {
		if shots, err = s.Store.ListScreenshots(ctx, caller(ctx), in.ProjectID, rev.Number); err != nil {
			return nil, err
		}
	}
	if in.Run {
		if rev.Evidence, shots, err = s.run(ctx, in.ProjectID, t, &r); err != nil {
			return nil, err
		}
	}
	if i := slices.IndexFunc(rev.Evidence, isRun); i >= 0 { // what a job saw, if nothing is run here
		known = append(slices.DeleteFunc(slices.Clone(known), isRun), rev.Evidence[i])
	}
	if rev.Number > 0 {
		if err := s.keepCheck(ctx, in.ProjectID, rev.Number, r, known, shots); err != nil {
			return nil, err
		}
	}
	return &checkOutput{projectReport{in.ProjectID, rev.Number, r.OK, r.Files, append([]string{}, r.Entries...), diagnosticsOf(r), append(codeforge.Evidence{}, known...)}}, nil
}

func isRun(r codeforge.Rung) bool { return r.Name == codeforge.RungRun }

// run has what a tree is built to used in a browser, and adds to a report what was seen there.
func (s *server) run(ctx context.Context, projectID string, t verify.Tree, r *verify.Report) (codeforge.Evidence, []codeforge.Screenshot, error) {
	if s.Run == nil {
		return nil, nil, &codeforge.Error{Kind: codeforge.Unsupported, Message: "Nothing is run here"}
	}
	u := caller(ctx)
	seen, err := s.Run(ctx, u.ID, t, func(ctx context.Context, hash string) ([]byte, error) {
		return s.Store.ReadBlob(ctx, u, projectID, hash)
	})
	if err != nil {
		return nil, nil, err
	}
	var shots []codeforge.Screenshot
	for _, shot := range seen.Screenshots {
		hash, err := s.Store.PutBlob(ctx, u, projectID, shot.Bytes)
		if codeforge.IsKind(err, codeforge.TooLarge) {
			continue // the project has no room for it
		}
		if err != nil {
			return nil, nil, err
		}
		shots = append(shots, codeforge.Screenshot{Page: shot.Page, Width: shot.Width, Type: shot.Type, Hash: hash})
	}
	r.Diagnostics = slices.Concat(r.Diagnostics, seen.Diagnostics)
	r.OK = r.OK && seen.Rung.Status != codeforge.RungFailed
	return codeforge.Evidence{seen.Rung}, shots, nil
}

// keepCheck notes with a revision what a check of its files came to.
func (s *server) keepCheck(ctx context.Context, projectID string, number int64, r verify.Report, known codeforge.Evidence, shots []codeforge.Screenshot) error {
	failed := slices.ContainsFunc(known, func(r codeforge.Rung) bool { return r.Status == codeforge.RungFailed })
	return s.Store.MarkChecked(ctx, caller(ctx), projectID, number, r.OK && !failed, known, shots, r.Lock)
}

// treeAt is a revision (0: the newest) with all its files, as it is looked at.
func (s *server) treeAt(ctx context.Context, projectID string, number int64) (codeforge.Revision, verify.Tree, error) {
	x, _ := exchangeOf(ctx)
	if x.held < codeforge.MaxTreeBytes {
		if err := x.acquireBytes(codeforge.MaxTreeBytes - x.held); err != nil {
			return codeforge.Revision{}, verify.Tree{}, err
		}
	}
	rev, files, err := s.Store.RevisionFiles(ctx, x.user, projectID, number, codeforge.Page{})
	if err != nil {
		return rev, verify.Tree{}, err
	}
	var size int64
	for i := range files {
		size += int64(len(files[i].Content))
	}
	x.releaseAbove(size)
	t, err := TreeOf(ctx, s.Store, x.user, projectID, rev.Number, files)
	return rev, t, err
}

// TreeOf is the files of a revision as they are looked at: with the lock of their packages, which may lie beside them or be too long to be
// a text.
func TreeOf(ctx context.Context, store Store, u codeforge.User, projectID string, revision int64, files []codeforge.File) (verify.Tree, error) {
	var lock []byte
	if evidence.HasManifest(files) && revision > 0 {
		kept, err := store.ReadLock(ctx, u, projectID, revision)
		if err != nil {
			return verify.Tree{}, err
		}
		if lock, err = evidence.LockOf(ctx, files, kept, func(ctx context.Context, hash string) ([]byte, error) {
			return store.ReadBlob(ctx, u, projectID, hash)
		}); err != nil {
			return verify.Tree{}, err
		}
	}
	return verify.TreeOf(files, lock), nil
}

// longestCheck is how long a check may take in a request, whose clients give up after a minute: packages that nobody had before may
// take longer.
const longestCheck = 50 * time.Second

var errLongCheck = &codeforge.Error{Kind: codeforge.Unavailable, Retryable: true, RetryAfter: 5 * time.Second,
	Message: "The check takes longer than a request may, as when many packages are fetched for the first time. What has come by now is kept: ask again"}

// check verifies a tree for the caller. What looks at trees shares its places among users, so it waits in no line of ours.
func (s *server) check(ctx context.Context, t verify.Tree) (verify.Report, error) {
	if s.Check == nil {
		return verify.Report{}, &codeforge.Error{Kind: codeforge.Unsupported, Message: "Checks are not available here"}
	}
	user := caller(ctx).ID
	ctx, cancel := context.WithTimeoutCause(ctx, longestCheck, errLongCheck)
	defer cancel()
	return s.Check(ctx, user, t)
}

func diagnosticsOf(r verify.Report) []codeforge.Diagnostic {
	return append([]codeforge.Diagnostic{}, r.Diagnostics...)
}
