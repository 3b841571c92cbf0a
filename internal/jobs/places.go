package jobs

import (
	"context"
	"time"

	"codeforge"
)

// Places says of those among jobs that are queued where they stand. It leaves out what cannot be known now.
func (e *Engine) Places(ctx context.Context, jobIDs []string) map[string]codeforge.QueuePlace {
	places, err := e.o.Store.QueuePlaces(ctx, jobIDs, e.o.Policy)
	if err != nil && ctx.Err() == nil {
		e.o.Log.Warn("places in the queue are not known", "next", "look at the store in /readyz?verbose; jobs run all the same", "error", err)
	}
	for id, at := range places {
		if at.WaitingFor == codeforge.WaitsForAnyone && e.works() {
			at.WaitingFor = codeforge.WaitsForWorker
			places[id] = at
		}
	}
	return places
}

// works reports whether this process takes jobs.
func (e *Engine) works() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.o.Workers > 0 && !e.draining
}

const (
	placesEvery = time.Second      // how often those who watch a queued job are told of its place, if it changed
	placesAgain = 15 * time.Second // how often a job that was not queued is looked at again
	placesMost  = 1000             // jobs looked at at a time
)

// placeLoop tells those who watch queued jobs where these stand. Each process tells its own.
func (e *Engine) placeLoop(ctx context.Context) {
	told, passed := map[string]codeforge.QueuePlace{}, map[string]time.Time{}
	for pause := placesEvery; ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		began := time.Now()
		told, passed = e.tellPlaces(ctx, told, passed)
		pause = max(placesEvery, 20*time.Since(began)) // a twentieth of the store's time at most
	}
}

// tellPlaces tells of places that are other than told, and returns what is told now of the jobs that are watched; those that were
// not queued when they were looked at it passes over for a while.
func (e *Engine) tellPlaces(ctx context.Context, told map[string]codeforge.QueuePlace, passed map[string]time.Time) (map[string]codeforge.QueuePlace, map[string]time.Time) {
	nowTold, nowPassed := map[string]codeforge.QueuePlace{}, map[string]time.Time{}
	var ask []string
	for _, id := range e.o.Hub.Jobs() {
		if at, ok := passed[id]; ok && time.Since(at) < placesAgain {
			nowPassed[id] = at
		} else if !e.Runs(id) && len(ask) < placesMost {
			ask = append(ask, id)
		}
	}
	if len(ask) == 0 {
		return nowTold, nowPassed
	}
	places := e.Places(ctx, ask)
	for _, id := range ask {
		at, queued := places[id]
		if !queued {
			nowPassed[id] = time.Now()
			continue
		}
		if nowTold[id] = at; told[id] != at {
			e.o.Hub.Publish(codeforge.Event{JobID: id, Type: codeforge.EventQueue, At: codeforge.Now(),
				Data: marshal(codeforge.QueueData{JobID: id, Place: at.Place, WaitingFor: at.WaitingFor, Reason: at.WaitingFor.Words()})})
		}
	}
	return nowTold, nowPassed
}
