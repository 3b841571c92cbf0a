package wire

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"

	"codeforge/internal/llm"
)

// Vector reads a vector: a list of numbers, or what some servers send though they were not asked for it, base64 of float32 (little endian).
func Vector(raw json.RawMessage) (v []float32, err error) {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		err = json.Unmarshal(raw, &v)
	} else {
		var b []byte
		b, err = base64.StdEncoding.DecodeString(text)
		for ; len(b) >= 4; b = b[4:] {
			v = append(v, math.Float32frombits(binary.LittleEndian.Uint32(b)))
		}
	}
	if err == nil && len(v) == 0 {
		err = errors.New("a vector without numbers")
	}
	return v, err
}

// Embedded is a [Decoder] of answers that are vectors, which never come as a stream.
type Embedded func(body []byte, a *Answer) error

// Whole implements Decoder.
func (read Embedded) Whole(body []byte, a *Answer) error { return read(body, a) }

// Event implements Decoder.
func (Embedded) Event(Event, *Answer) (bool, error) {
	return true, Malformed(errors.New("a stream in place of vectors"))
}

// End implements Decoder.
func (Embedded) End(*Answer) {}

// Texts are the texts of a request's messages, one for each.
func Texts(req *llm.Request) []string {
	var texts []string
	for _, m := range req.Messages {
		for _, p := range m.Parts {
			texts = append(texts, p.Text)
		}
	}
	return texts
}
