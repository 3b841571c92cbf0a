package api

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"codeforge"
	"codeforge/internal/archive"
)

// usageDays is how many days of use an export tells of.
const usageDays = 1_000

// accountPage is how many rows of a kind are read at once when all that a user has is told or deleted.
const accountPage = 20

// eachProject goes through the projects of a user, archived ones too. With gone they are deleted on the way.
func (s *server) eachProject(ctx context.Context, u codeforge.User, gone bool, do func(codeforge.Project) error) error {
	for _, status := range []codeforge.ProjectStatus{"", codeforge.Archived} {
		for page := 1; ; page++ {
			number := page
			if gone {
				number = 1
			}
			list, _, err := s.Store.ListProjects(ctx, u, codeforge.ProjectFilter{Status: status, Page: number, Size: accountPage})
			if err != nil {
				return err
			}
			for _, p := range list {
				if err := do(p); err != nil {
					return err
				}
			}
			if len(list) == 0 || !gone && len(list) < accountPage {
				break
			}
		}
	}
	return nil
}

type deleteProfileInput struct {
	Permanent bool `query:"permanent" required:"true" doc:"Must be true: nothing brings back what is deleted."`
}

type profileDeleted struct {
	Message string `json:"message" example:"Profile deleted"`
	ID      string `json:"id" format:"uuid" doc:"Of the user."`
}

type profileDeletedOutput struct{ Body profileDeleted }

// deleteRounds is how often projects that were made meanwhile are deleted too.
const deleteRounds = 5

