package agent

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"codeforge"
	"codeforge/internal/agent/form"
)

// specShown is a specification as prompts have it: without the keys that say for clients of the API what stands beside them.
func specShown(raw json.RawMessage) json.RawMessage {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var spec map[string]any
	if d.Decode(&spec) != nil || spec == nil {
		return raw
	}
	if _, laidOut := spec["site_map"]; laidOut {
		delete(spec, "summary")
	}
	dropRepeated(spec)
	return form.Marshal(spec)
}

// repeatedKeys are keys of specifications with the ones that they repeat.
var repeatedKeys = [][2]string{{"summary", "elevator_pitch"}, {"description", "goal"}, {"pain_points", "pain_point"}, {"type", "name"}}

func dropRepeated(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			dropRepeated(e)
		}
	case map[string]any:
		for _, k := range repeatedKeys {
			said := v[k[0]]
			if list, ok := said.([]any); ok && len(list) == 1 {
				said = list[0]
			}
			if text, ok := said.(string); ok && text == v[k[1]] {
				delete(v, k[0])
			}
		}
		for _, e := range v {
			dropRepeated(e)
		}
	}
}

const (
	maxDecisions = 40 // that a project keeps, the newest
	maxDecision  = 300

	maxDescription = 2_000 // of a feature or page
)

// respecify brings the project's specifications up to date with what a finish says of them: a specification that is not there is
// not begun, but for decisions, which have no other place.
func (r *run) respecify(a form.FinishArgs) {
	gone := map[string]bool{}
	for _, name := range a.Gone {
		gone[fold(name)] = true
	}
	if spec := specObject(r.project.Requirements); spec != nil && len(a.Features)+len(gone) > 0 {
		list, changed := patchList(spec["core_features"], "name", a.Features, gone, func(name string) map[string]any {
			return map[string]any{"name": name, "priority": "should-have", "user_stories": []string{}}
		})
		spec["core_features"] = list
		if raw := form.Marshal(spec); changed && len(raw) <= codeforge.MaxSpec {
			r.project.Requirements, r.made.Requirements = raw, raw
		}
	}
	spec, changed := specObject(r.project.Architecture), false
	if spec != nil && len(a.Pages)+len(gone) > 0 {
		spec["site_map"], changed = patchList(spec["site_map"], "path", a.Pages, gone, func(path string) map[string]any {
			return map[string]any{"path": path, "name": pageName(path), "components": []string{}}
		})
	}
	if len(a.Decisions) > 0 {
		decisions := addDecisions(spec, a.Decisions)
		if changed = true; spec == nil {
			spec = map[string]any{}
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

// maxChanges is how many features, or pages, one finish may change.
const maxChanges = 50

// patchList takes out of a list of objects those whose key is gone, and gives those that changed their new description: the one of
// the same key, or a new one at the end. What the forms of specifications would refuse is left out.
func patchList(list any, key string, changes map[string]string, gone map[string]bool, add func(name string) map[string]any) (out []any, changed bool) {
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
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		clean, text := strings.TrimSpace(codeforge.Plain(name)), form.Shorten(strings.TrimSpace(codeforge.Plain(changes[name])), maxDescription)
		entry := at[fold(clean)]
		if entry == nil && (len(out) >= maxChanges || !form.Fits(key, clean)) || text == "" {
			continue
		}
		if entry == nil {
			entry = add(clean)
			at[fold(clean)] = entry
			out = append(out, entry)
		}
		entry["description"], changed = text, true
	}
	return out, changed
}

func fold(name string) string { return strings.ToLower(strings.TrimSpace(name)) }
