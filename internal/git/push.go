package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-git/go-git/v6/plumbing"
	"github.com/go-git/go-git/v6/plumbing/protocol/packp"
	"github.com/go-git/go-git/v6/plumbing/transport"
	"github.com/go-git/go-git/v6/utils/ioutil"

	"codeforge"
)

const (
	mostRevisions = 500    // that one push makes
	mostMessage   = 10_000 // bytes of a message that a revision shows
	mostLFS       = 1024   // bytes of what stands for a file that lies elsewhere
)

// Push is what somebody pushes, and how it is taken.
type Push struct {
	Request
	Limits
	Each    bool   // each commit becomes a revision, unless the push says otherwise; else the last one alone
	TempDir string // where it lies meanwhile; "": the system's folder
	// Check looks at the files that a push leads to, from those of a revision. What cannot be looked at is an error.
	Check func(ctx context.Context, head int64, changes []codeforge.FileChange) (Checked, error)
}

// Checked is what a check came to.
type Checked struct {
	Verified bool
	Evidence codeforge.Evidence
	Lock     []byte   // nil: as before
	Findings []string // a line each
}

// Received is what became of a push. Why it was refused git was told.
type Received struct {
	Revisions int   // that it became; 0: it was refused
	Cause     error // of ours, for the log
}

// Receive takes what git pushes in r, and answers in w.
func (s *Repositories) Receive(ctx context.Context, q Push, r io.Reader, w io.Writer) (Received, error) {
	v, err := s.view(ctx, q.Request)
	if err != nil {
		return Received{}, err
	}
	in, err := newIncoming(v, q.TempDir, q.Limits)
	if err != nil {
		return Received{}, err
	}
	defer in.close()
	p := &push{Push: q, in: in, store: s.store}
	told := &written{Writer: w}
	err = transport.ReceivePack(ctx, in, io.NopCloser(&commands{r, in, mostCommands}), ioutil.WriteNopCloser(told), &transport.ReceivePackRequest{
		GitProtocol: q.Protocol, StatelessRPC: true, Hooks: transport.ReceivePackHooks{PreReceive: p.receive}})
	switch {
	case p.heard:
		return Received{p.taken, p.err}, nil
	case told.any: // what is wrong with the pack
		return Received{Cause: err}, nil
	}
	return Received{}, v.fault(err)
}

// written knows whether anything was.
type written struct {
	io.Writer
	any bool
}

func (w *written) Write(b []byte) (int, error) {
	w.any = w.any || len(b) > 0
	return w.Writer.Write(b)
}

// push is a push on its way into a project.
type push struct {
	Push
	in    *incoming
	store Store
	out   io.Writer // what is written there git shows

	heard bool  // that it was decided
	taken int   // revisions
	err   error // of ours, for the log

	each, mustVerify bool

	fresh  []id              // commits of the push, parents before children
	read   map[id]commit     // of those
	chain  []id              // those that become revisions, in order
	files  map[id]bool       // blobs that become files
	kept   map[id]bool       // objects that lie in packs
	blobs  map[string]id     // contents to be put before, by their hashes
	names  map[string]string // a path of each, by hash
	latest map[string]codeforge.FileChange
	texts  int64
}

// receive decides on a push, and makes its revisions. An error refuses it with its words.
func (p *push) receive(ctx context.Context, info *transport.PreReceiveInfo) error {
	p.heard, p.out = true, info.Progress
	err := p.decide(ctx, info)
	if err == nil {
		return nil
	}
	switch e, r := (*codeforge.Error)(nil), refusal(""); {
	case errors.As(err, &r):
		return r
	case errors.Is(err, errBadTree), errors.Is(err, errBadCommit):
		return refusal(err.Error())
	case errors.As(err, &e) && e.Kind != codeforge.Internal:
		p.err = e.Cause
		return refusal(Words(e))
	}
	p.err = err
	return refuse("the server could not take it: try again")
}

// Words are those of an error, with the reason that its details give.
func Words(e *codeforge.Error) string {
	if reason, _ := e.Details["reason"].(string); reason != "" {
		return e.Message + ": " + reason
	}
	return e.Message
}