// deleteProfile deletes projects one by one, then the rest: where it breaks off, it goes on when it is asked again.
func (s *server) deleteProfile(ctx context.Context, in *deleteProfileInput) (*profileDeletedOutput, error) {
	if !in.Permanent {
		return nil, codeforge.InvalidField("permanent", "must be true: everything that is yours here is deleted, and nothing brings it back")
	}
	x, _ := exchangeOf(ctx)
	if err := x.acquireBytes(accountPage * rowLoad); err != nil {
		return nil, err
	}
	var err error
	for range deleteRounds {
		if err = s.eachProject(ctx, x.user, true, func(p codeforge.Project) error {
			err := s.Jobs.DeleteProject(ctx, x.user, p.ID, nil)
			if codeforge.IsKind(err, codeforge.Missing) { // somebody else was faster
				err = nil
			}
			return err
		}); err != nil {
			return nil, err
		}
		if err = s.Store.DeleteProfile(ctx, x.user); !codeforge.IsKind(err, codeforge.Conflict) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	return &profileDeletedOutput{profileDeleted{"Profile deleted", x.user.ID}}, nil
}

// exportProfile writes all that a user has as a zip, while it reads it.
func (s *server) exportProfile(ctx context.Context, _ *struct{}) (*exportOutput, error) {
	x, _ := exchangeOf(ctx)
	p, err := s.Store.GetProfile(ctx, x.user)
	if err != nil {
		return nil, err
	}
	if err := x.acquireBytes(pagedLoad + accountPage*rowLoad + s.MaxFile); err != nil {
		return nil, err
	}
	x.sendArchive(archive.Zip, "application/zip", "codeforge-"+codeforge.Now().Format(time.DateOnly)+".zip", func(w *archive.Writer) error {
		e := accountExport{s, ctx, x.user, w}
		return e.write(p)
	})
	return nil, nil
}

// accountExport is an export at work.
type accountExport struct {
	s   *server
	ctx context.Context
	u   codeforge.User
	w   *archive.Writer
}

// add adds a document under a name.
func (e *accountExport) add(name string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return e.w.Add(name, text)
}

// addPages adds the pages of a list, each as a document of its own: name-1.json and so on. The page after the last is empty.
func addPages[T, A any](e *accountExport, name string, as func(T) A, page func(number int, last *T) ([]T, error)) error {
	var last *T
	for number := 1; ; number++ {
		list, err := page(number, last)
		if err != nil || len(list) == 0 {
			return err
		}
		out := make([]A, len(list))
		for i := range list {
			out[i] = as(list[i])
		}
		if err := e.add(fmt.Sprintf("%s-%d.json", name, number), out); err != nil {
			return err
		}
		last = &list[len(list)-1]
	}
}

func (e *accountExport) write(p codeforge.Profile) error {
	s := e.s
	if err := e.add("profile.json", profile(p)); err != nil {
		return err
	}
	if s.Tokens != nil {
		list, err := s.listTokens(e.ctx, nil)
		if err == nil {
			err = e.add("tokens.json", list.Body)
		}
		if err != nil {
			return err
		}
	}
	keys, err := s.listKeys(e.ctx, nil)
	if err == nil {
		err = e.add("keys.json", keys.Body.Items)
	}
	if err == nil {
		err = e.webhooks("", "webhooks.json")
	}
	if err == nil && s.Ledger != nil {
		var days []codeforge.UsageSum
		if _, days, err = s.Ledger.SumUsage(e.ctx, e.u, codeforge.UsageFilter{Group: codeforge.ByDay, Limit: usageDays}); err == nil {
			sums := make([]usageSum, len(days))
			for i := range days {
				sums[i] = usageOf(&days[i])
			}
			err = e.add("usage.json", sums)
		}
	}
	if err != nil {
		return err
	}
	return s.eachProject(e.ctx, e.u, false, e.project)
}

func (e *accountExport) webhooks(projectID, name string) error {
	list, err := e.s.webhooksOf(e.ctx, projectID)
	if err != nil {
		return err
	}
	return e.add(name, list.Body.Items)
}

// patterns adds what a project became a pattern of, if it did.
func (e *accountExport) patterns(projectID, name string) error {
	list, err := e.s.Store.ListPatterns(e.ctx, e.u, projectID)
	if err != nil || len(list) == 0 {
		return err
	}
	return e.add(name, list)
}

// project adds a project with all that it has; one that is deleted meanwhile is left out from there on.
func (e *accountExport) project(p codeforge.Project) error {
	err := e.all(p)
	if codeforge.IsKind(err, codeforge.Missing) {
		return nil
	}
	return err
}

func (e *accountExport) all(p codeforge.Project) error {
	s, ctx, u, at := e.s, e.ctx, e.u, "projects/"+p.ID+"/"
	err := e.add(at+"project.json", project(p))
	if err == nil {
		var files filePages
		if _, files, err = s.pages(ctx, p.ID, 0, false); err == nil {
			err = s.writeFiles(ctx, e.w, at+"files/", files, nil)
		}
	}
	if err == nil {
		err = addPages(e, at+"revisions", revisionOf, func(number int, _ *codeforge.Revision) ([]codeforge.Revision, error) {
			list, _, err := s.Store.ListRevisions(ctx, u, p.ID, number, accountPage)
			return list, err
		})
	}
	if err == nil {
		err = addPages(e, at+"jobs", func(j codeforge.Job) JobState { return jobOf(&j) }, func(number int, _ *codeforge.Job) ([]codeforge.Job, error) {
			list, _, err := s.Store.ListJobs(ctx, u, p.ID, codeforge.JobFilter{Limit: accountPage, Offset: (number - 1) * accountPage})
			return list, err
		})
	}
	if err == nil {
		err = addPages(e, at+"messages", func(m codeforge.Message) codeforge.Message { return m }, func(_ int, last *codeforge.Message) ([]codeforge.Message, error) {
			// Those of running jobs go meanwhile: none of them may be where a page begins.
			f := codeforge.MessageFilter{Limit: accountPage, Settled: true}
			if last != nil {
				f.Before = last.ID
			}
			list, err := s.Store.ListMessages(ctx, u, p.ID, f)
			slices.Reverse(list)
			return list, err
		})
	}
	if err == nil {
		err = e.webhooks(p.ID, at+"webhooks.json")
	}
	if err == nil {
		err = e.patterns(p.ID, at+"patterns.json")
	}
	if err != nil || p.Mode != codeforge.ModeStudent {
		return err
	}
	r, err := roadmapOrError(s.Store.GetRoadmap(ctx, u, p.ID))
	switch {
	case err == nil:
		if err = e.add(at+"roadmap.json", r.Body); err != nil {
			return err
		}
	case !codeforge.IsKind(err, codeforge.Missing):
		return err
	}
	return addPages(e, at+"sessions", sessionAnswer, func(_ int, last *codeforge.DailySession) ([]codeforge.DailySession, error) {
		before := ""
		if last != nil {
			before = last.ID
		}
		return s.Store.ListSessions(ctx, u, p.ID, before, accountPage)
	})
}
