package telemetry

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"codeforge"
	"codeforge/internal/api"
	"codeforge/internal/cache"
	"codeforge/internal/jobs"
	"codeforge/internal/postgres"
	"codeforge/internal/redis"
	"codeforge/internal/sandbox"
	"codeforge/internal/stream"
	"codeforge/internal/webhook"
)

// TestSourcesAreShown: each count of a source is shown as what it is, none beside another's name.
func TestSourcesAreShown(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(&collector{Sources: Sources{
		Jobs: func(context.Context) ([]codeforge.JobCount, error) {
			return []codeforge.JobCount{{Agent: "code", Status: codeforge.Queued, Jobs: 1, Due: 2 * time.Second}}, nil
		},
		Engine: func() jobs.Stats { return jobs.Stats{Busy: 3, Workers: 4} },
		Checks: func() sandbox.Stats { return sandbox.Stats{Places: 5, Working: 6, Waiting: 7} },
		Writer: func() int { return 8 },
		Database: func() (postgres.PoolStats, bool) {
			return postgres.PoolStats{InUse: 9, Open: 19, Most: 11, Waits: 12, Waited: 13 * time.Second, Opened: 14}, true
		},
		Streams: func() stream.Stats {
			return stream.Stats{Open: 31, Handled: 15, Opened: 17, Refused: 18, Slow: 19, Dead: 20, Bytes: 21}
		},
		Sockets: func() api.SocketStats {
			return api.SocketStats{Open: 22, Subscriptions: 23, Opened: 24, Received: 25, Sent: 26, Refused: 27, Slow: 28}
		},
		Webhooks: func() webhook.Stats {
			return webhook.Stats{Delivered: 29, Failed: 30, Retried: 31, GivenUp: 32, Disabled: 33, Sending: 34, Pending: 35, Oldest: 36 * time.Second}
		},
		Cache: func() cache.Stats {
			return cache.Stats{Hits: 37, Misses: 38, Shared: 39, Bypassed: 40, Evicted: 41, Entries: 42, Bytes: 43}
		},
		Redis: func() redis.Stats {
			return redis.Stats{Up: true, Gone: 44, Announced: 45, Woken: 46, Published: 47, Received: 48, Nudged: 49, Dropped: 50, Limited: 51, LimitedHere: 52, Slow: 53}
		},
		Replicas: func() postgres.ReplicaStats {
			return postgres.ReplicaStats{Replicas: []postgres.ReplicaState{{Name: "r", Bytes: 54, Lag: 55 * time.Second, Latency: 56 * time.Second, Reads: 57, Failed: 58}}, Unknown: 59, Behind: 60, Far: 61}
		},
		Failovers: func() Failovers { return Failovers{Count: 62, Lost: 63} },
	}, errors: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "x"}, []string{"source"})})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, f := range families {
		for _, m := range f.Metric {
			var labels []string
			for _, l := range m.Label {
				labels = append(labels, l.GetValue())
			}
			if v := m.GetCounter().GetValue() + m.GetGauge().GetValue(); v != 0 {
				got[fmt.Sprintf("%s %s %v", strings.TrimPrefix(f.GetName(), "codeforge_"), strings.Join(labels, " "), v)] = true
			}
		}
	}
	want := []string{"jobs code queued 1", "job_queue_age_seconds  2", "workers_busy  3", "workers  4", "verifiers  5", "verifiers_busy  6", "verifier_queue  7", "sqlite_writer_queue  8",
		"db_connections in_use 9", "db_connections idle 10", "db_connections_max  11", "db_connection_waits_total  12", "db_connection_wait_seconds_total  13", "db_connections_opened_total  14",
		"streams own 15", "streams shared 16", "streams_opened_total  17", "streams_refused_total  18", "streams_dropped_total slow 19", "streams_dropped_total dead 20", "stream_bytes_total  21",
		"websockets  22", "websocket_subscriptions  23", "websockets_opened_total  24", "websocket_messages_total received 25", "websocket_messages_total sent 26", "websocket_messages_total refused 27",
		"websockets_dropped_total  28", "webhook_attempts_total delivered 29", "webhook_attempts_total failed 30", "webhook_retries_total  31", "webhook_given_up_total  32", "webhook_disabled_total  33",
		"webhook_sending  34", "webhook_pending  35", "webhook_oldest_seconds  36", "cache_reads_total hit 37", "cache_reads_total miss 38", "cache_reads_total shared 39", "cache_reads_total bypassed 40",
		"cache_evictions_total  41", "cache_entries  42", "cache_bytes  43", "redis_up  1", "redis_lost_total  44", "redis_messages_total announced 45", "redis_messages_total woken 46",
		"redis_messages_total published 47", "redis_messages_total received 48", "redis_messages_total nudged 49", "redis_messages_total dropped 50", "redis_limited_total redis 51", "redis_limited_total process 52",
		"redis_slow_total  53", "replica_up r 1", "replica_lag_bytes r 54", "replica_lag_seconds r 55", "replica_latency_seconds r 56", "replica_reads_total r answered 57",
		"replica_reads_total r failed 58", "replica_primary_reads_total unknown 59", "replica_primary_reads_total behind 60", "replica_primary_reads_total far 61", "db_failovers_total  62", "db_failover_lost_jobs_total  63"}
	for _, line := range want {
		if !got[line] {
			t.Errorf("there is no %s", line)
		}
		delete(got, line)
	}
	if len(got) > 0 {
		t.Errorf("nobody counted %v", slices.Sorted(maps.Keys(got)))
	}
}
