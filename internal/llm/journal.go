package llm

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"math"
	"time"

	"codeforge"
)

// Journal keeps the answers that a job got, so that a job which is dispatched again gets them again, unbilled, and goes on
// where it stopped; and so that a finished job can be run again without network. Entries are opaque bytes.
type Journal interface {
	// Get returns the entry of a job's call, nil if there is none.
	Get(ctx context.Context, k JournalKey) ([]byte, error)
	// Put stores an entry durably and returns what now stands under the key: the entry that came first wins, so that a
	// worker which lost its job meanwhile and the one that took over go by the same answer.
	Put(ctx context.Context, k JournalKey, entry []byte) ([]byte, error)
}

// JournalKey names one answer. Several rounds of one call differ in their hash.
type JournalKey struct {
	JobID  string
	Number int    // of the call in its job
	Hash   string // of the request, see [Hash]
}

// ErrNotJournaled is what a replay without network meets where the journal has no answer: the job took another path than
// the one that was recorded.
var ErrNotJournaled = errors.New("no answer in the journal for this call")

// Journaled decorates next, usually a Router: each answer is stored before it is used, and what was stored is what is
// used. Answers and the errors that are answers in disguise (refusal, content_filter, truncated_output, malformed_output:
// they were paid for, and asking the same again would be no better) are kept; other errors are not. A call without a job goes straight through.
//
// A viewer of a stored answer gets it in one piece per part. With next nil the journal alone answers, and a
// missing entry is an [ErrNotJournaled].
func Journaled(next Provider, j Journal) Provider { return &journaled{next, j} }

type journaled struct {
	next Provider
	j    Journal
}

func (d *journaled) Name() string {
	if d.next == nil {
		return "journal"
	}
	return d.next.Name()
}

// storing bounds how long an answer that is there waits for the journal after its job was cancelled.
const storing = 10 * time.Second

func (d *journaled) Generate(ctx context.Context, req *Request, sink func(Delta)) (*Response, error) {
	if req.Call.JobID == "" {
		if d.next == nil {
			return nil, ErrNotJournaled
		}
		return d.next.Generate(ctx, req, sink)
	}
	k := JournalKey{req.Call.JobID, req.Call.Number, Hash(req)}
	entry, err := d.j.Get(ctx, k)
	if err != nil {
		return nil, unavailable("read the journal", err)
	}
	if entry != nil {
		resp, kept, owed, err := decodeEntry(entry)
		if err != nil {
			return nil, unavailable("read the journal", err)
		}
		if books, ok := d.next.(interface{ RecordEntry(context.Context, Entry) }); ok {
			for _, e := range owed {
				books.RecordEntry(ctx, e)
			}
		}
		if kept != nil {
			return nil, kept
		}
		resp.Replayed = true
		resp.Cost = Cost{}
		if sink != nil {
			emit(resp, sink)
		}
		return resp, nil
	}
	if d.next == nil {
		return nil, fmt.Errorf("call %d of job %s: %w", k.Number, k.JobID, ErrNotJournaled)
	}
	calling, owed := collectUnrecorded(ctx)
	resp, err := d.next.Generate(calling, req, sink)
	if err != nil {
		if e, ok := errors.AsType[*Error](err); !ok || !journalable(e.Kind) {
			return nil, err
		}
	}
	kept, _ := errors.AsType[*Error](err)
	entry, err = encodeEntry(resp, kept, *owed)
	if err != nil {
		return nil, unavailable("write the journal", err)
	}
	// The answer is paid for: a job that is cancelled at this moment still finds it when it is replayed.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storing)
	defer cancel()
	if entry, err = d.j.Put(ctx, k, entry); err != nil {
		return nil, unavailable("write the journal", err)
	}
	resp, kept, _, err = decodeEntry(entry)
	if err != nil {
		return nil, unavailable("read the journal", err)
	}
	if kept != nil {
		return nil, kept
	}
	return resp, nil
}

func journalable(k ErrorKind) bool {
	return k == Refusal || k == ContentFilter || k == TruncatedOutput || k == MalformedOutput
}

// unavailable is a failure of our own books: nothing is wrong with the call, and the job may be tried again.
func unavailable(doing string, err error) error {
	return &codeforge.Error{Kind: codeforge.Unavailable, Message: "Model calls are not possible at the moment", Retryable: true,
		Cause: fmt.Errorf("%s: %w", doing, err)}
}

