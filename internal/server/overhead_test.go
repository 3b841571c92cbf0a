package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/llm"
	"codeforge/internal/sqlite"
)

// What stands between a job and its model's answer, on loopback: each benchmark does the same work with a bare HTTP client and
// through the adapter, the router, a ledger with a ceiling and the journal, over a real store. The difference is what is
// added. The mock shares the processors with what is measured, and the store's commits are those of the disk under TMPDIR.

const (
	thinking = 50 * time.Millisecond // of the mock before it answers
	perSec   = 500                   // requests, sent whether or not earlier ones are answered
	lasting  = 2 * time.Second       // for each way
	warmUp   = 50                    // requests of each way that do not count

	streams  = 1000 // open at once
	pieces   = 20   // of each
	interval = 100 * time.Millisecond
)

var epoch = time.Now()

// mockModel answers as a chat endpoint does. A piece of a stream is the time at which it was sent.
type mockModel struct {
	open    atomic.Int32
	allOpen chan struct{} // closed when as many streams as are wanted have begun
	wanted  int32
}

func (m *mockModel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if !bytes.Contains(body, []byte(`"stream":true`)) {
		time.Sleep(thinking)
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"id":"1","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"`+strings.Repeat("word ", 200)+
			`"},"finish_reason":"stop"}],"usage":{"prompt_tokens":2000,"completion_tokens":200}}`)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	flush := http.NewResponseController(w)
	_ = flush.Flush()
	n := m.open.Add(1)
	if n == m.wanted {
		close(m.allOpen)
	}
	select {
	case <-m.allOpen:
	case <-r.Context().Done():
		return
	}
	next := time.Now().Add(interval * time.Duration(n) / streams)
	for range pieces {
		time.Sleep(time.Until(next))
		next = next.Add(interval)
		fmt.Fprintf(w, `data: {"id":"1","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"content":"%d"},"finish_reason":null}]}`+"\n\n", time.Since(epoch).Nanoseconds())
		_ = flush.Flush()
	}
	io.WriteString(w, `data: {"id":"1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":2000,"completion_tokens":20}}`+"\n\ndata: [DONE]\n\n")
}

// books counts what the ledger kept, and which of it was under a ceiling.
type books struct {
	*sqlite.Ledger
	kept, held atomic.Int64
}

func (c *books) Record(ctx context.Context, e llm.Entry) error {
	err := c.Ledger.Record(ctx, e)
	if err == nil {
		c.kept.Add(1)
		if e.Reservation != "" {
			c.held.Add(1)
		}
	}
	return err
}

// bench is the mock with both ways to it.
type bench struct {
	*testing.B
	mock     *mockModel
	url      string
	bare     *http.Client
	store    *sqlite.Store
	books    *books
	router   llm.Provider // with books in memory, and no journal
	model    llm.Provider // with everything
	observed atomic.Int64
	job      string
	asked    int // of model
}

func newBench(b *testing.B) *bench {
	b.Helper()
	o := &bench{B: b, mock: &mockModel{}, job: codeforge.NewID()}
	server := httptest.NewServer(o.mock)
	b.Cleanup(server.Close)
	o.url = server.URL + "/v1"
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 2*streams, 2*streams
	b.Cleanup(transport.CloseIdleConnections)
	o.bare = &http.Client{Transport: transport}
	var err error
	if o.store, err = sqlite.Open(b.Context(), b.TempDir(), sqlite.Options{}); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = o.store.Close() })
	ceiling := map[llm.BudgetScope]int64{llm.BudgetUserDay: 1 << 50}
	o.books = &books{Ledger: o.store.Ledger(ceiling)}
	router := func(ledger llm.Ledger) *llm.Router {
		r, err := NewRouter(&Config{CompatibleURL: o.url, CompatibleKey: "a-key-of-the-mock"}, ledger, slog.New(slog.DiscardHandler))
		if err != nil {
			b.Fatal(err)
		}
		return r
	}
	o.router = router(&llm.Memory{Limits: ceiling})
	full := router(o.books)
	full.Observe = func(llm.Attempt) { o.observed.Add(1) }
	o.model = llm.Journaled(full, o.store)
	return o
}

var (
	benchPrompt = strings.Repeat("func add(a, b int) int { return a + b }\n", 200) // 8 KB
	benchUser   = codeforge.LocalUser().ID
)

// request is a request like those of jobs, the number-th of its job.
func (o *bench) request(number int) *llm.Request {
	return &llm.Request{Model: "compatible:m", System: "You write code.", Messages: []llm.Message{llm.UserText(benchPrompt)}, MaxOutput: 1000,
		Call: llm.Call{JobID: o.job, UserID: benchUser, Agent: codeforge.Code, Number: number}}
}

