package telemetry

// Every metric of ours, and what somebody on call does with it. Names after Prometheus' conventions; labels hold values of closed
// sets alone, so that no user, project, job or text can make a series. docs/metrics.md is made of this list (make docs).

// Metric is one of them.
type Metric struct {
	Name    string
	Kind    Kind
	Labels  []string
	Help    string
	Buckets []float64 // of a histogram
}

// Kind is what a metric counts.
type Kind string

// Kinds.
const (
	Counter   Kind = "counter"
	Gauge     Kind = "gauge"
	Histogram Kind = "histogram"
)

// Catalogue returns all metrics of ours, in the order of this file.
func Catalogue() []Metric {
	all := make([]Metric, len(catalogue))
	for i, m := range catalogue {
		all[i] = *m
	}
	return all
}

// Names are the names under which series are exported: of a histogram three.
func Names() (names []string) {
	for _, m := range catalogue {
		if m.Kind == Histogram {
			names = append(names, m.Name+"_bucket", m.Name+"_sum", m.Name+"_count")
		} else {
			names = append(names, m.Name)
		}
	}
	return names
}

var catalogue []*Metric

func define(kind Kind, name, help string, buckets []float64, labels []string) *Metric {
	m := &Metric{Name: "codeforge_" + name, Kind: kind, Labels: labels, Help: help, Buckets: buckets}
	catalogue = append(catalogue, m)
	return m
}

func counter(name, help string, labels ...string) *Metric {
	return define(Counter, name, help, nil, labels)
}

func gauge(name, help string, labels ...string) *Metric {
	return define(Gauge, name, help, nil, labels)
}

func histogram(name, help string, buckets []float64, labels ...string) *Metric {
	return define(Histogram, name, help, buckets, labels)
}

// Buckets, in seconds.
var (
	quick = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}
	waits = []float64{.005, .025, .1, .5, 1, 5, 15, 60, 300, 1800}
	long  = []float64{.1, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900}
	disk  = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1}
	sizes = []float64{1, 2, 4, 8, 16, 32, 64, 128, 256}
)

// The edge.
var (
	buildInfo = gauge("build_info", "Always 1; the label says which version runs. Join it to see what a rollout changed.", "version")

	httpRequests = counter("http_requests_total", "Requests that were answered. Alert on the share of 5xx; 429 says that clients or limits need a look.", "route", "method", "status")
	httpSeconds  = histogram("http_request_duration_seconds", "Time to answer requests, streams aside. When it rises, look at the store's times and the pool next.", quick, "route", "method")
	httpInFlight = gauge("http_requests_in_flight", "Requests that are being answered now, streams among them. A line that only climbs is clients that never leave.")
)

// Jobs.
var (
	jobsOpen      = gauge("jobs", "Jobs in the store that have not ended, by state; all servers say the same, so take max, not sum. Many queued: add workers; many waiting_for_input: people are asked and do not answer.", "agent", "state")
	queueAge      = gauge("job_queue_age_seconds", "How long the job has been due that has waited longest and runs nowhere; take max. Scale workers on it; hours mean that nobody claims.")
	jobsSubmitted = counter("jobs_submitted_total", "Jobs that this process took in. Against jobs_ended_total it says whether work piles up.", "agent")
	jobClaims     = counter("job_claims_total", "Claims of jobs by this process: first; again, after a failure, an answer or a shutdown; after_crash, of jobs whose worker has vanished before. Those without a reason that you know are crashes: look for the end of a process.", "agent", "kind")
	jobStartDelay = histogram("job_start_delay_seconds", "From submission to the first claim, by the store's clock. The time that users wait before anything happens.", waits, "agent")
	jobsEnded     = counter("jobs_ended_total", "Runs of jobs in this process, by how they ended. Alert on failed and timed_out; retry and postponed go back to the queue.", "agent", "end")
	jobRun        = histogram("job_run_duration_seconds", "How long runs of jobs took. Compare with the models' times to see whether they or the checks are slow.", long, "agent")
	jobRetries    = counter("job_retries_total", "Attempts that failed and will be made again. Models or the store have trouble that may pass by itself.", "agent")
	leases        = counter("job_leases_total", "Claims that were renewed in time, and that were found lost. Lost ones mean that this process was too slow or cut off: look at its CPU and the store.", "result")
	workersBusy   = gauge("workers_busy", "Jobs that run in this process. At workers_total for long: more workers, or fewer jobs.")
	workersTotal  = gauge("workers", "Places for jobs in this process.")
)

