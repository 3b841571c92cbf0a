package api

// ParseMessage reads a message of a WebSocket, and returns its id.
func ParseMessage(text []byte) (id string, err error) {
	m, err := parseMessage(text)
	return m.ID, err
}
