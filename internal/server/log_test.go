package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math"
	"strings"
	"testing"
	"testing/slogtest"
	"time"
)

func TestLinesAreThoseOfTheStandardLibrary(t *testing.T) {
	var got, want bytes.Buffer
	ours, theirs := slog.Handler(&lineHandler{to: &lineWriter{w: &got}, level: slog.LevelInfo}), standard(&want, slog.LevelInfo)
	at := time.Date(2026, 11, 27, 9, 5, 0, 123456789, time.UTC)
	for _, attrs := range [][]slog.Attr{
		nil,
		{slog.String("route", "/v1/projects/{project_id}"), slog.Int("status", 200), slog.Float64("ms", 0.123), slog.Int64("bytes", 1<<40), slog.Bool("ok", true)},
		{slog.String("hostile", "a\"b\\c\n\r\t\x00\x1f\x7f\xff\u2028\u2029<&>\u00e9\U0001F600")},
		{slog.Float64("whole", 3), slog.Float64("large", 1e21), slog.Float64("small", 1e-7), slog.Uint64("u", math.MaxUint64), slog.Duration("took", time.Second)},
		{slog.Any("error", errors.New("it \"failed\"")), slog.Any("list", []string{"a", "b"}), slog.Any("map", map[string]int{"x": 1}), slog.Any("nil", nil)},
		{slog.Any("unfit", func() {}), slog.Time("when", at)},
		{slog.Group("g", slog.String("a", "b"), slog.Group("h", slog.Int("n", 1))), slog.Group("", slog.Int("m", 2)), slog.Group("none")},
	} {
		for _, with := range []func(slog.Handler) slog.Handler{
			func(h slog.Handler) slog.Handler { return h },
			func(h slog.Handler) slog.Handler { return h.WithAttrs([]slog.Attr{slog.String("logger", "codeforge")}) },
			func(h slog.Handler) slog.Handler {
				return h.WithAttrs([]slog.Attr{slog.Int("n", 1)}).WithGroup("in").WithAttrs([]slog.Attr{slog.Int("m", 2)})
			},
		} {
			r := slog.NewRecord(at, slog.LevelWarn, "what \"happened\"", 0)
			r.AddAttrs(attrs...)
			got.Reset()
			want.Reset()
			if err := errors.Join(with(ours).Handle(t.Context(), r), with(theirs).Handle(t.Context(), r)); err != nil {
				t.Fatal(err)
			}
			if got.String() != want.String() {
				t.Errorf("\n%swant\n%s", &got, &want)
			}
		}
	}
}

func TestLogKeepsTheRulesOfHandlers(t *testing.T) {
	var buf bytes.Buffer
	slogtest.Run(t, func(*testing.T) slog.Handler {
		buf.Reset()
		return &lineHandler{to: &lineWriter{w: &buf}, level: slog.LevelInfo}
	}, func(t *testing.T) map[string]any {
		line := strings.NewReplacer(`"timestamp":`, `"time":`, `"message":`, `"msg":`).Replace(buf.String())
		var got map[string]any
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		return got
	})
}

func BenchmarkLine(b *testing.B) {
	for name, h := range map[string]slog.Handler{"ours": &lineHandler{to: &lineWriter{w: io.Discard}, level: slog.LevelInfo}, "standard": standard(io.Discard, slog.LevelInfo)} {
		log := slog.New(h).With("logger", "codeforge")
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				log.LogAttrs(b.Context(), slog.LevelInfo, "request", slog.String("request_id", "01a21c69-2e73-7001-a57a-63a040df1a4f"), slog.String("method", "GET"),
					slog.String("route", "/v1/projects/{project_id}"), slog.Int("status", 200), slog.Float64("ms", 0.123), slog.Int64("bytes", 512), slog.String("user_id", "00000000-0000-4000-8000-000000000001"))
			}
		})
	}
}
