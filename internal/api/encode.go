package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// answerWriter writes one answer as encoding/json would, but neither checks nor copies the documents in it. One that may be
// too long to be in memory goes out piece by piece, and whoever takes too long to read it is cut off.
type answerWriter struct {
	b   []byte
	x   *exchange // nil: the answer is not paged
	end time.Time
}

// appender appends a value of one type to an answer. Values are addressable.
type appender func(w *answerWriter, v reflect.Value) error

// streamed is a part of an answer that writes itself, because it is read while it is written.
type streamed interface{ stream(w *answerWriter) error }

// paged is an answer that may be too long to be in memory whole.
type paged interface{ paged() bool }

// encoded is an answer that is ready.
type encoded interface{ encodedJSON() []byte }

var writers = sync.Pool{New: func() any { return new(answerWriter) }}

// marshal writes an answer, with one call unless it is paged.
func marshal(out io.Writer, v any) error {
	if p, ok := v.(paged); ok && p.paged() {
		writePaged(out.(*exchange), v)
		return nil
	}
	if e, ok := v.(encoded); ok {
		if b := e.encodedJSON(); b != nil {
			return writeAll(out, b)
		}
	}
	if p, ok := v.(problemError); ok {
		v = p.problem()
	}
	w := writers.Get().(*answerWriter)
	err := w.value(v)
	if err == nil {
		err = writeAll(out, w.b)
	}
	if w.b = w.b[:0]; cap(w.b) <= 1<<20 {
		writers.Put(w)
	}
	return err
}

func writeAll(w io.Writer, b []byte) error {
	x, ok := w.(*exchange)
	if !ok {
		_, err := w.Write(b)
		return err
	}
	if !x.sent {
		if err := x.acquireBytes(int64(len(b))); err != nil {
			x.failInstead(err)
			return nil
		}
	}
	x.announce(len(b))
	// The client is gone if this fails: the framework would panic over an error that there is nobody to tell.
	if _, err := x.Write(b); err != nil && x.err == nil {
		x.err = err
	}
	return nil
}

// value appends v, a struct or a pointer to one.
func (w *answerWriter) value(v any) error {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer {
		p = reflect.New(reflect.TypeOf(v))
		p.Elem().Set(reflect.ValueOf(v))
	}
	return appenderOf(p.Type().Elem())(w, p.Elem())
}

var appenders sync.Map // of appender, by reflect.Type

func appenderOf(t reflect.Type) appender {
	if a, ok := appenders.Load(t); ok {
		return a.(appender)
	}
	a := newAppender(t)
	appenders.Store(t, a)
	return a
}

// newAppender looks at a type once, so that writing its values looks at nothing but them.
func newAppender(t reflect.Type) appender {
	switch p := reflect.PointerTo(t); {
	case t == reflect.TypeFor[time.Time]():
		return appendTime
	case t == reflect.TypeFor[json.RawMessage]():
		return appendRaw
	case p.Implements(reflect.TypeFor[streamed]()):
		return func(w *answerWriter, v reflect.Value) error { return v.Addr().Interface().(streamed).stream(w) }
	case p.Implements(reflect.TypeFor[json.Marshaler]()):
		return appendAny
	}
	switch t.Kind() {
	case reflect.String:
		return func(w *answerWriter, v reflect.Value) error { w.b = appendString(w.b, v.String()); return nil }
	case reflect.Bool:
		return func(w *answerWriter, v reflect.Value) error { w.b = strconv.AppendBool(w.b, v.Bool()); return nil }
	case reflect.Int, reflect.Int64:
		return func(w *answerWriter, v reflect.Value) error { w.b = strconv.AppendInt(w.b, v.Int(), 10); return nil }
	case reflect.Float64:
		return appendFloat
	case reflect.Pointer:
		return orNull(newAppender(t.Elem()), reflect.Value.Elem)
	case reflect.Slice:
		return orNull(listAppender(newAppender(t.Elem())), func(v reflect.Value) reflect.Value { return v })
	case reflect.Struct:
		return structAppender(t)
	}
	return appendAny
}

