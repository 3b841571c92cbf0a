package agent

import (
	"encoding/json"
	"slices"
	"strings"

	"codeforge"
	"codeforge/internal/agent/form"
)

const (
	maxDecisions = 40 // that a project keeps, the newest
	maxDecision  = 300
)

// respecify brings the project's specifications up to date with what a finish says of them: a specification that is not there is
// not begun, but for decisions, which have no other place.
func (r *run) respecify(a form.FinishArgs) {
	gone := map[string]bool{}
	for _, name := range a.Gone {
		gone[fold(name)] = true
	}
	if spec := specObject(r.project.Requirements); spec != nil && (len(a.Features) > 0 || len(gone) > 0) {
		changed := false
		spec["core_features"], changed = patchList(spec["core_features"], "name", a.Features, gone, func(old map[string]any, f form.FeatureChange) (string, map[string]any) {
			old["name"], old["description"], old["priority"] = f.Name, f.Description, f.Priority
			if old["user_stories"] == nil {
				old["user_stories"] = []string{}
			}
			return f.Name, old
		})
		if raw := form.Marshal(spec); changed && len(raw) <= codeforge.MaxSpec {
			r.project.Requirements, r.made.Requirements = raw, raw
		}
	}
	spec, changed := specObject(r.project.Architecture), false
	if spec != nil && (len(a.Pages) > 0 || len(gone) > 0) {
		spec["site_map"], changed = patchList(spec["site_map"], "path", a.Pages, gone, func(old map[string]any, p form.PageChange) (string, map[string]any) {
			old["path"], old["name"], old["description"] = p.Path, p.Name, p.Description
			if len(p.Components) > 0 || old["components"] == nil {
				list := []componentDoc{}
				for _, name := range p.Components {
					list = append(list, componentDoc{form.Component{Name: name, Props: []string{}, Children: []string{}}, name})
				}
				old["components"] = list
			}
			return p.Path, old
		})
	}
	if len(a.Decisions) > 0 {
		decisions := addDecisions(spec, a.Decisions)
		if changed = true; spec == nil {
			spec = map[string]any{"site_map": []string{}, "global_state_needs": []string{}, "theme_colors": []string{}}
		}
		spec["decisions"] = decisions
	}
	if raw := form.Marshal(spec); changed && len(raw) <= codeforge.MaxSpec {
		r.project.Architecture, r.made.Architecture = raw, raw
	}
}

// addDecisions are the decisions of an architecture with new ones.
func addDecisions(spec map[string]any, more []string) (all []string) {
	old, _ := spec["decisions"].([]any)
	for _, d := range old {
		if text, ok := d.(string); ok {
			all = append(all, text)
		}
	}
	for _, d := range more {
		d = form.Shorten(strings.TrimSpace(codeforge.Plain(d)), maxDecision)
		if d != "" && !slices.Contains(all, d) {
			all = append(all, d)
		}
	}
	return all[max(0, len(all)-maxDecisions):]
}

// specObject decodes a specification that is an object of anybody's making, nil for any other.
func specObject(raw json.RawMessage) (v map[string]any) {
	if len(raw) == 0 || json.Unmarshal(raw, &v) != nil {
		return nil
	}
	return v
}

// patchList takes out of a list of objects those whose key is gone, and puts in changes: over the one of the same key, or at the end.
func patchList[T any](list any, key string, changes []T, gone map[string]bool, put func(map[string]any, T) (string, map[string]any)) (out []any, changed bool) {
	items, _ := list.([]any)
	at := map[string]map[string]any{}
	out = []any{}
	for _, item := range items {
		entry, _ := item.(map[string]any)
		name, _ := entry[key].(string)
		if gone[fold(name)] {
			changed = true
			continue
		}
		if entry != nil {
			at[fold(name)] = entry
		}
		out = append(out, item)
	}
	for _, c := range changes {
		name, entry := put(map[string]any{}, c)
		if old := at[fold(name)]; old != nil {
			put(old, c)
		} else {
			at[fold(name)] = entry
			out = append(out, entry)
		}
		changed = true
	}
	return out, changed
}

func fold(name string) string { return strings.ToLower(strings.TrimSpace(name)) }
