package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/rueidis"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// places is how many jobs each server runs at once, ours and others.
const places = 32

// task is what a job carries through an engine.
type task struct {
	Sent    int64           `json:"sent"`
	Context json.RawMessage `json:"context"`
}

func (task) Kind() string { return "noop" }

// engine is a queue of jobs that do nothing, with its workers in this process.
type engine interface {
	insert(ctx context.Context, t task) (id string, err error)
}

// peer is an engine behind HTTP: jobs come as they come to CodeForge, and are asked of nobody but the engine.
type peer struct {
	engine engine
	done   atomic.Int64
	mu     sync.Mutex
	starts []float64 // milliseconds between sending a job and the beginning of its work
}

// work is what a job does.
func (p *peer) work(t task) {
	delay := float64(time.Now().UnixNano()-t.Sent) / 1e6
	p.mu.Lock()
	p.starts = append(p.starts, delay)
	p.mu.Unlock()
	p.done.Add(1)
}

func (p *peer) run(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Context json.RawMessage `json:"input_context"`
	}
	var times struct {
		Sent int64 `json:"sent"`
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
	if err == nil {
		err = errors.Join(json.Unmarshal(body, &in), json.Unmarshal(in.Context, &times))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	id, err := p.engine.insert(r.Context(), task{times.Sent, in.Context})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, map[string]string{"job_id": id, "status": "queued"})
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// servePeer is the program of an engine: its name, the port and where its data lies.
func servePeer(ctx context.Context, name, port, address string) error {
	p := &peer{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { answer(w, map[string]string{"status": "ok"}) })
	mux.HandleFunc("POST /v1/run-agent", p.run)
	mux.HandleFunc("GET /done", func(w http.ResponseWriter, _ *http.Request) { answer(w, p.done.Load()) })
	mux.HandleFunc("GET /starts", func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		answer(w, p.starts)
		p.starts = nil
	})
	var handler http.Handler = mux
	var err error
	switch name {
	case "river":
		p.engine, err = newRiver(ctx, address, p.work)
	case "asynq":
		p.engine, err = newAsynq(address, p.work)
	case "streams":
		p.engine, err = newStreams(ctx, address, p.work)
	case "stub":
		handler = stub(mux)
	default:
		err = fmt.Errorf("no peer is called %q", name)
	}
	if err != nil {
		return err
	}
	return http.ListenAndServe(net.JoinHostPort("127.0.0.1", port), handler)
}

// stub puts around a handler what every server does at least: a request id, a limit on requests and one line of log.
func stub(next http.Handler) http.Handler {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	var mu sync.Mutex
	type bucket struct {
		tokens float64
		last   time.Time
	}
	buckets := map[string]*bucket{}
	allow := func(from string) bool {
		const most = 1e9
		now := time.Now()
		mu.Lock()
		defer mu.Unlock()
		b := buckets[from]
		if b == nil {
			b = &bucket{most, now}
			buckets[from] = b
		}
		b.tokens, b.last = min(most, b.tokens+now.Sub(b.last).Minutes()*most), now
		b.tokens--
		return b.tokens >= 0
	}
	var requests atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began, id := time.Now(), strconv.FormatInt(requests.Add(1), 36)
		w.Header().Set("X-Request-ID", id)
		from, _, _ := net.SplitHostPort(r.RemoteAddr)
		if !allow(from) {
			http.Error(w, "too many requests", http.StatusTooManyRequests)
			return
		}
		next.ServeHTTP(w, r)
		log.LogAttrs(r.Context(), slog.LevelInfo, "request", slog.String("request_id", id), slog.String("method", r.Method),
			slog.String("path", r.URL.Path), slog.Int("status", 200), slog.Duration("took", time.Since(began)))
	})
}

// riverEngine is River on Postgres, with the shortest pause between fetches.
type riverEngine struct{ client *river.Client[pgx.Tx] }

type riverWorker struct {
	river.WorkerDefaults[task]
	do func(task)
}

func (w *riverWorker) Work(_ context.Context, j *river.Job[task]) error { w.do(j.Args); return nil }