func (p *push) decide(ctx context.Context, info *transport.PreReceiveInfo) error {
	if err := p.options(info.PushOptions); err != nil {
		return err
	}
	tip, err := p.command(info.Commands)
	if err != nil {
		return err
	}
	if p.in.broken != nil {
		return p.in.broken
	}
	if err := p.walk(tip); err != nil {
		return err
	}
	revisions, err := p.revisions()
	if err != nil {
		return err
	}
	if err := p.check(ctx, &revisions[len(revisions)-1]); err != nil {
		return err
	}
	if err := p.putAll(ctx, revisions); err != nil {
		return err
	}
	made, err := p.store.PushRevisions(ctx, p.User, p.ProjectID, codeforge.Push{Head: p.in.head.revision, Revisions: revisions})
	if _, moved := codeforge.MovedTo(err); moved {
		return errFetchFirst
	}
	if err != nil {
		return err
	}
	p.taken = len(made)
	words := fmt.Sprintf("This is revision %d.", made[len(made)-1].Number)
	if len(made) > 1 {
		words = fmt.Sprintf("These are revisions %d to %d.", made[0].Number, made[len(made)-1].Number)
	}
	p.say(words)
	return nil
}

// say tells whoever pushes.
func (p *push) say(line string) {
	_, _ = io.WriteString(p.out, line+"\n") // who is gone needs no words
}

const errFetchFirst = refusal("fetch first: the project has revisions that you do not have; git pull, and push again")

// options reads what was said with git push -o.
func (p *push) options(options []string) error {
	p.each = p.Each
	for _, o := range options {
		switch o {
		case "verify=required":
			p.mustVerify = true
		case "revisions=each":
			p.each = true
		case "revisions=tip":
			p.each = false
		default:
			return refuse("the option %.60q is not known: there are verify=required, revisions=each and revisions=tip", o)
		}
	}
	return nil
}

// command is the commit to which main is to go.
func (p *push) command(commands []*packp.Command) (tip id, err error) {
	for _, c := range commands {
		if c.Name != mainRef {
			return tip, refuse("%.100s is not kept here, only %s is: git push origin HEAD:%s", c.Name.Short(), Branch, Branch)
		}
	}
	c := commands[0]
	switch {
	case c.Action() == packp.Delete:
		return tip, refuse("%s cannot be deleted: archive the project instead", Branch)
	case idOf(c.Old) != p.in.head.tip:
		return tip, errFetchFirst
	}
	return idOf(c.New), nil
}

// walk finds the commits of the push, and those of them that become revisions.
func (p *push) walk(tip id) error {
	head := p.in.head.tip
	p.read = map[id]commit{}
	onto := map[id]bool{} // those that have main's commit below them
	type step struct {
		id   id
		left []id // parents that were not looked at
	}
	open := func(i id) (step, error) {
		c, err := p.in.commit(i)
		if err != nil {
			return step{}, err
		}
		p.read[i] = c
		return step{i, c.parents}, nil
	}
	if _, _, fresh, ok := p.in.find(tip); !ok || !fresh {
		if !ok {
			return refuse("the commit %s is missing: push again", tip)
		}
		return errNotForward
	}
	first, err := open(tip)
	if err != nil {
		return err
	}
	for stack := []step{first}; len(stack) > 0; {
		top := &stack[len(stack)-1]
		if len(top.left) > 0 {
			parent := top.left[0]
			top.left = top.left[1:]
			if _, _, fresh, ok := p.in.find(parent); ok && !fresh {
				continue // known, with all below it
			}
			if _, seen := p.read[parent]; seen {
				continue
			}
			next, err := open(parent)
			if err != nil {
				return err
			}
			stack = append(stack, next)
			continue
		}
		for _, parent := range p.read[top.id].parents {
			if parent == head || onto[parent] {
				onto[top.id] = true
			}
		}
		p.fresh = append(p.fresh, top.id)
		stack = stack[:len(stack)-1]
	}
	if head != (id{}) && !onto[tip] {
		return errNotForward
	}
	p.chain = []id{tip}
	if !p.each {
		return nil
	}
	for at := tip; ; {
		parents := p.read[at].parents
		i := slices.IndexFunc(parents, func(parent id) bool { return parent == head || onto[parent] })
		if head == (id{}) {
			i = min(0, len(parents)-1)
		}
		if i < 0 || parents[i] == head {
			break
		}
		at = parents[i]
		if p.chain = append(p.chain, at); len(p.chain) > mostRevisions {
			return refuse("a push makes at most %d revisions, one for each commit: push fewer commits at a time, or all as one revision with git push -o revisions=tip", mostRevisions)
		}
	}
	slices.Reverse(p.chain)
	return nil
}

const errNotForward = refusal("non-fast-forward: main only goes on from where it is; git pull, and push again")

