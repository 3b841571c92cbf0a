package cache

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"reflect"
	"strings"
	"time"

	"codeforge"
)

// kinds are what is kept outside of this process, in a form of its own: documents in them stay as they are, byte for byte, which
// JSON would not leave them, and nothing is said of types but a sum over each kind's fields. So what a process of another version
// wrote is not read.
var kinds = func() map[reflect.Type]uint32 {
	out := map[reflect.Type]uint32{}
	for _, t := range []reflect.Type{reflect.TypeFor[codeforge.Project](), reflect.TypeFor[projectPage](), reflect.TypeFor[codeforge.File](), reflect.TypeFor[codeforge.Job]()} {
		out[t] = crc32.ChecksumIEEE([]byte(t.Name() + shape(t)))
	}
	return out
}()

var byShape = func() map[uint32]reflect.Type {
	out := map[uint32]reflect.Type{}
	for t, sum := range kinds {
		out[sum] = t
	}
	return out
}()

var timeType = reflect.TypeFor[time.Time]()

// shape is all that the form of a kind depends on.
func shape(t reflect.Type) string {
	switch {
	case t == timeType:
		return "time"
	case t.Kind() == reflect.Struct:
		var s strings.Builder
		s.WriteString("{")
		for f := range t.Fields() {
			s.WriteString(f.Name + " " + shape(f.Type) + ";")
		}
		return s.String() + "}"
	case t.Kind() == reflect.Pointer, t.Kind() == reflect.Slice:
		return t.Kind().String() + shape(t.Elem())
	}
	return t.Kind().String()
}

func encode(data any) []byte {
	v := reflect.ValueOf(data)
	return appendKept(binary.LittleEndian.AppendUint32(nil, kinds[v.Type()]), v)
}

func appendKept(b []byte, v reflect.Value) []byte {
	if v.Type() == timeType {
		t := v.Interface().(time.Time)
		if t.IsZero() {
			return append(b, 0)
		}
		return binary.AppendVarint(append(b, 1), t.UnixNano())
	}
	switch v.Kind() {
	case reflect.String:
		return append(binary.AppendUvarint(b, uint64(v.Len())), v.String()...)
	case reflect.Int, reflect.Int64:
		return binary.AppendVarint(b, v.Int())
	case reflect.Float64:
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(v.Float()))
	case reflect.Bool:
		if v.Bool() {
			return append(b, 1)
		}
		return append(b, 0)
	case reflect.Pointer:
		if v.IsNil() {
			return append(b, 0)
		}
		return appendKept(append(b, 1), v.Elem())
	case reflect.Slice:
		if v.IsNil() {
			return append(b, 0)
		}
		b = binary.AppendUvarint(b, uint64(v.Len())+1)
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return append(b, v.Bytes()...)
		}
		for i := range v.Len() {
			b = appendKept(b, v.Index(i))
		}
		return b
	case reflect.Struct:
		for _, field := range v.Fields() {
			b = appendKept(b, field)
		}
		return b
	}
	panic("cache: no form for " + v.Type().String()) // a kind is added with its form
}

// errForm is the error of bytes that are no value of this program.
var errForm = errors.New("not a kept value of this version")

func decode(b []byte) (any, error) {
	if len(b) < 4 {
		return nil, errForm
	}
	t := byShape[binary.LittleEndian.Uint32(b)]
	if t == nil {
		return nil, errForm
	}
	v := reflect.New(t).Elem()
	r := reader{b: b[4:]}
	r.value(v)
	if r.bad || len(r.b) > 0 {
		return nil, errForm
	}
	return v.Interface(), nil
}

// reader takes values from bytes; bad when they ended too early.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) flag() bool {
	b := r.take(1)
	return len(b) == 1 && b[0] == 1
}

func (r *reader) uvarint() uint64 {
	n, size := binary.Uvarint(r.b)
	r.take(uint64(max(size, 0)))
	r.bad = r.bad || size <= 0
	return n
}

func (r *reader) varint() int64 {
	n, size := binary.Varint(r.b)
	r.take(uint64(max(size, 0)))
	r.bad = r.bad || size <= 0
	return n
}

func (r *reader) value(v reflect.Value) {
	if v.Type() == timeType {
		if r.flag() {
			v.Set(reflect.ValueOf(time.Unix(0, r.varint()).UTC()))
		}
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(string(r.take(r.uvarint())))
	case reflect.Int, reflect.Int64:
		v.SetInt(r.varint())
	case reflect.Float64:
		if b := r.take(8); b != nil {
			v.SetFloat(math.Float64frombits(binary.LittleEndian.Uint64(b)))
		}
	case reflect.Bool:
		v.SetBool(r.flag())
	case reflect.Pointer:
		if r.flag() {
			v.Set(reflect.New(v.Type().Elem()))
			r.value(v.Elem())
		}
	case reflect.Slice:
		r.slice(v)
	case reflect.Struct:
		for _, field := range v.Fields() {
			r.value(field)
		}
	}
}

func (r *reader) slice(v reflect.Value) {
	n := r.uvarint()
	if n == 0 {
		return
	}
	n--
	if v.Type().Elem().Kind() == reflect.Uint8 {
		v.SetBytes(append(make([]byte, 0, min(n, uint64(len(r.b)))), r.take(n)...))
		return
	}
	if n > uint64(len(r.b)) { // each takes a byte at least
		r.bad = true
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), int(n), int(n)))
	for i := range int(n) {
		r.value(v.Index(i))
	}
}