// appendAny appends what has no appender of its own: maps, mostly.
func appendAny(w *answerWriter, v reflect.Value) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v.Interface())
	w.b = append(w.b, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...)
	return err
}

func appendTime(w *answerWriter, v reflect.Value) error {
	w.b = append(w.b, '"')
	w.b = v.Addr().Interface().(*time.Time).AppendFormat(w.b, time.RFC3339Nano)
	w.b = append(w.b, '"')
	return nil
}

func appendRaw(w *answerWriter, v reflect.Value) error {
	if v.Len() == 0 {
		w.b = append(w.b, "null"...)
	}
	w.b = append(w.b, v.Bytes()...)
	return nil
}

func appendFloat(w *answerWriter, v reflect.Value) error {
	f := v.Float()
	if f != math.Trunc(f) || math.Abs(f) >= 1e15 {
		return appendAny(w, v)
	}
	w.b = strconv.AppendInt(w.b, int64(f), 10)
	return nil
}

func orNull(a appender, inner func(reflect.Value) reflect.Value) appender {
	return func(w *answerWriter, v reflect.Value) error {
		if v.IsNil() {
			w.b = append(w.b, "null"...)
			return nil
		}
		return a(w, inner(v))
	}
}

func listAppender(entry appender) appender {
	return func(w *answerWriter, v reflect.Value) error {
		w.b = append(w.b, '[')
		for i := range v.Len() {
			if i > 0 {
				w.b = append(w.b, ',')
			}
			if err := entry(w, v.Index(i)); err != nil {
				return err
			}
			if err := w.writePiece(); err != nil {
				return err
			}
		}
		w.b = append(w.b, ']')
		return nil
	}
}

// answerField is a field as it is written.
type answerField struct {
	key   string // with quotes and colon
	index []int
	write appender
	omit  bool // when it is zero
}

// structAppender writes fields by their json tags. One that is tagged written:"last" comes after the others, which it counts.
func structAppender(t reflect.Type) appender {
	var fields, last []answerField
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || f.Anonymous || name == "-" {
			continue // the fields of an embedded one come by themselves
		}
		field := answerField{string(appendString(nil, cmp.Or(name, f.Name))) + ":", f.Index, newAppender(f.Type), strings.HasPrefix(options, "omit")}
		if f.Tag.Get("written") == "last" {
			last = append(last, field)
		} else {
			fields = append(fields, field)
		}
	}
	fields = append(fields, last...)
	return func(w *answerWriter, v reflect.Value) error {
		separator := byte('{')
		for i := range fields {
			f := &fields[i]
			value := v.Field(f.index[0])
			if len(f.index) > 1 { // of an embedded one
				value = value.FieldByIndex(f.index[1:])
			}
			if f.omit && value.IsZero() {
				continue
			}
			w.b = append(append(w.b, separator), f.key...)
			if err := f.write(w, value); err != nil {
				return err
			}
			separator = ','
		}
		if separator == '{' {
			w.b = append(w.b, '{')
		}
		w.b = append(w.b, '}')
		return nil
	}
}

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON text. Bytes that are no UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		n := skipPlain(s, i)
		b = append(b, s[i:n]...)
		if i = n; i == len(s) {
			break
		}
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\r':
			b = append(b, '\\', 'r')
		case c == '\t':
			b = append(b, '\\', 't')
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(b, "\ufffd"...)
			} else {
				b = append(b, s[i:i+size]...)
			}
			i += size
			continue
		}
		i++
	}
	return append(b, '"')
}

func appendKey(b []byte, key string) []byte {
	if c := b[len(b)-1]; c != '{' {
		b = append(b, ',')
	}
	b = append(b, '"')
	b = append(b, key...)
	return append(b, '"', ':')
}
