package git

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"

	"github.com/go-git/go-git/v6/plumbing"
	"github.com/go-git/go-git/v6/plumbing/format/packfile"
	"github.com/go-git/go-git/v6/plumbing/format/pktline"
	"github.com/go-git/go-git/v6/plumbing/protocol"
	"github.com/go-git/go-git/v6/plumbing/protocol/capability"
	"github.com/go-git/go-git/v6/plumbing/protocol/packp"
	"github.com/go-git/go-git/v6/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v6/plumbing/revlist"
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
	out := ioutil.WriteNopCloser(&yielding{Writer: w})
	lists := false
	var rest io.Reader = in
	if transport.ProtocolVersion(q.Protocol) == protocol.V2 {
		_, line, err := pktline.PeekLine(in)
		if err != nil {
			return false, v.fault(err)
		}
		switch strings.TrimSuffix(string(line), "\n") {
		case "command=ls-refs":
			if lists = true; v.head.tip == (id{}) {
				return false, v.fault(listNothing(in, w))
			}
		case "command=fetch":
			var read bytes.Buffer
			args := &packp.FetchArgs{}
			if err := (&packp.CommandRequest{Args: args}).Decode(io.TeeReader(in, &read)); err != nil {
				return false, v.fault(err)
			}
			if wantsAll(args) {
				return true, v.fault(v.send(args, w))
			}
			rest = io.MultiReader(&read, in)
		}
	}
	return !lists, v.fault(transport.UploadPack(ctx, v, io.NopCloser(rest), out,
		&transport.UploadPackRequest{GitProtocol: q.Protocol, StatelessRPC: true, SkipDeltaCompression: true}))
}

// wantsAll reports whether a fetch is a clone, or one that has said all that is there already, of whole history.
func wantsAll(a *packp.FetchArgs) bool {
	return len(a.Wants) > 0 && (a.Done || len(a.Haves) == 0) && len(a.Shallows) == 0 && a.Deepen == 0 && !a.DeepenRelative && a.DeepenSince.IsZero() &&
		len(a.DeepenNot) == 0 && a.Filter == ""
}

// send answers with a pack, as go-git would: but go-git passes every few hundred bytes to a goroutine with a buffer of its own, which
// takes most of the time of a clone.
func (v *view) send(a *packp.FetchArgs, w io.Writer) error {
	haves := slices.DeleteFunc(slices.Clone(a.Haves), func(h plumbing.Hash) bool { return v.HasEncodedObject(h) != nil })
	objects, err := revlist.Objects(v, a.Wants, haves)
	if err != nil {
		return err
	}
	if err := (&packp.FetchOutput{Packfile: true}).Encode(w); err != nil {
		return err
	}
	lines := bufio.NewWriterSize(sideband.NewMuxer(sideband.Sideband64k, w), 32<<10)
	if _, err := packfile.NewEncoder(lines, v, false).Encode(objects, 0); err != nil {
		return err
	}
	if err := lines.Flush(); err != nil {
		return err
	}
	return pktline.WriteFlush(w)
}

// yielding lets others run from time to time. What go-git writes comes from a goroutine for each piece, which holds a buffer until it
// is run once more: without a pause thousands of them wait for that.
type yielding struct {
	io.Writer
	n int
}

func (y *yielding) Write(b []byte) (int, error) {
	if y.n++; y.n%64 == 0 {
		runtime.Gosched()
	}
	return y.Writer.Write(b)
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
