package github

import (
	"net/http"
	"testing"
)

// StandIn is the fake for tests that come over the API.
type StandIn struct{ *fake }

// NewStandIn returns one at which archives of repositories lie at an address.
func NewStandIn(t *testing.T, archives string) StandIn {
	f := newFake(t)
	f.archives = archives
	return StandIn{f}
}

// Repository adds one whose branches these are.
func (s StandIn) Repository(owner, name string, private bool, branches ...string) {
	r := s.make(owner, name)
	r.private = private
	for _, b := range branches {
		r.refs[b] = r.put(object{kind: "commit", message: b})
	}
}

// Transport leads to it.
func (s StandIn) Transport() http.RoundTripper { return transport{s.fake} }

// Saw reports whether it was shown a token.
func (s StandIn) Saw(token string) bool { return s.tokens["Bearer "+token] }
