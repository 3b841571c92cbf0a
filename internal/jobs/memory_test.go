package jobs_test

import (
	"context"
	"testing"
	"testing/synctest"

	"codeforge"
)

// A job is told what was said in its project, and what the revisions before it changed.
func TestMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []codeforge.Memory
		r := newRig(t, func(_ context.Context, task *codeforge.Task) (codeforge.Outcome, error) {
			got = append(got, task.Memory)
			return codeforge.Outcome{Message: "First", Changes: []codeforge.FileChange{{Path: "a.ts", Content: "one\ntwo\n"}},
				Chat: []codeforge.Message{{Role: "assistant", Content: "I wrote a.ts."}}}, nil
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
