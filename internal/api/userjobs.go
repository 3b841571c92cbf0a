package api

import (
	"context"
	"strings"

	"codeforge"
)

type listUserJobsInput struct {
	State   string   `query:"state" enum:"queued,running,waiting_for_input,completed,failed,cancelled" doc:"Only jobs in this state."`
	Agent   jobAgent `query:"agent" doc:"Only jobs of this agent; those of a pipeline are builder's."`
	Project string   `query:"project" format:"uuid" doc:"Only jobs of this project."`
	CursorPage
}

// CursorPage is where in a list a page begins, and how long it may be.
type CursorPage struct {
	Cursor string `query:"cursor" maxLength:"40" doc:"The next_cursor of the page before. Left out: the first page."`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"20"`
}

// NextPage says whether there is another page.
type NextPage struct {
	HasMore    bool    `json:"has_more"`
	NextCursor *string `json:"next_cursor" doc:"What cursor takes for the next page; null: this is the last one. It is opaque."`
}

func nextPage(cursor string) NextPage { return NextPage{cursor != "", nonEmpty(cursor)} }

// userJobList carries its jobs under both names that clients know.
type userJobList struct {
	Count int        `json:"count" doc:"How many are here."`
	Jobs  []JobState `json:"jobs" doc:"Newest first."`
	Items []JobState `json:"items" doc:"The same as jobs."`
	NextPage
}

// paged: the rows were counted before, and what is written of them is not in memory twice.
func (l *userJobList) paged() bool { return isLong(l.Jobs) }

type listUserJobsOutput struct{ Body *userJobList }

func (s *server) listUserJobs(ctx context.Context, in *listUserJobsInput) (*listUserJobsOutput, error) {
	x, _ := exchangeOf(ctx)
	if err := x.acquireBytes(int64(in.Limit) * rowLoad); err != nil {
		return nil, err
	}
	rows, next, err := s.Store.ListUserJobs(ctx, x.user, codeforge.UserJobs{Status: codeforge.JobStatus(in.State), Agent: codeforge.AgentType(in.Agent),
		ProjectID: strings.ToLower(in.Project), Cursor: in.Cursor, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	jobs := s.jobStates(ctx, x, rows)
	return &listUserJobsOutput{&userJobList{len(jobs), jobs, jobs, nextPage(next)}}, nil
}
