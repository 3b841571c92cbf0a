package api

import (
	"net/http"
)

const mcpPath = "/mcp"

// mcpRoute offers the API as tools to other agents. What they call are requests of the API again, which are judged and counted as
// those of whoever asks; so this one needs no more than to know that somebody does. It stands in no document: the protocol has its own.
func (s *server) mcpRoute() {
	if s.MCP == nil {
		return
	}
	answer := s.MCP(s)
	s.mux.HandleFunc(mcpPath, func(w http.ResponseWriter, r *http.Request) {
		x := w.(*exchange)
		x.route = mcpPath
		if x.deny != nil {
			x.writeError(x.deny)
			return
		}
		answer.ServeHTTP(x, r)
	})
}
