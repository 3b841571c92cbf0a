package events

// Watched reports whether somebody follows a job.
func (h *Hub) Watched(jobID string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.topics[topic{ofJob, jobID}] != nil
}

// Topics is how many jobs, projects and users are followed.
func (h *Hub) Topics() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.topics)
}

// Nudge is the number of an event that is none.
const Nudge = nudge
