package server

import (
	"fmt"
	"net/url"
	"os"
	"reflect"
	"strings"
	"time"
)

// Setting is what holds of one setting, fit to be shown.
type Setting struct {
	Name   string `json:"name"`   // of its variable
	Flag   string `json:"flag"`   // that sets it too
	Value  string `json:"value"`  // of a secret: whether there is one
	Origin string `json:"origin"` // flag, environment, .env, the path of a file, or default
	Secret bool   `json:"secret"`
}

// redacted stands for a secret.
const redacted = "[set]"

// Settings are all settings, in the order of docs/settings.md, with where they come from. flags are the names of those that the command
// line gave.
func (c *Config) Settings(env *Environment, flags map[string]bool) (all []Setting) {
	values := reflect.ValueOf(*c)
	for f := range reflect.TypeFor[Config]().Fields() {
		names := variables(f)
		if len(names) == 0 {
			continue
		}
		s := Setting{Name: names[0], Flag: "--" + f.Tag.Get("name"), Secret: isSecret(f), Value: show(values.FieldByIndex(f.Index).Interface()), Origin: originDefault}
		for _, name := range names {
			if os.Getenv(name) != "" {
				s.Name, s.Origin = name, env.originOf(name)
				break
			}
		}
		if flags[f.Tag.Get("name")] {
			s.Origin = originFlag
		}
		if _, hidden := f.Tag.Lookup("hidden"); hidden && s.Origin == originDefault {
			continue
		}
		if s.Value = withoutPassword(s.Value); s.Secret && s.Value != "" {
			s.Value = redacted
		}
		all = append(all, s)
	}
	return all
}

// originOf says where a variable that is set comes from.
func (e *Environment) originOf(name string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if origin := e.origin[name]; origin != "" {
		return origin
	}
	return originEnvironment
}

// show is a value as the setting is written.
func show(value any) string {
	switch v := value.(type) {
	case Seconds:
		return time.Duration(v).String()
	case *Seconds:
		if v == nil {
			return ""
		}
		return show(*v)
	case Dollars:
		if v.Micro == nil {
			return ""
		}
		return fmt.Sprintf("%.2f", float64(*v.Micro)/1e6)
	case List:
		return strings.Join(v, ",")
	}
	return fmt.Sprint(value)
}

// withoutPassword is a value that may be an address, or a list of them, without what opens doors.
func withoutPassword(value string) string {
	items := strings.Split(value, ",")
	for i, item := range items {
		if !strings.Contains(item, "://") {
			continue
		}
		switch u, err := url.Parse(item); {
		case err != nil || strings.Contains(u.Path+u.Fragment, "@"):
			items[i] = redacted // any part of it may be a part of a password
		case u.User != nil || u.RawQuery != "":
			u.User, u.RawQuery = nil, ""
			items[i] = u.String() + " (and what is not shown)"
		}
	}
	return strings.Join(items, ",")
}
