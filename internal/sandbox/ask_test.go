package sandbox

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
)

// askAll asks each word, all at once, and returns what it was told.
func askAll(w Work, words string) []byte {
	list := strings.Fields(words)
	told := make([]string, len(list))
	var wg sync.WaitGroup
	for i, word := range list {
		wg.Go(func() {
			reply, err := w.Ask([]byte(word))
			told[i] = string(reply)
			if err != nil {
				told[i] = "no: " + err.Error()
			}
		})
	}
	wg.Wait()
	return []byte(strings.Join(told, ", "))
}

// A child asks while it works, from several goroutines, and learns why it is told nothing.
func TestAsk(t *testing.T) {
	p := newPool(t, Options{})
	r := say("ask one two bad three")
	r.Ask = func(_ context.Context, question []byte) ([]byte, error) {
		if string(question) == "bad" {
			return nil, errors.New("not this one")
		}
		return bytes.ToUpper(question), nil
	}
	if got, err := p.Do(t.Context(), "u", r); err != nil || string(got) != "ONE, TWO, no: not this one, THREE" {
		t.Errorf("%q %v", got, err)
	}
	if got, err := p.Do(t.Context(), "u", say("ask one")); err != nil || string(got) != "no: nothing may be asked in this work" {
		t.Errorf("%q %v", got, err)
	}
}

// What a child asks has bounds: beyond them it is told nothing, and what is no question at all ends it.
func TestAskIsBounded(t *testing.T) {
	p := newPool(t, Options{})
	r := say("overask")
	r.Ask = func(context.Context, []byte) ([]byte, error) {
		t.Error("a question that is too long was asked")
		return nil, nil
	}
	if _, err := p.Do(t.Context(), "u", r); err == nil || err.(*Crash).Reason != Died {
		t.Error(err)
	}
	d := desk{ask: func(context.Context, []byte) ([]byte, error) { return nil, nil }}
	for range maxQuestions {
		if kind, reply := d.reply(t.Context(), nil); kind != frameReply {
			t.Fatalf("%s", reply)
		}
	}
	if kind, reply := d.reply(t.Context(), nil); kind != frameRefusal || !strings.Contains(string(reply), "questions") {
		t.Errorf("%c %s", kind, reply)
	}
	large := make([]byte, maxTold/4+1)
	d = desk{ask: func(context.Context, []byte) ([]byte, error) { return large, nil }}
	for range 3 {
		if kind, reply := d.reply(t.Context(), nil); kind != frameReply {
			t.Fatalf("%s", reply)
		}
	}
	for range 2 {
		if kind, reply := d.reply(t.Context(), nil); kind != frameRefusal || !strings.Contains(string(reply), "MB") {
			t.Errorf("%c %s", kind, reply[:10])
		}
	}
	d = desk{ask: func(context.Context, []byte) ([]byte, error) {
		return nil, errors.New(strings.Repeat("x", 1<<20))
	}}
	if kind, reply := d.reply(t.Context(), nil); kind != frameRefusal || len(reply) > maxRefusal {
		t.Errorf("%c, %d bytes", kind, len(reply))
	}
}

// A child that dies, or whose time is over, while it waits for a reply ends as any other does.
func TestEndsWhileAsking(t *testing.T) {
	p := newPool(t, Options{Deadline: 2 * time.Second})
	asked := 0
	r := say("ask it")
	r.Ask = func(context.Context, []byte) ([]byte, error) {
		if asked++; asked < 3 { // as the kernel does it: that is begun again
			p.mu.Lock()
			for c := range p.all {
				_ = c.cmd.Process.Kill()
			}
			p.mu.Unlock()
		}
		return []byte("told"), nil
	}
	if got, err := p.Do(t.Context(), "u", r); err != nil || string(got) != "told" || asked != 3 {
		t.Errorf("%q %v after %d questions", got, err, asked)
	}
	p.o.Deadline = 300 * time.Millisecond
	r.Ask = func(ctx context.Context, _ []byte) ([]byte, error) {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	if _, err := p.Do(t.Context(), "u", r); err == nil || err.(*Crash).Reason != OutOfTime {
		t.Error(err)
	}
}

// Whatever comes over a pipe is a frame that may come, whole and within its bound, or an error.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("q\x03\x00\x00\x00abc"))
	f.Add([]byte("a\xff\xff\xff\xffabc"))
	f.Add([]byte("a\x02\x00\x00\x00abl\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		most := map[byte]int{frameAnswer: 10, frameLast: 10, frameQuestion: 4}
		in := bytes.NewReader(b)
		for {
			at := len(b) - in.Len()
			kind, body, err := readFrame(in, most)
			if err != nil {
				return
			}
			if len(body) > most[kind] || !bytes.Equal(b[at:at+frameHeader+len(body)], append([]byte{kind, byte(len(body)), 0, 0, 0}, body...)) {
				t.Fatalf("%c %q of %q", kind, body, b[at:])
			}
		}
	})
}
