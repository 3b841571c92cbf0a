package mcp

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

// inProcess carries requests to a handler in this process, as if they came over the connection of the request that they are
// made for: by its name, from its address, with what says who asks.
type inProcess struct {
	api http.Handler
	of  *http.Request
}

// passed are the headers that say who asks, and by which way.
var passed = []string{"Authorization", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "Traceparent", "Tracestate", "X-Consistency-Token"}

// maxAnswer bounds what the API may answer to one request, in bytes: files come whole.
const maxAnswer = 64 << 20

var errTooLong = errors.New("the answer is too long")

func (t inProcess) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	in := r.Clone(r.Context())
	in.RequestURI, in.Host, in.RemoteAddr, in.TLS = r.URL.RequestURI(), t.of.Host, t.of.RemoteAddr, t.of.TLS
	if in.Body == nil {
		in.Body = http.NoBody
	}
	for _, name := range passed {
		if v := t.of.Header.Values(name); len(v) > 0 {
			in.Header[name] = v
		}
	}
	w := &answer{header: http.Header{}}
	defer func() {
		if p := recover(); p != nil { // the API cuts connections so
			err = io.ErrUnexpectedEOF
		}
	}()
	t.api.ServeHTTP(w, in)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if w.err != nil {
		return nil, w.err
	}
	return &http.Response{StatusCode: w.status, Status: http.StatusText(w.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r}, nil
}

// answer keeps what a handler answers.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
	err    error
}

func (w *answer) Header() http.Header { return w.header }

func (w *answer) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
}

func (w *answer) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.body.Len()+len(b) > maxAnswer {
		w.err = errTooLong
		return 0, w.err
	}
	return w.body.Write(b)
}
