package specification

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Select returns the specification reduced to the requirements that a list of
// patterns names. A pattern is an id ("RS-07"), a prefix of ids ("RS", "API-"),
// a level ("MUST"), a link ("scheduler"), a feature's path, base name or folder, or a path
// with the line of a Rule, scenario or row, or "time-based"; with "!" in front it
// excludes. Without a pattern that includes, everything is included. A pattern
// that matches nothing is an error, and so is an empty selection.
func (s *Specification) Select(patterns []string) (*Specification, error) {
	if len(patterns) == 0 {
		return s, nil
	}
	var faults []error
	included, excluded := map[*Example]bool{}, map[*Example]bool{}
	includes := false
	for _, pattern := range patterns {
		target, bare := included, pattern
		if rest, found := strings.CutPrefix(pattern, "!"); found {
			target, bare = excluded, rest
		} else {
			includes = true
		}
		matched := false
		for _, requirement := range s.Requirements {
			for _, example := range requirement.Examples {
				if bare != "" && (requirement.matches(bare) || example.at(bare)) {
					target[example] = true
					matched = true
				}
			}
		}
		if !matched {
			faults = append(faults, fmt.Errorf("%q selects nothing: expected an id, a prefix of ids, a level, a link, or the path of a feature (see podchain list)", pattern))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	selected := &Specification{Digest: s.Digest, Features: s.Features}
	for _, requirement := range s.Requirements {
		reduced := *requirement
		reduced.Examples = slices.DeleteFunc(slices.Clone(requirement.Examples), func(example *Example) bool {
			return (includes && !included[example]) || excluded[example]
		})
		if len(reduced.Examples) > 0 {
			selected.Requirements = append(selected.Requirements, &reduced)
		}
	}
	if len(selected.Requirements) == 0 {
		return nil, fmt.Errorf("nothing is left to run: %s excludes everything that is selected", strings.Join(patterns, " "))
	}
	return selected, nil
}

func (r *Requirement) matches(pattern string) bool {
	if pattern == r.ID || pattern == r.Level || pattern == r.Link {
		return true
	}
	if strings.HasPrefix(r.ID, strings.TrimSuffix(pattern, "-")+"-") {
		return true
	}
	file := place(pattern)
	if r.Location.is(file) {
		return true
	}
	return r.Location.File == file || path.Base(r.Location.File) == file || strings.HasPrefix(r.Location.File, strings.TrimSuffix(file, "/")+"/")
}

// at says whether a pattern is the place of the example, or what it is like.
func (e *Example) at(pattern string) bool {
	return e.Location.is(place(pattern)) || e.TimeBased && pattern == timeBasedTag[1:]
}

// is tells whether text is the location, with or without the folder of the feature.
func (l Location) is(text string) bool {
	return text == l.String() || text == Location{path.Base(l.File), l.Line}.String()
}

// place returns a path as the specification names it.
func place(pattern string) string {
	return strings.TrimPrefix(strings.TrimPrefix(pattern, "./"), "features/")
}
