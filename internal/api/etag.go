package api

import (
	"strconv"
	"strings"
	"time"

	"codeforge"
)

// condition is what an If-Match header asks: nothing, that the thing exists, or that it has a certain number. A project's
// own tag also names the moment of its last change.
type condition struct {
	any    bool   // *
	number *int64 // revision or version
	tag    string // the whole of a project's own tag, else ""
}

// parseIfMatch reads *, a number (bare or quoted), or a tag as GET sent it. Several tags are refused: a number is either
// right or not.
func parseIfMatch(header string) (condition, error) {
	h := strings.TrimSpace(header)
	switch h {
	case "":
		return condition{}, nil
	case "*":
		return condition{any: true}, nil
	}
	bad := codeforge.InvalidField("If-Match", `must be *, or one number as ETag gives it, such as 3 or "3"`)
	h = originalTag(h)
	if len(h) > 1 && h[0] == '"' && h[len(h)-1] == '"' {
		h = h[1 : len(h)-1]
	}
	digits, moment, own := strings.Cut(h, "-")
	if len(digits) > 18 || len(digits) == 0 || own && moment == "" || len(moment) > 20 {
		return condition{}, bad
	}
	var n int64
	for _, c := range digits {
		if c < '0' || c > '9' {
			return condition{}, bad
		}
		n = n*10 + int64(c-'0')
	}
	for _, c := range moment {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z') {
			return condition{}, bad
		}
	}
	c := condition{number: &n}
	if own {
		c.tag = `"` + h + `"`
	}
	return c, nil
}

// projectTag names one state of a project: its files, and all else that is said of it.
func projectTag(p *codeforge.Project) string {
	b := append(make([]byte, 0, 40), '"')
	b = append(strconv.AppendInt(b, p.Revision, 10), '-')
	b = strconv.AppendInt(b, p.UpdatedAt.Truncate(time.Microsecond).UnixMicro(), 36)
	return string(append(b, '"'))
}

func numberTag(n int64) string { return `"` + strconv.FormatInt(n, 10) + `"` }

// originalTag is the tag of ours that a proxy made a tag of, since it compressed what the tag stands for: a weak one, or one with
// the name of the coding at its end ("3-gzip", "3;br", "3--zstd"). No tag of ours ends like that: a moment has ten digits.
func originalTag(tag string) string {
	tag = strings.TrimSpace(tag)
	if len(tag) > 1 && tag[0]|0x20 == 'w' && tag[1] == '/' {
		tag = tag[2:]
	}
	inner, quoted := tag, len(tag) > 1 && tag[0] == '"' && tag[len(tag)-1] == '"'
	if quoted {
		inner = tag[1 : len(tag)-1]
	}
	for {
		const marks = "-;+/."
		i := strings.LastIndexAny(inner, marks)
		if i < 1 || !isCoding(inner[i+1:]) {
			break
		}
		inner = strings.TrimRight(inner[:i], marks)
	}
	if quoted {
		return `"` + inner + `"`
	}
	return inner
}

// isCoding reports whether s could be the name of a content coding.
func isCoding(s string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return len(s) >= 2 && len(s) <= 8
}

// noneMatch reports whether an If-None-Match header names the tag, or *. Weak tags count: nothing is compared byte by
// byte here.
func noneMatch(header, tag string) bool {
	for part := range strings.SplitSeq(header, ",") {
		if part = originalTag(part); part == "*" || part == tag || `"`+part+`"` == tag {
			return true
		}
	}
	return false
}

// numberOf is the number that an If-None-Match header names, if it names one: with several, the highest, which is the newest
// that a client can have.
func numberOf(header string) (n int64, ok bool) {
	for part := range strings.SplitSeq(header, ",") {
		if c, err := parseIfMatch(part); err == nil && c.number != nil && c.tag == "" && (!ok || *c.number > n) {
			n, ok = *c.number, true
		}
	}
	return n, ok
}
