package npm

import (
	"encoding/json"
	"fmt"
	"strings"
)

// override is a rule of a project's "overrides": under the packages on the way to it, a name, as far as its range
// reaches, is taken in another version. Rules form a tree; the root of it is no rule.
type override struct {
	parent  *override
	name    string
	key     string // as it is written: name or name@range
	keySpec string
	value   string
	rules   []*override
}

const (
	deepestOverride = 16
	mostOverrides   = 500
)

// parseOverrides reads the field; $name stands for what the project itself asks for.
func parseOverrides(raw json.RawMessage, root *manifest) (*override, error) {
	if len(raw) == 0 || string(raw) == "null" || string(raw) == "{}" {
		return nil, nil
	}
	out, left := &override{}, mostOverrides
	return out, out.read(raw, root, 0, &left)
}

func (o *override) read(raw json.RawMessage, root *manifest, depth int, left *int) error {
	if depth > deepestOverride {
		return fmt.Errorf("overrides are nested deeper than %d", deepestOverride)
	}
	keys, values, err := orderedObject(raw)
	if err != nil {
		return fmt.Errorf("overrides: %w", err)
	}
	for i, key := range keys {
		if key == "." {
			continue
		}
		if *left--; *left < 0 {
			return fmt.Errorf("there are more than %d overrides", mostOverrides)
		}
		rule := &override{parent: o, key: key, name: key, keySpec: "*"}
		if at := strings.LastIndexByte(key, '@'); at > 0 {
			rule.name, rule.keySpec = key[:at], key[at+1:]
		}
		if !validName(rule.name) {
			return fmt.Errorf("overrides: %q is no package", key)
		}
		rule.value = rule.keySpec
		var text string
		if json.Unmarshal(values[i], &text) == nil {
			rule.value = text
		} else if err := rule.read(values[i], root, depth+1, left); err != nil {
			return err
		} else if own := ownValue(values[i]); own != "" {
			rule.value = own
		}
		if ref, ok := strings.CutPrefix(rule.value, "$"); ok {
			found := false
			for _, list := range []dependencies{root.Dev, root.Optional, root.Deps, root.Peer} {
				if text, found = list.get(ref); found {
					break
				}
			}
			if !found {
				return fmt.Errorf("overrides: %s refers to %s, which the project does not depend on", key, rule.value)
			}
			rule.value = text
		}
		if rule.value == "" {
			rule.value = "*"
		}
		o.rules = append(o.rules, rule)
	}
	return nil
}

// ownValue is what an object of overrides says of its package itself.
func ownValue(raw json.RawMessage) string {
	var object struct {
		Own string `json:"."`
	}
	if json.Unmarshal(raw, &object) != nil {
		return ""
	}
	return object.Own
}

func orderedObject(raw json.RawMessage) (keys []string, values []json.RawMessage, err error) {
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, nil, fmt.Errorf("%.40q is no object", raw)
	}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, nil, err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, nil, err
		}
		keys, values = append(keys, t.(string)), append(values, value)
	}
	return keys, values, nil
}

// inForce are the rules that hold from here, the nearest first.
func (o *override) inForce() []*override {
	var out []*override
	seen := map[string]bool{}
	for up := o; up != nil; up = up.parent {
		for _, rule := range up.rules {
			if !seen[rule.key] {
				seen[rule.key] = true
				out = append(out, rule)
			}
		}
		if up.parent != nil && !seen[up.key] {
			seen[up.key] = true
			out = append(out, up)
		}
	}
	return out
}

// forEdge is the rule that an edge falls under; what falls under none keeps those of where it starts.
func (o *override) forEdge(e *edge) *override {
	for _, rule := range o.inForce() {
		if rule.name != e.name {
			continue
		}
		if rule.keySpec == "*" {
			return rule
		}
		s := parseSpec(e.name, e.raw)
		if s.kind != rangeSpec && s.kind != versionSpec || intersect(s.want, rule.keySpec) {
			return rule
		}
	}
	return o
}

func (o *override) equal(other *override) bool {
	if o == other {
		return true
	}
	if o == nil || other == nil || o.key != other.key || o.value != other.value || len(o.rules) != len(other.rules) {
		return false
	}
	return o.parent.equal(other.parent)
}

// moreSpecific is the one of two that lies under the other; of two that lie apart and do not contradict each other,
// what both lie under.
func moreSpecific(a, b *override) *override {
	for up := b; up != nil; up = up.parent {
		if up.equal(a) {
			return b
		}
	}
	for up := a; up != nil; up = up.parent {
		if up.equal(b) {
			return a
		}
	}
	if a.contradicts(b) {
		return nil
	}
	for up := b; up != nil; up = up.parent {
		for other := a; other != nil; other = other.parent {
			if other.equal(up) {
				return up
			}
		}
	}
	return nil
}

func (o *override) conflicts(other *override) bool {
	return moreSpecific(o, other) == nil && o.contradicts(other)
}

func (o *override) contradicts(other *override) bool {
	for _, rule := range o.inForce() {
		for _, against := range other.inForce() {
			if rule.key == against.key && !rule.equal(against) {
				a, b := parseSpec(rule.name, rule.value), parseSpec(against.name, against.value)
				if a.kind <= versionSpec && b.kind <= versionSpec && !intersect(a.want, b.want) {
					return true
				}
			}
		}
	}
	return false
}
