package agent

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"codeforge"
	"codeforge/internal/agent/form"
)

// What a prompt tells of the conversation, in code points.
const (
	wholeMessages = 6     // the newest, as they were
	wholeRoom     = 8_000 // for all of them together
	wholeMost     = 3_000 // for one
	shortRoom     = 4_000 // for the older ones
	shortMost     = 200   // for one
	maxMessage    = 200   // of a revision
	maxByHand     = 10    // files that are named of what people wrote in a row
)

// conversation is what went on in the project before a job; nil where there was nothing. What the user wrote since the job was
// submitted is not part of it: the job's own words are its idea, or its answers, and later ones are of later jobs.
func conversation(task *codeforge.Task) any {
	var said []form.Said
	listed := map[string]bool{} // jobs whose files a revision lists
	for _, r := range task.Memory.Revisions {
		listed[r.JobID] = r.JobID != ""
	}
	for _, m := range task.Memory.Messages {
		text := strings.TrimSpace(m.Content)
		if text == "" || m.Thinking || m.Role == "user" && !m.CreatedAt.Before(task.Job.CreatedAt) {
			continue
		}
		if listed[jobOf(m)] {
			text = strings.TrimSpace(changedFiles.ReplaceAllString(text, ""))
		}
		said = append(said, form.Said{Role: m.Role, Text: text})
	}
	var c form.Conversation
	whole := len(said)
	for room := wholeRoom; whole > 0 && len(said)-whole < wholeMessages && room > 0; {
		whole--
		said[whole].Text = form.Shorten(said[whole].Text, min(wholeMost, max(room, shortMost)))
		room -= len([]rune(said[whole].Text))
	}
	c.Messages = said[whole:]
	first := whole
	for room := shortRoom; first > 0 && room > 0; {
		first--
		room -= len([]rune(inShort(said[first])))
	}
	if first > 0 {
		c.Earlier = append(c.Earlier, fmt.Sprintf("(%s before these)", plural(first, "message")))
	}
	for _, m := range said[first:whole] {
		c.Earlier = append(c.Earlier, inShort(m))
	}
	for _, r := range task.Memory.Revisions {
		if r.JobID != "" && slices.ContainsFunc(c.Messages, func(s form.Said) bool { return strings.Contains(s.Text, r.Message) }) {
			r.Message = "" // said above
		}
		c.Revisions = addRevision(c.Revisions, r)
	}
	if len(said) == 0 && len(c.Revisions) == 0 {
		return nil
	}
	return c
}

// changedFiles is the list in what is said of a job, see [run.saysOfCode].
var changedFiles = regexp.MustCompile(`(?m)^Changed \d+ files?:(?:\n- .*)+\n*`)

// jobOf is the id of the job that a message is of, "" for none.
func jobOf(m codeforge.Message) string {
	var of struct {
		JobID string `json:"job_id"`
	}
	_ = json.Unmarshal(m.Metadata, &of) // what has none is of none
	return of.JobID
}

// addRevision adds an older revision to what is told of newer ones. What people wrote by hand in a row is one change.
func addRevision(list []form.RevisionChange, r codeforge.RevisionSummary) []form.RevisionChange {
	change := form.RevisionChange{Revision: r.Number, By: r.Author, Message: form.Shorten(r.Message, maxMessage), Files: []string{}, More: max(0, r.FilesChanged-len(r.Files))}
	n := len(list)
	inRow := n > 0 && r.JobID == "" && list[n-1].By == r.Author && !r.Restored()
	if inRow {
		change = list[n-1]
		change.Message, change.More = "Several changes by hand", change.More+max(0, r.FilesChanged-len(r.Files))
	}
	for _, f := range r.Files {
		if slices.ContainsFunc(change.Files, func(line string) bool { return strings.HasPrefix(line, f.Path+" ") }) {
			continue
		}
		if inRow && len(change.Files) >= maxByHand {
			change.More++
			continue
		}
		line := fmt.Sprintf("%s +%d -%d", f.Path, f.Added, f.Removed)
		if f.Deleted {
			line = f.Path + " deleted"
		}
		change.Files = append(change.Files, line)
	}
	if inRow {
		list[n-1] = change
		return list
	}
	return append(list, change)
}

// inShort is a message as one line.
func inShort(m form.Said) string {
	return m.Role + ": " + form.Shorten(strings.Join(strings.Fields(m.Text), " "), shortMost)
}
