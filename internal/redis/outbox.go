package redis

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"sync"

	"codeforge"
)

const (
	eventMost   = 32 << 10 // bytes of an event that is sent as it is; of a larger one only the job is told
	messageMost = 64 << 10 // bytes of events in one message, about
	eventsMost  = 256      // events and jobs in one message
	queuedMost  = 4 << 20  // bytes of events that wait
	waitingMost = 8192     // events, jobs and hints that wait, of each
)

// outbox holds what is not sent yet. Beyond its bounds it keeps less of it: of stored events the job to which they were added, of very
// many jobs that there are some, of hints that there are some, of transient events nothing.
type outbox struct {
	ready chan struct{} // something is there

	mu     sync.Mutex
	events []codeforge.Event // guarded by mu, as is all below
	bytes  int
	nudges map[string]codeforge.Event // whose events were added that are not here
	missed bool                       // and to others
	ids    []string                   // hints; "" is one that names no job
}

// batch is what is sent at once.
type batch struct {
	message message
	ids     []string
}

func (b batch) empty() bool {
	return len(b.ids) == 0 && len(b.message.Events) == 0 && len(b.message.Nudges) == 0 && !b.message.Missed
}

func (o *outbox) signal() {
	select {
	case o.ready <- struct{}{}:
	default:
	}
}

func (o *outbox) any() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.ids) > 0 || len(o.events) > 0 || len(o.nudges) > 0 || o.missed
}

func (o *outbox) announce(ids []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, id := range ids {
		switch {
		case len(o.ids) < waitingMost:
			o.ids = append(o.ids, id)
		default:
			o.ids[waitingMost-1] = ""
		}
	}
	o.signal()
}

// publish adds events; live says whether they would be sent soon.
func (o *outbox) publish(events []codeforge.Event, live bool, n *counters) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range events {
		size := len(e.Data)
		switch {
		case live && size <= eventMost && o.bytes+size <= queuedMost && len(o.events) < waitingMost:
			e.File = nil // nobody is sent it
			o.events = append(o.events, e)
			o.bytes += size
		case e.Type.Transient():
			n.dropped.Add(1)
		default:
			o.nudge(e)
			n.nudged.Add(1)
		}
	}
	o.signal()
}

// nudge keeps that events were added, of which no more is told than whose they are; mu is held.
func (o *outbox) nudge(e codeforge.Event) {
	e = codeforge.Event{JobID: e.JobID, ProjectID: e.ProjectID, UserID: e.UserID}
	key := e.JobID + "/" + e.ProjectID + "/" + e.UserID
	if o.nudges == nil {
		o.nudges = map[string]codeforge.Event{}
	}
	if _, ok := o.nudges[key]; ok || len(o.nudges) < waitingMost {
		o.nudges[key] = e
	} else {
		o.missed = true
	}
}

// take removes what fits into one message, oldest first.
func (o *outbox) take() (b batch) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := min(len(o.ids), eventsMost)
	b.ids = slices.Clone(o.ids[:n])
	o.ids = slices.Delete(o.ids, 0, n)
	size, n := 0, 0
	for n < len(o.events) && n < eventsMost && size < messageMost {
		size += len(o.events[n].Data)
		n++
	}
	b.message.Events = slices.Clone(o.events[:n])
	o.events = slices.Delete(o.events, 0, n)
	o.bytes -= size
	for key, e := range o.nudges {
		if len(b.message.Nudges) == eventsMost {
			break
		}
		b.message.Nudges = append(b.message.Nudges, e)
		delete(o.nudges, key)
	}
	b.message.Missed, o.missed = o.missed, false
	return b
}

// putBack keeps of what could not be sent what others must know.
func (o *outbox) putBack(b batch, n *counters) {
	o.announce(b.ids)
	o.publish(b.message.Events, false, n)
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range b.message.Nudges {
		o.nudge(e)
	}
	o.missed = o.missed || b.message.Missed
}

// message is what is published: whose it is, a head in JSON, and then the data of all events, byte for byte.
type message struct {
	Events []codeforge.Event `json:"events,omitempty"` // without their data
	Sizes  []int             `json:"sizes,omitempty"`  // of the data of each
	Nudges []codeforge.Event `json:"nudges,omitempty"` // whose events were added that are not here
	Missed bool              `json:"missed,omitempty"` // and to others
}

// encode returns the message of a sender; "": there is nothing to say.
func (m message) encode(from string) string {
	if len(m.Events) == 0 && len(m.Nudges) == 0 && !m.Missed {
		return ""
	}
	var data [][]byte
	m.Events = slices.Clone(m.Events)
	for i := range m.Events {
		data = append(data, m.Events[i].Data)
		m.Sizes = append(m.Sizes, len(m.Events[i].Data))
		m.Events[i].Data = nil
	}
	head, err := json.Marshal(m)
	if err != nil { // there is nothing in it that cannot be written
		panic(err)
	}
	out := binary.AppendUvarint([]byte(from), uint64(len(head)))
	out = append(out, head...)
	return string(append(out, bytes.Join(data, nil)...))
}

var errMessage = errors.New("no message of a courier")

// decode reads a message. What it says is as trusted as the store: who may write to Redis may tell servers anything.
func decode(text string) (m message, err error) {
	if len(text) < idLength {
		return m, errMessage
	}
	rest := []byte(text[idLength:])
	size, n := binary.Uvarint(rest)
	if n <= 0 || size > uint64(len(rest)-n) {
		return m, errMessage
	}
	head, data := rest[n:n+int(size)], rest[n+int(size):]
	if err := json.Unmarshal(head, &m); err != nil || len(m.Sizes) != len(m.Events) {
		return message{}, errMessage
	}
	for i := range m.Nudges {
		m.Nudges[i].Data = nil
	}
	for i, size := range m.Sizes {
		if size < 0 || size > len(data) {
			return message{}, errMessage
		}
		m.Events[i].Data, data = data[:size:size], data[size:]
	}
	return m, nil
}

// idLength is how long the name of a sender is, which is an id.
const idLength = 36
