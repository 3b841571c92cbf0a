package wire_test

import (
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"codeforge/internal/llm/wire"
)

func events(r io.Reader, max int) (all []string, err error) {
	s := wire.NewReader(r, max)
	for {
		ev, err := s.Next()
		if err != nil {
			return all, err
		}
		all = append(all, ev.Name+"|"+string(ev.Data))
	}
}

func TestReader(t *testing.T) {
	long := strings.Repeat("x", 5<<20)
	for name, c := range map[string]struct {
		body string
		want []string
		err  error
	}{
		"LF":                          {"event: a\ndata: 1\n\ndata: 2\n\n", []string{"a|1", "|2"}, io.EOF},
		"CRLF":                        {"event: a\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n", []string{"a|1", "|2"}, io.EOF},
		"CR":                          {"event: a\rdata: 1\r\rdata: 2\r\r", []string{"a|1", "|2"}, io.EOF},
		"mark, comments, fields":      {"\xef\xbb\xbf: hi\n\nid: 7\nretry: 5\ndata:1\n: there\n\n", []string{"|1"}, io.EOF},
		"several data lines":          {"data: {\ndata:  \"a\":1}\n\n", []string{"|{\n \"a\":1}"}, io.EOF},
		"name without data":           {"event: a\n\ndata: 1\n\n", []string{"|1"}, io.EOF},
		"empty data":                  {"data\n\n", []string{"|"}, io.EOF},
		"no empty line at end":        {"data: {}\n\ndata: [DONE]", []string{"|{}", "|[DONE]"}, io.EOF},
		"an end mark, one line break": {"data: {}\n\ndata:  [done] \n", []string{"|{}", "| [done] "}, io.EOF},
		"ends inside an event":        {"data: {}\n\ndata: {\"a\"", []string{"|{}"}, io.ErrUnexpectedEOF},
		"bare error":                  {"data: {}\n\n{\n \"error\": {\"message\": \"}\\\"\"}\n}\n", []string{"|{}", "|{\n \"error\": {\"message\": \"}\\\"\"}\n}"}, io.EOF},
		"bare error first":            {"{\"error\":1}\ndata: {}\n\n", []string{"|{\"error\":1}", "|{}"}, io.EOF},
		"JSON array":                  {"[{\"a\":[1,{}]}\n,\r\n{\"b\":2}\n]\n", []string{"|{\"a\":[1,{}]}", "|{\"b\":2}"}, io.EOF},
		"array cut":                   {"[{\"a\":1}\n,{\"b\"", []string{"|{\"a\":1}"}, io.ErrUnexpectedEOF},
		"megabytes":                   {"data: " + long + "\n\n", []string{"|" + long}, io.EOF},
		"nothing":                     {"", nil, io.EOF},
	} {
		t.Run(name, func(t *testing.T) {
			for how, r := range map[string]io.Reader{
				"whole": strings.NewReader(c.body), "by byte": iotest.OneByteReader(strings.NewReader(c.body)), "half": iotest.HalfReader(strings.NewReader(c.body)),
			} {
				got, err := events(r, 16<<20)
				if !reflect.DeepEqual(got, c.want) || err != c.err {
					t.Errorf("%s: %.200q, %v; want %.200q, %v", how, got, err, c.want, c.err)
				}
			}
		})
	}
	for name, body := range map[string]string{"a page": "\n<!doctype html>\n<p>hello\n", "words": "upstream connect error\n"} {
		if got, err := events(strings.NewReader(body), 1<<20); got != nil || err == nil || err == io.EOF {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for name, body := range map[string]string{"line": "data: " + long, "lines": strings.Repeat("data: 0123456789\n", 1<<17), "object": `{"a":"` + long} {
		if _, err := events(strings.NewReader(body), 1<<20); err == nil || err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s beyond the limit: %v", name, err)
		}
	}
}

// A stream that ends in CR is handed on without waiting for what follows.
func TestReaderDoesNotWait(t *testing.T) {
	pr, pw := io.Pipe()
	defer pw.Close()
	go func() { _, _ = io.WriteString(pw, "data: 1\r\r") }()
	if ev, err := wire.NewReader(pr, 1<<20).Next(); err != nil || string(ev.Data) != "1" {
		t.Errorf("%q, %v", ev.Data, err)
	}
}

func FuzzReader(f *testing.F) {
	for _, s := range []string{"data: 1\n\n", "data: {}\r\n\r\n{\"error\":\"}\"}\n", "[{\"a\":1}\n,\n{}]", "\xef\xbb\xbfevent: x\rdata: y\r\r", "<html>", "data: [DONE]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		want, wantErr := events(strings.NewReader(body), 1<<16)
		for _, r := range []io.Reader{iotest.OneByteReader(strings.NewReader(body)), iotest.HalfReader(strings.NewReader(body)), iotest.DataErrReader(strings.NewReader(body))} {
			got, err := events(r, 1<<16)
			if !reflect.DeepEqual(got, want) || (err == io.EOF) != (wantErr == io.EOF) {
				t.Fatalf("%q, %v in pieces; %q, %v whole", got, err, want, wantErr)
			}
		}
	})
}
