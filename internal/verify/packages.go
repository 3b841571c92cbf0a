package verify

import (
	"encoding/json"
	"errors"
	"io/fs"
	"strings"

	"codeforge/internal/sandbox"
)

// Packages are the npm packages that a tree's lock names. A place is where npm puts one: node_modules/react, or
// node_modules/a/node_modules/b; that of a package of the project itself is its folder.
//
// A child asks its parent for them, so they hold nothing but what this lock leads to.
type Packages interface {
	// Find is the place of what a name means from a place, or from a folder of the tree ("": its root), as Node finds it.
	Find(from, name string) (place string, ok bool)
	// Why says why Find finds none, and what was likely meant, to be put behind a colon; "": nothing is known.
	Why(from, name string) string
	// Version is the version of what lies at a place; "": it is not known.
	Version(place string) string
	// List names the files of a place, sorted. What cannot be had is an error whose text is for people.
	List(place string) ([]string, error)
	// Read reads one of them.
	Read(place, name string) ([]byte, error)
}

// Off are packages that cannot be had: why, in words that name the setting which turns them on.
type Off string

func (o Off) Find(string, string) (string, bool)  { return "", false }
func (o Off) Why(string, string) string           { return string(o) }
func (o Off) Version(string) string               { return "" }
func (o Off) List(string) ([]string, error)       { return nil, errors.New(string(o)) }
func (o Off) Read(string, string) ([]byte, error) { return nil, errors.New(string(o)) }

// What a child asks: a word of these, with its arguments.
const (
	askFind     = "find"
	askWhy      = "why"
	askVersion  = "version"
	askList     = "list"
	askRead     = "read"
	askIdentity = "identity"
	askVendor   = "vendor" // answered by who builds them
)

// maxPackageFiles bounds how many files a package may list.
const maxPackageFiles = 100_000

// answerQuestion answers a child's question about packages. A question is nonsense when this is not the child of this
// program that it was.
func answerQuestion(p Packages, question []byte) ([]byte, error) {
	r := reader{rest: string(question)}
	word, a, b := r.string(), r.string(), r.string()
	if r.failed || r.rest != "" || p == nil {
		return nil, errors.New("this is no question")
	}
	switch word {
	case askFind:
		place, ok := p.Find(a, b)
		if !ok {
			return nil, nil
		}
		return append([]byte{1}, place...), nil
	case askWhy:
		return []byte(p.Why(a, b)), nil
	case askVersion:
		return []byte(p.Version(a)), nil
	case askIdentity:
		if i, ok := p.(interface{ Identity(place string) string }); ok {
			return []byte(i.Identity(a)), nil
		}
		return nil, nil
	case askList:
		list, err := p.List(a)
		if err == nil && len(list) > maxPackageFiles {
			err = errors.New("it has too many files")
		}
		return []byte(strings.Join(list, "\x00")), err
	case askRead:
		if !fs.ValidPath(b) {
			return nil, fs.ErrInvalid
		}
		return p.Read(a, b)
	}
	return nil, errors.New("this is no question")
}

// askedPackages are the packages of a child: it asks its parent.
type askedPackages struct {
	work sandbox.Work
}

func (p askedPackages) ask(word, a, b string) ([]byte, error) {
	q := make([]byte, 0, stringSize(word)+stringSize(a)+stringSize(b))
	return p.work.Ask(appendStrings(q, word, a, b))
}

// vendor asks whether what is wanted was built before.
func (p askedPackages) vendor(wants []want) (*vendorInfo, bool) {
	reply, err := p.ask(askVendor, wantsKey(wants), "")
	info := &vendorInfo{}
	return info, err == nil && len(reply) > 0 && json.Unmarshal(reply, info) == nil
}

func (p askedPackages) text(word, a, b string) string {
	reply, _ := p.ask(word, a, b) // what is refused is not known
	return string(reply)
}

func (p askedPackages) Find(from, name string) (string, bool) {
	place := p.text(askFind, from, name)
	if place == "" {
		return "", false
	}
	return place[1:], true
}

func (p askedPackages) Why(from, name string) string { return p.text(askWhy, from, name) }

func (p askedPackages) Version(place string) string { return p.text(askVersion, place, "") }

// Identity tells a package's bytes from all others; "": that is not known. Packages may say so.
func (p askedPackages) Identity(place string) string { return p.text(askIdentity, place, "") }

func (p askedPackages) List(place string) ([]string, error) {
	reply, err := p.ask(askList, place, "")
	if err != nil || len(reply) == 0 {
		return nil, err
	}
	return strings.Split(string(reply), "\x00"), nil
}

func (p askedPackages) Read(place, name string) ([]byte, error) {
	return p.ask(askRead, place, name)
}
