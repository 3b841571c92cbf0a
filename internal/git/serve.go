package git

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"

	"github.com/go-git/go-git/v6/plumbing/format/pktline"
	"github.com/go-git/go-git/v6/plumbing/protocol"
	"github.com/go-git/go-git/v6/plumbing/protocol/capability"
	"github.com/go-git/go-git/v6/plumbing/protocol/packp"
	"github.com/go-git/go-git/v6/plumbing/transport"
	"github.com/go-git/go-git/v6/utils/ioutil"

	"codeforge"
)

// Services that git asks for.
const (
	UploadPack  = transport.UploadPackService  // sends
	ReceivePack = transport.ReceivePackService // takes
)

// Request is what somebody asks of a project.
type Request struct {
	User      codeforge.User
	ProjectID string
	Protocol  string // the header Git-Protocol
	// Hold counts bytes that the request holds from now on.
	Hold func(bytes int64) error
}

// view opens the project of a request as it is now.
func (s *Repositories) view(ctx context.Context, q Request) (*view, error) {
	r, h, err := s.open(ctx, q.User, q.ProjectID, q.Hold)
	if err != nil {
		return nil, err
	}
	return &view{repository: r, head: h, ctx: ctx, store: s.store, user: q.User, projectID: q.ProjectID, hold: q.Hold, at: map[id]int{}}, nil
}

// errRefused stands for what git asked for and cannot have; go-git says why in words for programmers.
var errRefused = &codeforge.Error{Kind: codeforge.Invalid, Message: "The request is none of git, or asks for what is not here: fetch again, with a newer git if that does not help"}

// fault is what went wrong, as it may be told: of the store, or of who asks.
func (v *view) fault(err error) error {
	switch {
	case err == nil:
		return nil
	case v.err != nil:
		return v.err
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return err
	}
	e := *errRefused
	e.Cause = err
	return &e
}

// Advertise says what there is, and what can be done with it.
func (s *Repositories) Advertise(ctx context.Context, q Request, service string, w io.Writer) error {
	v, err := s.view(ctx, q)
	if err != nil {
		return err
	}
	out := ioutil.WriteNopCloser(w)
	if service == ReceivePack {
		return v.fault(transport.ReceivePack(ctx, v, nil, out, &transport.ReceivePackRequest{GitProtocol: q.Protocol, AdvertiseRefs: true, StatelessRPC: true}))
	}
	if transport.ProtocolVersion(q.Protocol) == protocol.V2 {
		// As go-git does, and unborn: who clones an empty project then names its branch as it is named here.
		var caps capability.List
		caps.Set(capability.Agent, "codeforge")
		caps.Set(capability.LsRefs, "unborn")
		caps.Set(capability.FetchCmd, "shallow")
		caps.Set(capability.ObjectFormat, "sha1")
		return (&packp.CapabilityAdv{Version: protocol.V2, Capabilities: caps}).Encode(w)
	}
	return v.fault(transport.UploadPack(ctx, v, nil, out, &transport.UploadPackRequest{GitProtocol: q.Protocol, AdvertiseRefs: true, StatelessRPC: true}))
}

// Upload sends what git asks for in r. sent is false where it only asked what there is.
func (s *Repositories) Upload(ctx context.Context, q Request, r io.Reader, w io.Writer) (sent bool, err error) {
	v, err := s.view(ctx, q)
	if err != nil {
		return false, err
	}
	in := bufio.NewReader(r)
	lists := false
	if transport.ProtocolVersion(q.Protocol) == protocol.V2 {
		_, line, err := pktline.PeekLine(in)
		if err != nil {
			return false, v.fault(err)
		}
		if lists = strings.TrimSuffix(string(line), "\n") == "command=ls-refs"; lists && v.head.tip == (id{}) {
			return false, v.fault(listNothing(in, w))
		}
	}
	return !lists, v.fault(transport.UploadPack(ctx, v, io.NopCloser(in), ioutil.WriteNopCloser(w),
		&transport.UploadPackRequest{GitProtocol: q.Protocol, StatelessRPC: true, SkipDeltaCompression: true}))
}

// listNothing answers what there is in a repository without commits: which branch it would have.
func listNothing(in *bufio.Reader, w io.Writer) error {
	args := &packp.LsRefsArgs{}
	if err := (&packp.CommandRequest{Args: args}).Decode(in); err != nil {
		return err
	}
	if args.Unborn {
		if _, err := pktline.WriteString(w, "unborn HEAD symref-target:"+mainRef.String()+"\n"); err != nil {
			return err
		}
	}
	return pktline.WriteFlush(w)
}