// Models.
var (
	llmAttempts = counter("llm_attempts_total", "Calls that were sent to models, by what came of them: ok, or the kind of error. Alert on a share of errors by provider; auth and quota_exhausted need a person.", "provider", "model", "outcome")
	llmInFlight = gauge("llm_calls_in_flight", "Calls of models that are under way, waits between attempts included. Workers that are busy without one are busy with checks.")
	llmSkipped  = counter("llm_skipped_total", "Calls that were not sent: the breaker is open, the provider asked for a pause, or a budget has no room.", "provider", "model", "reason")
	llmRetries  = counter("llm_retries_total", "What followed calls that gave no answer: retry, with the same model, or fallback, to the next one. Many fallbacks: the first model of the route is ill.", "provider", "model", "next")
	llmTokens   = counter("llm_tokens_total", "Tokens by kind; cached and cache_write are parts of input, reasoning of output. Little cached input where jobs are alike: prompts stopped sharing their beginnings.", "provider", "model", "kind")
	llmCost     = counter("llm_cost_dollars_total", "What calls cost by the price list; what nobody priced counts nothing. Alert on its rate.", "provider", "model")
	llmFirst    = histogram("llm_time_to_first_token_seconds", "How long models took to begin an answer. When it rises the provider is busy: move the route.", waits, "provider", "model")
	llmSeconds  = histogram("llm_attempt_duration_seconds", "How long calls took that were sent.", long, "provider", "model")
	llmBreaker  = gauge("llm_breaker_state", "1 for the state that the breaker of a model is in, of those that were called. Open: it failed five times in a row and is left alone for a minute.", "provider", "model", "state")
	llmPaused   = gauge("llm_paused_seconds", "How much longer a model is left alone because its provider said so (429). Often above 0: ask for a higher limit, or spread the route.", "provider", "model")
	llmRefused  = counter("llm_budget_refusals_total", "Calls that a budget had no room for, by whose. Users see failed jobs: raise the budget, or tell them.", "scope")
)

// Checks of code.
var (
	rungSeconds     = histogram("verify_duration_seconds", "How long steps of evidence took that were really taken, by step. bundle holds parsing; resolve waits for the registry, types for the compiler, run for the browser.", long, "rung", "status")
	verifierDeaths  = counter("verifier_deaths_total", "Children that died at a tree, by why. Few are hostile or broken projects; many, or any killed, are this machine's memory.", "reason")
	verifierWaiting = gauge("verifier_queue", "Checks that wait for a child. Above 0 for long: more VERIFIERS, or more processors.")
	verifierBusy    = gauge("verifiers_busy", "Children that are at work.")
	verifierTotal   = gauge("verifiers", "Children that may be at work at once.")
)

// The stores.
var (
	sqliteQueue  = gauge("sqlite_writer_queue", "Writes that wait for the one writer of the embedded store. Hundreds: the disk is too slow for this load, or it is time for Postgres.")
	sqliteCommit = histogram("sqlite_commit_duration_seconds", "Time of transactions of the writer, syncs included. It follows the disk.", disk, "result")
	sqliteBatch  = histogram("sqlite_commit_writes", "Writes that shared one transaction. Larger is load that the writer takes well.", sizes)
	poolOpen     = gauge("db_connections", "Connections to Postgres, by state.", "state")
	poolMost     = gauge("db_connections_max", "Connections that the pool may open (pool_max_conns of DATABASE_URL).")
	poolWaits    = counter("db_connection_waits_total", "Times that all connections were in use when one was needed. A steady rate: a larger pool, or fewer requests at once.")
	poolWaited   = counter("db_connection_wait_seconds_total", "Time that was waited for connections, together.")
	poolOpened   = counter("db_connections_opened_total", "Connections that were opened. A steady rate means that they are lost: look at the network and the pooler.")

	failoversMet = counter("db_failovers_total", "Times that this process met another server in the place of the primary. Look at what became of the one before, and that it cannot come back as one that takes writes.")
	failoverLost = counter("db_failover_lost_jobs_total", "Jobs that this process had acknowledged and that the server which took over does not know. Above 0: commits do not wait for a standby (synchronous_standby_names); the log names the jobs.")

	replicaUp    = gauge("replica_up", "1 while a replica of DATABASE_REPLICA_URLS (or SUPABASE_READ_URL) may be read of: it answers, follows the primary's history, and is no more than REPLICA_MAX_LAG behind. 0: the primary answers in its place.", "replica")
	replicaLag   = gauge("replica_lag_seconds", "Since when the primary has had something that the replica has not. Rising: the replica's disk or network does not keep up, or a long query on it holds up what it replays.", "replica")
	replicaBytes = gauge("replica_lag_bytes", "Bytes of write-ahead log that the replica has still to replay.", "replica")
	replicaTrip  = gauge("replica_latency_seconds", "Quickest of the last answers of the replica to this server. The nearest one is read of.", "replica")
	replicaReads = counter("replica_reads_total", "Reads of a replica: answered; failed, and answered by the primary. Many failures of one that is up: queries that its replay ends (max_standby_streaming_delay).", "replica", "result")
	primaryReads = counter("replica_primary_reads_total", "Reads that the primary answered though replicas might have: unknown, nobody knew how far the user had written; behind, no replica had come as far; far, the primary was nearer. Many behind: replicas lag; many unknown, with several servers: clients send no X-Consistency-Token, and there is no Redis.", "reason")
)

