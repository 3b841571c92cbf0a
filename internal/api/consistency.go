package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
)

// Consistency keeps what requests read from being older than what their users were told was written.
type Consistency interface {
	// Begin returns the context of a request of a user, who sent a token back, or "". reads says that the request changes nothing and
	// that nobody waits in it for what comes: a replica may answer it. said returns the token for its answer; "": there is nothing to
	// say.
	Begin(ctx context.Context, user, token string, reads bool) (_ context.Context, said func() string)
}

// consistencyHeader carries such a token, both ways.
const consistencyHeader = "X-Consistency-Token"

// following are the operations that stay open for what comes: they read where it comes from.
var following = []string{"stream_job", "stream_project", "stream_user", "open_socket"}

// beginConsistency has the exchange read what its user may be shown.
func (x *exchange) beginConsistency(c Consistency, op *huma.Operation) {
	if slices.Contains(following, op.OperationID) {
		return
	}
	reads := op.Method == http.MethodGet && (op.OperationID != "get_job" || x.r.URL.RawQuery == "") // which may wait
	x.ctx.Context, x.consistency = c.Begin(x.ctx.Context, x.user.ID, x.r.Header.Get(consistencyHeader), reads)
}