func newRiver(ctx context.Context, url string, do func(task)) (engine, error) {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return nil, err
	}
	quiet := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	driver := riverpgxv5.New(pool)
	m, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: quiet})
	if err == nil {
		_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	}
	if err != nil {
		return nil, err
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &riverWorker{do: do})
	client, err := river.NewClient(driver, &river.Config{Logger: quiet, Workers: workers, FetchCooldown: time.Millisecond,
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: places}}})
	if err != nil {
		return nil, err
	}
	return riverEngine{client}, client.Start(ctx)
}

func (r riverEngine) insert(ctx context.Context, t task) (string, error) {
	done, err := r.client.Insert(ctx, t, nil)
	if err != nil {
		return "", err
	}
	return strconv.FormatInt(done.Job.ID, 10), nil
}

// asynqEngine is asynq on Redis, with a short pause between looks.
type asynqEngine struct{ client *asynq.Client }

// silent keeps what an engine says of its own life out of the log.
type silent struct{}

func (silent) Debug(...any)   {}
func (silent) Info(...any)    {}
func (silent) Warn(...any)    {}
func (silent) Error(a ...any) { fmt.Fprintln(os.Stderr, a...) }
func (silent) Fatal(a ...any) { fmt.Fprintln(os.Stderr, a...); os.Exit(1) }

func newAsynq(address string, do func(task)) (engine, error) {
	opt := asynq.RedisClientOpt{Addr: address, PoolSize: 2 * places}
	s := asynq.NewServer(opt, asynq.Config{Concurrency: places, TaskCheckInterval: 5 * time.Millisecond, Logger: silent{}})
	err := s.Start(asynq.HandlerFunc(func(_ context.Context, a *asynq.Task) error {
		var t task
		if err := json.Unmarshal(a.Payload(), &t); err != nil {
			return err
		}
		do(t)
		return nil
	}))
	return asynqEngine{asynq.NewClient(opt)}, err
}

func (a asynqEngine) insert(ctx context.Context, t task) (string, error) {
	b, err := json.Marshal(t)
	if err != nil {
		return "", err
	}
	done, err := a.client.EnqueueContext(ctx, asynq.NewTask("noop", b))
	if err != nil {
		return "", err
	}
	return done.ID, nil
}

// streamsEngine is a stream of Redis with a consumer group, and nothing else: no retry, no record of what ended.
type streamsEngine struct{ client rueidis.Client }

func newStreams(ctx context.Context, address string, do func(task)) (engine, error) {
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{address}, DisableCache: true})
	if err != nil {
		return nil, err
	}
	made := client.Do(ctx, client.B().XgroupCreate().Key("jobs").Group("workers").Id("0").Mkstream().Build()).Error()
	if made != nil && !rueidis.IsRedisBusyGroup(made) {
		return nil, made
	}
	work := make(chan [2]string)
	for range places {
		go func() {
			for one := range work {
				var t task
				if err := json.Unmarshal([]byte(one[1]), &t); err != nil {
					fmt.Fprintln(os.Stderr, err)
					continue
				}
				do(t)
				for _, r := range client.DoMulti(ctx, client.B().Xack().Key("jobs").Group("workers").Id(one[0]).Build(), client.B().Xdel().Key("jobs").Id(one[0]).Build()) {
					if r.Error() != nil {
						fmt.Fprintln(os.Stderr, r.Error())
					}
				}
			}
		}()
	}
	go func() {
		for {
			got, err := client.Do(ctx, client.B().Xreadgroup().Group("workers", "one").Count(places).Block(1000).Streams().Key("jobs").Id(">").Build()).AsXRead()
			if err != nil && !rueidis.IsRedisNil(err) {
				fmt.Fprintln(os.Stderr, err)
				time.Sleep(100 * time.Millisecond)
			}
			for _, entry := range got["jobs"] {
				work <- [2]string{entry.ID, entry.FieldValues["task"]}
			}
		}
	}()
	return streamsEngine{client}, nil
}

func (s streamsEngine) insert(ctx context.Context, t task) (string, error) {
	b, err := json.Marshal(t)
	if err != nil {
		return "", err
	}
	return s.client.Do(ctx, s.client.B().Xadd().Key("jobs").Id("*").FieldValue().FieldValue("task", string(b)).Build()).ToString()
}
