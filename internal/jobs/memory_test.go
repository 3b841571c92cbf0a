package jobs_test

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"

	"codeforge"
)

// A job is told what was said in its project, and what the revisions before it changed.
func TestMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []codeforge.Memory
		r := newRig(t, func(ctx context.Context, task *codeforge.Task) (codeforge.Outcome, error) {
			got = append(got, task.Memory)
			_, err := task.Keep(ctx, codeforge.StageResult{Stage: codeforge.Code, Base: task.Job.Base, Message: "First", Changes: []codeforge.FileChange{{Path: "a.ts", Content: "one\ntwo\n"}}})
			return codeforge.Outcome{Chat: []codeforge.Message{{Role: "assistant", Content: "I wrote a.ts."}}}, err
		})
		p := r.project()
		for _, says := range []string{"Build it", "And more"} {
			j, _, err := r.engine.Submit(t.Context(), r.user, codeforge.NewJob{ProjectID: p, Agent: codeforge.Code, UserMessage: says})
			if err != nil {
				t.Fatal(err)
			}
			r.types(j.ID)
		}
		if len(got) != 2 || len(got[0].Messages) != 1 || len(got[0].Revisions) != 0 {
			t.Fatalf("the first job knows %+v", got)
		}
		m := got[1]
		if len(m.Messages) != 3 || m.Messages[0].Content != "Build it" || m.Messages[1].Content != "I wrote a.ts." || len(m.Revisions) != 1 ||
			m.Revisions[0].Message != "First" || len(m.Revisions[0].Files) != 1 || m.Revisions[0].Files[0] != (codeforge.FileStat{Path: "a.ts", Added: 2}) {
			t.Errorf("the second job knows %+v", m)
		}
	})
}

// A job that asks for it is told what went wrong in previews of the revision that it works on; another one is not.
func TestMemoryOfPreviews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got [][]codeforge.PreviewError
		r := newRig(t, func(ctx context.Context, task *codeforge.Task) (codeforge.Outcome, error) {
			got = append(got, task.Memory.Errors)
			return codeforge.Outcome{}, nil
		})
		p := r.project()
		var seen []codeforge.PreviewError
		for i := range codeforge.RememberedErrors + 5 {
			seen = append(seen, codeforge.PreviewError{Revision: 1, Kind: codeforge.PreviewException, Message: strconv.Itoa(i)})
		}
		for revision := range 2 {
			if _, err := r.store.WriteFile(t.Context(), r.user, p, codeforge.FileWrite{Path: "a.ts", Content: strconv.Itoa(revision)}); err != nil {
				t.Fatal(err)
			}
			if err := r.store.AddPreviewErrors(t.Context(), r.user, p, seen); err != nil {
				t.Fatal(err)
			}
			seen = []codeforge.PreviewError{{Revision: 2, Kind: codeforge.PreviewException, Message: "newer"}}
			for _, input := range []string{`{"preview_errors":true}`, `{"preview_errors":false}`, `{}`, `{"preview_errors":[{"message":"given"}]}`} {
				j, _, err := r.engine.Submit(t.Context(), r.user, codeforge.NewJob{ProjectID: p, Agent: codeforge.Code, Input: []byte(input)})
				if err != nil {
					t.Fatal(err)
				}
				r.types(j.ID)
			}
		}
		if len(got[0]) != codeforge.RememberedErrors || got[0][0].Message != "24" || len(got[4]) != 1 || got[4][0].Message != "newer" {
			t.Errorf("%+v", got)
		}
		for _, i := range []int{1, 2, 3, 5, 6, 7} {
			if got[i] != nil {
				t.Errorf("job %d is told of %+v", i, got[i])
			}
		}
	})
}

// What happens to a job is said in the conversation, also where its agent says nothing.
func TestConversation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		started := make(chan string, 10)
		r := newRig(t, func(ctx context.Context, task *codeforge.Task) (codeforge.Outcome, error) {
			started <- task.Job.ID
			switch {
			case task.Job.Agent == codeforge.QA:
				return codeforge.Outcome{}, &codeforge.Error{Kind: codeforge.AgentFailed, Message: "The model declined to do this"}
			case task.Job.Agent == codeforge.Research && len(task.Job.Clarification) == 0:
				return codeforge.Outcome{Status: codeforge.Waiting, Question: []byte(`[{"question":"Who?"}]`), Chat: []codeforge.Message{{Role: "assistant", Content: "Who?"}}}, nil
			case task.Job.Agent == codeforge.Research:
				return codeforge.Outcome{}, nil
			}
			<-ctx.Done()
			return codeforge.Outcome{}, context.Cause(ctx)
		})
		p := r.project()
		r.types(r.submit(p, codeforge.QA))
		asks := r.submit(p, codeforge.Research)
		synctest.Wait()
		if _, err := r.engine.Respond(t.Context(), r.user, asks, []byte(`[{"question":"Who?","answer":"me"},{"When?":3}]`)); err != nil {
			t.Fatal(err)
		}
		r.types(asks)
		runs := r.submit(p, codeforge.Wireframe)
		synctest.Wait()
		if _, err := r.engine.Cancel(t.Context(), r.user, runs); err != nil {
			t.Fatal(err)
		}
		said, err := r.store.ListMessages(t.Context(), r.user, p, codeforge.MessageFilter{Limit: 20})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range said {
			got = append(got, m.Role+": "+m.Content)
		}
		want := []string{"assistant: This did not work out: The model declined to do this.", "assistant: Who?", "user: Who?\nme\n\nWhen?\n3", "assistant: Stopped, as you asked. No file was changed."}
		if !slices.Equal(got, want) {
			t.Errorf("the conversation is %q", got)
		}
	})
}
