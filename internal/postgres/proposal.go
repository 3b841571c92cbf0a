package postgres

import (
	"context"
	"encoding/json"

	"codeforge"
)

// proposalArg is codeforge.NewProposal as the functions take it.
type proposalArg struct {
	Base     int64    `json:"base"`
	Changes  []change `json:"changes"`
	Message  string   `json:"message"`
	Verified bool     `json:"verified"`
}

func newProposalArg(n *codeforge.NewProposal) (out *proposalArg, err error) {
	if n == nil {
		return nil, nil
	}
	out = &proposalArg{Base: n.Base, Message: withoutNUL(n.Message), Verified: n.Verified}
	out.Changes, err = newChanges(n.Changes)
	return out, err
}

// treeChangeArg is codeforge.TreeChange, and codeforge.Application, as the functions take them.
type treeChangeArg struct {
	Head     int64           `json:"head"`
	Changes  []change        `json:"changes"`
	Message  string          `json:"message"`
	Verified *bool           `json:"verified"`
	Result   json.RawMessage `json:"result,omitempty"`
	Chat     []messageArg    `json:"chat"`
	besideArg
}

func newTreeChangeArg(a codeforge.Application) (json.RawMessage, error) {
	changes, err := newChanges(a.Changes)
	if err != nil {
		return nil, err
	}
	beside, err := newBesideArg(a.Evidence, a.Screenshots, a.Lock)
	if err != nil {
		return nil, err
	}
	return object(treeChangeArg{a.Head, changes, withoutNUL(a.Message), a.Verified, a.Result, messageArgs(a.Chat), beside})
}

func (s *Store) ReadProposal(ctx context.Context, u codeforge.User, jobID string, p codeforge.Page) (codeforge.Proposal, []codeforge.FileDelta, error) {
	if err := check(u, "Job", jobID); err != nil {
		return codeforge.Proposal{}, nil, err
	}
	a, err := read[struct {
		Proposal *proposalRow `json:"proposal"`
		Deltas   []deltaRow   `json:"deltas"`
	}](ctx, s, u, "read_proposal", codeforge.NotFound("Job", jobID), arg{"job", jobID}, arg{"after", p.After}, arg{"bytes", p.Bytes}, arg{"contents", !p.Bare})
	if err == nil && a.Proposal == nil {
		err = codeforge.NotFound("Proposal", jobID)
	}
	if err != nil {
		return codeforge.Proposal{}, nil, err
	}
	return a.Proposal.proposal(), mapRows(a.Deltas, deltaRow.delta), nil
}

// decide calls a function that ends what a proposal waits for. When an earlier try did it and the answer was lost, there is no
// proposal any more.
func (s *Store) decide(ctx context.Context, u codeforge.User, id string, t codeforge.EventType, function string, last arg) (done codeforge.Finished, err error) {
	if err := check(u, "Job", id); err != nil {
		return done, err
	}
	a, unsure, err := s.step(ctx, function, arg{"user", u.ID}, arg{"job", id}, last)
	if unsure && codeforge.IsKind(err, codeforge.Missing) {
		return s.earlierResult(ctx, u, id, "", err)
	}
	if err != nil {
		return done, err
	}
	return a.finished(t), nil
}

func (s *Store) ApplyProposal(ctx context.Context, u codeforge.User, id string, a codeforge.Application) (done codeforge.Finished, err error) {
	change, err := newTreeChangeArg(a)
	if err != nil {
		return done, err
	}
	return s.decide(ctx, u, id, codeforge.EventComplete, "apply_proposal", arg{"change", change})
}

func (s *Store) RejectProposal(ctx context.Context, u codeforge.User, id string, chat []codeforge.Message) (done codeforge.Finished, err error) {
	lines, err := object(messageArgs(chat))
	if err != nil {
		return done, err
	}
	return s.decide(ctx, u, id, codeforge.EventCancelled, "reject_proposal", arg{"chat", lines})
}

func (s *Store) TakeBackJob(ctx context.Context, u codeforge.User, id string, undo codeforge.TreeChange) (done codeforge.Finished, err error) {
	if err := check(u, "Job", id); err != nil {
		return done, err
	}
	change, err := newTreeChangeArg(codeforge.Application{TreeChange: undo})
	if err != nil {
		return done, err
	}
	a, unsure, err := s.step(ctx, "take_back_job", arg{"user", u.ID}, arg{"job", id}, arg{"change", change})
	if unsure && codeforge.IsKind(err, codeforge.Invalid) {
		return s.earlierResult(ctx, u, id, codeforge.JobCancelled, err)
	}
	if err != nil {
		return done, err
	}
	return a.finished(codeforge.EventCancelled), nil
}
