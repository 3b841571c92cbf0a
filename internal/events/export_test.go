package events

// Watched reports whether somebody follows a job.
func (h *Hub) Watched(jobID string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.jobs[jobID] != nil
}
