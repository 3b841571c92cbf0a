package browser

import (
	"context"
	"encoding/base64"
	"net/url"
	"path"
	"strings"

	"codeforge/internal/sourcemap"
)

// sources tells where in a site's sources a place in what it serves comes from. What it read of scripts it keeps for one run.
type sources struct {
	proxy *proxy
	maps  map[string]*sourcemap.Map // by the address of the script; nil: it has none
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
			s.maps = map[string]*sourcemap.Map{}
		}
		s.maps[u.String()] = m
	}
	if m != nil {
		if file, l, c, ok := m.Find(line, column); ok {
			return sourceName(u, m.Root, file), l + 1, c + 1
		}
	}
	if strings.HasSuffix(u.Path, "/") {
		u.Path += "index.html"
	}
	return strings.TrimPrefix(u.Path, "/"), line + 1, column + 1
}

// read reads the map that a script names in its last line.
func (s *sources) read(ctx context.Context, script *url.URL) *sourcemap.Map {
	if !strings.HasSuffix(script.Path, ".js") && !strings.HasSuffix(script.Path, ".mjs") && !strings.HasSuffix(script.Path, ".css") {
		return nil
	}
	body, ok := s.proxy.get(ctx, script.String(), maxScript)
	if !ok {
		return nil
	}
	var text []byte
	if name := sourcemap.Named(string(body)); name != "" {
		if _, data, isData := strings.Cut(name, ";base64,"); isData {
			text, _ = base64.StdEncoding.DecodeString(data)
		} else if to, err := script.Parse(name); err == nil {
			text, _ = s.proxy.get(ctx, to.String(), maxMapped)
		}
	}
	return sourcemap.Read(text)
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
