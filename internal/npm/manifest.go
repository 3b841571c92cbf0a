package npm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
)

// dependency is one line of a list of dependencies.
type dependency struct{ name, spec string }

// dependencies keeps the order in which they are written: where two packages could lie in one place, it decides.
type dependencies []dependency

// UnmarshalJSON implements json.Unmarshaler. What is not a text is passed over.
func (d *dependencies) UnmarshalJSON(b []byte) error {
	*d = nil
	if b = bytes.TrimSpace(b); len(b) == 0 || b[0] != '{' {
		return nil // some old packages have a list, or false
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	if _, err := dec.Token(); err != nil {
		return err
	}
	at := map[string]int{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		var value any
		if err := dec.Decode(&value); err != nil {
			return err
		}
		name, _ := key.(string)
		text, ok := value.(string)
		if i, twice := at[name]; ok && twice {
			(*d)[i].spec = text
		} else if ok && len(*d) <= mostResolved { // one more than may be: who counts them sees it
			at[name] = len(*d)
			*d = append(*d, dependency{name, text})
		}
	}
	return nil
}

// MarshalJSON implements json.Marshaler.
func (d dependencies) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, each := range d {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(quoted(each.name))
		b.WriteByte(':')
		b.Write(quoted(each.spec))
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func quoted(s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return []byte(`""`)
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

func (d dependencies) get(name string) (string, bool) {
	for _, each := range d {
		if each.name == name {
			return each.spec, true
		}
	}
	return "", false
}

// sorted is the list by name, as locks have it.
func (d dependencies) sorted() dependencies {
	d = slices.Clone(d)
	slices.SortFunc(d, func(a, b dependency) int { return compareNames(a.name, b.name) })
	return d
}

// names is a list of texts that may be written as one text.
type names []string

// UnmarshalJSON implements json.Unmarshaler.
func (n *names) UnmarshalJSON(b []byte) error {
	*n = nil
	var one string
	if json.Unmarshal(b, &one) == nil {
		*n = names{one}
		return nil
	}
	var all []any
	if json.Unmarshal(b, &all) == nil {
		for _, each := range all {
			if s, ok := each.(string); ok {
				*n = append(*n, s)
			}
		}
	}
	return nil
}

// manifest is what resolution reads of a package.json, of a version in a registry's metadata, and of an entry of a lock.
type manifest struct {
	Name         string          `json:"name,omitempty"`
	Version      string          `json:"version,omitempty"`
	Deps         dependencies    `json:"dependencies,omitempty"`
	Dev          dependencies    `json:"devDependencies,omitempty"`
	Optional     dependencies    `json:"optionalDependencies,omitempty"`
	Peer         dependencies    `json:"peerDependencies,omitempty"`
	PeerMeta     json.RawMessage `json:"peerDependenciesMeta,omitempty"`
	Bundle       json.RawMessage `json:"bundleDependencies,omitempty"`
	Bundled      json.RawMessage `json:"bundledDependencies,omitempty"`
	Engines      json.RawMessage `json:"engines,omitempty"`
	Bin          json.RawMessage `json:"bin,omitempty"`
	OS           names           `json:"os,omitempty"`
	CPU          names           `json:"cpu,omitempty"`
	Libc         names           `json:"libc,omitempty"`
	HasScript    bool            `json:"hasInstallScript,omitempty"`
	Scripts      json.RawMessage `json:"scripts,omitempty"`
	Deprecated   any             `json:"deprecated,omitempty"`
	Workspaces   json.RawMessage `json:"workspaces,omitempty"`
	OverrideTree json.RawMessage `json:"overrides,omitempty"`
	Dist         struct {
		Integrity string `json:"integrity,omitempty"`
		Shasum    string `json:"shasum,omitempty"`
		Tarball   string `json:"tarball,omitempty"`
	} `json:"dist"`

	peersOnce sync.Once
	peers     map[string]bool
}

func parseManifest(b []byte) (*manifest, error) {
	m := &manifest{}
	if err := json.Unmarshal(bytes.TrimPrefix(b, []byte("\ufeff")), m); err != nil {
		// One field of a kind that nobody expects must not lose a package: the others are read by themselves.
		var fields map[string]json.RawMessage
		if wrong := json.Unmarshal(b, &fields); wrong != nil {
			return nil, err
		}
		for name, raw := range fields {
			one, err := json.Marshal(map[string]json.RawMessage{name: raw})
			if err != nil || json.Unmarshal(one, &manifest{}) != nil {
				delete(fields, name)
			}
		}
		rest, err := json.Marshal(fields)
		if err != nil {
			return nil, err
		}
		m = &manifest{}
		return m, json.Unmarshal(rest, m)
	}
	return m, nil
}

// deprecated reports whether its publisher says that nobody should take it any more.
func (m *manifest) deprecated() bool {
	switch d := m.Deprecated.(type) {
	case string:
		return d != ""
	case bool:
		return d
	}
	return false
}

// declared are the names of all that it depends on.
func (m *manifest) declared() []string {
	var out []string
	for _, list := range []dependencies{m.Deps, m.Dev, m.Peer, m.Optional} {
		for _, d := range list {
			out = append(out, d.name)
		}
	}
	return out
}

// peerOptional tells of a peer whether it need not be there.
func (m *manifest) peerOptional() map[string]bool {
	m.peersOnce.Do(func() {
		var meta map[string]struct {
			Optional bool `json:"optional"`
		}
		if len(m.PeerMeta) == 0 || json.Unmarshal(m.PeerMeta, &meta) != nil {
			return
		}
		m.peers = make(map[string]bool, len(meta))
		for name, of := range meta {
			m.peers[name] = of.Optional
		}
	})
	return m.peers
}

// bundles reports which dependencies come within the package itself.
func (m *manifest) bundles() []string {
	for _, raw := range []json.RawMessage{m.Bundle, m.Bundled} {
		if len(raw) == 0 {
			continue
		}
		var all bool
		if json.Unmarshal(raw, &all) == nil {
			if !all {
				return nil
			}
			var list []string
			for _, d := range m.Deps {
				list = append(list, d.name)
			}
			return list
		}
		var list names
		if json.Unmarshal(raw, &list) == nil && len(list) > 0 {
			return list
		}
	}
	return nil
}

// node is the range of Node versions that a package asks for.
func (m *manifest) nodeEngine() string {
	var engines struct {
		Node string `json:"node"`
	}
	if len(m.Engines) == 0 || json.Unmarshal(m.Engines, &engines) != nil {
		return ""
	}
	return engines.Node
}

// runsAtInstall reports whether it would run a program when it is installed. Here none is.
func (m *manifest) runsAtInstall() bool {
	var scripts struct{ Preinstall, Install, Postinstall any }
	return m.HasScript || len(m.Scripts) > 0 && json.Unmarshal(m.Scripts, &scripts) == nil &&
		(scripts.Preinstall != nil || scripts.Install != nil || scripts.Postinstall != nil)
}

// bins are the programs of a package by their names, as locks have them; a package that names one program calls it as itself.
func (m *manifest) bins(name string) json.RawMessage {
	if len(m.Bin) == 0 {
		return nil
	}
	var one string
	var all dependencies
	if json.Unmarshal(m.Bin, &one) == nil {
		all = dependencies{{name[strings.LastIndexByte(name, '/')+1:], one}}
	} else if json.Unmarshal(m.Bin, &all) != nil {
		return nil
	}
	var out dependencies
	for _, b := range all {
		if file := strings.TrimPrefix(path.Clean("/"+b.spec), "/"); file != "" && b.name != "" {
			out = append(out, dependency{path.Base(path.Clean("/" + b.name)), file})
		}
	}
	if len(out) == 0 {
		return nil
	}
	text, err := json.Marshal(out)
	if err != nil {
		return nil
	}
	return text
}

// workspacePatterns are the folders of a project that are packages themselves.
func (m *manifest) workspacePatterns() []string {
	var list names
	var object struct {
		Packages names `json:"packages"`
	}
	if len(m.Workspaces) == 0 {
		return nil
	}
	if json.Unmarshal(m.Workspaces, &object) == nil && len(object.Packages) > 0 {
		return object.Packages
	}
	if json.Unmarshal(m.Workspaces, &list) == nil {
		return list
	}
	return nil
}

// workspace is a folder of the project that is a package.
type workspace struct {
	folder   string
	manifest *manifest
}

const mostWorkspaces = 200

// workspacesOf lists them by folder; manifests are the project's package.json files by path.
func workspacesOf(root *manifest, manifests map[string][]byte) ([]workspace, error) {
	found := map[string]bool{}
	patterns := root.workspacePatterns()
	if len(patterns) > mostWorkspaces {
		return nil, fmt.Errorf("more than %d workspaces", mostWorkspaces)
	}
	for _, pattern := range patterns {
		pattern, exclude := strings.CutPrefix(pattern, "!")
		pattern = strings.Trim(path.Clean(strings.ReplaceAll(pattern, `\`, "/")), "/")
		for file := range manifests {
			folder := path.Dir(file)
			if path.Base(file) != "package.json" || folder == "." || strings.Contains("/"+folder+"/", "/node_modules/") {
				continue
			}
			if globs(pattern, folder) {
				found[folder] = !exclude
			}
		}
	}
	var out []workspace
	taken := map[string]string{}
	for folder, in := range found {
		if !in {
			continue
		}
		m, err := parseManifest(manifests[folder+"/package.json"])
		if err != nil {
			return nil, fmt.Errorf("%s/package.json: %w", folder, err)
		}
		if m.Name == "" {
			m.Name = path.Base(folder)
		}
		if other, twice := taken[m.Name]; twice {
			return nil, fmt.Errorf("the workspaces %s and %s have one name, %s", min(folder, other), max(folder, other), m.Name)
		}
		taken[m.Name] = folder
		out = append(out, workspace{folder, m})
	}
	if len(out) > mostWorkspaces {
		return nil, fmt.Errorf("more than %d workspaces", mostWorkspaces)
	}
	slices.SortFunc(out, func(a, b workspace) int { return compareNames(a.folder, b.folder) })
	return out, nil
}

// globs matches a folder to a pattern, in which ** stands for any number of folders.
func globs(pattern, folder string) bool {
	p, f := strings.Split(pattern, "/"), strings.Split(folder, "/")
	var match func(p, f []string) bool
	match = func(p, f []string) bool {
		switch {
		case len(p) == 0:
			return len(f) == 0
		case p[0] == "**":
			return match(p[1:], f) || len(f) > 0 && match(p, f[1:])
		case len(f) == 0:
			return false
		}
		ok, err := path.Match(p[0], f[0])
		return err == nil && ok && match(p[1:], f[1:])
	}
	if strings.Count(pattern, "**") > 4 {
		return false
	}
	return match(p, f)
}
