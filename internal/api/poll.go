package api

import (
	"context"
	"hash/fnv"
	"strconv"
	"time"

	"codeforge"
)

// Bounds of how long the answer to a read of a job is waited for. It ends well before a server's write timeout.
const (
	minWait = time.Second
	maxWait = time.Minute
)

// parseWait reads how long to wait: a span like 30s, or whole seconds.
func parseWait(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	wait, err := time.ParseDuration(text)
	if n, errNumber := strconv.ParseUint(text, 10, 16); errNumber == nil {
		wait, err = time.Duration(n)*time.Second, nil
	}
	if err != nil || wait < minWait || wait > maxWait {
		return 0, codeforge.InvalidField("wait", "must be 1s to 60s, like 30s")
	}
	return wait, nil
}

// jobTag names what can be seen of the state of a job. It is sent as a weak tag: what a job costs, and its place in the queue, go on without it.
func jobTag(j *codeforge.Job) string {
	var buf [96]byte
	b := append(append(buf[:0], j.Status...), ' ')
	b = append(strconv.AppendFloat(b, j.Progress, 'g', -1, 64), ' ')
	proposed := int64(0)
	if j.Proposal != nil {
		proposed = 1
	}
	for _, n := range [...]int64{j.Revision, int64(j.Failures), proposed, int64(len(j.Error)), int64(len(j.Result)), int64(len(j.Clarification))} {
		b = append(strconv.AppendInt(b, n, 10), ' ')
	}
	h := fnv.New64a()
	h.Write(b)
	return string(append(strconv.AppendUint(append(buf[:0], '"'), h.Sum64(), 16), '"'))
}

// changedJob returns a job when it is no more as a client knows it: by its tag, else by its state, where one that has ended
// or waits for input is told of at once. At the end of the wait it is returned as it is. Meanwhile nobody asks the store: it is
// read again when something has happened to it.
func (s *server) changedJob(ctx context.Context, u codeforge.User, id, known string, wait time.Duration) (codeforge.Job, error) {
	job, err := s.Store.GetJob(ctx, u, id)
	if err != nil || wait == 0 {
		return job, err
	}
	return s.awaitChange(ctx, u, id, job, known, wait)
}

// awaitChange is changedJob for a job that was read, and is waited for.
func (s *server) awaitChange(ctx context.Context, u codeforge.User, id string, job codeforge.Job, known string, wait time.Duration) (codeforge.Job, error) {
	began := job.Status
	isNews := func(job *codeforge.Job) bool {
		if known != "" {
			return !noneMatch(known, jobTag(job))
		}
		return job.Status != began || rests(job)
	}
	if isNews(&job) {
		return job, nil
	}
	x, _ := exchangeOf(ctx)
	st, err := s.openStream(x) // it counts as one
	if err != nil {
		return job, err
	}
	defer st.Cancel()
	return s.awaitJob(ctx, u, id, job, wait, isNews)
}

// rests reports whether nothing happens to a job by itself.
func rests(job *codeforge.Job) bool { return job.Status.Terminal() || job.Status == codeforge.Waiting }

// awaitJob reads a job again whenever its state may have changed, until it is as it is waited for, the wait is over, or the
// server ends reading, and returns it as it is then. Whoever waits counts as a stream, which the caller opened.
func (s *server) awaitJob(ctx context.Context, u codeforge.User, id string, job codeforge.Job, wait time.Duration, enough func(*codeforge.Job) bool) (_ codeforge.Job, err error) {
	changed := make(chan struct{}, 1)
	stop := s.Hub.Watch(job.ID, func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	})
	defer stop()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for over := false; ; {
		// It may have changed before it was watched, and in the moment in which the wait ends, too.
		if job, err = s.Store.GetJob(ctx, u, id); err != nil || enough(&job) || over || s.Hub.Closed() {
			return job, err
		}
		select {
		case <-changed:
		case <-timer.C:
			over = true
		case <-ctx.Done():
			return job, context.Cause(ctx)
		}
	}
}