// revisions are what the commits of the chain become, without their packs.
func (p *push) revisions() ([]codeforge.PushedRevision, error) {
	p.files, p.blobs, p.names, p.latest = map[id]bool{}, map[string]id{}, map[string]string{}, map[string]codeforge.FileChange{}
	all := make([]codeforge.PushedRevision, len(p.chain))
	before := p.in.head.tree
	for n, i := range p.chain {
		c := p.read[i]
		all[n] = codeforge.PushedRevision{Commit: i.String(), Message: shown(c.message)}
		if err := difference(p.in.trees, before, c.tree, "", func(path string, old, new entry) error {
			change, err := p.change(path, old, new)
			if err != nil || change.Path == "" {
				return err
			}
			all[n].Changes = append(all[n].Changes, change)
			p.latest[path] = change
			return nil
		}); err != nil {
			return nil, err
		}
		before = c.tree
	}
	return all, nil
}

// shown is a message as a revision has it.
func shown(message string) string {
	message = strings.TrimSpace(strings.ToValidUTF8(message, "\uFFFD"))
	if len(message) > mostMessage {
		message = strings.ToValidUTF8(message[:mostMessage], "")
	}
	return message
}

// change is what a commit does to a path, held to the rules for files. Without a path it does nothing to the file's content.
func (p *push) change(path string, old, new entry) (codeforge.FileChange, error) {
	switch {
	case new.mode == "":
		return codeforge.FileChange{Path: path, Delete: true}, nil
	case new.mode == modeLink:
		return codeforge.FileChange{}, refuse("%q is a symbolic link, which projects do not have: put a file in its place", path)
	case new.mode == modeModule:
		return codeforge.FileChange{}, refuse("%q is a submodule, which projects do not have: put its files in its place", path)
	case old.id == new.id && old.mode != "":
		return codeforge.FileChange{}, nil
	}
	if err := codeforge.CheckPath(path); err != nil {
		return codeforge.FileChange{}, refuse("%q: %s", path, reason(err))
	}
	kind, size, _, ok := p.in.find(new.id)
	switch {
	case !ok || kind != plumbing.BlobObject:
		return codeforge.FileChange{}, refuse("the content of %q is missing: push again", path)
	case size > p.File:
		return codeforge.FileChange{}, refuse("%q has %s, a file has at most %s", path, codeforge.Bytes(size), codeforge.Bytes(p.File))
	}
	data, err := p.in.bytes(new.id)
	if err != nil {
		return codeforge.FileChange{}, err
	}
	if len(data) < mostLFS && strings.HasPrefix(string(data), "version https://git-lfs.github.com/spec/") {
		return codeforge.FileChange{}, refuse("%q is kept by Git LFS, which there is none of here: git lfs migrate export puts the file itself into the commits", path)
	}
	p.files[new.id] = true
	if codeforge.CheckContent(string(data)) == nil {
		if p.texts += size; p.texts > codeforge.MaxTreeBytes {
			return codeforge.FileChange{}, refuse("the texts of the push have more than %s: push fewer commits at a time", codeforge.Bytes(codeforge.MaxTreeBytes))
		}
		if err := p.Hold(size); err != nil {
			return codeforge.FileChange{}, err
		}
		return codeforge.FileChange{Path: path, Content: string(data)}, nil
	}
	hash := codeforge.BlobHash(data)
	p.blobs[hash], p.names[hash] = new.id, path
	return codeforge.FileChange{Path: path, Hash: hash, Size: size}, nil
}

// reason is the rule that an error tells of.
func reason(err error) string {
	if e, ok := errors.AsType[*codeforge.Error](err); ok {
		if r, _ := e.Details["reason"].(string); r != "" {
			return r
		}
		return e.Message
	}
	return err.Error()
}

// check looks at the files that the push leads to, and tells what was found.
func (p *push) check(ctx context.Context, last *codeforge.PushedRevision) error {
	changes := make([]codeforge.FileChange, 0, len(p.latest))
	for _, c := range p.latest {
		changes = append(changes, c)
	}
	slices.SortFunc(changes, func(a, b codeforge.FileChange) int { return strings.Compare(a.Path, b.Path) })
	p.say("Checking the files ...")
	got, err := p.Check(ctx, p.in.head.revision, changes)
	if _, moved := codeforge.MovedTo(err); moved {
		return errFetchFirst
	}
	if err != nil {
		e, ok := errors.AsType[*codeforge.Error](err)
		if !ok || e.Kind != codeforge.Unavailable {
			return err
		}
		if p.mustVerify {
			return refuse("not verified: %s", Words(e))
		}
		p.say("They were not checked: " + Words(e))
		return nil
	}
	for _, line := range got.Findings {
		p.say(line)
	}
	if !got.Verified && p.mustVerify {
		return refuse("not verified: the files do not pass their checks")
	}
	last.Verified, last.Evidence, last.Lock = &got.Verified, got.Evidence, got.Lock
	if got.Verified {
		p.say("They pass.")
	} else {
		p.say("They do not pass: the revision is marked as not verified.")
	}
	return nil
}
