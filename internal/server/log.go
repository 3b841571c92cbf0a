package server

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"
)

// newLog makes the JSON log: one object a line, with timestamp, level, logger, message and what the message names.
func newLog(cfg *Config, w io.Writer) (*slog.Logger, *slog.LevelVar) {
	level := &slog.LevelVar{}
	l, _ := cfg.level() // checked by Validate
	level.Set(l)
	return slog.New(&lineHandler{to: &lineWriter{w: w}, level: level}).With("logger", "codeforge"), level
}

// lineHandler writes what slog's own JSON handler writes under our names of its keys. It is here because each request has a line:
// told to rename keys, that one costs more than all else that is done to answer from memory.
type lineHandler struct {
	to    *lineWriter
	level slog.Leveler
	attrs []slog.Attr // of the logger,
	given []byte      // and as they are written
}

// lineWriter writes one line at a time.
type lineWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lineWriter) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(line)
}

// standard is slog's own handler.
func standard(w io.Writer, level slog.Leveler) slog.Handler {
	return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 {
			switch a.Key {
			case slog.TimeKey:
				a.Key = "timestamp"
			case slog.MessageKey:
				a.Key = "message"
			}
		}
		return a
	}})
}

var lines = sync.Pool{New: func() any { return new([]byte) }}

// longLine is the capacity up to which the memory of a line is used again.
const longLine = 16 << 10

// Enabled implements slog.Handler.
func (h *lineHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level.Level() }

// Handle implements slog.Handler.
func (h *lineHandler) Handle(_ context.Context, r slog.Record) error {
	line := lines.Get().(*[]byte)
	b := append((*line)[:0], '{')
	if !r.Time.IsZero() {
		b = append(b, `"timestamp":"`...)
		b = append(r.Time.AppendFormat(b, time.RFC3339Nano), '"', ',')
	}
	b = append(b, `"level":"`...)
	b = append(b, r.Level.String()...)
	b = append(b, `","message":`...)
	b = appendQuoted(b, r.Message)
	b = append(b, h.given...)
	r.Attrs(func(a slog.Attr) bool {
		b = appendAttr(b, a)
		return true
	})
	b = append(b, "}\n"...)
	_, err := h.to.Write(b)
	if *line = b; cap(b) <= longLine {
		lines.Put(line)
	}
	return err
}

// WithAttrs implements slog.Handler.
func (h *lineHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.attrs, with.given = slices.Concat(h.attrs, attrs), slices.Clone(h.given)
	for _, a := range attrs {
		with.given = appendAttr(with.given, a)
	}
	return &with
}

// WithGroup implements slog.Handler. No line of a request is in a group.
func (h *lineHandler) WithGroup(name string) slog.Handler {
	return standard(h.to, h.level).WithAttrs(h.attrs).WithGroup(name)
}

// appendName appends the name of a member.
func appendName(b []byte, name string) []byte {
	if len(b) == 0 || b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return append(appendQuoted(b, name), ':')
}

func appendAttr(b []byte, a slog.Attr) []byte {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		members := v.Group()
		if len(members) == 0 {
			return b
		}
		if a.Key != "" {
			b = append(appendName(b, a.Key), '{')
		}
		for _, m := range members {
			b = appendAttr(b, m)
		}
		if a.Key != "" {
			b = append(b, '}')
		}
		return b
	}
	if a.Equal(slog.Attr{}) {
		return b
	}
	return appendValue(appendName(b, a.Key), v)
}

func appendValue(b []byte, v slog.Value) []byte {
	switch v.Kind() {
	case slog.KindString:
		return appendQuoted(b, v.String())
	case slog.KindInt64:
		return strconv.AppendInt(b, v.Int64(), 10)
	case slog.KindUint64:
		return strconv.AppendUint(b, v.Uint64(), 10)
	case slog.KindBool:
		return strconv.AppendBool(b, v.Bool())
	case slog.KindFloat64:
		if f := v.Float64(); f == 0 || math.Abs(f) > 1e-6 && math.Abs(f) < 1e21 {
			return strconv.AppendFloat(b, f, 'f', -1, 64)
		}
	case slog.KindDuration:
		return strconv.AppendInt(b, int64(v.Duration()), 10)
	case slog.KindTime:
		b = append(b, '"')
		return append(v.Time().AppendFormat(b, time.RFC3339Nano), '"')
	}
	value := v.Any()
	if err, ok := value.(error); ok {
		if _, itself := value.(json.Marshaler); !itself {
			return appendQuoted(b, err.Error())
		}
	}
	text, err := json.Marshal(value)
	if err != nil {
		return appendQuoted(b, "!ERROR:"+err.Error())
	}
	return append(b, text...)
}

// appendQuoted appends a text as JSON. Bytes that are no UTF-8 become U+FFFD.
func appendQuoted(b []byte, s string) []byte {
	const digits = "0123456789abcdef"
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 || r == '\u2028' || r == '\u2029' {
				b = append(b, s[from:i]...)
				b = append(b, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
				from = i + size
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[from:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		}
		i++
		from = i
	}
	return append(append(b, s[from:]...), '"')
}
