package browser

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"path"
	"slices"
	"strings"
)

// sources tells where in a site's sources a place in what it serves comes from. What it read of scripts it keeps for one run.
type sources struct {
	proxy *proxy
	maps  map[string]*sourceMap // by the address of the script; nil: it has none
}

const (
	maxScript  = 32 << 20
	maxMapped  = 64 << 20
	maxSources = 50 // maps that are read in a run
)

// place returns the source, with line and column from 1, of a place in a served file, both from 0. What has no map is its own source.
func (s *sources) place(ctx context.Context, address string, line, column int) (file string, l, c int) {
	u, err := s.proxy.origin.Parse(address)
	if err != nil || u.Host != s.proxy.origin.Host || u.Scheme != s.proxy.origin.Scheme {
		return "", 0, 0
	}
	u.Fragment = ""
	m, known := s.maps[u.String()]
	if !known && len(s.maps) < maxSources {
		m = s.read(ctx, u)
		if s.maps == nil {
			s.maps = map[string]*sourceMap{}
		}
		s.maps[u.String()] = m
	}
	if m != nil {
		if file, l, c, ok := m.find(line, column); ok {
			return sourceName(u, m.Root, file), l + 1, c + 1
		}
	}
	if strings.HasSuffix(u.Path, "/") {
		u.Path += "index.html"
	}
	return strings.TrimPrefix(u.Path, "/"), line + 1, column + 1
}

// read reads the map that a script names in its last line.
func (s *sources) read(ctx context.Context, script *url.URL) *sourceMap {
	if !strings.HasSuffix(script.Path, ".js") && !strings.HasSuffix(script.Path, ".mjs") && !strings.HasSuffix(script.Path, ".css") {
		return nil
	}
	body, ok := s.proxy.get(ctx, script.String(), maxScript)
	if !ok {
		return nil
	}
	const mark = "# sourceMappingURL="
	var text []byte
	if i := bytes.LastIndex(body, []byte(mark)); i >= 0 {
		name := strings.TrimRight(strings.TrimSpace(string(body[i+len(mark):])), " */")
		if _, data, isData := strings.Cut(name, ";base64,"); isData {
			text, _ = base64.StdEncoding.DecodeString(data)
		} else if to, err := script.Parse(name); err == nil {
			text, _ = s.proxy.get(ctx, to.String(), maxMapped)
		}
	}
	m := new(sourceMap)
	if len(text) == 0 || json.Unmarshal(text, m) != nil || m.Version != 3 {
		return nil
	}
	return m
}

// sourceName is a source's path on the site: bundlers write it relative to the map.
func sourceName(script *url.URL, root, name string) string {
	if _, after, ok := strings.Cut(name, "://"); ok { // webpack:///./src/a.js
		name = after
	} else if !strings.HasPrefix(name, "/") {
		name = path.Join(path.Dir(script.Path), root, name)
	}
	return strings.TrimPrefix(path.Clean("/"+name), "/")
}

// sourceMap is a source map of revision 3.
type sourceMap struct {
	Version  int      `json:"version"`
	Root     string   `json:"sourceRoot"`
	Sources  []string `json:"sources"`
	Mappings string   `json:"mappings"`
}

// find returns the source, line and column of a place, all from 0.
func (m *sourceMap) find(line, column int) (source string, l, c int, ok bool) {
	var src, sl, sc int
	best := -1
	for n, text := range slices.Collect(strings.SplitSeq(m.Mappings, ";")) {
		if n > line {
			break
		}
		at := 0
		for segment := range strings.SplitSeq(text, ",") {
			v, valid := vlq(segment)
			if !valid || len(v) == 0 {
				continue
			}
			at += v[0]
			if len(v) < 4 {
				continue
			}
			src, sl, sc = src+v[1], sl+v[2], sc+v[3]
			if n == line && (at <= column || best < 0) && src >= 0 && src < len(m.Sources) {
				source, l, c, best = m.Sources[src], sl, sc, at
			}
		}
	}
	return source, max(l, 0), max(c, 0), best >= 0
}

const base64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// vlq reads the numbers of a segment.
func vlq(s string) (v []int, ok bool) {
	n, shift := 0, 0
	for i := range len(s) {
		d := strings.IndexByte(base64Digits, s[i])
		if d < 0 || shift > 30 {
			return nil, false
		}
		n |= d & 31 << shift
		if shift += 5; d&32 == 0 {
			if n&1 != 0 {
				v = append(v, -(n >> 1))
			} else {
				v = append(v, n>>1)
			}
			n, shift = 0, 0
		}
	}
	return v, shift == 0
}