// post makes a request without anything of ours in between.
func (o *bench) post(stream bool) (*http.Response, error) {
	body, err := json.Marshal(map[string]any{"model": "m", "stream": stream, "max_tokens": 1000, "messages": []map[string]string{
		{"role": "system", "content": "You write code."}, {"role": "user", "content": benchPrompt}}})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(o.Context(), http.MethodPost, o.url+"/chat/completions", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	return o.bare.Do(req)
}

// load calls do n times, perSec times a second, and returns how long each took from when it was due.
func (o *bench) load(n int, do func(i int) error) []time.Duration {
	o.Helper()
	took := make([]time.Duration, n)
	var wg sync.WaitGroup
	begin := time.Now()
	for i := range n {
		due := begin.Add(time.Duration(i) * time.Second / perSec)
		time.Sleep(time.Until(due))
		wg.Go(func() {
			if err := do(i); err != nil {
				o.Errorf("request %d: %v", i, err)
			}
			took[i] = time.Since(due)
		})
	}
	wg.Wait()
	return took
}

// report reports percentiles of the bare way, and by how much those of another are above them.
func (o *bench) report(bare, other []time.Duration, name string) {
	slices.Sort(bare)
	slices.Sort(other)
	for _, p := range []int{50, 99} {
		of := func(all []time.Duration) float64 { return float64(all[(len(all)-1)*p/100]) / 1e6 }
		o.ReportMetric(of(bare), fmt.Sprintf("bare-p%d-ms", p))
		o.ReportMetric(of(other)-of(bare), fmt.Sprintf("%s-p%d-ms", name, p))
	}
	o.ReportMetric(0, "ns/op")
}

// checkBooks checks that nothing was lost: each call was observed, is in the ledger under its ceiling, and is in the journal.
func (o *bench) checkBooks() {
	o.Helper()
	n := int64(o.asked)
	if seen, kept, held := o.observed.Load(), o.books.kept.Load(), o.books.held.Load(); seen != n || kept != n || held != n {
		o.Errorf("of %d calls %d were observed, %d are in the ledger, %d of them under a ceiling", n, seen, kept, held)
	}
	replay := llm.Journaled(nil, o.store)
	for i := range o.asked {
		if _, err := replay.Generate(o.Context(), o.request(i), nil); err != nil {
			o.Fatal(err)
		}
	}
}

// BenchmarkModelCall measures what a call of a model takes longer under an even load: through the router with books in memory,
// and with everything added.
func BenchmarkModelCall(b *testing.B) {
	o := newBench(b)
	bare := func(int) error {
		resp, err := o.post(false)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
	router := func(i int) error {
		_, err := o.router.Generate(b.Context(), o.request(i), nil)
		return err
	}
	all := func(i int) error {
		_, err := o.model.Generate(b.Context(), o.request(o.asked+i), nil)
		return err
	}
	var direct, routed, full []time.Duration
	round := func(n int) {
		direct = append(direct, o.load(n, bare)...)
		routed = append(routed, o.load(n, router)...)
		full = append(full, o.load(n, all)...)
		o.asked += n
	}
	round(warmUp)
	direct, routed, full = nil, nil, nil
	for b.Loop() {
		round(int(perSec * lasting / time.Second))
	}
	o.report(direct, routed, "router-adds")
	o.report(direct, full, "all-adds")
	o.checkBooks()
}

// BenchmarkModelStreams measures for how long a piece of an answer is held back, with a thousand answers on their way at once.
func BenchmarkModelStreams(b *testing.B) {
	o := newBench(b)
	all := func(one func(i int, piece func(sent string)) error) []time.Duration {
		o.mock.open.Store(0)
		o.mock.wanted, o.mock.allOpen = streams, make(chan struct{})
		delays := make([][]time.Duration, streams)
		var wg sync.WaitGroup
		for i := range streams {
			wg.Go(func() {
				err := one(i, func(sent string) {
					now := time.Since(epoch)
					at, err := strconv.ParseInt(sent, 10, 64)
					if err != nil {
						b.Error(err)
					}
					delays[i] = append(delays[i], now-time.Duration(at))
				})
				if err != nil || len(delays[i]) != pieces {
					b.Errorf("stream %d: %d of %d pieces: %v", i, len(delays[i]), pieces, err)
				}
			})
		}
		wg.Wait()
		return slices.Concat(delays...)
	}
	bare := func(_ int, piece func(string)) error {
		resp, err := o.post(true)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		lines := bufio.NewScanner(resp.Body)
		for lines.Scan() {
			if _, rest, ok := strings.Cut(lines.Text(), `"content":"`); ok {
				sent, _, _ := strings.Cut(rest, `"`)
				piece(sent)
			}
		}
		return lines.Err()
	}
	ours := func(i int, piece func(string)) error {
		_, err := o.model.Generate(b.Context(), o.request(o.asked+i), func(d llm.Delta) { piece(d.Text) })
		return err
	}
	var direct, full []time.Duration
	for b.Loop() {
		direct = append(direct, all(bare)...)
		full = append(full, all(ours)...)
		o.asked += streams
	}
	o.report(direct, full, "all-adds")
	o.ReportMetric(streams, "streams")
	o.checkBooks()
}
