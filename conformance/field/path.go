// Package field reads fields of Kubernetes objects by path, and compares them
// with what a feature's table expects.
package field

import (
	"fmt"
	"strconv"
	"strings"
)

// Path is a parsed field path, as the tables of the features write it:
//
//	spec.replicas
//	spec.template.spec.containers[0].image
//	spec.template.spec.containers[name=web].image
//	metadata.annotations[deployment.kubernetes.io/revision]
//
// Brackets hold an index, a key=value that selects the item of a list, or the
// key of a map, which may then contain dots.
type Path []segment

type segment struct {
	key        string // of a map
	index      int    // of a list, if isIndex
	isIndex    bool
	match      string // value that the item's key has, if isSelector
	isSelector bool
}

// ParsePath parses a path; the error quotes it.
func ParsePath(text string) (Path, error) {
	var path Path
	rest := text
	for rest != "" {
		switch {
		case rest[0] == '[':
			end := strings.IndexByte(rest, ']')
			if end < 0 {
				return nil, fmt.Errorf("field path %q: [ without ]", text)
			}
			path = append(path, bracket(rest[1:end]))
			rest = rest[end+1:]
		default:
			rest = strings.TrimPrefix(rest, ".")
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			if end == 0 {
				return nil, fmt.Errorf("field path %q: a name is missing", text)
			}
			path = append(path, segment{key: rest[:end]})
			rest = rest[end:]
		}
	}
	if len(path) == 0 {
		return nil, fmt.Errorf("field path is empty")
	}
	return path, nil
}

func bracket(inner string) segment {
	if index, err := strconv.Atoi(inner); err == nil {
		return segment{index: index, isIndex: true}
	}
	if key, match, found := strings.Cut(inner, "="); found {
		return segment{key: key, match: match, isSelector: true}
	}
	return segment{key: inner}
}

// Get returns the value at the path in an object's JSON form, and whether it is
// there. An empty string, list or map that is there is there.
func (p Path) Get(object any) (any, bool) {
	value := object
	for _, step := range p {
		var found bool
		if value, found = step.get(value); !found {
			return nil, false
		}
	}
	return value, value != nil
}

func (s segment) get(value any) (any, bool) {
	switch {
	case s.isIndex:
		list, ok := value.([]any)
		if !ok || s.index >= len(list) {
			return nil, false
		}
		return list[s.index], true
	case s.isSelector:
		list, ok := value.([]any)
		if !ok {
			return nil, false
		}
		for _, item := range list {
			if entry, ok := item.(map[string]any); ok && scalar(entry[s.key]) == s.match {
				return item, true
			}
		}
		return nil, false
	default:
		entry, ok := value.(map[string]any)
		if !ok {
			return nil, false
		}
		inner, found := entry[s.key]
		return inner, found
	}
}

// Set puts the value at the path of an object's JSON form and returns the
// object, making maps and list items on the way. A nil value removes the field.
func (p Path) Set(object any, value any) (any, error) {
	if len(p) == 0 {
		return value, nil
	}
	step, rest := p[0], p[1:]
	if step.isIndex || step.isSelector {
		list, _ := object.([]any)
		index := step.position(list)
		if index < 0 || index > len(list) {
			return nil, fmt.Errorf("a list of %d items has no place for item %d", len(list), step.index)
		}
		if value == nil && len(rest) == 0 {
			if index == len(list) {
				return list, nil
			}
			return append(list[:index:index], list[index+1:]...), nil
		}
		if index == len(list) {
			var item any
			if step.isSelector {
				item = map[string]any{step.key: step.match}
			}
			list = append(list, item)
		}
		inner, err := rest.Set(list[index], value)
		list[index] = inner
		return list, err
	}
	entry, ok := object.(map[string]any)
	if !ok {
		entry = map[string]any{}
	}
	if value == nil && len(rest) == 0 {
		delete(entry, step.key)
		return entry, nil
	}
	inner, err := rest.Set(entry[step.key], value)
	entry[step.key] = inner
	return entry, err
}

func (s segment) position(list []any) int {
	if s.isIndex {
		return s.index
	}
	for i, item := range list {
		if entry, ok := item.(map[string]any); ok && scalar(entry[s.key]) == s.match {
			return i
		}
	}
	return len(list)
}

// scalar renders a JSON scalar the way a table writes it.
func scalar(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return fmt.Sprint(v)
	}
}
