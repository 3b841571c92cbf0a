package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"codeforge"
)

// What happens to a job without its agent is said in the conversation too: that it failed, was cancelled, was answered.

// say adds a line about a job to the conversation on its project. It comes after the commit that it tells of: a process that dies
// between the two leaves it out.
func (e *Engine) say(ctx context.Context, job codeforge.Job, role, content string) {
	if job.Agent.NoModel() || content == "" {
		return
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), e.o.Lease)
	defer stop()
	if err := e.o.Store.AddMessages(ctx, job.ProjectID, []codeforge.Message{lineOf(job, role, content)}); err != nil {
		e.o.Log.Error("conversation not written", "next", "look at the store in /readyz?verbose; the job itself is stored", "job_id", job.ID, "error", err)
		return
	}
	e.publish(job)
}

func lineOf(job codeforge.Job, role, content string) codeforge.Message {
	return codeforge.Message{Role: role, Content: content, Metadata: marshal(map[string]any{"agent_type": job.Agent, "job_id": job.ID})}
}

// cancelledWords tell of a cancelled job.
func cancelledWords(job codeforge.Job, undone bool) string {
	switch {
	case undone:
		return "Stopped, as you asked. What it had changed in files is undone; requirements, architecture and status of the project stay as they are."
	case job.Proposal != nil, job.Revision > 0:
		return "Stopped, as you asked." + keptWords(job)
	}
	return "Stopped, as you asked. No file was changed."
}

// keptWords tell what a job that ended early leaves.
func keptWords(job codeforge.Job) string {
	switch {
	case job.Proposal != nil:
		return " What was built until then waits as a proposal: apply it, or reject it."
	case job.Revision == 0:
		return ""
	}
	return fmt.Sprintf(" What was built until then is in your project, as revision %d.", job.Revision)
}

// failedChat are the lines of a job that failed: why, and then what its agent has to say.
func failedChat(job codeforge.Job, public string, said []codeforge.Message) []codeforge.Message {
	why := "This did not work out: " + strings.TrimRight(public, ".") + "."
	if len(said) == 0 {
		return []codeforge.Message{lineOf(job, "assistant", why+keptWords(job))}
	}
	said = slices.Clone(said)
	said[0].Content = why + "\n\n" + said[0].Content
	return said
}

// answerWords are what the user answered, each after its question.
func answerWords(answers []byte) string {
	var given []map[string]any
	if json.Unmarshal(answers, &given) != nil {
		return ""
	}
	text := func(v any) string {
		if s, ok := v.(string); ok {
			return s
		}
		raw, _ := json.Marshal(v) // it was decoded from JSON
		return string(raw)
	}
	var lines []string
	for _, a := range given {
		if answer, ok := a["answer"]; ok {
			question := a["question"]
			lines = append(lines, pair(text(cmp.Or(question, a["question_id"], any(""))), text(answer)))
			continue
		}
		for _, q := range slices.Sorted(maps.Keys(a)) {
			lines = append(lines, pair(q, text(a[q])))
		}
	}
	return strings.Join(lines, "\n\n")
}

func pair(question, answer string) string {
	return strings.TrimPrefix(question+"\n"+answer, "\n")
}