// Streams, webhooks, and what servers share.
var (
	streamsOpen    = gauge("streams", "Event streams that are open, by how they are served: shared, by one writer for all, or own, by a goroutine each (HTTP/2, TLS). Compare with the process's memory: a shared one costs a few KiB.", "way")
	streamsOpened  = counter("streams_opened_total", "Event streams that were opened. A rate far above that of new jobs: clients that reconnect all the time.")
	streamsRefused = counter("streams_refused_total", "Event streams that were refused because one user or address had too many.")
	streamsEnded   = counter("streams_dropped_total", "Event streams that were ended because of their reader: slow, it did not keep up and comes back, or dead, it was gone.", "reason")
	streamBytes    = counter("stream_bytes_total", "Bytes that were written to event streams.")

	socketsOpen     = gauge("websockets", "WebSockets that are open. Each costs some KiB more than a stream.")
	socketsWatching = gauge("websocket_subscriptions", "Jobs, projects and job lists that are watched over WebSockets.")
	socketsOpened   = counter("websockets_opened_total", "WebSockets that were opened. A high rate: clients that reconnect all the time.")
	socketMessages  = counter("websocket_messages_total", "Messages over WebSockets: received from clients; sent to them; refused, beyond a limit.", "kind")
	socketsSlow     = counter("websockets_dropped_total", "WebSockets that were closed because their client took nothing.")

	webhookAttempts = counter("webhook_attempts_total", "Requests to webhooks, by what came of them. Failures are mostly the receiver's; all of them at once are this server's way out.", "outcome")
	webhookRetries  = counter("webhook_retries_total", "Failed requests to webhooks that will be made again.")
	webhookGivenUp  = counter("webhook_given_up_total", "Deliveries that nobody took within a day: they can be sent again in the API.")
	webhookDisabled = counter("webhook_disabled_total", "Webhooks that were disabled after days of failures. Their owners are told by an event, and may not look.")
	webhookSending  = gauge("webhook_sending", "Requests to webhooks that are on their way from this process.")
	webhookPending  = gauge("webhook_pending", "Deliveries that wait, of all servers; take max. Climbing: receivers are slow, or no process delivers.")
	webhookAge      = gauge("webhook_oldest_seconds", "How long the delivery has been due that has waited longest; take max.")

	cacheReads     = counter("cache_reads_total", "Reads through the cache: hit; miss, read from the store and kept; shared, answered by another's read; bypassed, while nothing might be kept. Few hits: clients poll what changes, or the cache is too small.", "result")
	cacheEvictions = counter("cache_evictions_total", "Entries that made room for others. A steady rate with few hits: a larger cache.")
	cacheEntries   = gauge("cache_entries", "Entries in this process's cache.")
	cacheBytes     = gauge("cache_bytes", "Bytes in this process's cache.")

	redisUp       = gauge("redis_up", "1 while Redis answers. 0: jobs start by sweeps and limits are each process's own, slower and never wrong; bring it back.")
	redisLost     = counter("redis_lost_total", "Times that Redis stopped answering.")
	redisMessages = counter("redis_messages_total", "What went over Redis: announced and woken are hints at due jobs, published and received events, nudged those of which only the job was sent, dropped transient ones that were not.", "kind")
	redisLimited  = counter("redis_limited_total", "Requests that were counted for the rate limit, by whom. process, where Redis is configured: it did not answer in time, and users have a limit at each server.", "by")
	redisSlow     = counter("redis_slow_total", "Questions that Redis did not answer in time.")
)

// About the metrics themselves.
var (
	scrapeErrors = counter("metrics_source_errors_total", "Times that something could not be asked when metrics were read, such as a store that does not answer; its values are then missing.", "source")
)
