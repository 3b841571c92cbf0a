package telemetry

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"codeforge"
	"codeforge/internal/api"
	"codeforge/internal/cache"
	"codeforge/internal/jobs"
	"codeforge/internal/llm"
	"codeforge/internal/postgres"
	"codeforge/internal/redis"
	"codeforge/internal/sandbox"
	"codeforge/internal/stream"
	"codeforge/internal/webhook"
)

// Sources are asked when somebody reads metrics. Those that are nil are not there.
type Sources struct {
	Jobs     func(context.Context) ([]codeforge.JobCount, error) // in the store
	Engine   func() jobs.Stats
	Models   func() *llm.Router
	Checks   func() sandbox.Stats
	Writer   func() int // writes that wait for the embedded store's
	Database func() (postgres.PoolStats, bool)
	Replicas func() postgres.ReplicaStats
	// Failovers of the database.
	Failovers func() Failovers
	Streams   func() stream.Stats
	Sockets   func() api.SocketStats
	Webhooks  func() webhook.Stats
	Cache     func() cache.Stats
	Redis     func() redis.Stats
}

// Failovers are those that this process met, and the jobs that it missed afterwards.
type Failovers struct{ Count, Lost int64 }

// Watch has sources asked from now on. It is called once.
func (t *Telemetry) Watch(s Sources) {
	t.metrics.models.router = s.Models
	t.metrics.registry.MustRegister(&collector{Sources: s, errors: t.metrics.counters(scrapeErrors)})
}

// collector reads sources.
type collector struct {
	Sources
	errors *prometheus.CounterVec
}

// countsWithin bounds the question to the store: a scrape that waits longer is given up by whoever asked.
const countsWithin = 2 * time.Second

// Describe is part of [prometheus.Collector]: it says nothing, as what is there depends on the sources.
func (c *collector) Describe(chan<- *prometheus.Desc) {}

// emit writes values of metrics of the catalogue.
type emit chan<- prometheus.Metric

var descs = sync.OnceValue(func() map[*Metric]*prometheus.Desc {
	all := map[*Metric]*prometheus.Desc{}
	for _, m := range catalogue {
		all[m] = prometheus.NewDesc(m.Name, m.Help, m.Labels, nil)
	}
	return all
})

func (e emit) value(m *Metric, v float64, labels ...string) {
	kind := prometheus.GaugeValue
	if m.Kind == Counter {
		kind = prometheus.CounterValue
	}
	e <- prometheus.MustNewConstMetric(descs()[m], kind, v, labels...)
}

// Collect is part of [prometheus.Collector].
func (c *collector) Collect(out chan<- prometheus.Metric) {
	e := emit(out)
	c.between(e)
	if c.Sources.Jobs != nil {
		c.jobs(e)
	}
	if c.Engine != nil {
		s := c.Engine()
		e.value(workersBusy, float64(s.Busy))
		e.value(workersTotal, float64(s.Workers))
	}
	if c.Models != nil {
		c.models(e)
	}
	if c.Checks != nil {
		s := c.Checks()
		e.value(verifierWaiting, float64(s.Waiting))
		e.value(verifierBusy, float64(s.Working))
		e.value(verifierTotal, float64(s.Places))
		for _, r := range sandbox.Reasons {
			e.value(verifierDeaths, float64(s.Deaths[r]), strings.ReplaceAll(string(r), " ", "_"))
		}
	}
	if c.Writer != nil {
		e.value(sqliteQueue, float64(c.Writer()))
	}
	if c.Database != nil {
		if s, ok := c.Database(); ok {
			e.value(poolOpen, float64(s.InUse), "in_use")
			e.value(poolOpen, float64(s.Open-s.InUse), "idle")
			e.value(poolMost, float64(s.Most))
			e.value(poolWaits, float64(s.Waits))
			e.value(poolWaited, s.Waited.Seconds())
			e.value(poolOpened, float64(s.Opened))
		}
	}
	if c.Replicas != nil {
		c.replicas(e)
	}
	if c.Failovers != nil {
		s := c.Failovers()
		e.value(failoversMet, float64(s.Count))
		e.value(failoverLost, float64(s.Lost))
	}
}

// replicas tells of each replica, and of what they were not asked for.
func (c *collector) replicas(e emit) {
	s := c.Replicas()
	for _, r := range s.Replicas {
		up := 0.0
		if r.Err == nil {
			up = 1
		}
		e.value(replicaUp, up, r.Name)
		e.value(replicaLag, r.Lag.Seconds(), r.Name)
		e.value(replicaBytes, float64(r.Bytes), r.Name)
		e.value(replicaTrip, r.Latency.Seconds(), r.Name)
		e.value(replicaReads, float64(r.Reads), r.Name, "answered")
		e.value(replicaReads, float64(r.Failed), r.Name, "failed")
	}
	e.value(primaryReads, float64(s.Unknown), "unknown")
	e.value(primaryReads, float64(s.Behind), "behind")
	e.value(primaryReads, float64(s.Far), "far")
}

