package compile

import (
	"encoding/json"
	"errors"
	"path"
	"strings"
)

// preprocessed compiles a style sheet in Sass or Less, by the project's own package of it.
func (s *Session) preprocessed(p, text, lang string) (css string, found []Diagnostic, err error) {
	compiler := "sass"
	if lang == "less" {
		compiler = "less"
	}
	e, err := s.engine(compiler, p)
	if err != nil {
		return "", nil, err
	}
	answer := func(kind string, args []string) (any, error) {
		switch kind {
		case "find":
			at, _ := s.files.sass(args[0], args[1])
			return at, nil
		case "read":
			text, ok := s.files.read(args[0])
			if !ok {
				return nil, &failure{Message: args[0] + " cannot be read"}
			}
			return text, nil
		case "load":
			at, ok := s.files.less(args[0], strings.Trim(args[1], "/"))
			text, readable := s.files.read(at)
			if !ok || !readable {
				return nil, &failure{Message: "'" + args[0] + "' wasn't found"}
			}
			b, err := json.Marshal(map[string]string{"contents": text, "filename": "/" + at})
			return string(b), err
		}
		return nil, errors.New("unknown question " + kind)
	}
	var out struct{ CSS string }
	err = e.call(job{function: "style", input: map[string]any{"file": p, "text": text, "indented": lang == "sass"}, answer: answer}, &out)
	if err == nil {
		return out.CSS, nil, nil
	}
	name := strings.ToUpper(compiler[:1]) + compiler[1:]
	d := s.componentProblem(name, p, text, err)
	if f, ok := errors.AsType[*failure](err); ok && f.File != "" && f.File != p {
		if place, _ := split(f.File); place == "" {
			d.File = f.File
		} else {
			d.Message, d.Line, d.Column = d.Message+" (in "+f.File+")", 0, 0
		}
	}
	return "", []Diagnostic{d}, nil
}

// sass is the file that a name means in a file of Sass.
func (f *files) sass(name, from string) (string, bool) {
	name = strings.TrimPrefix(strings.TrimPrefix(name, "pkg:"), "~")
	if p, ok := f.sassFile(path.Join(folder(from), name)); ok {
		return p, true
	}
	if f.alias != nil {
		if p, ok := f.alias(path.Join(folder(from), "x.scss"), name); ok {
			return p, true
		}
	}
	pkg, rest := packageName(name)
	place, ok := f.find(from, pkg)
	if pkg == "" || !ok {
		return f.sassFile(name) // from the root
	}
	if p, ok := f.sassFile(path.Join(place, rest)); ok && rest != "" {
		return p, true
	}
	return f.resolve(name, folder(from), rules{[]string{"sass", "style", "default"}, []string{"sass", "style", "main"}, []string{".scss", ".sass", ".css"}})
}

// sassFile finds a file as Sass does: with its endings, as a partial, as the index of a folder.
func (f *files) sassFile(p string) (string, bool) {
	try := func(p string) (string, bool) {
		dir, base := path.Split(p)
		for _, prefix := range []string{"", "_"} {
			for _, ending := range []string{"", ".scss", ".sass", ".css"} {
				q := dir + prefix + base + ending
				if ext := path.Ext(q); (ext == ".scss" || ext == ".sass" || ext == ".css") && f.has(q) {
					return q, true
				}
			}
		}
		return "", false
	}
	if q, ok := try(p); ok {
		return q, true
	}
	return try(p + "/index")
}

// less is the file that a name means in a folder.
func (f *files) less(name, dir string) (string, bool) {
	name = strings.TrimPrefix(name, "~")
	r := rules{[]string{"less", "style", "default"}, []string{"less", "style", "main"}, []string{".less", ".css"}}
	if p, ok := f.resolve("./"+name, dir, rules{endings: r.endings}); ok {
		return p, true
	}
	if f.alias != nil {
		if p, ok := f.alias(path.Join(dir, "x.less"), name); ok {
			return p, true
		}
	}
	return f.resolve(name, dir, r)
}
