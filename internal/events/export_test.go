package events

// Watched reports whether a reader of a job is kept.
func (h *Hub) Watched(jobID string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.jobs[jobID]) > 0
}
