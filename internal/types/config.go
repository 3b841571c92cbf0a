package types

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"codeforge/internal/verify"
)

// config is a tsconfig with what it extends.
type config struct {
	path    string
	options map[string]option

	files, include, exclude *pathList // nil: nothing says so
	references              []string  // as they stand in this very file
	allowJS                 bool
}

// option is a compiler option, and the folder of the file that sets it, which its paths start from.
type option struct {
	value json.RawMessage
	dir   string
}

type pathList struct {
	dir   string
	paths []string
}

// configReader reads tsconfigs of a tree and of its packages.
type configReader struct {
	files  map[string]string
	module func(dir, name string) (string, error) // the path of what a name means in a folder; errNotHere
	read   func(path string) (string, bool)       // a file of a package

	most int // configs that are read
}

var (
	errNotHere    = errors.New("it is not here")
	errTooMany    = errors.New("the settings extend too many others")
	errBadSetting = errors.New("it is no JSON object")
)

// configError is why a tsconfig cannot be used.
type configError struct {
	file, what string
	cause      error
}

func (e *configError) Error() string { return fmt.Sprintf("%s: %s: %v", e.file, e.what, e.cause) }

func (e *configError) Unwrap() error { return e.cause }

// text is a file of the tree or of a package.
func (r *configReader) text(p string) (string, bool) {
	if isInstalled(p) {
		return r.read(p)
	}
	text, ok := r.files[p]
	return text, ok
}

func (r *configReader) readConfig(p string, within ...string) (*config, error) {
	if r.most++; r.most > 200 {
		return nil, &configError{p, "is not read", errTooMany}
	}
	text, ok := r.text(p)
	if !ok {
		return nil, &configError{p, "cannot be read", errNotHere}
	}
	var raw struct {
		Extends                 json.RawMessage
		Files, Include, Exclude json.RawMessage
		References              []struct{ Path string }
		CompilerOptions         map[string]json.RawMessage
	}
	if err := json.Unmarshal([]byte(verify.StripJSONComments(strings.TrimPrefix(text, "\ufeff"))), &raw); err != nil {
		if _, wrongType := err.(*json.UnmarshalTypeError); !wrongType {
			return nil, &configError{p, "cannot be read", errBadSetting}
		}
	}
	c := &config{path: p, options: map[string]option{}}
	dir := path.Dir(p)
	for _, spec := range textOrTexts(raw.Extends) {
		q, err := r.extended(dir, spec)
		if err != nil {
			return nil, &configError{p, fmt.Sprintf("extends %q", spec), err}
		}
		if slices.Contains(within, q) || q == p {
			return nil, &configError{p, fmt.Sprintf("extends %q", spec), errors.New("it extends itself")}
		}
		parent, err := r.readConfig(q, append(within, p)...)
		if err != nil {
			return nil, err
		}
		maps.Copy(c.options, parent.options)
		for _, list := range []struct{ to, from **pathList }{{&c.files, &parent.files}, {&c.include, &parent.include}, {&c.exclude, &parent.exclude}} {
			if *list.from != nil {
				*list.to = *list.from
			}
		}
	}
	for name, value := range raw.CompilerOptions {
		if string(value) == "null" {
			delete(c.options, strings.ToLower(name))
			continue
		}
		c.options[strings.ToLower(name)] = option{value, dir}
	}
	for _, list := range []struct {
		to   **pathList
		from json.RawMessage
	}{{&c.files, raw.Files}, {&c.include, raw.Include}, {&c.exclude, raw.Exclude}} {
		var paths []string
		if json.Unmarshal(list.from, &paths) == nil && list.from != nil {
			*list.to = &pathList{dir, paths}
		}
	}
	for _, ref := range raw.References {
		q := path.Join(dir, ref.Path)
		if _, ok := r.files[q]; !ok {
			q = path.Join(q, "tsconfig.json")
		}
		c.references = append(c.references, q)
	}
	return c, nil
}

// extended is the path of what a tsconfig in a folder extends.
func (r *configReader) extended(dir, spec string) (string, error) {
	spec = strings.ReplaceAll(spec, "\\", "/")
	if spec == "" || strings.HasPrefix(spec, "/") || len(spec) > 1000 || strings.Contains(spec, ":") {
		return "", errNotHere
	}
	from := path.Join(dir, spec)
	if !strings.HasPrefix(spec, "./") && !strings.HasPrefix(spec, "../") && spec != "." && spec != ".." {
		var err error
		if from, err = r.module(dir, spec); err != nil {
			return "", err
		}
	}
	for _, p := range []string{from, from + ".json", path.Join(from, "tsconfig.json")} {
		if _, ok := r.text(p); ok && path.Ext(p) == ".json" {
			return p, nil
		}
	}
	return "", errNotHere
}

// textOrTexts reads a text or a list of them.
func textOrTexts(raw json.RawMessage) []string {
	var list []string
	var one string
	switch {
	case json.Unmarshal(raw, &one) == nil && one != "":
		return []string{one}
	case json.Unmarshal(raw, &list) == nil:
		return list
	}
	return nil
}

// text is an option that is a text, in lower case.
func (c *config) text(name string) string {
	var s string
	_ = json.Unmarshal(c.options[strings.ToLower(name)].value, &s)
	return strings.ToLower(s)
}

// flag is an option that is true or false.
func (c *config) flag(name string) (value, set bool) {
	set = json.Unmarshal(c.options[strings.ToLower(name)].value, &value) == nil && c.options[strings.ToLower(name)].value != nil
	return value, set
}

// texts is an option that is a list.
func (c *config) texts(name string) ([]string, bool) {
	o, ok := c.options[strings.ToLower(name)]
	var list []string
	return list, ok && json.Unmarshal(o.value, &list) == nil
}
