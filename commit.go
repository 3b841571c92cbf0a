package codeforge

import (
	"encoding/hex"
	"strings"
)

// GitRevision is a revision with what its commit in git is made of. One that was pushed is the commit that it came as; of any other
// one a commit is made of what stands here, and of the one before.
type GitRevision struct {
	Revision
	Files  []GitFile // that it changed, by path
	Commit string    // the id of the commit that was pushed; "": none was
	Packs  []string  // hashes of packs with the objects that came with it
}

// GitFile is what a revision made of a file.
type GitFile struct {
	Path string `json:"path"`
	Hash string `json:"hash"` // SHA-256 of its bytes; "": it is deleted
	Size int64  `json:"size"`
}

// Push is commits that become revisions, all or none.
type Push struct {
	Head      int64 // the revision that they lie on
	Revisions []PushedRevision
}

// PushedRevision is one commit that becomes a revision.
type PushedRevision struct {
	Changes  []FileChange // may be none
	Message  string
	Verified *bool // nil: not known
	Evidence Evidence
	Lock     []byte   // of packages; nil: that of the revision before
	Commit   string   // its id
	Packs    []string // hashes of blobs that were put: the commit, and what else nothing but it has
}

// CheckCommitID holds the rule for the id of a commit: SHA-1 in hexadecimal.
func CheckCommitID(s string) error {
	if sum, err := hex.DecodeString(s); err != nil || len(sum) != 20 || s != strings.ToLower(s) {
		return InvalidField("commit", "must be 40 hexadecimal digits in lower case")
	}
	return nil
}

// Check holds the rules for what a push changes.
func (p Push) Check() error {
	for _, r := range p.Revisions {
		if err := CheckCommitID(r.Commit); err != nil {
			return err
		}
		if len(r.Packs) == 0 {
			return InvalidField("packs", "must hold the commit")
		}
		for _, hash := range r.Packs {
			if err := CheckHash(hash); err != nil {
				return err
			}
		}
		for _, ch := range r.Changes {
			if err := ch.Check(); err != nil {
				return err
			}
		}
		if err := CheckBesideRevision(r.Evidence, nil, r.Lock); err != nil {
			return err
		}
	}
	return nil
}
