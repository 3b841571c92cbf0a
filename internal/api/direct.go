package api

import (
	"context"
	"net/http"
	"time"
)

// direct are the operations that are asked for many times a second: what they read of a request is put where the framework would
// have put it, and their answers are written by hand. What they say is the same either way.
func (s *server) direct() map[string]func(x *exchange, r *http.Request) error {
	return map[string]func(x *exchange, r *http.Request) error{
		"health": func(x *exchange, _ *http.Request) error {
			x.sendJSON(http.StatusOK, "", &healthBody{s.heldHealth(x)})
			return nil
		},
		"get_project": func(x *exchange, r *http.Request) error {
			in := getProjectInput{ProjectPath: ProjectPath{r.PathValue("project_id")}, IfNoneMatch: r.Header.Get("If-None-Match")}
			out, err := s.getProject(&x.ctx, &in)
			if err != nil {
				return err
			}
			x.sendJSON(out.Status, out.ETag, out.Body)
			return nil
		},
		"get_job": func(x *exchange, r *http.Request) error {
			in := getJobInput{JobPath: JobPath{r.PathValue("job_id")}, IfNoneMatch: r.Header.Get("If-None-Match")}
			if r.URL.RawQuery != "" {
				in.Wait = r.URL.Query().Get("wait")
			}
			out, err := s.getJob(&x.ctx, &in)
			if err != nil {
				return err
			}
			x.sendJSON(out.Status, out.ETag, out.Body)
			return nil
		},
	}
}

// sendJSON answers with a body, which a status that has none leaves out.
func (x *exchange) sendJSON(status int, tag string, body any) {
	h := x.Header()
	if tag != "" {
		h["Etag"] = x.value(tag)
	}
	x.WriteHeader(status)
	if status == http.StatusNotModified {
		return
	}
	h["Content-Type"] = jsonType
	_ = marshal(x, body) // nobody is left to tell
}

// healthHeld is how long an answer of /health is given again: those who watch a server are many, and what they ask about is looked at
// no more often.
const healthHeld = 50 * time.Millisecond

// healthBody is a health that was written before.
type healthBody struct{ ready []byte }

func (b *healthBody) encodedJSON() []byte { return b.ready }

// held is an answer and until when it holds.
type held struct {
	until time.Time
	body  []byte
}

func (s *server) heldHealth(x *exchange) []byte {
	if h := s.healthy.Load(); h != nil && x.start.Before(h.until) {
		return h.body
	}
	out, _ := s.health(context.WithoutCancel(&x.ctx), nil) // it has no errors
	var w answerWriter
	_ = w.value(&out.Body) // nor can it not be written
	s.healthy.Store(&held{time.Now().Add(healthHeld), w.b})
	return w.b
}