// between tells of what servers have with clients and with each other.
func (c *collector) between(e emit) {
	if c.Streams != nil {
		s := c.Streams()
		e.value(streamsOpen, float64(s.Open-s.Handled), "shared")
		e.value(streamsOpen, float64(s.Handled), "own")
		e.value(streamsOpened, float64(s.Opened))
		e.value(streamsRefused, float64(s.Refused))
		e.value(streamsEnded, float64(s.Slow), "slow")
		e.value(streamsEnded, float64(s.Dead), "dead")
		e.value(streamBytes, float64(s.Bytes))
	}
	if c.Sockets != nil {
		s := c.Sockets()
		e.value(socketsOpen, float64(s.Open))
		e.value(socketsWatching, float64(s.Subscriptions))
		e.value(socketsOpened, float64(s.Opened))
		e.value(socketMessages, float64(s.Received), "received")
		e.value(socketMessages, float64(s.Sent), "sent")
		e.value(socketMessages, float64(s.Refused), "refused")
		e.value(socketsSlow, float64(s.Slow))
	}
	if c.Webhooks != nil {
		s := c.Webhooks()
		e.value(webhookAttempts, float64(s.Delivered), "delivered")
		e.value(webhookAttempts, float64(s.Failed), "failed")
		e.value(webhookRetries, float64(s.Retried))
		e.value(webhookGivenUp, float64(s.GivenUp))
		e.value(webhookDisabled, float64(s.Disabled))
		e.value(webhookSending, float64(s.Sending))
		e.value(webhookPending, float64(s.Pending))
		e.value(webhookAge, s.Oldest.Seconds())
	}
	if c.Cache != nil {
		s := c.Cache()
		e.value(cacheReads, float64(s.Hits), "hit")
		e.value(cacheReads, float64(s.Misses), "miss")
		e.value(cacheReads, float64(s.Shared), "shared")
		e.value(cacheReads, float64(s.Bypassed), "bypassed")
		e.value(cacheEvictions, float64(s.Evicted))
		e.value(cacheEntries, float64(s.Entries))
		e.value(cacheBytes, float64(s.Bytes))
	}
	if c.Redis != nil {
		s := c.Redis()
		up := 0.0
		if s.Up {
			up = 1
		}
		e.value(redisUp, up)
		e.value(redisLost, float64(s.Gone))
		e.value(redisMessages, float64(s.Announced), "announced")
		e.value(redisMessages, float64(s.Woken), "woken")
		e.value(redisMessages, float64(s.Published), "published")
		e.value(redisMessages, float64(s.Received), "received")
		e.value(redisMessages, float64(s.Nudged), "nudged")
		e.value(redisMessages, float64(s.Dropped), "dropped")
		e.value(redisLimited, float64(s.Limited), "redis")
		e.value(redisLimited, float64(s.LimitedHere), "process")
		e.value(redisSlow, float64(s.Slow))
	}
}

// openStates are those in which a job has not ended.
var openStates = []codeforge.JobStatus{codeforge.Queued, codeforge.Running, codeforge.Waiting}

// jobs tells of every agent and state, none left out: what is 0 must be seen to be.
func (c *collector) jobs(e emit) {
	ctx, cancel := context.WithTimeout(context.Background(), countsWithin)
	defer cancel()
	counts, err := c.Sources.Jobs(ctx)
	if err != nil {
		c.errors.WithLabelValues("jobs").Inc()
		return
	}
	type key struct {
		agent string
		state codeforge.JobStatus
	}
	n, oldest := map[key]int{}, time.Duration(0)
	for _, j := range counts {
		n[key{agentLabel(j.Agent), j.Status}] += j.Jobs
		oldest = max(oldest, j.Due)
	}
	agents := []string{other}
	for _, a := range codeforge.Agents {
		agents = append(agents, string(a.Type))
	}
	for _, agent := range agents {
		for _, state := range openStates {
			e.value(jobsOpen, float64(n[key{agent, state}]), agent, string(state))
		}
	}
	e.value(queueAge, oldest.Seconds())
}

// breakerStates are those of [llm.ModelState].
var breakerStates = []string{"closed", "half-open", "open"}

func (c *collector) models(e emit) {
	router := c.Models()
	routed := router.Routed()
	for _, s := range router.States() {
		if !routed[s.Name] {
			continue
		}
		provider, model, _ := strings.Cut(s.Name, ":")
		for _, state := range breakerStates {
			in := 0.0
			if s.Breaker == state {
				in = 1
			}
			e.value(llmBreaker, in, provider, model, strings.ReplaceAll(state, "-", "_"))
		}
		e.value(llmPaused, s.Paused.Seconds(), provider, model)
	}
}
