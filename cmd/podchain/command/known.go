package command

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/podchain/podchain/conformance/printable"
	"github.com/podchain/podchain/conformance/specification"
)

// knownHelp describes --known-failing.
const knownHelp = "Accept failures that this YAML `file` lists, as lines of \"pattern: reason\" with patterns as in --select. A listed scenario may fail; it is reported as known failing. When everything that a requirement has listed for one reason passes, it is stale, and the run fails"

// loadKnown reads the list of what is known to fail. It returns a function that says why an
// example is known to fail; nil without a list. Every pattern must select something in the
// whole specification and have a reason, and nothing may be listed twice.
func loadKnown(file string, whole *specification.Specification) (func(*specification.Example) string, error) {
	if file == "" {
		return nil, nil
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--known-failing: %w", printable.File(err))
	}
	var document yaml.Node
	if err := yaml.Unmarshal(content, &document); err != nil {
		return nil, fmt.Errorf("--known-failing %s: not valid YAML: %w", file, printable.YAML(err))
	}
	entries, err := known(&document)
	if err != nil {
		return nil, fmt.Errorf("--known-failing %s:%w", file, err)
	}
	reasons, lines := map[specification.Location]string{}, map[specification.Location]int{}
	var faults []error
	for _, entry := range entries {
		fault := func(format string, values ...any) {
			faults = append(faults, fmt.Errorf("--known-failing %s:%d: "+format, append([]any{file, entry.line}, values...)...))
		}
		if entry.reason == "" {
			fault("%s has no reason: write it after the colon", entry.pattern)
		}
		if strings.HasPrefix(entry.pattern, "!") {
			fault("%s excludes: a list of known failures has nothing to exclude from", entry.pattern)
			continue
		}
		listed, err := whole.Select([]string{entry.pattern})
		if err != nil {
			fault("%w", err)
			continue
		}
		for _, requirement := range listed.Requirements {
			for _, example := range requirement.Examples {
				if line := lines[example.Location]; line != 0 {
					fault("%s lists %s, which line %d does already", entry.pattern, example.Location, line)
					continue
				}
				reasons[example.Location], lines[example.Location] = entry.reason, entry.line
			}
		}
	}
	return func(example *specification.Example) string { return reasons[example.Location] }, errors.Join(faults...)
}

// knownEntry is a line of the list.
type knownEntry struct {
	pattern, reason string
	line            int
}

// known are the entries of a list. The error begins with the line.
func known(document *yaml.Node) (entries []knownEntry, err error) {
	if len(document.Content) == 0 {
		return nil, nil // an empty file
	}
	list := document.Content[0]
	if list.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%d: expected lines of \"pattern: reason\"", list.Line)
	}
	for i := 0; i < len(list.Content); i += 2 {
		pattern, reason := list.Content[i], list.Content[i+1]
		if reason.Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("%d: the reason of %s must be a text", reason.Line, pattern.Value)
		}
		text := strings.TrimSpace(reason.Value)
		if reason.Tag == "!!null" {
			text = ""
		}
		entries = append(entries, knownEntry{pattern.Value, text, pattern.Line})
	}
	return entries, nil
}
