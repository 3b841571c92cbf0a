package git

import (
	"bytes"
	"cmp"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/go-git/go-git/v6/plumbing"

	"codeforge"
)

// id is the name of an object: SHA-1 of what it is.
type id [sha1.Size]byte

func (i id) String() string { return hex.EncodeToString(i[:]) }

func (i id) hash() plumbing.Hash {
	h, _ := plumbing.FromBytes(i[:])
	return h
}

func idOf(h plumbing.Hash) (i id) {
	copy(i[:], h.Bytes())
	return i
}

// parseID reads an id in hexadecimal.
func parseID(s string) (i id, err error) {
	if err := codeforge.CheckCommitID(s); err != nil {
		return i, err
	}
	_, err = hex.Decode(i[:], []byte(s))
	return i, err
}

// name is the id of an object.
func name(kind plumbing.ObjectType, data []byte) (i id) {
	h := naming(kind, int64(len(data)))
	h.Write(data)
	h.Sum(i[:0])
	return i
}

// naming begins the id of an object, whose bytes are still to be written.
func naming(kind plumbing.ObjectType, size int64) hash.Hash {
	h := sha1.New()
	h.Write(append(strconv.AppendInt(append(kind.Bytes(), ' '), size, 10), 0))
	return h
}

// Modes of entries.
const (
	modeFile    = "100644"
	modeProgram = "100755" // may be run
	modeTree    = "40000"
	modeLink    = "120000" // symbolic
	modeModule  = "160000" // a commit elsewhere
)

// entry is one name in a tree.
type entry struct {
	mode, name string
	id         id
}

// key is what entries are sorted by: a tree's name ends in a slash.
func (e entry) key() string {
	if e.mode == modeTree {
		return e.name + "/"
	}
	return e.name
}

var errBadTree = errors.New("a tree is malformed")

// parseTree reads a tree as git writes them: in order, each name once.
func parseTree(data []byte) ([]entry, error) {
	var entries []entry
	for len(data) > 0 {
		mode, rest, ok := bytes.Cut(data, []byte{' '})
		name, rest, named := bytes.Cut(rest, []byte{0})
		if !ok || !named || len(rest) < sha1.Size {
			return nil, errBadTree
		}
		e := entry{mode: string(mode), name: string(name), id: id(rest[:sha1.Size])}
		data = rest[sha1.Size:]
		switch {
		case !slices.Contains([]string{modeFile, modeProgram, modeTree, modeLink, modeModule}, e.mode):
			return nil, fmt.Errorf("%w: the mode %.10q", errBadTree, e.mode)
		case e.name == "" || e.name == "." || e.name == ".." || strings.ContainsRune(e.name, '/') || strings.EqualFold(e.name, ".git"):
			return nil, fmt.Errorf("%w: the name %.100q", errBadTree, e.name)
		case len(entries) > 0 && entries[len(entries)-1].key() >= e.key():
			return nil, fmt.Errorf("%w: %.100q is out of order", errBadTree, e.name)
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// makeTree is a tree of entries in any order.
func makeTree(entries []entry) []byte {
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.key(), b.key()) })
	var data []byte
	for _, e := range entries {
		data = append(append(append(append(append(data, e.mode...), ' '), e.name...), 0), e.id[:]...)
	}
	return data
}

// commit is what is read of one.
type commit struct {
	tree    id
	parents []id
	message string
}

var errBadCommit = errors.New("a commit is malformed")

func parseCommit(data []byte) (c commit, err error) {
	head, message, ok := strings.Cut(string(data), "\n\n")
	if !ok && strings.HasSuffix(head, "\n") {
		head, ok = strings.TrimSuffix(head, "\n"), true // nothing was said
	}
	c.message = message
	lines := strings.Split(head, "\n")
	tree, isTree := strings.CutPrefix(lines[0], "tree ")
	if c.tree, err = parseID(tree); !ok || !isTree || err != nil {
		return c, errBadCommit
	}
	lines = lines[1:]
	for len(lines) > 0 {
		text, isParent := strings.CutPrefix(lines[0], "parent ")
		if !isParent {
			break
		}
		parent, err := parseID(text)
		if err != nil {
			return c, errBadCommit
		}
		c.parents, lines = append(c.parents, parent), lines[1:]
	}
	if len(lines) < 2 || !strings.HasPrefix(lines[0], "author ") || !strings.HasPrefix(lines[1], "committer ") {
		return c, errBadCommit
	}
	return c, nil
}

// domain is that of the addresses of authors, who have none: the name is kept for such.
const domain = "codeforge.invalid"

// makeCommit is the commit of a revision. Whatever goes into it must never change, in this program and in the store: the ids of
// all commits after it follow from it.
func makeCommit(r codeforge.Revision, tree id, parent *id) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "tree %s\n", tree)
	if parent != nil {
		fmt.Fprintf(&b, "parent %s\n", *parent)
	}
	author := strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || strings.ContainsRune("<>", c) {
			return -1
		}
		return c
	}, r.Author)
	author = cmp.Or(strings.TrimSpace(author), "user")
	who := fmt.Sprintf("%s <%s@%s> %d +0000", author, strings.ReplaceAll(author, " ", "."), domain, max(r.CreatedAt.Unix(), 0))
	fmt.Fprintf(&b, "author %s\ncommitter %s\n\n", who, who)
	message := strings.TrimSpace(strings.ReplaceAll(r.Message, "\x00", ""))
	fmt.Fprintf(&b, "%s\n\nCodeForge-Revision: %d\n", cmp.Or(message, "Revision "+strconv.FormatInt(r.Number, 10)), r.Number)
	if r.JobID != "" {
		fmt.Fprintf(&b, "CodeForge-Job: %s\n", r.JobID)
	}
	return b.Bytes()
}
