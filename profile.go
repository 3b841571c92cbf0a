package codeforge

import (
	"cmp"
	"encoding/json"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// SkillLevel is how much somebody knows already.
type SkillLevel string

const (
	Beginner     SkillLevel = "beginner"
	Intermediate SkillLevel = "intermediate"
	Advanced     SkillLevel = "advanced"
)

// SkillLevels are all of them.
var SkillLevels = []SkillLevel{Beginner, Intermediate, Advanced}

// Bounds of profiles, and of the waitlist.
const (
	MinUsername = 2
	MaxUsername = 50
	MaxFullName = 200
	MaxAvatar   = 500

	MaxEmail    = 254   // bytes
	MaxWaitlist = 1_000 // addresses that join within an hour
)

// Profile is what a user says of themselves; nil: nothing. Of usernames no two are the same.
type Profile struct {
	ID         string      `json:"id"` // of the user
	Username   *string     `json:"username"`
	FullName   *string     `json:"full_name"`
	AvatarURL  *string     `json:"avatar_url"`
	SkillLevel *SkillLevel `json:"skill_level"`
	CreatedAt  time.Time   `json:"created_at"`
	UpdatedAt  time.Time   `json:"updated_at"`
}

// ProfilePatch changes what is not nil.
type ProfilePatch struct {
	Username   *string     `json:"username,omitempty"`
	FullName   *string     `json:"full_name,omitempty"`
	AvatarURL  *string     `json:"avatar_url,omitempty"`
	SkillLevel *SkillLevel `json:"skill_level,omitempty"`
}

// Empty reports whether the patch would change nothing.
func (p ProfilePatch) Empty() bool { return p == ProfilePatch{} }

// Check holds the rules for what a patch sets; its texts must be trimmed already.
func (p *ProfilePatch) Check() error {
	for _, f := range []struct {
		name        string
		text        *string
		least, most int
	}{{"username", p.Username, MinUsername, MaxUsername}, {"full_name", p.FullName, 1, MaxFullName}, {"avatar_url", p.AvatarURL, 0, MaxAvatar}} {
		if f.text == nil {
			continue
		}
		if err := checkText(f.name, *f.text, f.least, f.most); err != nil {
			return err
		}
	}
	if p.SkillLevel != nil && !slices.Contains(SkillLevels, *p.SkillLevel) {
		return InvalidField("skill_level", "must be one of %v", SkillLevels)
	}
	return nil
}

// UsernameTaken refuses a name that is another's.
func UsernameTaken() *Error {
	return InvalidField("username", "is taken: choose another one")
}

// FirstProfile is what a profile begins with: a beginner, and what the token of u says of name and picture, if it breaks no rule.
func FirstProfile(u User) ProfilePatch {
	var claims struct {
		Metadata struct {
			FullName  string `json:"full_name"`
			Name      string `json:"name"`
			AvatarURL string `json:"avatar_url"`
			Picture   string `json:"picture"`
		} `json:"user_metadata"`
	}
	first := ProfilePatch{SkillLevel: new(Beginner)}
	if json.Unmarshal(u.Claims, &claims) != nil { // users write it, and may write anything
		return first
	}
	m := claims.Metadata
	if name := strings.TrimSpace(cmp.Or(m.FullName, m.Name)); name != "" && (&ProfilePatch{FullName: &name}).Check() == nil {
		first.FullName = &name
	}
	if address := cmp.Or(m.AvatarURL, m.Picture); address != "" && (&ProfilePatch{AvatarURL: &address}).Check() == nil {
		first.AvatarURL = &address
	}
	return first
}

// ParseEmail is an address as it is kept, in lower case, or an [Invalid] error for the field "email".
func ParseEmail(s string) (string, error) {
	bad := InvalidField("email", "must be an address like name@example.com")
	s = strings.ToLower(strings.TrimSpace(s))
	if len(s) > MaxEmail || !utf8.ValidString(s) || strings.ContainsFunc(s, disobeyed) {
		return "", bad
	}
	at, err := mail.ParseAddress(s)
	if err != nil || at.Name != "" || at.Address != s {
		return "", bad
	}
	name, domain, _ := strings.Cut(s, "@")
	if len(name) > 64 || strings.HasPrefix(name, `"`) || !strings.Contains(domain, ".") {
		return "", bad
	}
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") || strings.ContainsAny(label, "[]_!#$%&'*+/=?^`{|}~") {
			return "", bad
		}
	}
	return s, nil
}
