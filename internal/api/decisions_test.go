package api_test

import (
	"maps"
	"strings"
	"testing"
)

// TestOnlyClearWordsApply: work under review is applied by a clear yes and rejected by a clear no; anything else is refused, with
// what can be said, and changes nothing.
func TestOnlyClearWordsApply(t *testing.T) {
	l := newLive(t)
	l.call("PUT", "/v1/projects/"+l.project, `{"apply":"review"}`).want(200)
	work := func() string {
		l.Helper()
		l.model(writes("new", "n\n"), finishes())
		job := l.run("")
		l.wantStatus(job, "waiting_for_input")
		return job["job_id"].(string)
	}
	answers := func(id, body string) answer { return l.call("POST", "/v1/jobs/"+id+"/respond", body) }
	answered := func(id, word string) answer {
		return answers(id, `{"answers":[{"Apply the changes to your project?":`+quote(word)+`}]}`)
	}
	id := work()
	for _, word := range []string{"No, please make it green instead", "I would rather not apply it yet", "apply?? not sure what", "yes but rename it", "maybe", "later", "job", "yours", "", "no yes"} {
		if d := answered(id, word).fails(400, "VALIDATION_ERROR"); !strings.Contains(d["reason"].(string), `"apply"`) || !strings.Contains(d["reason"].(string), `"reject"`) {
			t.Errorf("%q: %v", word, d)
		}
	}
	for _, body := range []string{
		`{"answers":[{"Apply the changes to your project?":"apply"},{"*":"reject"}]}`,
		`{"answers":[{"*":"yours"}]}`,
		`{"answers":[{"what?":"apply"}]}`,
		`{"answers":[{"Apply the changes to your project?":{"text":"apply"}}]}`,
		`{"responses":[{"question_id":"q1","answer":"not yet"}]}`,
	} {
		answers(id, body).fails(400, "VALIDATION_ERROR")
	}
	l.wantFiles()
	l.wantStatus(l.call("GET", "/v1/jobs/"+id, "").object(), "waiting_for_input")
	for _, word := range []string{"no", "No.", " REJECT. ", "No, thanks!", "n", "Don’t apply"} {
		if got := answered(id, word).want(200).object(); got["status"] != "cancelled" {
			t.Errorf("%q: %v", word, got)
		}
		l.wantFiles()
		id = work()
	}
	for _, word := range []string{"yes", "Yes!", "APPLY", " ok. ", "Yes, please", "Okay", "Apply the changes."} {
		if got := answered(id, word).want(200).object(); got["status"] != "completed" {
			t.Errorf("%q: %v", word, got)
		}
		l.wantFiles("new", "n\n")
		l.remove("new")
		id = work()
	}
}

// TestWordsAreNoFile: an answer to a conflict that may be meant as a word never becomes the text of a file, and one that is sent as a
// text is one, whatever it says.
func TestWordsAreNoFile(t *testing.T) {
	l := newLive(t)
	id := l.clashing()["job_id"].(string)
	before := l.files()
	for _, said := range []string{"mine", "Mine.", "mine\n", "theirs", "ours", "keep mine please", "both", "no", "yes", "apply", "", "  ", "la la", "my version\n", "please merge them"} {
		for at, body := range map[string]string{
			"respond": `{"answers":[{"song":` + quote(said) + `,"other":"yours"}]}`,
			"apply":   `{"resolve":{"song":` + quote(said) + `,"other":"yours"}}`,
		} {
			d := l.call("POST", "/v1/jobs/"+id+"/"+at, body).fails(400, "VALIDATION_ERROR")
			if reason := d["reason"].(string); !strings.Contains(reason, `"yours"`) || !strings.Contains(reason, `"job"`) || !strings.Contains(reason, `{"text"`) {
				t.Errorf("%s %q: %v", at, said, d)
			}
		}
	}
	for _, body := range []string{
		`{"answers":[{"*":"la\nla\n"}]}`, `{"answers":[{"*":{"text":"la\n"}}]}`, // one text for many files
		`{"answers":[{"song":"reject"},{"other":"yours"}]}`,
	} {
		l.call("POST", "/v1/jobs/"+id+"/respond", body).fails(400, "VALIDATION_ERROR")
	}
	l.wantFields(l.call("POST", "/v1/jobs/"+id+"/respond", `{"answers":[{"song":{"texts":"a"}}]}`), "answers.0.song value_error")
	if !maps.Equal(l.files(), before) {
		t.Errorf("%q", l.files())
	}
	l.call("POST", "/v1/jobs/"+id+"/respond", `{"answers":[{"song":{"text":"mine"}},{"question":"other","answer":{"text":""}}]}`).want(200)
	l.wantFiles("song", "mine", "other", "")

	// A file of one line may be answered with its line.
	l = newLive(t)
	l.post("VERSION", "1\n")
	l.model(writes("VERSION", "2\n"), after(func() { l.put("VERSION", "3\n") }, finishes()), calls("read_file", object{"path": "VERSION"}), writes("VERSION", "2\n"), finishes())
	job := l.run("")
	l.wantStatus(job, "waiting_for_input")
	id = job["job_id"].(string)
	l.call("POST", "/v1/jobs/"+id+"/respond", `{"answers":[{"VERSION":"mine"}]}`).fails(400, "VALIDATION_ERROR")
	l.call("POST", "/v1/jobs/"+id+"/apply", `{"resolve":{"VERSION":"4"}}`).want(200)
	l.wantFiles("VERSION", "4")
}

// TestQuestionShowsTheNewestText: whoever reads the question sees what people have there now.
func TestQuestionShowsTheNewestText(t *testing.T) {
	l := newLive(t)
	id := l.clashing()["job_id"].(string)
	l.put("song", sung("two", "zwei", "one", "1"))
	shown := l.call("GET", "/v1/jobs/"+id, "").want(200).object()["result"].(object)["conflicts"].([]any)
	if len(shown) != 2 || !strings.Contains(shown[1].(object)["people"].(string), "zwei") {
		t.Errorf("%v", shown)
	}
}