func emit(resp *Response, sink func(Delta)) {
	calls := 0
	for _, p := range resp.Parts {
		switch p.Kind {
		case PartText:
			sink(Delta{Kind: DeltaText, Text: p.Text})
		case PartReasoning:
			sink(Delta{Kind: DeltaReasoning, Text: p.Text})
		case PartToolCall:
			sink(Delta{Kind: DeltaToolCall, Text: string(p.Call.Arguments), Name: p.Call.Name, Index: calls})
			calls++
		}
	}
}

// Hash identifies a request by everything in it that a provider may see, not by whom it is for. Two requests have the same
// hash only if all those fields are the same byte for byte. It cannot fail, and takes about a millisecond per megabyte.
func Hash(req *Request) string {
	h := hasher{Hash: sha256.New()}
	h.str("codeforge request 1")
	h.str(req.Model)
	h.str(req.System)
	h.num(int64(len(req.Messages)))
	for _, m := range req.Messages {
		h.str(string(m.Role))
		h.num(int64(len(m.Parts)))
		for _, p := range m.Parts {
			h.str(string(p.Kind))
			h.str(p.Text)
			h.bytes(p.Opaque)
			h.str(p.Provider)
			h.str(p.Model)
			if p.Kind == PartImage {
				h.str(p.Image.Type)
				h.bytes(p.Image.Data)
			}
			h.flag(p.Call != nil)
			if p.Call != nil {
				h.str(p.Call.ID)
				h.str(p.Call.Name)
				h.bytes(p.Call.Arguments)
			}
			h.flag(p.Result != nil)
			if p.Result != nil {
				h.str(p.Result.ID)
				h.str(p.Result.Name)
				h.str(p.Result.Content)
				h.flag(p.Result.IsError)
			}
		}
	}
	h.num(int64(len(req.Tools)))
	for _, t := range req.Tools {
		h.str(t.Name)
		h.str(t.Description)
		h.bytes(t.Parameters)
	}
	h.flag(req.Schema != nil)
	if req.Schema != nil {
		h.str(req.Schema.Name)
		h.bytes(req.Schema.JSON)
	}
	h.num(int64(req.MaxOutput))
	h.flag(req.Temperature != nil)
	if req.Temperature != nil {
		h.num(int64(math.Float64bits(*req.Temperature)))
	}
	h.str(req.Effort)
	return hex.EncodeToString(h.Sum(nil))
}

// hasher writes each value with its length, so that no two sequences look alike.
type hasher struct{ hash.Hash }

func (h hasher) num(n int64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(n))
	h.Write(b[:])
}

func (h hasher) bytes(b []byte) {
	h.num(int64(len(b)))
	h.Write(b)
}

func (h hasher) str(s string) { h.bytes([]byte(s)) }

func (h hasher) flag(b bool) {
	if b {
		h.num(1)
	} else {
		h.num(0)
	}
}

// journalEntry is how an answer, or an error in place of one, is stored. Raw JSON inside is kept as text: it must come back byte
// for byte, because the next request holds it and is found by its hash; and what a model wrote need not be JSON at all.
type journalEntry struct {
	Response *journalResponse `json:"response,omitempty"`
	Error    *journalError    `json:"error,omitempty"`
	Unbooked []Entry          `json:"unbooked,omitempty"` // what the ledger could not take when the call ended
}

type journalResponse struct {
	Provider    string        `json:"provider,omitempty"`
	Model       string        `json:"model,omitempty"`
	ServedModel string        `json:"served_model,omitempty"`
	Parts       []journalPart `json:"parts,omitempty"`
	Finish      FinishKind    `json:"finish_kind,omitempty"`
	FinishRaw   string        `json:"finish_reason,omitempty"`
	Usage       Usage         `json:"usage"`
	Cost        Cost          `json:"cost,omitzero"`
	Lost        Lost          `json:"lost,omitzero"`
}

type journalPart struct {
	Kind      PartKind `json:"kind"`
	Text      string   `json:"text,omitempty"`
	CallID    string   `json:"call_id,omitempty"`
	CallName  string   `json:"call_name,omitempty"`
	Arguments *string  `json:"arguments,omitempty"`
	Opaque    *string  `json:"opaque,omitempty"`
	Provider  string   `json:"provider,omitempty"`
	Model     string   `json:"model,omitempty"`
}

