package stream

// Beat has the heartbeats of all streams due at once.
func (s *Server) Beat() {
	s.mu.Lock()
	for st := s.waiting.first; st != nil; st = st.next {
		st.due = 0
	}
	s.mu.Unlock()
	s.beat()
}

// Accounts is how many accounts have streams.
func (s *Server) Accounts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.accounts)
}

// Resting reports whether nobody writes to any of those that wait.
func (s *Server) Resting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for st := s.waiting.first; st != nil; st = st.next {
		if st.state != resting {
			return false
		}
	}
	return true
}