type journalError struct {
	Provider string           `json:"provider,omitempty"`
	Model    string           `json:"model,omitempty"`
	Kind     ErrorKind        `json:"kind"`
	Status   int              `json:"status,omitempty"`
	Message  string           `json:"message,omitempty"`
	Where    string           `json:"where,omitempty"`
	Retry    bool             `json:"retryable,omitempty"`
	Fallback bool             `json:"fallback,omitempty"`
	Finish   FinishKind       `json:"finish_kind,omitempty"`
	Refusal  string           `json:"refusal,omitempty"`
	Usage    *Usage           `json:"usage,omitempty"`
	Partial  *journalResponse `json:"partial,omitempty"`
	Lost     Lost             `json:"lost,omitzero"`
}

func encodeEntry(resp *Response, e *Error, owed []Entry) ([]byte, error) {
	entry := journalEntry{Response: toJournal(resp)}
	if e != nil {
		entry = journalEntry{Error: &journalError{Provider: e.Provider, Model: e.Model, Kind: e.Kind, Status: e.Status, Message: e.Message,
			Where: e.Where, Retry: e.Retryable, Fallback: e.Fallback, Finish: e.Finish, Refusal: e.Refusal, Usage: e.Usage, Partial: toJournal(e.Partial), Lost: e.Lost}}
	}
	entry.Unbooked = owed
	return json.Marshal(entry)
}

func decodeEntry(b []byte) (*Response, *Error, []Entry, error) {
	var entry journalEntry
	if err := json.Unmarshal(b, &entry); err != nil {
		return nil, nil, nil, fmt.Errorf("journal entry: %w", err)
	}
	switch {
	case entry.Error != nil:
		e := entry.Error
		return nil, &Error{Provider: e.Provider, Model: e.Model, Kind: e.Kind, Status: e.Status, Message: e.Message, Where: e.Where,
			Retryable: e.Retry, Fallback: e.Fallback, Finish: e.Finish, Refusal: e.Refusal, Usage: e.Usage, Partial: fromJournal(e.Partial), Lost: e.Lost}, entry.Unbooked, nil
	case entry.Response != nil:
		return fromJournal(entry.Response), nil, entry.Unbooked, nil
	}
	return nil, nil, nil, errors.New("journal entry: empty")
}

// Answered is what an entry of a journal holds: an answer, or an error that stands for one, with what there was of it.
func Answered(entry []byte) (*Response, *Error, error) {
	resp, failed, _, err := decodeEntry(entry)
	return resp, failed, err
}

func toJournal(r *Response) *journalResponse {
	if r == nil {
		return nil
	}
	out := &journalResponse{r.Provider, r.Model, r.ServedModel, nil, r.Finish, r.FinishRaw, r.Usage, r.Cost, r.Lost}
	for _, p := range r.Parts {
		q := journalPart{Kind: p.Kind, Text: p.Text, Provider: p.Provider, Model: p.Model}
		if p.Call != nil {
			q.CallID, q.CallName, q.Arguments = p.Call.ID, p.Call.Name, new(string(p.Call.Arguments))
		}
		if p.Opaque != nil {
			q.Opaque = new(string(p.Opaque))
		}
		out.Parts = append(out.Parts, q)
	}
	return out
}

func fromJournal(r *journalResponse) *Response {
	if r == nil {
		return nil
	}
	out := &Response{Provider: r.Provider, Model: r.Model, ServedModel: r.ServedModel, Finish: r.Finish, FinishRaw: r.FinishRaw,
		Usage: r.Usage, Cost: r.Cost, Lost: r.Lost}
	for _, p := range r.Parts {
		q := Part{Kind: p.Kind, Text: p.Text, Provider: p.Provider, Model: p.Model}
		if p.Arguments != nil {
			q.Call = &ToolCall{ID: p.CallID, Name: p.CallName}
			if *p.Arguments != "" {
				q.Call.Arguments = json.RawMessage(*p.Arguments)
			}
		}
		if p.Opaque != nil {
			q.Opaque = json.RawMessage(*p.Opaque)
		}
		out.Parts = append(out.Parts, q)
	}
	return out
}
